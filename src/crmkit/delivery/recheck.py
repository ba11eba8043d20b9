"""The last look: claimed touches are judged once more, on the records as they are at this moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import attrs

from crmkit.campaigns.broken import Broken, broken
from crmkit.campaigns.judge import Judge, Judged, denied, elsewhere
from crmkit.campaigns.members import Members
from crmkit.campaigns.programme import Programme, Version
from crmkit.campaigns.settle import Settlement
from crmkit.campaigns.terms import Terms
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.store.store import Connection


@attrs.frozen
class Rechecked:
    """What the second judgement found.

    Attributes:
        going: What may leave now, with all that rendering needs.
        staying: What may not, with its new state and reason.
    """

    going: tuple[Judged, ...]
    staying: tuple[Touch, ...]


@attrs.frozen(eq=False)
class Recheck:
    """Judges touches a second time: segment, guards, caps and copies."""

    programme: Programme
    members: Members
    judge: Judge
    settlement: Settlement

    def look(self, connection: Connection, touches: Sequence[Touch], now: datetime) -> Rechecked:
        """Return which of the touches may leave now and which not."""
        in_force, unread = self.programme.in_force(connection)
        versions = {version.campaign.id: version for version in in_force}
        groups: dict[str, list[Touch]] = defaultdict(list)
        for touch in touches:
            groups[touch.campaign].append(touch)
        judged: dict[str, Judged] = {}
        staying: list[Touch] = []
        for campaign, group in groups.items():
            if campaign in unread:
                staying += [Broken(unread[campaign]).hold(touch, now) for touch in group]
                continue
            if campaign not in versions:
                staying += [denied(touch, "campaign_gone", now) for touch in group]
                continue
            if found := broken(versions[campaign].campaign, self.judge.types, self.members):
                # Another process, with other plugins, has planned it: nobody else's messages wait for that.
                staying += [found.hold(touch, now) for touch in group]
                continue
            left, stayed = self._group(connection, versions[campaign], group, now)
            staying += left
            judged |= {one.touch.key: one for one in stayed}
        terms = Terms.of(versions.values(), elsewhere(judged.values()), touches)
        settled = self.settlement.settle(connection, [one.touch for one in judged.values()], now, terms)
        # Settling keeps touches back and changes nothing of those that may leave.
        ready = {one.key for one in settled if one.state is State.READY}
        staying += [one for one in settled if one.key not in ready]
        return Rechecked(tuple(judged[touch.key] for touch in touches if touch.key in ready), tuple(staying))

    def _group(
        self, connection: Connection, version: Version, touches: Sequence[Touch], now: datetime
    ) -> tuple[list[Touch], list[Judged]]:
        members = self.members.among(connection, version.campaign, [touch.patient for touch in touches], now)
        left = [denied(touch, "left_segment", now) for touch in touches if touch.patient not in members]
        intents = [touch for touch in touches if touch.patient in members]
        # Since it was planned the campaign may say something else, or on another day, and so may the day of birth.
        due = self.members.occasions(version.campaign, self.judge.types[version.campaign.message_type], now)
        judged = []
        for one in self.judge.judge(connection, version, intents, now):
            if one.touch.state is State.READY and one.touch.occasion not in due(one.candidate.patient.born):
                left.append(denied(one.touch, "left_segment", now))
            else:
                judged.append(one)
        return left, judged
