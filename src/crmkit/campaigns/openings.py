"""When messages to people may leave: the practice's hours, asked by contact point."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from crmkit.campaigns.guard import Candidate
from crmkit.hours.hours import Hours, Opening
from crmkit.hours.where import Whereabouts, whereabouts
from crmkit.people.medium import Medium, Purpose

#: Where the reader of an e-mail or a letter is taken to be: where the practice is.
HERE = Whereabouts()
_CALLED = (Medium.SMS, Medium.PHONE)
_MOST_KEPT = 65_536
#: For so long a message may be on its way after its verdict. Windows begin and end on full minutes, so none is missed.
ON_ITS_WAY = timedelta(seconds=30)


@attrs.frozen(eq=False)
class Openings:
    """Asks the practice's hours, and what a number and an address say of a place only once.

    Attributes:
        hours: When the practice's messages may leave.
    """

    hours: Hours
    _numbers: dict[tuple[str, str, str], Whereabouts] = attrs.field(factory=dict, init=False, repr=False)

    def where(self, candidate: Candidate) -> Whereabouts:
        """Return where the recipient may be; without a contact point, where the practice is."""
        contact, reader = candidate.contact, candidate.recipient
        if contact is None or candidate.medium not in _CALLED:
            return HERE
        # Of a number that is somebody else's the reader's own address says nothing.
        lives = (
            (reader.country or self.hours.country, reader.region) if reader and reader.id == contact.owner else ("", "")
        )
        asked = contact.value, *lives
        found = self._numbers.get(asked)
        if found is None:
            if len(self._numbers) >= _MOST_KEPT:
                self._numbers.clear()
            found = self._numbers[asked] = whereabouts(contact.value, candidate.medium, *lives)
        return found

    def next(self, to: Whereabouts, purpose: Purpose, medium: Medium, at: datetime, until: datetime) -> Opening:
        """Return the first instant from `at` on, and before `until`, at which a message may leave.

        An instant just before the end of the hours is too late: the message could arrive after it.
        """
        opening = self.hours.next_open(to, purpose, medium, at, until)
        if opening.at != at or at + ON_ITS_WAY >= until:
            return opening
        later = self.hours.next_open(to, purpose, medium, at + ON_ITS_WAY, until)
        return opening if later.at == at + ON_ITS_WAY else later
