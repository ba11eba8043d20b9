"""Channels that each break one law."""

from __future__ import annotations

import json
import time
import uuid

import attrs

from crmkit.plugins import BLIND, Guarantee, NotSent, Outcome, Receipt
from mutants.sms import Sms


class ShoutsItsName(Sms):
    name = "Acme SMS!"


class PromisesWithoutAsking(Sms):
    guarantee = Guarantee(queryable=True)
    ask = None


class ForgetsTheLast(Sms):
    def send(self, messages):
        return super().send(messages)[:-1]


class AnswersTwice(Sms):
    def send(self, messages):
        return [receipt for receipt in super().send(messages) for _ in range(2)]


class AnswersTrue(Sms):
    def send(self, messages):
        return [receipt.outcome is Outcome.SENT for receipt in super().send(messages)]


class AddsASum(Sms):
    def send(self, messages):
        return [*super().send(messages), Receipt("total", Outcome.SENT)]


class Knocks(Sms):
    def send(self, messages):
        if not messages:
            self.post({"to": "+447700900000", "text": "are you there?"}, "knock")
        return super().send(messages)


class FirstComeFirstServed(Sms):
    def send(self, messages):
        first, *rest = messages or [None]
        later = [Receipt(message.key, Outcome.RETRY) for message in rest]
        return [self.one(first), *later] if first else []


class GivesUp(Sms):
    """One message that it cannot send ends the batch."""

    def send(self, messages):
        receipts = []
        for message in sorted(messages, key=lambda one: one.key):
            fine = len(message.text) < 1000 and all(one.outcome is Outcome.SENT for one in receipts)
            receipts.append(self.one(message) if fine else Receipt(message.key, Outcome.RETRY))
        return receipts


class KnowsLatinOnly(Sms):
    def body(self, message):
        try:
            message.text.encode("latin-1")
        except UnicodeError as problem:
            raise LookupError("no such letter") from problem
        return super().body(message)


class SortsTheBatch(Sms):
    def send(self, messages):
        if isinstance(messages, list):
            messages.sort(key=lambda message: message.key)
            messages.reverse()
        return super().send(messages)


class EmptiesTheBatch(Sms):
    def send(self, messages):
        receipts = super().send(messages)
        if isinstance(messages, list):
            messages.clear()
        return receipts


class Signs(Sms):
    def body(self, message):
        object.__setattr__(message, "text", f"{message.text}\nSent by Acme")
        return super().body(message)


class TakesFifty(Sms):
    def send(self, messages):
        later = [Receipt(message.key, Outcome.RETRY) for message in messages[50:]]
        return [*super().send(messages[:50]), *later]


class SharesItsList(Sms):
    def send(self, messages):
        self.receipts = []
        for message in messages:
            self.receipts.append(self.one(message))
            time.sleep(0.001)
        return self.receipts


class QuotesTheAddress(Sms):
    def one(self, message):
        return attrs.evolve(super().one(message), evidence=f"to {message.to}")


class QuotesTheAnswer(Sms):
    def refused(self, message, refused):
        said = refused.read().decode("utf-8", "replace")
        return attrs.evolve(super().refused(message, refused), evidence=said)


class LogsTheAddress(Sms):
    def one(self, message):
        self.log.debug("sending to %s", message.to)
        return super().one(message)


class PrintsTheWords(Sms):
    def one(self, message):
        print(message.text)
        return super().one(message)


class KeepsTheLast(Sms):
    last = ""

    def __repr__(self):
        return f"Sms(last={self.last!r})"

    def body(self, message):
        self.last = super().body(message)
        return self.last


class ZipsWhatItSorts(Sms):
    """Addresses in one order, words in another."""

    def send(self, messages):
        words = sorted(message.text for message in messages)
        others = sorted(messages, key=lambda message: message.to)
        return super().send([attrs.evolve(one, text=text) for one, text in zip(others, words, strict=True)])


class LiesAboutSending(Sms):
    def send(self, messages):
        return [Receipt(message.key, Outcome.SENT, reference="m-0") for message in messages]


class CutsAtOneSms(Sms):
    def body(self, message):
        return {"to": message.to, "text": message.text[:160]}


class TriesTwice(Sms):
    guarantee = BLIND

    def key(self, message):
        return ""

    def one(self, message):
        super().one(message)
        return super().one(message)


class RollsDice(Sms):
    def key(self, message):
        return uuid.uuid4().hex


class Counts(Sms):
    count = 0

    def key(self, message):
        self.count += 1
        return f"message-{self.count}"


class HasOneKey(Sms):
    def key(self, message):
        return message.practice


