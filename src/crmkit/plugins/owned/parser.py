"""An event parser under its owner's name; its failure is an error that names it and quotes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from crmkit.delivery.events.event import Event, EventParser, Payload, forgeable, verifies
from crmkit.errors import NotFound, SourceError
from crmkit.plugins.calls import Calls, Fault, Nonsense, drain
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.shape import Shape

PARSER = Shape("event parser", methods=("parse",))

_MOST = 10_000


@attrs.frozen(eq=False)
class OwnedParser:
    """An event parser under its owner's name.

    Attributes:
        owner: The plugin that brought it.
        parser: The plugin's object.
        name: The full name.
        verifies: Whether it refuses what is forged.
        forgeable: Whether anybody may have written what it reads.
    """

    owner: str
    parser: EventParser = attrs.field(repr=False)
    calls: Calls = attrs.field(repr=False)
    name: str = attrs.field(init=False)
    verifies: bool = attrs.field(init=False)
    forgeable: bool = attrs.field(init=False)

    @calls.default
    def _calls(self) -> Calls:
        return Calls(self.owner, thing=full_name(self.owner, self.parser.name))

    @name.default
    def _name(self) -> str:
        return full_name(self.owner, self.parser.name)

    @verifies.default
    def _verifies(self) -> bool:
        return verifies(self.parser)

    @forgeable.default
    def _forgeable(self) -> bool:
        return forgeable(self.parser)

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return the payload's events.

        Raises:
            NotFound: As the parser raises it: the payload is not from whom it claims to be.
            SourceError: As the parser raises it: the payload cannot be read.
            PluginError: At any other failure of the parser.
        """
        answer = self.calls.call(Phase.PARSE, "reading a payload", lambda: self._parse(payload), passes=_REFUSALS)
        if isinstance(answer, Fault):
            # Not even the traceback goes on: what stumbled over a payload usually quotes it.
            raise answer.as_error()
        return answer

    def _parse(self, payload: Payload) -> tuple[Event, ...]:
        events = drain(self.parser.parse(payload), _MOST, "events")
        if set(map(type, events)) - {Event}:
            raise Nonsense("returned something that is no Event", Kind.WRONG_TYPE)
        # Made anew: an event that was changed after it was made is looked at as if it were just made.
        return tuple(attrs.evolve(event) for event in events)


_REFUSALS = (NotFound, SourceError)
