"""What a host writes: mypy and pyright must accept every line, in strict mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from crmkit import (
    CRM,
    Answer,
    Campaign,
    FeedEvent,
    Medium,
    Origin,
    Practice,
    Preview,
    Purpose,
    Settled,
    Standing,
    Window,
    in_words,
    run_day,
    upgrade_database,
)
from crmkit.errors import CrmkitError, NotFound, PluginError
from crmkit.plugins import Batch, Context, CrmkitSpec, PluginInfo, Row, Source, hookimpl


class Tables:
    """The host's own tables."""

    name = "tables"

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield one patient."""
        yield Batch((Row("patient", "1", {"given": "Mia", "family": "Stone"}),))


class Clinic(CrmkitSpec):
    """Registers the tables."""

    info = PluginInfo("clinic")

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return the source."""
        return [Tables(self.engine)]


def make(engine: sa.Engine, practice: Practice) -> CRM:
    """Return the practice's CRM."""
    before, now = upgrade_database(engine)
    print(before != now)
    settings = {"folder": {"path": "outbox"}}
    return CRM(
        practice, engine, plugins=[Clinic(engine), "folder"], settings=settings, channels={Medium.EMAIL: "folder"}
    )


def use(crm: CRM) -> Path:
    """Go the whole way."""
    print(crm.sync().total.added, [row.place for row in crm.rejected()])
    crm.add(Campaign("b", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday"))
    plan = crm.plan(date(2026, 12, 24))
    print([touch.reason for touch in plan.ready()], {state.value: many for (_, state), many in plan.counts().items()})
    for card in (*crm.preview("1"), *plan.preview("1")):
        print(card.touch.patient, card.why, card.message.subject if card.message else "")
    print([(answer.words, answer.due) for answer in crm.why("1")], crm.send(limit=3, only_to=["1"]).sent)
    print([(event.patient, event.state.value) for event in crm.feed()], [one.touch.key for one in crm.unknowns()])
    crm.opt_out("1", Purpose.MARKETING, Medium.EMAIL)
    print([(failure.plugin, failure.phase) for failure in crm.failures()])
    try:
        crm.unsubscribe("token")
    except NotFound as problem:
        print(problem.code, problem.problem, problem.where, problem.mend)
    except PluginError as problem:
        print(problem.failures)
    except CrmkitError as problem:
        print(problem)
    return crm.report("report.html")


def shown(answer: Answer | Preview | FeedEvent | Standing) -> str:
    """Show whatever a CRM told, in the host's own words."""
    if isinstance(answer, FeedEvent):
        return in_words(answer.reason, answer.detail)
    if isinstance(answer, Preview):
        return answer.why
    return answer.words if isinstance(answer, Answer) else answer.told


def decided(crm: CRM) -> list[str]:
    """Settle what is in doubt, and look at a year of the host's choice."""
    for doubt in crm.unknowns():
        crm.settle(doubt.touch.key, Settled.NOT_SENT, by="Kim")
    crm.report("2026.html", Window(date(2026, 1, 1), date(2027, 1, 1)))
    told: list[Answer | Preview | FeedEvent | Standing] = [*crm.why("1"), *crm.preview("1"), *crm.feed(), crm.status()]
    return [shown(one) for one in told]


def many() -> None:
    """Do the day of two practices in two processes."""
    with ProcessPoolExecutor(2) as pool:
        print([counts["sent"] for counts in pool.map(run_day, [Origin("clinics:make", "north")])])