class IgnoresTheStatus(Sms):
    def refused(self, message, refused):
        refused.close()
        return Receipt(message.key, Outcome.SENT)


class RefusesWhenBusy(Sms):
    def refused(self, message, refused):
        return attrs.evolve(super().refused(message, refused), outcome=Outcome.REFUSED)


class RefusesWhenAway(Sms):
    def unreachable(self, message, problem):
        return Receipt(message.key, Outcome.REFUSED)


class DoubtsEverything(Sms):
    def unreachable(self, message, problem):
        return Receipt(message.key, Outcome.UNKNOWN)


class RetriesInDoubt(Sms):
    def lost(self, message, problem):
        return Receipt(message.key, Outcome.RETRY, evidence="try again")


class RefusesInDoubt(Sms):
    def lost(self, message, problem):
        return Receipt(message.key, Outcome.REFUSED)


class RetriesNonsense(Sms):
    def unreadable(self, message, problem):
        return Receipt(message.key, Outcome.RETRY)


class RefusesWhatItDoesNotKnow(Sms):
    def one(self, message):
        receipt = super().one(message)
        known = receipt.outcome is not Outcome.SENT or receipt.reference.startswith("m-")
        return receipt if known else Receipt(message.key, Outcome.REFUSED)


class RetriesWhatIsLeftOut(Sms):
    def one(self, message):
        receipt = super().one(message)
        left_out = receipt.outcome is Outcome.SENT and not self.said["taken"]
        return Receipt(message.key, Outcome.RETRY) if left_out else receipt

    def post(self, body, key):
        answer = super().post(body, key)
        self.said = json.loads(answer)
        return answer


class BearsAGrudge(Sms):
    down = False

    def one(self, message):
        if self.down:
            return Receipt(message.key, Outcome.RETRY, evidence="down")
        return super().one(message)

    def refused(self, message, refused):
        self.down = True
        return super().refused(message, refused)


class SaysNothingLeft(Sms):
    def lost(self, message, problem):
        raise NotSent("the gateway did not answer")


class ThrowsAwayWhatItKnows(Sms):
    """Raises in the middle, with the receipts of what has left."""

    def refused(self, message, refused):
        refused.close()
        raise NotSent("the gateway refused a message")


class HasNeverSeenIt(Sms):
    def became(self, question):
        return Outcome.RETRY


class BuriesTheLiving(Sms):
    def refused(self, message, refused):
        return attrs.evolve(super().refused(message, refused), permanent=True)


MUTANTS = {
    "channel.declares": (ShoutsItsName, PromisesWithoutAsking),
    "channel.one_receipt": (ForgetsTheLast, AnswersTwice, AnswersTrue),
    "channel.no_foreign_receipt": (AddsASum,),
    "channel.empty_batch": (AddsASum, Knocks),
    "channel.order_does_not_matter": (FirstComeFirstServed,),
    "channel.size_does_not_matter": (FirstComeFirstServed, GivesUp),
    "channel.never_raises": (KnowsLatinOnly,),
    "channel.changes_nothing": (SortsTheBatch, EmptiesTheBatch, Signs),
    "channel.keeps_its_limit": (TakesFifty,),
    "channel.threads": (SharesItsList,),
    "channel.no_patient_in_receipts": (QuotesTheAddress, QuotesTheAnswer),
    "channel.no_patient_in_logs": (LogsTheAddress, PrintsTheWords),
    "channel.no_patient_in_repr": (KeepsTheLast,),
    "channel.right_address": (ZipsWhatItSorts, LiesAboutSending),
    "channel.whole_text": (CutsAtOneSms,),
    "channel.once_each": (TriesTwice,),
    "channel.keyed_by_message": (RollsDice, Counts, HasOneKey),
    "channel.refusal_is_not_sent": (IgnoresTheStatus,),
    "channel.overload_is_temporary": (RefusesWhenBusy, IgnoresTheStatus),
    "channel.only_a_refusal_is_permanent": (BuriesTheLiving,),
    "channel.unreachable_is_retry": (RefusesWhenAway, DoubtsEverything),
    "channel.lost_answer_is_unknown": (RetriesInDoubt, RefusesInDoubt, SaysNothingLeft),
    "channel.nonsense_is_unknown": (RetriesNonsense, RetriesWhatIsLeftOut, RefusesWhatItDoesNotKnow),
    "channel.retry_has_not_left": (ThrowsAwayWhatItKnows,),
    "channel.recovers": (BearsAGrudge,),
    "channel.asks_truly": (HasNeverSeenIt,),
}
