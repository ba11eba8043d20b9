"""Channels that are too sure of what became of a message."""

from __future__ import annotations

import json
from urllib.error import URLError
from urllib.request import urlopen

import attrs

from crmkit.plugins import Outcome, Receipt
from mutants.sms import Sms


class MatchesByPosition(Sms):
    """Takes the provider's answers in the order in which it happens to give them."""

    def send(self, messages):
        receipts = super().send(messages)
        answers = sorted(receipts, key=lambda one: one.outcome is Outcome.SENT)
        return [attrs.evolve(one, key=message.key) for message, one in zip(messages, answers, strict=True)]


class RetriesFailures(Sms):
    def refused(self, message, refused):
        receipt = super().refused(message, refused)
        return attrs.evolve(receipt, outcome=Outcome.RETRY) if refused.code >= 500 else receipt


class RefusesFailures(Sms):
    def refused(self, message, refused):
        receipt = super().refused(message, refused)
        return attrs.evolve(receipt, outcome=Outcome.REFUSED) if refused.code == 500 else receipt


class RetriesWhatIsLate(Sms):
    def lost(self, message, problem):
        late = isinstance(problem, TimeoutError)
        return Receipt(message.key, Outcome.RETRY if late else Outcome.UNKNOWN, evidence=type(problem).__name__)


class DoubtsWithoutALine(Sms):
    """Knows only of providers that take no call."""

    def unreachable(self, message, problem):
        nothing_left = isinstance(problem.reason, ConnectionRefusedError)
        return Receipt(message.key, Outcome.RETRY if nothing_left else Outcome.UNKNOWN, evidence="connect")


class TakesSilenceForNo(Sms):
    """Whoever does not say that he has it has it not."""

    def became(self, question):
        try:
            return super().became(question)
        except (URLError, OSError, ValueError):
            return Outcome.RETRY


class TakesNothingForNo(Sms):
    """An answer that does not say whether the message was seen."""

    def became(self, question):
        with urlopen(f"{self.settings.url}/{question.key}", timeout=20) as answer:  # noqa: S310 - a machine of the test
            return Outcome.SENT if json.loads(answer.read()).get("seen") else Outcome.RETRY


class StaysBehindADeadLine(Sms):
    """Keeps one connection, and says once it broke that nobody is there."""

    broken = False

    def one(self, message):
        return Receipt(message.key, Outcome.RETRY, evidence="no line") if self.broken else super().one(message)

    def lost(self, message, problem):
        self.broken = True
        return super().lost(message, problem)


MUTANTS = {
    "channel.each_its_own_answer": (MatchesByPosition,),
    "channel.failed_answer_is_unknown": (RetriesFailures, RefusesFailures),
    "channel.late_answer_is_unknown": (RetriesWhatIsLate,),
    "channel.offline_is_retry": (DoubtsWithoutALine,),
    "channel.asks_in_trouble": (TakesSilenceForNo, TakesNothingForNo),
    "channel.comes_back": (StaysBehindADeadLine,),
}
