"""What every channel must keep, whatever machine is behind it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import attrs
from hypothesis import strategies as st

from crmkit.delivery.channel import Channel, Guarantee, Limits, Outcome, Question, Receipt, guarantee_of, limits_of
from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.plugins.owned import OwnedChannel
from crmkit.testing.fakes import Fallible, Provider, Trouble
from crmkit.testing.handed import handed_over
from crmkit.testing.law import Kind, law
from crmkit.testing.network import impatient
from crmkit.testing.samples import message_of
from crmkit.testing.strategies.sent import batches, messages
from crmkit.testing.trial import NotRun, Trial

_THREADS = 4


def outcomes(receipts: Sequence[Receipt]) -> dict[str, Outcome]:
    """Return what became of each message, by key."""
    return {receipt.key: receipt.outcome for receipt in receipts}


@law(
    Kind.CHANNEL,
    "It declares a name, its medium, what its provider guarantees and how much it takes, and never says otherwise.",
    mend="Make name, medium, guarantee and limits plain attributes of these types; a guarantee that says queryable "
    "needs a method ask.",
    examples=1,
)
def declares(trial: Trial[Channel]) -> None:
    channel, again = trial.thing, trial.again()
    trial.expect_named()
    trial.expect(isinstance(channel.medium, Medium), f"the medium {channel.medium!r}")
    guarantee, limits = getattr(channel, "guarantee", Guarantee()), getattr(channel, "limits", Limits())
    trial.expect(isinstance(guarantee, Guarantee), f"a guarantee that is a {type(guarantee).__name__}")
    trial.expect(isinstance(limits, Limits), f"limits that are a {type(limits).__name__}")
    trial.expect(not guarantee.queryable or callable(getattr(channel, "ask", None)), "queryable, and no method ask")
    said = [(one.medium, guarantee_of(one), limits_of(one)) for one in (channel, again)]
    trial.expect(said[0] == said[1], "one thing said when opened once, another when opened again")


@law(
    Kind.CHANNEL,
    "Each message gets exactly one receipt.",
    mend="Build the list from the messages, not from the provider's answer: one Receipt for each, and Outcome.UNKNOWN "
    "where the answer says nothing of it.",
    safety=True,
)
def one_receipt(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    receipts = handed_over(trial.thing, batch)
    strange = [type(one).__name__ for one in receipts if not isinstance(one, Receipt)]
    trial.expect(not strange, f"a {', '.join(strange)} where a Receipt is wanted")
    trial.expect(all(isinstance(one.outcome, Outcome) for one in receipts), "an outcome that is no Outcome")
    counted = Counter(one.key for one in receipts)
    wrong = {message.key: counted[message.key] for message in batch if counted[message.key] != 1}
    trial.expect(not wrong, f"so many receipts by key: {wrong}")


@law(
    Kind.CHANNEL,
    "No receipt bears a key that was not handed over.",
    mend="Take Receipt.key from Message.key, never from the provider's answer.",
    safety=True,
)
def no_foreign_receipt(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    foreign = {one.key for one in handed_over(trial.thing, batch)} - {message.key for message in batch}
    trial.expect(not foreign, f"receipts for {', '.join(sorted(map(str, foreign)))}")


@law(
    Kind.CHANNEL,
    "An empty batch gets no receipt and reaches nobody.",
    mend="Return an empty list before you connect to anything.",
    examples=1,
)
def empty_batch(trial: Trial[Channel]) -> None:
    receipts = handed_over(trial.thing, ())
    trial.expect(not receipts, f"{len(receipts)} receipts for nothing")
    if isinstance(trial.home.fake, Provider):
        trial.expect(not trial.home.fake.taken(), "the provider took a message")


@law(
    Kind.CHANNEL,
    "The order of a batch makes no difference to what becomes of each message.",
    mend="Match the provider's answers to messages by key, not by position.",
)
def order_does_not_matter(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=2, odd=True))
    other = trial.draw(st.permutations(batch))
    first = outcomes(handed_over(trial.thing, batch))
    with trial.elsewhere() as there:
        second = outcomes(handed_over(there.thing, tuple(other)))
    trial.expect(first == second, f"{first} in one order, {second} in another")


@law(
    Kind.CHANNEL,
    "The size of batches makes no difference to what becomes of each message.",
    mend="Keep nothing from one call to the next that could change an answer; do not let one failure end the batch.",
)
def size_does_not_matter(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=2, odd=True))
    together = outcomes(handed_over(trial.thing, batch))
    with trial.elsewhere() as there:
        alone = outcomes([receipt for message in batch for receipt in handed_over(there.thing, (message,))])
    trial.expect(together == alone, f"{together} together, {alone} one by one")


@law(
    Kind.CHANNEL,
    "It raises on no message, however odd: it refuses what it cannot deliver.",
    mend="Catch what writing the message can raise, for each message by itself, and answer Outcome.REFUSED.",
)
def never_raises(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1, odd=True))
    receipts = handed_over(trial.thing, batch)
    trial.expect(len(receipts) == len(batch), f"{len(receipts)} receipts for {len(batch)} messages")


@law(
    Kind.CHANNEL,
    "It changes neither the batch nor any message in it.",
    mend="Copy what you want to change: list(messages), attrs.evolve(message, ...).",
)
def changes_nothing(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=2))
    handed, digests = list(batch), [message.digest for message in batch]
    handed_over(trial.thing, handed)
    trial.expect(len(handed) == len(batch), f"a batch of {len(batch)} that has {len(handed)} afterwards")
    trial.expect(all(one is other for one, other in zip(handed, batch, strict=True)), "the batch in another order")
    trial.expect([message.digest for message in batch] == digests, "a message with other words than before")


@law(
    Kind.CHANNEL,
    "It takes a whole batch of the size that its limits state.",
    mend="State what the provider takes: limits = Limits(batch=50), or make several calls of one batch.",
    examples=1,
)
def keeps_its_limit(trial: Trial[Channel]) -> None:
    most = limits_of(trial.thing).batch
    batch = tuple(message_of(number, trial.thing.medium) for number in range(1, most + 1))
    sent = [key for key, outcome in outcomes(handed_over(trial.thing, batch)).items() if outcome is Outcome.SENT]
    trial.expect(len(sent) == most, f"{len(sent)} of {most} messages sent")


@law(
    Kind.CHANNEL,
    "Several threads may send at once, and each gets the receipts of its own messages.",
    mend="Keep what belongs to a call in local variables; hold a lock around a connection that is shared.",
    safety=True,
    examples=2,
)
def threads(trial: Trial[Channel]) -> None:
    medium, answers = trial.thing.medium, dict[int, list[Receipt] | Exception]()
    shares = {one: tuple(message_of(one * 8 + at, medium) for at in range(8)) for one in range(_THREADS)}
    together = threading.Barrier(_THREADS)

    def send(share: int) -> None:
        together.wait(30)
        try:
            answers[share] = handed_over(trial.thing, shares[share])
        except Exception as problem:  # noqa: BLE001 - told below
            answers[share] = problem

    working = [threading.Thread(target=send, args=(share,)) for share in shares]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join(60)
    for share, batch in shares.items():
        _own_receipts(trial, batch, answers.get(share, TimeoutError()))


def _own_receipts(trial: Trial[Channel], batch: Sequence[Message], answer: list[Receipt] | Exception) -> None:
    if isinstance(answer, Exception):
        trial.expect(False, f"a thread got {type(answer).__name__}")
        return
    keys, wanted = sorted(one.key for one in answer), sorted(message.key for message in batch)
    trial.expect(keys == wanted, f"a thread got {len(keys)} receipts, not the {len(wanted)} of its messages")


@law(
    Kind.CHANNEL,
    "No receipt holds a name, an address, a number or words of the message.",
    mend="Give a code and a phase as evidence (400, timeout), and only the provider's own id as reference; a "
    "provider's text may repeat the address.",
    safety=True,
)
def no_patient_in_receipts(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1, odd=True))
    _tells_nobody(trial, batch, handed_over(trial.thing, batch))
    # What the provider says of a message may repeat it: a receipt must not.
    refused = attrs.evolve(batch[0], to="nobody-at-all")
    _tells_nobody(trial, (refused,), handed_over(trial.thing, (refused,)))


def _tells_nobody(trial: Trial[Channel], batch: Sequence[Message], receipts: Sequence[Receipt]) -> None:
    for part in ("reference", "evidence"):
        told = "\n".join(str(getattr(receipt, part)) for receipt in receipts)
        trial.expect_discreet(told, *batch, where=f"a receipt's {part}")


@law(
    Kind.CHANNEL,
    "Nothing that it logs, prints or warns of holds a name, an address, a number or words of the message.",
    mend="Log the key: ctx.log.info('sent %s', message.key). Some HTTP libraries log whole addresses; silence them.",
    safety=True,
)
def no_patient_in_logs(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1, odd=True))
    with trial.listening() as heard:
        handed_over(trial.thing, batch)
    trial.expect_discreet(heard.text, *batch, where="the log")


@law(
    Kind.CHANNEL,
    "Its repr holds nothing of what it has sent.",
    mend="Keep no messages; give fields that hold some repr=False.",
    safety=True,
    examples=5,
)
def no_patient_in_repr(trial: Trial[Channel]) -> None:
    message = trial.draw(messages(trial.thing.medium))
    handed_over(trial.thing, (message,))
    trial.expect_discreet(f"{trial.thing!r} {trial.thing}", message, where="the repr")


@law(
    Kind.CHANNEL,
    "The core takes its receipts as they are, also while the provider is in trouble.",
    mend="Answer with Receipt itself, each part of the type that it states: reference=str(id), evidence=str(code), "
    "permanent True or False, retry_after=timedelta(seconds=120).",
    examples=2,
)
def core_takes_it(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1, max_size=3, odd=True))
    refused = attrs.evolve(message_of(1002, trial.thing.medium), to="nobody-at-all")
    owned = OwnedChannel(trial.home.plugin.info.name, trial.thing)
    owned.send((*batch, refused))
    if owned.guarantee.queryable:
        owned.ask([Question(one.key, one.message_id, "", one.at) for one in batch])
    trial.expect_taken(owned.calls)
    for trouble in Trouble if isinstance(trial.home.fake, Fallible) else ():
        # Anew, for one that was asked to wait is not called.
        owned = OwnedChannel(trial.home.plugin.info.name, trial.thing)
        with suppress(NotRun):
            trial.fail(trouble)
            with impatient():
                owned.send(batch[:1])
        trial.expect_taken(owned.calls)


LAWS = (
    *(declares, one_receipt, no_foreign_receipt, empty_batch, order_does_not_matter, size_does_not_matter),
    *(never_raises, changes_nothing, keeps_its_limit, threads),
    *(no_patient_in_receipts, no_patient_in_logs, no_patient_in_repr, core_takes_it),
)
