"""What every plugin must keep while it works: state, practices side by side, closing, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs

from crmkit.plugins.spec import CrmkitSpec
from crmkit.testing.exercise import exercise, put_row, row_of, works
from crmkit.testing.fakes import Fallible, Provider, Software, Trouble
from crmkit.testing.handed import handed_over
from crmkit.testing.home import Opened
from crmkit.testing.law import Kind, law
from crmkit.testing.laws.plugin import everything
from crmkit.testing.modules import changed, snapshot
from crmkit.testing.network import impatient
from crmkit.testing.samples import message_of
from crmkit.testing.trial import NotRun, Trial

_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|api_?key|credential|private|(^|_)key$")


@law(
    Kind.PLUGIN,
    "It keeps nothing in modules or classes: one process may hold many practices.",
    mend="Keep what an object needs in the object that the hook returns; make it anew in each call of the hook.",
    safety=True,
    examples=1,
)
def no_module_state(trial: Trial[CrmkitSpec]) -> None:
    # Once beforehand: what is made ready at the first use and the same for all is no state.
    exercise(trial.home.open(), trial.home.fake)
    before = snapshot(type(trial.thing))
    exercise(trial.home.open(), trial.home.fake, 2)
    with trial.elsewhere() as there:
        put_row(there.home.fake, 3)
        exercise(there.home.open(), there.home.fake, 3)
    found = changed(before, snapshot(type(trial.thing)))
    trial.expect(not found, f"changed: {', '.join(found)}")


@law(
    Kind.PLUGIN,
    "Two practices in one process do not see each other: each reaches its own other end, in any order.",
    mend="Hand ctx.settings to the object that you return; never keep them in the plugin itself.",
    safety=True,
    examples=1,
)
def two_practices(trial: Trial[CrmkitSpec]) -> None:
    here = trial.home.open()
    if not isinstance(trial.home.fake, (Provider, Software)):
        raise NotRun("nothing at the other end could tell two practices apart")
    with trial.elsewhere() as place:
        there = place.home.open()
        ends = ((here, trial.home.fake), (there, place.home.fake))
        for _, thing in (*everything(here), *everything(there)):
            trial.expect(thing is not None, "nothing registered")
        _check_channels(trial, ends)
        _check_sources(trial, ends)


def _check_channels(trial: Trial[CrmkitSpec], ends: tuple[tuple[Opened, Any], ...]) -> None:
    for number, (opened, fake) in enumerate(ends, 1):
        if not isinstance(fake, Provider):
            return
        before = [len(end.taken()) for _, end in ends]
        channels = opened.registered("channel")
        for channel in channels:
            handed_over(channel, (message_of(number, channel.medium),))
        grown = [len(end.taken()) - was for (_, end), was in zip(ends, before, strict=True)]
        wanted = [len(channels) if end is fake else 0 for _, end in ends]
        trial.expect(grown == wanted, f"messages of practice {number} reached the ends so: {grown}")


def _check_sources(trial: Trial[CrmkitSpec], ends: tuple[tuple[Opened, Any], ...]) -> None:
    for number, (_, fake) in enumerate(ends, 1):
        if isinstance(fake, Software):
            fake.put((row_of(number),))
    for number, (opened, fake) in enumerate(ends, 1):
        for source in opened.registered("source") if isinstance(fake, Software) else ():
            ids = [row.id for batch in source.read(None) for row in batch.rows]
            trial.expect(ids == [row_of(number).id], f"practice {number} reads {ids}")


@law(
    Kind.PLUGIN,
    "It can be closed before it was used, and twice; closing it for one practice leaves the other alone.",
    mend="Close what belongs to this ctx only, and make closing something that is closed do nothing.",
    examples=1,
)
def closes_twice(trial: Trial[CrmkitSpec]) -> None:
    unused, used, other = (trial.home.open() for _ in range(3))
    unused.close()
    exercise(used, trial.home.fake)
    exercise(other, trial.home.fake, 2)
    used.close()
    used.close()
    broken = works(other, trial.home.fake)
    trial.expect(not broken, f"after another practice was closed, {broken}")


@law(
    Kind.PLUGIN,
    "It opens while the other end cannot be reached, and asks nothing but its settings.",
    mend="Connect at the first message or row, not in the hook; read no environment variable: settings come from the "
    "host.",
    examples=1,
)
def opens_quietly(trial: Trial[CrmkitSpec]) -> None:
    if isinstance(trial.home.fake, Fallible):
        with suppress(NotImplementedError):
            trial.home.fake.fail(Trouble.UNREACHABLE)
    with trial.asking_nothing():
        found = list(everything(trial.home.open()))
    trial.expect(found, "nothing registered")


@law(
    Kind.PLUGIN,
    "Settings that hold a secret are declared as secret.",
    mend='token: str = secret("of the gateway"), with secret of crmkit.plugins.',
    safety=True,
    examples=1,
)
def declares_secrets(trial: Trial[CrmkitSpec]) -> None:
    fields = attrs.fields(trial.thing.info.settings)
    open_ones = [field.name for field in fields if _SECRET.search(field.name) and not field.metadata.get("secret")]
    trial.expect(not open_ones, f"{', '.join(open_ones)}, not declared as secret")


@law(
    Kind.PLUGIN,
    "A secret appears in no repr, log, print, receipt or error.",
    mend="Declare it with secret(...), keep it in the settings, and put no URL or header into an error.",
    safety=True,
    examples=1,
)
def keeps_secrets(trial: Trial[CrmkitSpec]) -> None:
    opened = trial.home.open()
    secrets = _secrets(opened.ctx.settings)
    if not secrets:
        raise NotRun("the settings hold no secret")
    with trial.listening() as heard:
        exercise(opened, trial.home.fake)
        told = [repr(opened.ctx), repr(opened.ctx.settings), *_troubles(trial, opened)]
        told += [f"{thing!r} {thing}" for _, thing in everything(opened)]
    found = [name for name, value in secrets if value in "\n".join([heard.text, *told])]
    trial.expect(not found, f"told: the value of {', '.join(found)}")


def _secrets(settings: Any) -> list[tuple[str, str]]:
    """Return each secret text of the settings with its name."""
    found: list[tuple[str, str]] = []
    for field in attrs.fields(type(settings)):
        value = getattr(settings, field.name) if field.metadata.get("secret") else ()
        texts = (value,) if isinstance(value, str) else value
        found += [(field.name, text) for text in texts if isinstance(text, str) and len(text) > 3]
    return found


def _troubles(trial: Trial[CrmkitSpec], opened: Opened) -> Iterator[str]:
    """Yield what the plugin says while one thing after the other is wrong at the other end."""
    for trouble in Trouble if isinstance(trial.home.fake, Fallible) else ():
        try:
            trial.fail(trouble)
        except NotRun:
            continue
        with impatient():
            yield from list(_said(opened))


def _said(opened: Opened) -> Iterator[str]:
    for channel in opened.registered("channel"):
        yield from (f"{one.evidence} {one.reference}" for one in handed_over(channel, (message_of(4, channel.medium),)))
    for source in opened.registered("source"):
        try:
            yield from (repr(batch) for batch in source.read(None))
        except Exception as problem:  # noqa: BLE001 - its text is what is asked for
            yield str(problem)


LAWS = (no_module_state, two_practices, closes_twice, opens_quietly, declares_secrets, keeps_secrets)
