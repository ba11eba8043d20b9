"""The table of laws and mutants: which plugin breaks which law, and what it is tried on."""

from __future__ import annotations

from typing import Any

import attrs

from crmkit.plugins import CrmkitSpec
from crmkit.testing.law import Kind, Law
from crmkit.testing.laws import LAWS
from crmkit.testing.run import Verdict, run
from crmkit.testing.subject import Subject
from mutants import channel, doubt, field, guard, lines, metric, parser, said, sms, source, taken, whole


@attrs.frozen
class Room:
    """How the plugins of one kind are made, and what stands in for the other end."""

    plugin: Any
    fake: Any = None
    good: tuple[Any, ...] = ()


ROOMS = {
    Kind.CHANNEL: Room(sms.plugin, sms.gateway, (sms.Sms, sms.Yielding)),
    Kind.GUARD: Room(guard.plugin, None, (guard.Blackout,)),
    Kind.SOURCE: Room(lines.plugin, lines.software, (lines.Asked, lines.Lines, lines.Whole)),
    Kind.METRIC: Room(metric.plugin, None, (metric.Spend,)),
    Kind.FIELD: Room(field.plugin, None, (field.Good,)),
    Kind.EVENT_PARSER: Room(parser.plugin, parser.samples, (parser.Callbacks,)),
    Kind.MESSAGE_TYPE: Room(said.plugin, None, (said.Ready,)),
    Kind.PLUGIN: Room(whole.plugin, sms.gateway, (whole.Good,)),
}

#: Law's id to the classes that break it.
MUTANTS: dict[str, tuple[Any, ...]] = {
    **source.MUTANTS,
    **channel.MUTANTS,
    **doubt.MUTANTS,
    **taken.MUTANTS,
    **said.MUTANTS,
    **guard.MUTANTS,
    **metric.MUTANTS,
    **field.MUTANTS,
    **parser.MUTANTS,
    **whole.MUTANTS,
}


def subject(kind: Kind, made: Any, examples: int = 20) -> Subject:
    """Return what is tried: a plugin that registers one object."""
    room = ROOMS[kind]
    plugin: CrmkitSpec = made if isinstance(made, CrmkitSpec) else room.plugin(made)
    return Subject(plugin, fake=room.fake, examples=examples)


def killed(law: Law, mutant: Any, examples: int = 20) -> bool:
    """Tell whether a law catches a mutant."""
    return run(law, subject(law.kind, mutant, examples), shrink=False).verdict is Verdict.BROKEN


def pairs() -> list[tuple[Law, Any]]:
    """Return each law with each mutant that it must catch."""
    return [(law, mutant) for law in LAWS for mutant in MUTANTS.get(law.id, ())]
