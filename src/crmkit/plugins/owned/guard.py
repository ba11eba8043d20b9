"""A guard under its owner's name: if anything is wrong with it, it denies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import attrs

from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import ALLOWED, LONGEST, Ruling, Verdict, deny
from crmkit.plugins.calls import Calls, Fault, Nonsense, drain
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.private_words import quotes
from crmkit.plugins.owned.shape import Shape

GUARD = Shape("guard", methods=("judge",))

_REASON = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_PLAIN = (str, int, float, bool, type(None))
_MOST_DETAILS = 10
#: Nobody waits longer for anything, and calendars end somewhere.
_FARTHEST = timedelta(days=3660)
_parts_of = attrgetter(*(field.name for field in attrs.fields(Candidate)))


@attrs.frozen(eq=False)
class OwnedGuard:
    """A guard under its owner's name; if it raises, takes too long or answers nonsense, it denies."""

    owner: str
    guard: Guard = attrs.field(repr=False)
    calls: Calls = attrs.field(repr=False)
    name: str = attrs.field(init=False)

    @calls.default
    def _calls(self) -> Calls:
        return Calls(self.owner, thing=full_name(self.owner, self.guard.name))

    @name.default
    def _name(self) -> str:
        return full_name(self.owner, self.guard.name)

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return one verdict for each candidate: all denials if anything is wrong with the guard's own."""
        batch = tuple(candidates)
        verdicts = self.calls.call(Phase.JUDGE, "judging", lambda: self._judge(batch, now))
        return [deny("guard_failed", guard=self.name)] * len(batch) if isinstance(verdicts, Fault) else verdicts

    def _judge(self, batch: tuple[Candidate, ...], now: datetime) -> list[Verdict]:
        # Each guard is given candidates of its own: what it does to them, no other guard sees.
        own = tuple(Candidate(*_parts_of(one)) for one in batch) if Phase.JUDGE in self.calls.limits else batch
        verdicts = drain(self.guard.judge(own, now), len(batch) + 1, "verdicts")
        if len(verdicts) != len(batch):
            raise Nonsense(f"gave {len(verdicts)} verdicts on {len(batch)} candidates", Kind.COUNT)
        # Nearly all are allowed by the word for it, at which nobody need look twice.
        said = [(at, verdict) for at, verdict in enumerate(verdicts) if verdict is not ALLOWED]
        if any(type(verdict) is not Verdict for _, verdict in said):
            raise Nonsense("gave something that is no Verdict", Kind.WRONG_TYPE)
        for at, verdict in said:
            if verdict.ruling is not Ruling.ALLOW:
                verdicts[at] = _checked(verdict, batch[at], now)
        return verdicts


def _checked(verdict: Verdict, candidate: Candidate, now: datetime) -> Verdict:
    """Return a verdict that the ledger can keep; refuse one that it could not, or that keeps what must not be kept."""
    if type(verdict.ruling) is not Ruling:
        raise Nonsense("gave a verdict without a ruling", Kind.WRONG_TYPE)
    if type(verdict.reason) is not str or not _REASON.fullmatch(verdict.reason):
        raise Nonsense("gave a verdict whose reason is no code such as too_early")
    if verdict.until is not None and abs(verdict.until - now) > _FARTHEST:
        raise Nonsense("deferred by more than ten years")
    if not isinstance(verdict.detail, Mapping) or len(verdict.detail) > _MOST_DETAILS:
        raise Nonsense("gave a verdict whose detail is no small table", Kind.WRONG_TYPE)
    detail = {name: _written(value) for name, value in verdict.detail.items()}
    _check_detail(detail, _private(candidate))
    return verdict if detail == verdict.detail else attrs.evolve(verdict, detail=detail)


def _check_detail(detail: Mapping[str, Any], private: Sequence[str]) -> None:
    for name, value in detail.items():
        if type(name) is not str or type(value) not in _PLAIN or len(str(value)) > LONGEST:
            raise Nonsense("gave a verdict whose detail holds more than short words and numbers", Kind.WRONG_TYPE)
        if isinstance(value, float) and not math.isfinite(value):
            # PostgreSQL keeps none, and the whole plan would fail at it.
            raise Nonsense("gave a verdict whose detail holds a number that is none, or has no end")
        if not _REASON.fullmatch(name) or not str(value).isprintable():
            raise Nonsense("gave a verdict whose detail has no plain names, or words that are not one line")
        if quotes(str(value), private):
            raise Nonsense("gave a verdict whose detail quotes the patient", Kind.QUOTED)


def _written(value: Any) -> Any:
    """Return a day, an instant or an exact number as the ledger keeps it: as text."""
    if type(value) in (date, datetime):
        return value.isoformat()
    return str(value) if type(value) is Decimal else value


def _private(candidate: Candidate) -> list[str]:
    people: list[Any] = [candidate.patient, candidate.recipient]
    points = [point for one in people if one for point in one.contacts]
    points += [candidate.contact] if candidate.contact else []
    # A number may stand there as a number.
    return [one.name.display for one in people if one] + [point.value.removeprefix("+") for point in points]
