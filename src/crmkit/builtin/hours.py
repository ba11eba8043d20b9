"""The guard of the clock: nothing leaves outside of the recipient's lawful hours and the practice's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from crmkit.campaigns.guard import Candidate
from crmkit.campaigns.openings import Openings
from crmkit.campaigns.verdict import ALLOWED, Verdict, defer, deny
from crmkit.hours.where import Whereabouts
from crmkit.people.medium import Medium, Purpose

_Asked = tuple[Whereabouts, Purpose, Medium, datetime, datetime]


@attrs.frozen
class HoursGuard:
    """Defers what would come at a wrong hour to the next right one, and denies what would then come too late.

    Attributes:
        openings: Knows when messages may leave.
        name: The guard's name.
    """

    openings: Openings
    name: str = "hours"

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return the verdict for each candidate; who would get the same answer is asked for once."""
        said: dict[_Asked, Verdict] = {}
        verdicts: list[Verdict] = []
        before, verdict = None, ALLOWED
        for one in candidates:
            where = self.openings.where(one)
            asked = (where, one.purpose, one.medium, one.due, one.stale)
            # Mostly neighbours ask the same, and to see that takes less than to look it up.
            if asked != before:
                verdict = said.get(asked) or said.setdefault(asked, self._verdict(asked, now))
                before = asked
            verdicts.append(verdict)
        return verdicts

    def _verdict(self, asked: _Asked, now: datetime) -> Verdict:
        where, purpose, medium, due, stale = asked
        at = max(due, now)
        if at >= stale:
            return ALLOWED  # too late at any hour: the guard `stale` says so
        opening = self.openings.next(where, purpose, medium, at, stale)
        if opening.at is None:
            return deny("no_hour", **opening.detail)
        return ALLOWED if opening.at == at else defer(opening.at, opening.code, **opening.detail)
