"""A plugin's field whose SQL the database refuses is unknown of everybody, named in a failure, and harms no other."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import attrs
import pytest
import sqlalchemy as sa
from situations import consent, patient

from crmkit import CRM, Campaign, TimeLimits
from crmkit.errors import StoreError
from crmkit.plugins import COUNT, CrmkitSpec, Field, PluginInfo, hookimpl
from crmkit.plugins.failure import Kind, Phase
from crmkit.segments import ask
from crmkit.segments.ask import Ask
from crmkit.segments.text import parse


class Scores(CrmkitSpec):
    """Registers two fields: one as it is told, one that is good."""

    info = PluginInfo("acme")

    def __init__(self, value):
        self.value = value

    @hookimpl
    def crmkit_fields(self, ctx):
        good = Field("given", COUNT, "a count", lambda scope, span: sa.literal(7))
        return [Field("score", COUNT, "a score", self.value), good]


def unknown_function(scope, _):
    return sa.func.no_such_function(scope.patient.c.id)


def several_rows(scope, _):
    visit = scope.records.visit.now
    return sa.select(sa.func.length(visit.c.id)).where(scope.of_patient(visit)).scalar_subquery()


def too_large(scope, _):
    return sa.cast(sa.func.length(scope.patient.c.id) * 2_000_000_000, sa.Integer) * 1_000_000_000 * 1_000_000_000


SEGMENTS = {
    "acme.score >= 0": [],
    "not (acme.score >= 0)": [],
    "acme.score is empty": [],
    "acme.score >= 0 or age >= 18": ["P1", "P2"],
    "acme.score >= 0 or acme.given is 7": ["P1", "P2"],
    "age >= 18 and acme.score >= 0": [],
}


@contextmanager
def too_late(connection, seconds):
    assert seconds == 300
    interrupted = sqlite3.OperationalError("interrupted")
    interrupted.sqlite_errorname = "SQLITE_INTERRUPT"
    raise sa.exc.OperationalError("SELECT", {}, interrupted)
    yield


def card(segment):
    return Campaign("card", objective="celebrate", message="birthday", segment=segment, schedule="on birthday")


def endless(scope, _):
    return sa.literal_column(
        "(WITH RECURSIVE one(n) AS (SELECT 1 UNION ALL SELECT 1 FROM one) SELECT count(*) FROM one)", sa.Integer
    )


def opened(database, tmp_path, practice, clock, exports, value, **limits):
    exports("patients", [patient("P1"), patient("P2", household="H2", email="tom@hill.example")])
    exports("consents", [consent("P1"), consent("P2")])
    visit = {"patient": "P1", "day": "2026-01-05", "status": "completed"}
    exports("visits", [{"id": "V1", **visit}, {"id": "V22", **visit}])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder", Scores(value)], "settings": settings, "clock": clock, "root": tmp_path}
    return CRM(practice, database, time_limits=TimeLimits(**limits), **more)


@pytest.mark.no_cover
@pytest.mark.parametrize("segment", SEGMENTS)
def test_what_the_database_refuses_is_unknown_and_the_plan_goes_on(segment, tmp_path, practice, clock, exports, outbox):
    with opened(f"sqlite:///{tmp_path}/crm.db", tmp_path, practice, clock, exports, unknown_function) as crm:
        check(crm, segment, outbox)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("value", "segment"),
    [
        (unknown_function, "acme.score >= 0 or acme.given is 7"),
        (unknown_function, "not (acme.score >= 0)"),
        (several_rows, "not (acme.score >= 0)"),
        (too_large, "acme.score is empty"),
    ],
)
def test_on_postgresql_a_refused_statement_ends_no_transaction(
    value, segment, tmp_path, practice, clock, exports, outbox, postgres_ready
):
    with opened(postgres_ready, tmp_path, practice, clock, exports, value) as crm:
        check(crm, segment, outbox)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_never_ends_in_the_database_is_given_up_and_the_plan_goes_on(
    engine, tmp_path, practice, clock, exports, outbox, request
):
    database = request.getfixturevalue("postgres_ready") if engine == "postgres" else f"sqlite:///{tmp_path}/crm.db"
    with opened(database, tmp_path, practice, clock, exports, endless, statement=0.5) as crm:
        check(crm, "acme.score >= 0", outbox, Kind.OVERDUE, "took longer than 0.5 s over its SQL")
        with crm._store.read() as connection:
            assert engine == "sqlite" or connection.scalar(sa.text("SHOW statement_timeout")) == "0"


def test_a_field_that_is_slow_because_the_database_is_keeps_its_value(tmp_path, practice, clock, exports, monkeypatch):
    with opened(f"sqlite:///{tmp_path}/crm.db", tmp_path, practice, clock, exports, endless, statement=300) as crm:
        crm.sync()
        crm.add(card("acme.given is 7"))
        monkeypatch.setattr(ask, "bounded", too_late)
        assert sorted(touch.patient for touch in crm.plan().touches) == ["P1", "P2"]
        assert crm.failures() == []


def check(crm, segment, outbox, kind=Kind.RAISED, told="the database refused its SQL"):
    crm.sync()
    crm.add(card(segment))
    assert sorted(touch.patient for touch in crm.plan().touches) == SEGMENTS[segment]
    assert crm.send().sent == len(outbox()) == len(SEGMENTS[segment])
    assert bool(crm.why("P1")) is True
    (failure,) = crm.failures()
    assert (failure.plugin, failure.thing, failure.phase) == ("acme", "acme.score", Phase.SELECT)
    assert failure.kind is kind
    assert told in str(failure)


def test_a_field_that_strays_from_its_patient_is_nonsense(tmp_path, practice, clock, exports):
    def strays(scope, _):
        return scope.records.visit.now.c.patient == "P1"

    with opened(f"sqlite:///{tmp_path}/crm.db", tmp_path, practice, clock, exports, strays) as crm:
        crm.sync()
        crm.add(card("acme.score >= 0 or age >= 18"))
        assert sorted(touch.patient for touch in crm.plan().touches) == ["P1", "P2"], "each of them once"
        assert [one.kind for one in crm.failures()] == [Kind.NONSENSE]


def test_a_field_of_a_kind_that_cannot_compare_is_unknown(tmp_path, practice, clock, exports):
    def refuse(value, rule, scope):
        raise LookupError(rule.value)

    class Odd(Scores):
        @hookimpl
        def crmkit_fields(self, ctx):
            return [Field("score", attrs.evolve(COUNT, compare=refuse), "a score", lambda scope, span: sa.literal(7))]

    exports("patients", [patient("P1")])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder", Odd(None)], "settings": settings, "clock": clock, "root": tmp_path}
    with CRM(practice, f"sqlite:///{tmp_path}/crm.db", **more) as crm:
        crm.sync()
        crm.add(card("not (acme.score is 7) or age >= 18"))
        assert [touch.patient for touch in crm.plan().touches] == ["P1"]
        assert [(one.kind, one.error) for one in crm.failures()] == [(Kind.RAISED, "LookupError")]


def test_what_is_no_fault_of_a_plugin_is_still_told(tmp_path, practice, clock, exports):
    with opened(f"sqlite:///{tmp_path}/crm.db", tmp_path, practice, clock, exports, lambda scope, _: sa.null()) as crm:
        crm.sync()
        crm.add(card("acme.given is 7"))
        with crm._store.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE crmkit_patient RENAME TO crmkit_elsewhere")
        with pytest.raises(StoreError, match="no such table"):
            crm.plan()
        assert crm.failures() == []


def test_a_segment_of_crmkits_own_fields_is_asked_without_a_savepoint(tmp_path, practice, clock, exports):
    with opened(f"sqlite:///{tmp_path}/crm.db", tmp_path, practice, clock, exports, unknown_function) as crm:
        crm.sync()
        members = crm._stages.planner.members
        scope, node = members._scope(clock.now()), parse("age >= 18", members.fields)
        made = []
        with crm._store.read() as connection:
            ask = Ask(node, members.fields, scope)
            rows = ask.rows(connection, lambda: made.append(1) or sa.select(scope.patient.c.id))
        assert len(rows) == 2
        assert made == [1]
