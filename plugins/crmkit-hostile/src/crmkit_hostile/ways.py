"""The misbehaviours that the settings choose from, by kind: what it does, in words and in deed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from crmkit.errors import ConfigError
from crmkit.plugins import (
    ALLOWED,
    Batch,
    Candidate,
    Context,
    Message,
    NotSent,
    Outcome,
    Receipt,
    Row,
    defer,
    deny,
    total,
)
from crmkit_hostile.table import Misbehaviour, fail, hang

_SENT, _REFUSED = Outcome.SENT, Outcome.REFUSED


def deliver(ctx: Context, given: Sequence[Message]) -> list[Receipt]:
    """Let the receiver have the messages, and return good receipts."""
    if ctx.settings.receiver:
        with ctx.path(ctx.settings.receiver).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([one.key, one.to, one.text]) + "\n" for one in given)
    return [Receipt(message.key, _SENT) for message in given]


def metric(**more: Any) -> Any:
    """Return a metric that counts patients."""
    behaved = {"start": lambda: 0, "add": lambda state, rows: state + len(rows), "value": total}
    return SimpleNamespace(name="heads", version=1, unit="patients", help="Patients.", **{**behaved, **more})


def _without_end(thing: Any) -> Iterator[Any]:
    while True:
        yield thing


def _then_fail(*things: Any) -> Iterator[Any]:
    yield from things
    fail("no more, Mia Stone")


def _late(ctx: Context, given: Sequence[Message]) -> Iterator[Receipt]:
    hang(ctx)
    yield from deliver(ctx, given)


def _altered(*things: Any, **parts: Any) -> Any:
    for thing in things:
        for name, value in parts.items():
            object.__setattr__(thing, name, value)
    return things


def _person(id_: str, family: Any = "Quill") -> Batch:
    return Batch((Row("patient", id_, {"given": "Zoe", "family": family, "email": "zoe@quill.example"}),))


def _all(given: Sequence[Candidate], verdict: Any = ALLOWED) -> list[Any]:
    return [verdict for _ in given]


def _receipts(given: Sequence[Message], outcome: Outcome = _SENT) -> list[Receipt]:
    return [Receipt(one.key, outcome, evidence=f"{one.to_name} at {one.to}") for one in given]


_REGISTER = {
    "nothing": ("Its hook returns nothing.", lambda ctx: None),
    "number": ("Its hook returns a number.", lambda ctx: 7),
    "words": ("Its hook returns words.", lambda ctx: ["retention"]),
    "halfway": ("Its hook raises after the first thing.", lambda ctx: _then_fail(metric())),
    "endless": ("Its hook comes to no end.", lambda ctx: _without_end(metric())),
    "twice": ("It registers two things of one name.", lambda ctx: [metric(), metric()]),
    "hangs": ("Its hook does not come back.", hang),
    "exits": ("Its hook ends the program.", lambda ctx: fail(kind=SystemExit)),
    "interrupts": ("Its hook says that somebody pressed Ctrl-C.", lambda ctx: fail(kind=KeyboardInterrupt)),
    "tells": ("It raises, and the text holds its secret.", lambda ctx: fail(ctx.settings.token)),
    "quotes": ("It quotes its secret to the host.", lambda ctx: fail(ctx.settings.token, kind=ConfigError)),
}
_CHANNEL = {
    "raises": ("It raises.", lambda ctx, given: fail("no")),
    "quotes": ("It raises, and the text holds the reader.", lambda ctx, given: fail(given[0].to_name, given[0].to)),
    "exits": ("It ends the program.", lambda ctx, given: fail(kind=SystemExit)),
    "halfway": ("It raises after the first receipt.", lambda ctx, given: _then_fail(*deliver(ctx, given[:1]))),
    "hangs": ("It does not come back.", hang),
    "late": ("It answers when nobody waits any more.", _late),
    "too-few": ("It leaves a receipt out.", lambda ctx, given: deliver(ctx, given)[1:]),
    "too-many": ("It gives receipts without end.", lambda ctx, given: _without_end(deliver(ctx, given[:1])[0])),
    "foreign": ("It claims more than it was given.", lambda ctx, given: [*deliver(ctx, given), Receipt("x", _SENT)]),
    "repeats": ("It gives each receipt twice.", lambda ctx, given: deliver(ctx, given) * 2),
    "contradicts": ("It says both.", lambda ctx, given: [*deliver(ctx, given), *_receipts(given, _REFUSED)]),
    "nothing": ("It answers nothing.", lambda ctx, given: None if deliver(ctx, given) else 0),
    "words": ("It answers in words.", lambda ctx, given: ["sent" for _ in deliver(ctx, given)]),
    "evidence": ("Its receipts quote the reader.", lambda ctx, given: deliver(ctx, given) and _receipts(given)),
    "twice": ("It sends twice and tells of one.", lambda ctx, given: (deliver(ctx, given), deliver(ctx, given))[0]),
    "denies": ("It sends, and says it has not.", lambda ctx, given: (deliver(ctx, given), fail(kind=NotSent))),
    "alters": ("It changes its batch.", lambda ctx, given: deliver(ctx, _altered(*given, to="+61491570110"))),
    "logs": (
        "It logs the reader.",
        lambda ctx, given: (deliver(ctx, given), *(ctx.log.info(one.to) for one in given))[0],
    ),
}
_GUARD = {
    "raises": ("It raises, and the text holds the patient.", lambda ctx, given, now: fail(given[0].patient.name)),
    "exits": ("It ends the program.", lambda ctx, given, now: fail(kind=SystemExit)),
    "hangs": ("It does not come back.", hang),
    "nothing": ("It answers nothing.", lambda ctx, given, now: None),
    "words": ("It answers in words.", lambda ctx, given, now: _all(given, "yes")),
    "too-few": ("It leaves a verdict out.", lambda ctx, given, now: _all(given)[1:]),
    "too-many": ("It judges whom it was not asked about.", lambda ctx, given, now: [*_all(given), ALLOWED]),
    "forges": ("Its ruling is milder than any.", lambda ctx, given, now: _all(given, *_altered(deny("x"), ruling=-1))),
    "sentence": ("Its reason is a sentence.", lambda ctx, given, now: _all(given, deny("Mia Stone is away"))),
    "quotes": ("It quotes.", lambda ctx, given, now: [deny("x", who=one.patient.name.display) for one in given]),
    "for-ever": ("It defers for ever.", lambda ctx, given, now: _all(given, defer(now + timedelta(36500), "x"))),
    "allows": ("It allows what others deny.", lambda ctx, given, now: _all(given)),
    "alters": ("It alters candidates.", lambda ctx, given, now: _all(_altered(*given, minor=False, consents={}))),
}
_METRIC = {
    "raises": ("It raises.", lambda ctx, state: fail("no")),
    "hangs": ("It does not come back.", hang),
    "words": ("It answers in words.", lambda ctx, state: "many"),
    "nan": ("Its figure is no number.", lambda ctx, state: total(Decimal("NaN"))),
}
_FIELD = {
    "raises": ("It raises.", lambda ctx, scope, span: fail("no")),
    "hangs": ("It does not come back.", hang),
    "words": ("Its value is text and no expression.", lambda ctx, scope, span: "1 = 1; --"),
    "no-sql": ("The database refuses its SQL.", lambda ctx, scope, span: sa.func.no_such_function(scope.patient.c.id)),
    "no-column": ("It asks for what is not there.", lambda ctx, scope, span: sa.literal_column("no_such_column")),
    "strays": ("It does not stay with its patient.", lambda ctx, scope, span: scope.records.contact.now.c.medium != ""),
}
_SOURCE = {
    "halfway": ("It raises after the first batch.", lambda ctx: _then_fail(_person("Z1"))),
    "endless": ("It comes to no end.", lambda ctx: _without_end(Batch(()))),
    "hangs": ("It does not come back.", lambda ctx: iter(lambda: hang(ctx), None)),
    "words": ("It yields words.", lambda ctx: iter(["Zoe Quill"])),
    "numbers": ("Its values are no text.", lambda ctx: iter([_person("Z1", family=7)])),
    "garbage": ("Its rows are of no kind.", lambda ctx: iter([Batch((Row("pet", "Z1", {"colour": "red"}),))])),
    "steals": ("It calls others' patients its own.", lambda ctx: iter([_person("P1"), _person("P3")])),
}
_FETCH = {
    "raises": ("It gives no answer in the moment of sending.", lambda ctx: fail("cannot read Zoe Quill")),
    "hangs": ("It does not come back in the moment of sending.", lambda ctx: iter(lambda: hang(ctx), None)),
    "words": ("It answers in words in the moment of sending.", lambda ctx: iter(["Zoe Quill"])),
    "lies": ("It answers of whom it was not asked about.", lambda ctx: iter([_person("Z1"), _person("P3")])),
}
_PARSER = {
    "raises": ("It raises, and the text holds what came.", lambda ctx, payload: fail(payload.body)),
    "hangs": ("It does not come back.", hang),
    "words": ("It answers in words.", lambda ctx, payload: ["bounced"]),
    "endless": ("It reads events without end.", lambda ctx, payload: _without_end(None)),
}
_OTHER = {
    "guards": {"nothing": ("Its hook for guards returns nothing.", lambda ctx: None)},
    "close": {"raises": ("It raises when it is closed.", lambda ctx: fail("no")), "hangs": ("It never closes.", hang)},
}


def _table(**kinds: Any) -> dict[str, Misbehaviour]:
    made = (Misbehaviour(f"{kind}-{name}", kind, *told) for kind, ways in kinds.items() for name, told in ways.items())
    return {one.name: one for one in made}


WAYS = _table(
    register=_REGISTER, channel=_CHANNEL, guard=_GUARD, metric=_METRIC, field=_FIELD, source=_SOURCE, fetch=_FETCH,
    parser=_PARSER, **_OTHER,
)  # fmt: skip
