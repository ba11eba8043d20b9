"""A channel under its owner's name: whatever it does, each of its messages gets exactly one receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import attrs

from crmkit.delivery.channel import BLIND, Channel, Guarantee, Limits, Outcome, QueryableChannel, Question, Receipt
from crmkit.delivery.late_receipts import LateReceipts
from crmkit.errors import NotSent
from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.plugins.calls import Calls, Fault, Nonsense, drain
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.account import account_digest
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.receipts import sort_out
from crmkit.plugins.owned.rest import MOST, REST, Patience, Silence
from crmkit.plugins.owned.shape import Shape, declared

_ASKED_TO_WAIT = "not handed over: the provider asked to wait"
_RESTS = "not handed over: it answered nothing to the calls before"
CHANNEL = Shape("channel", {"medium": Medium}, ("send",), ("ask",))


@attrs.frozen(eq=False)
class OwnedChannel:
    """A channel under its owner's name.

    Attributes:
        owner: The plugin that brought it.
        channel: The plugin's object.
        settings: The plugin's settings.
        name: The full name.
        medium: The medium by which it delivers.
        guarantee: What its provider guarantees.
        limits: How much it may be handed.
        account: What is kept of the provider's account that it uses; empty where nothing is repeated or asked about.
        late: Receipts that came when nobody waited for them any more.
        silence: Gives it a rest when it answers nothing at all any more.
        patience: Lets it wait when its provider asked for that.
    """

    owner: str
    channel: Channel = attrs.field(repr=False)
    calls: Calls = attrs.field(repr=False)
    settings: Any = attrs.field(default=None, repr=False)
    name: str = attrs.field(init=False)
    medium: Medium = attrs.field(init=False)
    guarantee: Guarantee = attrs.field(init=False)
    limits: Limits = attrs.field(init=False)
    account: str = attrs.field(init=False)
    late: LateReceipts = attrs.field(factory=LateReceipts, init=False, repr=False)
    silence: Silence = attrs.field(factory=Silence, init=False, repr=False)
    patience: Patience = attrs.field(factory=Patience, init=False, repr=False)

    @calls.default
    def _calls(self) -> Calls:
        return Calls(self.owner, thing=full_name(self.owner, self.channel.name))

    @name.default
    def _name(self) -> str:
        return full_name(self.owner, self.channel.name)

    @medium.default
    def _medium(self) -> Medium:
        return self.channel.medium

    @guarantee.default
    def _guarantee(self) -> Guarantee:
        promised: Guarantee = declared(self.channel, "guarantee", Guarantee, BLIND)
        if promised.queryable and not callable(getattr(self.channel, "ask", None)):
            raise Nonsense("the guarantee says that it can be asked, and there is no method ask", Kind.WRONG_TYPE)
        return promised

    @limits.default
    def _limits(self) -> Limits:
        return cast("Limits", declared(self.channel, "limits", Limits, Limits()))

    @account.default
    def _account(self) -> str:
        own: str = declared(self.channel, "account", str, "")
        return "" if self.guarantee == BLIND else account_digest(self.owner, own, self.settings)

    def __attrs_post_init__(self) -> None:
        host, own = self.calls.limits.get(Phase.SEND), self.limits.call_seconds
        # What is repeated, or asked about, rests on a call's being over within the host's time.
        if host is not None and own is not None and own > host and self.guarantee == BLIND:
            self.calls.limits = {**self.calls.limits, Phase.SEND: own}

    @property
    def call_seconds(self) -> float | None:
        """How long one call may take before it is given up; None for as long as it likes."""
        return self.calls.limits.get(Phase.SEND)

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Return one receipt for each message: what the channel did not clearly answer is unknown.

        Nothing has left where the channel raises NotSent, or is not called: then it is retry.
        """
        batch = tuple(messages)
        if self.silence.rests:
            return [Receipt(one.key, Outcome.RETRY, evidence=_RESTS) for one in batch]
        if wait := self.patience.left:
            return [Receipt(one.key, Outcome.RETRY, evidence=_ASKED_TO_WAIT, retry_after=wait) for one in batch]
        asked = {one.key: (one.to, one.to_name) for one in batch}
        given: list[Any] = []
        answer = self.calls.call(
            Phase.SEND,
            "sending",
            lambda: self._collect(batch, given),
            passes=(NotSent,),
            late=lambda _: self._late(asked, given),
        )
        # A call that was given up may go on adding.
        found = sort_out(asked, tuple(given))
        for kind, problem in found.problems:
            if kind is not Kind.COUNT or not isinstance(answer, Fault):
                self.calls.note(Phase.SEND, kind, problem)
        self._heed(answered=bool(found.receipts) or _says_no(answer))
        receipts = [found.receipts.get(one.key) or _silence(one.key, answer) for one in batch]
        self.patience.note(receipts)
        return receipts

    def _heed(self, *, answered: bool) -> None:
        if self.silence.note(answered=answered):
            problem = f"answered nothing {MOST} times in a row, and is not called for {REST / 60:g} minutes"
            self.calls.note(Phase.SEND, Kind.SILENT, problem, mend="see what went wrong with it before")

    def ask(self, questions: Sequence[Question]) -> Sequence[Receipt]:
        """Return what became of attempts; whatever goes wrong leaves them unknown."""
        asked = tuple(questions)
        channel = cast("QueryableChannel", self.channel)
        answer = self.calls.call(
            Phase.ASK, "asking", lambda: drain(channel.ask(asked), 2 * len(asked), "receipts"), passes=(NotSent,)
        )
        if isinstance(answer, Fault):
            return []
        found = sort_out({one.key: () for one in asked}, answer)
        for kind, problem in found.problems:
            if kind is not Kind.COUNT:
                self.calls.note(Phase.ASK, kind, problem)
        return list(found.receipts.values())

    def _collect(self, batch: tuple[Message, ...], given: list[Any]) -> None:
        """Send, and keep each receipt as it comes: what is answered before a failure is answered."""
        answers: object = self.channel.send(batch)
        if isinstance(answers, (str, bytes)) or not isinstance(answers, Iterable):
            raise Nonsense("returned something that is no sequence of receipts", Kind.WRONG_TYPE)
        for answer in islice(answers, 2 * len(batch) + 1):
            given.append(answer)  # noqa: PERF402 - one by one, for the next may raise
        if len(given) > 2 * len(batch):
            raise Nonsense("returned more than two receipts for each message", Kind.ENDLESS)

    def _late(self, asked: Mapping[str, Sequence[str]], given: Sequence[Any]) -> None:
        """Keep what came in the end; what had been answered before says the same again."""
        came = sort_out(asked, tuple(given)).receipts.values()
        self.late.add(one for one in came if one.outcome is not Outcome.UNKNOWN)


def _says_no(answer: object) -> bool:
    """Tell whether it is an answer that nothing was sent, or no call was made."""
    return isinstance(answer, Fault) and (answer.failure is None or answer.failure.kind is Kind.ABANDONED)


def _silence(key: str, answer: object) -> Receipt:
    """Return the receipt of a message for which the channel gave none."""
    if not isinstance(answer, Fault):
        return Receipt(key, Outcome.UNKNOWN, evidence="no receipt")
    if answer.failure is None:
        return Receipt(key, Outcome.RETRY, evidence="nothing was sent, says the channel")
    if answer.failure.kind is Kind.ABANDONED:
        return Receipt(key, Outcome.RETRY, evidence="not handed over: an earlier call has not come back")
    told = f"raised {answer.failure.error}" if answer.failure.error else answer.failure.problem
    return Receipt(key, Outcome.UNKNOWN, evidence=told)
