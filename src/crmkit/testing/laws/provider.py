"""What every channel must keep towards the provider behind it: these laws need a fake that tells what it took."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import attrs

from crmkit.delivery.channel import Channel, Outcome, Question, Receipt, guarantee_of
from crmkit.messages.message import Message
from crmkit.testing.fakes import Fallible, Provider, Taken, Trouble
from crmkit.testing.handed import handed_over
from crmkit.testing.law import Kind, law
from crmkit.testing.laws.channel import outcomes
from crmkit.testing.samples import message_of, reference_of
from crmkit.testing.strategies.sent import batches
from crmkit.testing.trial import NotRun, Trial

_BOTH = (Provider, Fallible)
#: What says that nothing was taken.
DENIED = (Outcome.RETRY, Outcome.REFUSED)


def in_trouble(trial: Trial[Channel], trouble: Trouble, batch: Sequence[Message]) -> Sequence[Receipt]:
    """Return the receipts of a batch that is sent while something is wrong at the provider."""
    trial.fail(trouble)
    return handed_over(trial.thing, batch)


def nobody_is(trial: Trial[Channel], wrong: Collection[Outcome], told: Mapping[str, Outcome]) -> None:
    """Expect that no message is reported to have come to what would be wrong of it."""
    said = [outcome for outcome in told.values() if outcome in wrong]
    trial.expect(not said, f"reported: {', '.join(said)}")


def bare(text: str) -> str:
    """Return an address or words without what providers write differently: blanks, signs, case.

    >>> bare("+44 7700 900123") == bare("447700900123")
    True
    """
    return re.sub(r"[\W_]+", "", text.casefold())


@law(
    Kind.CHANNEL,
    "What is reported as sent has reached the address of its own message, and no other address got its words.",
    mend="Make one request from one message; do not zip lists of addresses with lists of texts.",
    safety=True,
    wants=(Provider,),
)
def right_address(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    sent = outcomes(handed_over(trial.thing, batch))
    taken = trial.provider.taken()
    for message in batch:
        got = {bare(one.to) for one in taken if bare(reference_of(message.key)) in bare(one.text)}
        if sent.get(message.key) is Outcome.SENT:
            trial.expect(got, f"{message.key} is reported as sent, and no message with its last line was taken")
        trial.expect(got <= {bare(message.to)}, f"the words of {message.key} went to another address")


@law(
    Kind.CHANNEL,
    "What is reported as sent has left whole: nothing is cut without a word.",
    mend="Refuse what is too long for the provider (Outcome.REFUSED, evidence='too long'), or send it in parts.",
    wants=(Provider,),
)
def whole_text(trial: Trial[Channel]) -> None:
    long = message_of(1001, trial.thing.medium, "We look forward to seeing you again. " * 60)
    batch = (*trial.draw(batches(trial.thing.medium, odd=True)), long)
    sent = outcomes(handed_over(trial.thing, batch))
    taken = [bare(one.text) for one in trial.provider.taken()]
    for message in batch:
        whole = any(bare(message.text) in text for text in taken)
        trial.expect(whole or sent.get(message.key) is not Outcome.SENT, f"{message.key} left with other words")


@law(
    Kind.CHANNEL,
    "Each message leaves at most once in a call.",
    mend="Do not try again inside send: answer Outcome.RETRY or UNKNOWN, and the core decides.",
    safety=True,
    wants=(Provider,),
)
def once_each(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    handed_over(trial.thing, batch)
    for message in batch:
        copies = copies_of(message, trial.provider.taken())
        trial.expect(copies <= 1, f"{copies} copies of {message.key} in one call")


def copies_of(message: Message, taken: Sequence[Taken]) -> int:
    """Return how often a message is among those that a provider took."""
    return sum(bare(reference_of(message.key)) in bare(one.text) for one in taken)


@law(
    Kind.CHANNEL,
    "A channel that is keyed gives the provider the same key for the same message, whoever sends it again.",
    mend="Derive the provider's idempotency key from Message.key alone: no counter, no clock, no random part.",
    safety=True,
    wants=(Provider,),
)
def keyed_by_message(trial: Trial[Channel]) -> None:
    if guarantee_of(trial.thing).ttl <= timedelta(0):
        raise NotRun("the channel does not say that its provider knows keys")
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    handed_over(trial.thing, batch)
    trial.home.clock.move(timedelta(minutes=1))
    # Another batch, in which the same messages stand elsewhere.
    again = (message_of(1000, trial.thing.medium), *reversed(batch))
    handed_over(trial.again(), again)
    for message in again:
        copies = copies_of(message, trial.provider.taken())
        trial.expect(copies == 1, f"the provider took {copies} copies of {message.key}")


@law(
    Kind.CHANNEL,
    "Where the provider refuses, nothing is reported as sent.",
    mend="Read the status of every answer; only the one that the provider documents as accepted is Outcome.SENT.",
    safety=True,
    wants=_BOTH,
    examples=5,
)
def refusal_is_not_sent(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    told = set(outcomes(in_trouble(trial, Trouble.REFUSES, batch)).values())
    trial.expect(Outcome.SENT not in told, "a message that was refused is reported as sent")


@law(
    Kind.CHANNEL,
    "A provider that is overloaded is asked again later: nothing is sent, and nothing refused for good.",
    mend="Answer Outcome.RETRY to 429 and 503, and to what else your provider documents as temporary.",
    wants=_BOTH,
    examples=5,
)
def overload_is_temporary(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    told = set(outcomes(in_trouble(trial, Trouble.OVERLOADED, batch)).values())
    trial.expect(not told & {Outcome.SENT, Outcome.REFUSED}, f"reported: {', '.join(sorted(told))}")


@law(
    Kind.CHANNEL,
    "A provider that cannot be reached has got nothing: each message is to be tried again.",
    mend="Answer Outcome.RETRY where the connection could not be opened, for every message of the batch.",
    wants=_BOTH,
    examples=5,
)
def unreachable_is_retry(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    told = outcomes(in_trouble(trial, Trouble.UNREACHABLE, batch))
    wrong = {outcome for outcome in told.values() if outcome is not Outcome.RETRY}
    trial.expect(not wrong and len(told) == len(batch), f"reported: {', '.join(sorted(told.values()))}")


@law(
    Kind.CHANNEL,
    "Only a refusal says that the address is at fault: a provider that is overloaded, away or gone says nothing of it.",
    mend="Set Receipt.permanent only with Outcome.REFUSED, and only for the codes by which your provider says that "
    "nobody has this address or number.",
    safety=True,
    wants=(Fallible,),
    examples=2,
)
def only_a_refusal_is_permanent(trial: Trial[Channel]) -> None:
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    receipts = [*handed_over(trial.thing, batch)]
    for trouble in (Trouble.OVERLOADED, Trouble.UNREACHABLE):
        receipts += in_trouble(trial, trouble, batch)
    wrong = {one.outcome for one in receipts if one.permanent and one.outcome is not Outcome.REFUSED}
    trial.expect(not wrong, f"{', '.join(sorted(wrong))}, and the address at fault")


@law(
    Kind.CHANNEL,
    "What the provider took without an answer is unknown: never to be tried again, never sent, never refused.",
    mend="Once the request has left, any failure is Outcome.UNKNOWN; RETRY is for what provably had no effect.",
    safety=True,
    wants=_BOTH,
    examples=5,
)
def lost_answer_is_unknown(trial: Trial[Channel]) -> None:
    told = outcomes(in_trouble(trial, Trouble.LOST, (message_of(7, trial.thing.medium),)))
    wrong = [outcome for outcome in told.values() if outcome is not Outcome.UNKNOWN]
    trial.expect(not wrong, f"reported: {', '.join(wrong)}")


@law(
    Kind.CHANNEL,
    "An answer that cannot be read, or says nothing of the message, leaves it unknown, or sent: it is not tried again "
    "and not refused.",
    mend="Catch what reading the answer can raise, and answer Outcome.UNKNOWN for that message, for each that a bulk "
    "call's answer leaves out, and to every word that your provider does not document.",
    safety=True,
    wants=_BOTH,
    examples=5,
)
def nonsense_is_unknown(trial: Trial[Channel]) -> None:
    batch = (message_of(7, trial.thing.medium), message_of(8, trial.thing.medium))
    nobody_is(trial, DENIED, outcomes(in_trouble(trial, Trouble.NONSENSE, batch[:1])))
    for trouble in (Trouble.OMITS, Trouble.EMPTY, Trouble.STRANGE):
        with suppress(NotRun):
            nobody_is(trial, DENIED, outcomes(in_trouble(trial, trouble, batch)))


@law(
    Kind.CHANNEL,
    "What is to be tried again has not left, whatever became of the others in its batch.",
    mend="Answer RETRY, or raise NotSent, only for what was not handed to the provider; yield receipts one by one if "
    "you may raise NotSent after some.",
    safety=True,
    wants=(Provider,),
)
def retry_has_not_left(trial: Trial[Channel]) -> None:
    odd = trial.draw(batches(trial.thing.medium, max_size=3, odd=True))
    refused = attrs.evolve(message_of(1002, trial.thing.medium), to="nobody-at-all")
    batch = (message_of(1003, trial.thing.medium), *odd, refused, message_of(1004, trial.thing.medium))
    told = outcomes(handed_over(trial.thing, batch))
    taken = trial.provider.taken()
    wrong = [one.key for one in batch if told.get(one.key) is Outcome.RETRY and copies_of(one, taken)]
    trial.expect(not wrong, f"{', '.join(wrong)} taken by the provider, and to be tried again")


@law(
    Kind.CHANNEL,
    "When the provider works again, so does the channel.",
    mend="Open a new connection where the old one failed; keep no flag that says the provider is down.",
    wants=_BOTH,
    examples=1,
)
def recovers(trial: Trial[Channel]) -> None:
    first, second = message_of(1, trial.thing.medium), message_of(2, trial.thing.medium)
    in_trouble(trial, Trouble.OVERLOADED, (first,))
    trial.fail(None)
    told = outcomes(handed_over(trial.thing, (second,)))
    trial.expect(told == {second.key: Outcome.SENT}, f"reported: {', '.join(told.values())}")


@law(
    Kind.CHANNEL,
    "Asked what became of an attempt, a queryable channel never says retry of what the provider took.",
    mend="Answer Outcome.RETRY only where the provider says that it never saw the message; else SENT or UNKNOWN.",
    safety=True,
    wants=(Provider,),
    examples=5,
)
def asks_truly(trial: Trial[Channel]) -> None:
    ask = getattr(trial.thing, "ask", None)
    if not guarantee_of(trial.thing).queryable or ask is None:
        raise NotRun("the channel does not say that its provider can be asked")
    batch = trial.draw(batches(trial.thing.medium, min_size=1))
    receipts = {receipt.key: receipt for receipt in handed_over(trial.thing, batch)}
    questions = [Question(one.key, one.message_id, receipts[one.key].reference, one.at) for one in batch]
    answers = list(ask(tuple(questions)))
    trial.expect(sorted(one.key for one in answers) == sorted(receipts), "not one receipt for each question")
    left = {one.key for one in batch if copies_of(one, trial.provider.taken())}
    again = {one.key for one in answers if one.outcome is Outcome.RETRY}
    trial.expect(not left & again, "retry, of a message that the provider took")


LAWS = (
    *(right_address, whole_text, once_each, keyed_by_message, refusal_is_not_sent, overload_is_temporary),
    *(only_a_refusal_is_permanent, unreachable_is_retry, lost_answer_is_unknown, nonsense_is_unknown),
    *(retry_has_not_left, recovers, asks_truly),
)
