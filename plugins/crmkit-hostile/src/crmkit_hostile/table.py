"""What a misbehaviour is, and what the misbehaving have in common."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Any, NoReturn

import attrs

from crmkit.plugins import Context, secret, setting


@attrs.frozen
class HostileSettings:
    """Which misbehaviour is wanted; without one the plugin behaves."""

    misbehaviour: str = setting("a name from the table of misbehaviours; empty for none", default="")
    receiver: str = setting("the file to which the channel delivers, a line of JSON for each message", default="")
    gate: str = setting("the file whose coming ends what hangs; without one it hangs for ever", default="")
    token: str = secret("something to let slip", default="")


@attrs.frozen
class Misbehaviour:
    """One way to misbehave.

    Attributes:
        name: As the settings choose it, or the name of a plugin that does not come in at all.
        hook: What kind of hook or object misbehaves.
        sentence: What it does.
        does: Does it: it is given the context, and what the object is given.
    """

    name: str
    hook: str
    sentence: str
    does: Callable[..., Any] = attrs.field(default=lambda *_: None, repr=False, eq=False)


def fail(*words: object, kind: type[BaseException] = RuntimeError) -> NoReturn:
    """Raise with these words."""
    raise kind(" ".join(map(str, words)))


def hang(ctx: Context | None, *_: object) -> None:
    """Do not come back before the gate is there."""
    gate = ctx.path(ctx.settings.gate) if ctx and ctx.settings.gate else None
    while not (gate and gate.exists()):
        sleep(0.01 if gate else 60)
