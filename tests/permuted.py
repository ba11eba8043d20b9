"""A practice whose plugins overlap in every way: guards of each ruling, fields, message types, metrics, two sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa
from greetings import put
from situations import NOW, consent, patient

from crmkit import Campaign
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import (
    ALLOWED,
    COUNT,
    TEXT,
    Batch,
    Candidate,
    CrmkitSpec,
    Field,
    Figure,
    Limits,
    Message,
    MessageType,
    Outcome,
    PanelRow,
    PluginInfo,
    Receipt,
    Row,
    Verdict,
    defer,
    deny,
    hold,
    hookimpl,
    total,
)

DAY = timedelta(days=1)
PATIENTS = 26
#: Whose own row comes from the agenda; the clinic has all others, and one of these ids too.
NEW, TWICE = 21, 5
CAMPAIGNS = (
    Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday"),
    Campaign(
        "warm", objective="reactivate", message="acme.winter", segment='shape.initial in ("A", "B", "C") and age >= 18',
        schedule="on 2026-11-23", media=("sms", "email"), lot="0.3", priority=40,
    ),
    Campaign(
        "cold", objective="reactivate", message="zeta.winter", media=("email", "sms"), schedule="on 2026-11-24",
        segment="not shape.letters > 6 or size.letters is 7 and age >= 60", per_day=2,
    ),
)  # fmt: skip


class Bringing(CrmkitSpec):
    """A plugin that registers what it is given, in an order that chance decides."""

    def __init__(self, name: str, **things: Sequence[Any]) -> None:
        self.info = PluginInfo(name)
        self.things, self.chance = things, Random(0)

    def given(self, hook: str) -> list[Any]:
        things = self.things.get(hook, ())
        return self.chance.sample(things, len(things))


def bringing(hook: str) -> Callable[..., list[Any]]:
    return hookimpl(lambda self, ctx: self.given(hook))


for kind in ("sources", "channels", "message_types", "fields", "guards", "metrics"):
    setattr(Bringing, f"crmkit_{kind}", bringing(kind))


class Every:
    """A guard with one verdict for every so many patients; the others it allows."""

    def __init__(self, name: str, verdict: Verdict, *numbers: int) -> None:
        self.name, self.verdict, self.numbers = name, verdict, numbers

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> list[Verdict]:
        del now
        asked = [int(one.patient.id.removeprefix("P")) for one in candidates]
        return [self.verdict if any(not number % by for by in self.numbers) else ALLOWED for number in asked]


class Told:
    """A source that yields its rows in batches of a size, in an order that chance decides: patients first, as told."""

    def __init__(self, name: str, rows: Sequence[Row], size: int, chance: Random) -> None:
        self.name, self.size = name, size
        # What stands in an export twice, word for word, is one row.
        self.rows = chance.sample([*rows, *rows[::7]], len(rows) + len(rows[::7]))
        self.rows.sort(key=lambda row: row.kind != "patient")

    def read(self, since: str | None) -> Iterator[Batch]:
        del since
        for start in range(0, len(self.rows), self.size):
            yield Batch(tuple(self.rows[start : start + self.size]), complete=False, cursor="all")


class Taking:
    """A channel that takes everything."""

    def __init__(self, name: str, medium: Medium, limits: Limits) -> None:
        self.name, self.medium, self.limits = name, medium, limits
        self.taken: list[Message] = []

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        self.taken += messages
        return [Receipt(one.key, Outcome.SENT) for one in messages]


class Counting:
    """A metric that counts patients, or adds up something of theirs."""

    version, unit, help = 1, "patients", "So many of them."

    def __init__(self, name: str, of: Callable[[PanelRow], int]) -> None:
        self.name, self.of = name, of

    def start(self) -> int:
        return 0

    def add(self, state: int, rows: Sequence[PanelRow]) -> int:
        return state + sum(map(self.of, rows))

    def value(self, state: int) -> Figure:
        return total(state)


def plugins(templates: Path, size: int, batch: int, chance: Random) -> list[Bringing]:
    """Return all plugins; source and channel work in pieces of these sizes."""
    limits = Limits(batch=batch)
    made = [
        Bringing("acme", message_types=[winter(templates / "acme", "Warm", personal=True)], guards=[
            Every("shut", deny("shut", by="acme"), 6), Every("kind", ALLOWED, 1)]),
        Bringing("zeta", message_types=[winter(templates / "zeta", "Cold", personal=False)], guards=[
            Every("shut", deny("shut", by="zeta"), 12), Every("odd", deny("odd", of=1, at=2), 9)]),
        Bringing("asks", guards=[Every("asked", hold("asked"), 5, 6), Every("told", hold("told", by=1), 10)]),
        Bringing("waits", guards=[
            Every("later", defer(NOW + DAY, "later"), 4), Every("latest", defer(NOW + 3 * DAY, "latest"), 8)]),
        Bringing("naps", guards=[Every("as-late", defer(NOW + DAY, "as_late"), 4, 7), Every("past", PAST, 3)]),
        Bringing("shape", fields=[letters(), Field("initial", TEXT, "", lambda scope, _: first_of(scope))]),
        Bringing("size", fields=[letters()]),
        Bringing("sums", metrics=[Counting("visits", lambda row: row.visits), Counting("all", lambda _: 1)]),
        Bringing("counts", metrics=[Counting("reachable", lambda row: row.contactable)]),
        Bringing("clinic", sources=[Told("clinic", list(of_clinic()), size, chance)]),
        Bringing("agenda", sources=[Told("agenda", list(of_agenda()), size, chance)]),
        Bringing("post", channels=[Taking("post", Medium.EMAIL, limits)]),
        Bringing("spare", channels=[Taking("spare", Medium.EMAIL, limits)]),
        Bringing("texts", channels=[Taking("texts", Medium.SMS, limits)]),
    ]  # fmt: skip
    for plugin in made:
        plugin.chance = chance
    return made


PAST = defer(NOW - DAY, "past")


def letters() -> Field:
    return Field("letters", COUNT, "", lambda scope, _: sa.func.length(scope.patient.c.given))


def first_of(scope: Any) -> Any:
    return sa.func.substr(scope.patient.c.given, 1, 1, type_=sa.Text)


def winter(templates: Path, word: str, *, personal: bool) -> MessageType:
    greeting = "{{ patient.greeting }}" if personal else "everybody"
    said = f"{word}: {greeting}, {{{{ today }}}}"
    put(templates / "winter" / "email" / "en", subject_txt=f"{word} days", body_txt=said)
    put(templates / "winter" / "sms" / "en", body_txt=f"{word}, {greeting}")
    media = (Medium.EMAIL, Medium.SMS)
    return MessageType("winter", Purpose.MARKETING, "greet", (), media, 9, templates, personal=personal)


def people(numbers: Sequence[int], **more: str) -> Iterator[Row]:
    """Yield patients who live in twos and share an address."""
    for number in numbers:
        given, house = "ABCDE"[number % 5] + "na" * (1 + number % 3), f"H{number // 2}"
        born, mobile = f"19{60 + number}-11-{22 + number % 9}", f"0491 570 {number:03}" if number % 3 else ""
        told = {"given": given, "household": house, "born": born, "mobile": mobile, "email": f"{house}@home.example"}
        yield as_row("patient", patient(f"P{number}", **{**told, **more}))


def of_clinic() -> Iterator[Row]:
    own = range(1, NEW)
    yield from people(own)
    yield from people([NEW], guardian="P1")
    for number in own:
        yield as_row("consent", consent(f"P{number}", given="no" if number % 11 == 0 else "yes"))
        yield as_row("consent", consent(f"P{number}", medium="sms"))
        yield as_row("visit", {"id": f"V{number}", "patient": f"P{number}", "day": "2026-03-02", "status": "completed"})
        yield second_number(number, "0491 570 701")


def of_agenda() -> Iterator[Row]:
    # The clinic calls somebody else so too: nothing of theirs is mixed.
    yield from people([TWICE, *range(NEW + 1, PATIENTS)], family="Other")
    for number in range(1, PATIENTS):
        yield as_row("visit", {"id": f"V{number}", "patient": f"P{number}", "day": "2026-07-02", "status": "completed"})
        yield as_row("consent", consent(f"P{number}", given="no" if number % 13 == 0 else "yes"))
        yield second_number(number, "0491 570 702")
        amount = {"day": "2026-07-02", "amount": f"{number}.50"}
        yield as_row("invoice", {"id": f"I{number}", "patient": f"P{number}", **amount})


def second_number(number: int, value: str) -> Row:
    return as_row("contact", {"id": f"second:{number}", "patient": f"P{number}", "medium": "sms", "value": value})


def as_row(kind: str, fields: dict[str, str]) -> Row:
    line = int("".join(filter(str.isdigit, fields.get("patient", fields["id"]))))
    return Row(kind, fields["id"], {name: text for name, text in fields.items() if name != "id"}, kind, line)
