"""What settling touches among each other needs to know beside the touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from crmkit.campaigns.programme import Version
from crmkit.hours.where import Whereabouts
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch


@attrs.frozen
class Terms:
    """On which terms touches are settled.

    Attributes:
        per_day: How many messages a day leave of each campaign that is spread over days.
        where: By touch key, where recipients may be whose number says so; all others are where the practice is.
        owner: Who has claimed the touches; empty while they are only planned.
        claimed_at: When that was.
    """

    per_day: Mapping[str, int] = attrs.field(factory=dict)
    where: Mapping[str, Whereabouts] = attrs.field(factory=dict, repr=False)
    owner: str = ""
    claimed_at: datetime | None = None

    @classmethod
    def of(cls, versions: Iterable[Version], where: Mapping[str, Whereabouts], claimed: Sequence[Touch] = ()) -> Terms:
        """Return the terms of campaigns in force, for touches that were claimed together or are only planned."""
        campaigns = [version.campaign for version in versions]
        per_day = {campaign.id: campaign.per_day for campaign in campaigns if campaign.per_day is not None}
        held = [touch for touch in claimed if touch.state is State.CLAIMED]
        claimed_at = max((touch.changed_at for touch in held), default=None)
        return cls(per_day, where, held[0].owner if held else "", claimed_at)
