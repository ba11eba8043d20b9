"""Whom: what a host's editor of segments needs, and how many patients a segment matches."""

from __future__ import annotations

from typing import Any

import attrs

from crmkit.clock import Clock
from crmkit.crm.stages import Stages
from crmkit.segments.menu import menu
from crmkit.segments.query import from_query, to_query
from crmkit.segments.text import parse, to_text
from crmkit.segments.tree import Everybody


@attrs.frozen
class Matched:
    """How a segment was understood, and whom it matches.

    Attributes:
        segment: Its text in the usual form.
        patients: How many patients it matches.
        of: How many patients there are.
    """

    segment: str
    patients: int
    of: int


class Choosing:
    """The part of a `CRM` that helps to write segments."""

    clock: Clock
    _stages: Stages

    def segment_fields(self) -> list[dict[str, Any]]:
        """Return what a segment may ask, those of plugins too, as react-querybuilder takes its `fields`."""
        return menu(self._stages.planner.members.fields)

    def segment_of(self, query: object) -> str:
        """Return the segment's text that a query of react-querybuilder means.

        Args:
            query: The query, as it came from JSON.

        Raises:
            SegmentError: If any part is not understood; nothing is skipped, since that would widen the segment.
        """
        return to_text(from_query(query, self._stages.planner.members.fields))

    def query_of(self, segment: str) -> dict[str, Any]:
        """Return the query that shows a segment in the editor.

        Raises:
            SegmentError: If the text cannot be understood, or the editor has nothing for a part of it.
        """
        return to_query(parse(segment, self._stages.planner.members.fields))

    def matched(self, segment: str) -> Matched:
        """Return how many patients a segment matches today; which of them may be written to is for guards to judge.

        Raises:
            SegmentError: If the text cannot be understood.
        """
        members, now = self._stages.planner.members, self.clock.now()
        node = parse(segment, members.fields)
        with self._stages.store.read() as connection:
            found, whole = (members.count(connection, one, now) for one in (node, Everybody()))
        return Matched(to_text(node), found, whole)
