"""What every channel must keep where it would be easy to be too sure of what became of a message."""

from __future__ import annotations

from contextlib import suppress

import attrs

from crmkit.delivery.channel import Channel, Outcome, QueryableChannel, Question, Receipt, guarantee_of
from crmkit.testing.fakes import Fallible, Provider, Trouble
from crmkit.testing.handed import handed_over
from crmkit.testing.law import Kind, law
from crmkit.testing.laws.channel import outcomes
from crmkit.testing.laws.provider import DENIED, copies_of, in_trouble, nobody_is
from crmkit.testing.network import impatient, offline
from crmkit.testing.samples import message_of
from crmkit.testing.strategies.sent import batches
from crmkit.testing.trial import NotRun, Trial

_BOTH = (Provider, Fallible)


@law(
    Kind.CHANNEL,
    "Where one message of a batch is refused, each gets the answer that is its own, wherever it stands.",
    mend="Find the provider's answer to a message by its key or reference, never by its position; an answer that is "
    "missing is Outcome.UNKNOWN.",
    safety=True,
    wants=(Provider,),
)
def each_its_own_answer(trial: Trial[Channel]) -> None:
    fine = trial.draw(batches(trial.thing.medium, min_size=2))
    refused = attrs.evolve(message_of(1002, trial.thing.medium), to="nobody-at-all")
    batch = (fine[0], refused, *fine[1:])
    told, taken = outcomes(handed_over(trial.thing, batch)), trial.provider.taken()
    for message in batch:
        outcome, left = told.get(message.key), bool(copies_of(message, taken))
        trial.expect(left or outcome is not Outcome.SENT, f"{message.key} is reported as sent, and was not taken")
        trial.expect(not (left and outcome in DENIED), f"{message.key} is reported as {outcome}, and was taken")


@law(
    Kind.CHANNEL,
    "A provider that takes a message and answers that it failed leaves it unknown: not tried again, not refused.",
    mend="Answer Outcome.UNKNOWN to 500, 502 and 504, and to whatever else does not say that nothing was taken.",
    safety=True,
    wants=_BOTH,
    examples=2,
)
def failed_answer_is_unknown(trial: Trial[Channel]) -> None:
    nobody_is(trial, DENIED, outcomes(in_trouble(trial, Trouble.FAILS, (message_of(7, trial.thing.medium),))))


@law(
    Kind.CHANNEL,
    "A provider that takes a message and does not answer in time leaves it unknown: not tried again, not refused.",
    mend="Answer Outcome.UNKNOWN to a time limit that is over while you wait for the answer; RETRY only where the "
    "connection could not be opened in time.",
    safety=True,
    wants=_BOTH,
    examples=1,
)
def late_answer_is_unknown(trial: Trial[Channel]) -> None:
    trial.fail(Trouble.SILENT)
    with impatient():
        nobody_is(trial, DENIED, outcomes(handed_over(trial.thing, (message_of(7, trial.thing.medium),))))


@law(
    Kind.CHANNEL,
    "Where the practice's line is down, nothing has left: each message is to be tried again.",
    mend="Answer Outcome.RETRY where the provider's name is not found (socket.gaierror), as where nobody takes a call.",
    wants=(Provider,),
    examples=1,
)
def offline_is_retry(trial: Trial[Channel]) -> None:
    with offline():
        told = outcomes(handed_over(trial.thing, (message_of(7, trial.thing.medium),)))
    # Who needs no line sends all the same.
    nobody_is(trial, (Outcome.UNKNOWN, Outcome.REFUSED), told)


@law(
    Kind.CHANNEL,
    "A provider that cannot say what became of an attempt leaves it in doubt: the message is not tried again.",
    mend="Answer Outcome.RETRY only where the provider itself says that it never saw the message; UNKNOWN to any "
    "error, to an answer that cannot be read or lacks what was asked, and to a word that it does not document.",
    safety=True,
    wants=_BOTH,
    examples=1,
)
def asks_in_trouble(trial: Trial[Channel]) -> None:
    if not guarantee_of(trial.thing).queryable:
        raise NotRun("the channel does not say that its provider can be asked")
    message = message_of(7, trial.thing.medium)
    receipts = handed_over(trial.thing, (message,))
    question = Question(message.key, message.message_id, receipts[0].reference, message.at)
    for trouble in Trouble:
        if trouble in (Trouble.SILENT, Trouble.OMITS):
            # An empty list is how many providers say that they never saw it.
            continue
        with suppress(NotRun):
            trial.fail(trouble)
            again = [one for one in _asked(trial.thing, question) if one.outcome is Outcome.RETRY]
            trial.expect(not again, f"retry, of a message that was taken, while the provider {trouble}")


def _asked(channel: Channel, question: Question) -> list[Receipt]:
    asking: QueryableChannel = channel  # type: ignore[assignment]
    # What raises leaves it in doubt as well.
    with suppress(Exception):
        return list(asking.ask((question,)))
    return []


@law(
    Kind.CHANNEL,
    "Whatever was wrong with the provider, the first message after it is sent.",
    mend="Close a connection at which anything went wrong, and open a new one for the next message.",
    wants=_BOTH,
    examples=1,
)
def comes_back(trial: Trial[Channel]) -> None:
    for number, trouble in enumerate(Trouble, 1):
        with suppress(NotRun):
            trial.fail(trouble)
            with impatient():
                handed_over(trial.thing, (message_of(number, trial.thing.medium),))
            trial.fail(None)
            told = outcomes(handed_over(trial.thing, (message_of(100 + number, trial.thing.medium),)))
            good = set(told.values()) == {Outcome.SENT}
            trial.expect(good, f"{', '.join(told.values())}, after a provider that {trouble}")


LAWS = (
    *(each_its_own_answer, failed_answer_is_unknown, late_answer_is_unknown, offline_is_retry),
    *(asks_in_trouble, comes_back),
)
