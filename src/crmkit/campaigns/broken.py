"""A campaign that cannot be planned as things are, since what it rests on is not there: it alone waits for that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.judge import held
from crmkit.campaigns.members import Members
from crmkit.errors import ConfigError, CrmkitError, SegmentError, nearest_brought
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.type import MessageType
from crmkit.schedules.schedule import parse_schedule

#: What might leave, or lets another touch speak for it. All else is kept back already, for a reason of its own.
_GOING = (State.READY, State.DEFERRED, State.CARRIED)


@attrs.frozen(eq=False)
class Broken:
    """Why a campaign cannot be planned.

    Attributes:
        problem: The error, which names the campaign, what is wrong and how to mend it.
        reason: The reason of its touches meanwhile.
        detail: What the words for the reason need.
    """

    problem: CrmkitError
    reason: str = "campaign_broken"
    detail: Mapping[str, Any] = attrs.field()

    @detail.default
    def _told(self) -> Mapping[str, Any]:
        return {"problem": self.problem.problem}

    def hold(self, touch: Touch, now: datetime) -> Touch:
        """Return one of the campaign's touches as held for this reason."""
        return held(touch, self.reason, now, **self.detail)

    def keep_back(self, touch: Touch, now: datetime) -> Touch:
        """Return one of the campaign's touches as it stands until that is mended: nothing of it leaves."""
        if touch.state not in _GOING:
            return touch
        return attrs.evolve(self.hold(touch, now), carried_by="")


def broken(campaign: Campaign, types: Mapping[str, MessageType], members: Members) -> Broken | None:
    """Return why a campaign cannot be planned: its message type, media, lot, segment or schedule; None if it can."""
    place, kind = f"campaign {campaign.id}", types.get(campaign.message_type)
    if kind is None:
        mend = nearest_brought(campaign.message_type, types)
        problem = ConfigError(f"the message type {campaign.message} is unknown", where=place, mend=mend)
        return Broken(problem, "no_message_type", {"message": campaign.message_type})
    try:
        _insist_on_sense(campaign, kind)
        members.segment(campaign)
        parse_schedule(campaign.schedule)
    except SegmentError as found:
        return Broken(found.within(place), "no_field")
    except CrmkitError as found:
        return Broken(found.within(place))
    return None


def _insist_on_sense(campaign: Campaign, kind: MessageType) -> None:
    foreign = [medium for medium in campaign.media if medium not in kind.media]
    if foreign:
        raise ConfigError(f"{campaign.message} has no templates for {foreign[0]}", mend=f"use {', '.join(kind.media)}")
    if campaign.lot and not kind.purpose.needs_consent:
        raise ConfigError("care and service are never withheld by lot", mend="remove the lot")
