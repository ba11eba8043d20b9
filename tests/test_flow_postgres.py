"""The same way on PostgreSQL."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import attrs
import pytest
import sqlalchemy as sa
from documents import blocks, text
from recording_channel import Recorder
from situations import consent, patient
from test_flow_delivery import BIRTHDAY, people

from crmkit import CRM, Campaign, State, upgrade_database
from crmkit.crm.database import Database
from crmkit.demo.sample import sample
from crmkit.errors import StoreError
from crmkit.messages.mime import to_bytes

#: How the host hands its database in.
GIVEN = {
    "url": {},
    "schema": {"schema": "crm", "prefix": "c_"},
    "engine that commits by itself": {"isolation_level": "AUTOCOMMIT"},
    "engine that is serializable": {"isolation_level": "SERIALIZABLE"},
}


@pytest.fixture(params=GIVEN)
def crm(request, postgres, practice, clock, tmp_path, exports):
    people(exports, 20)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    given = dict(GIVEN[request.param])
    level = given.pop("isolation_level", None)
    database = sa.create_engine(postgres, isolation_level=level) if level else postgres
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    with CRM(practice, database, **more, **given) as opened:
        yield opened
    if level:
        database.dispose()


def test_sync_plan_rehearse_and_send_agree(crm, exports, outbox):
    assert crm.sync().kinds["patient"].added == 20
    assert crm.sync().total.added == crm.sync().total.changed == 0
    crm.add(BIRTHDAY)
    crm.add(Campaign("copy", objective="celebrate", message="birthday", segment="age >= 18", schedule="on birthday"))
    plan = crm.plan()
    assert crm.plan().changed == 0
    (day,) = crm.rehearse(1).days
    sent = crm.send()
    assert {touch.patient for touch in sent.touches} <= {touch.patient for touch in plan.ready()}
    assert sorted(outbox()) == sorted(to_bytes(message) for message in day.messages) != []
    assert crm.findings().bridge.reconciles
    changed = [patient("P0", given="Kim", born="1960-11-23", email="p0@x.example")]
    exports("patients", changed)
    exports("consents", [consent("P0", given="no", at="2026-01-01")])
    assert crm.sync().kinds["patient"].changed == 1
    assert {event.state for event in crm.feed()} >= {State.READY, State.SENT, State.DENIED}


def test_the_rights_that_the_page_names_are_enough(postgres, practice, clock, tmp_path, exports):
    people(exports, 3)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    upgrade_database(postgres, schema="crm")
    (rights,) = blocks(text("docs/how-to/upgrade-the-database.md"), "sql")
    url = sa.make_url(postgres)
    role = f"app_{url.database}"
    owner = sa.create_engine(url)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN; REVOKE ALL ON DATABASE {url.database} FROM PUBLIC")
        connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {url.database} TO {role}")
        connection.exec_driver_sql(
            re.sub(r"\bapp\b", role, rights.replace("DATABASE practice", f"DATABASE {url.database}"))
        )
    app = url.set(username=role).render_as_string(hide_password=False)
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path, "schema": "crm"}
    with CRM(practice, app, **more) as crm:
        crm.sync()
        crm.add(BIRTHDAY)
        crm.plan()
        assert crm.rehearse(1).messages == len(crm.send().touches) > 0
    with pytest.raises(StoreError, match="permission denied"):
        upgrade_database(app, schema="crm", prefix="another_")
    upgrade_database(owner, schema="crm", prefix="later_")
    assert Database(app, schema="crm", prefix="later_").check().right
    with owner.begin() as connection:
        connection.exec_driver_sql(f"REVOKE INSERT, DELETE ON crm.crmkit_entry FROM {role}")
    owner.dispose()
    assert Database(app, schema="crm").check().differs == ("on the table crmkit_entry this role lacks INSERT, DELETE",)


def test_a_key_of_whole_numbers_is_asked_about_in_the_last_second(postgres, practice, clock):
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE person (no integer PRIMARY KEY, name text)")
        connection.exec_driver_sql("INSERT INTO person VALUES (7, 'Mia'), (8, 'Leo')")
    queries = {"patients": "SELECT no AS id, name AS given FROM person"}
    fetch = {"patients": f"{queries['patients']} WHERE no IN :ids"}
    settings = {"sql": {"url": postgres, "queries": queries, "fetch": fetch}}
    with CRM(practice, postgres, plugins=["sql"], settings=settings, clock=clock, prefix="asked_") as crm:
        crm.sync()
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE person SET name = 'Ada' WHERE no = 7")
            connection.exec_driver_sql("DELETE FROM person WHERE no = 8")
        assert crm._stages.truth.renew(["7", "8"], clock.now()) == {"8"}
        with crm._store.read() as connection:
            assert crm._stages.history.patients(connection, ["7"])["7"].name.given == "Ada"
    engine.dispose()


@pytest.mark.parametrize("handed", [0, 5])
def test_what_was_answered_while_the_database_was_away_is_written_down_when_it_is_back(
    postgres, postgres_server, practice, clock, tmp_path, exports, handed
):
    exports("patients", [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(12)])
    exports("consents", [consent(f"P{one}") for one in range(12)])
    name, recorder = sa.make_url(postgres).database, Recorder()
    backends = f"pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"

    def away(_):
        if len(recorder.handed) == handed:
            postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", f"SELECT {backends}")

    recorder.between = away
    settings = {"csv": {"folder": "exports"}}
    with CRM(practice, postgres, plugins=["csv", recorder], settings=settings, clock=clock, root=tmp_path) as crm:
        crm.sync()
        crm.add(BIRTHDAY)
        crm.plan()
        for _ in range(2):
            with pytest.raises(StoreError):
                crm.send()
        recorder.between = lambda _: None
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert crm.send().counts()[State.SENT] >= 11
        assert len({*recorder.keys}) == len(recorder.handed) == 12
        assert {event.state for event in {one.key: one for one in crm.feed()}.values()} == {State.SENT}


def test_what_several_do_at_once_is_done_once_and_fails_for_nobody(postgres, clock, tmp_path):
    file = shutil.copytree(sample(), tmp_path / "practice") / "crm.toml"
    file.write_text(file.read_text("utf-8").replace("sqlite:///practice.db", postgres), "utf-8")
    together, opened = Barrier(4), []

    def run(_):
        together.wait()
        crm = CRM.from_file(file, clock=clock)
        opened.append(crm)
        done = []
        for step in (crm.sync, crm.plan, lambda: crm.stop(by="Kim"), crm.resume):
            together.wait()
            done.append(step())
        return done

    with ThreadPoolExecutor(4) as pool:
        synced, planned, stopped, resumed = zip(*pool.map(run, range(4)), strict=True)
    assert sum(one.total.added for one in synced) == synced[0].total.added + synced[0].total.unchanged == 554
    assert sorted(one.changed for one in planned) == [0, 0, 0, 5]
    assert (sorted(stopped), sorted(resumed)) == ([False, False, False, True], [False, False, False, True])
    for crm in opened:
        crm.close()


def rehearsed_and_counted(crm: CRM) -> list[str]:
    connections, found = [], []
    sa.event.listen(crm._stages.store.engine, "before_cursor_execute", lambda *given: connections.append(given[0]))

    def look(_: object) -> None:
        query = "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname LIKE 'pg_temp%' AND tablename LIKE '%touch'"
        found.extend(connections[-1].scalars(sa.text(query)))

    crm.rehearse(1, progress=look)
    return found


def test_tables_that_were_filled_at_once_are_counted_before_they_are_asked(
    postgres, practice, clock, tmp_path, exports
):
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example") for n in range(500)])
    exports("consents", [consent(f"P{n}") for n in range(500)])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    given = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    engine = sa.create_engine(postgres)

    def counted() -> set[str]:
        with engine.connect() as connection:
            return {*connection.scalars(sa.text("SELECT tablename FROM pg_stats WHERE schemaname = 'public'"))}

    with CRM(practice, postgres, **given) as crm:
        assert counted() == set()
        crm.sync()
        assert {"crmkit_patient", "crmkit_contact", "crmkit_consent"} <= counted()
        assert "crmkit_visit" not in counted(), "nothing is in it"
        crm.add(BIRTHDAY)
        assert rehearsed_and_counted(crm) == ["crmkit_touch"], "nobody else counts what is there for a while only"
        crm.plan()
        assert "crmkit_touch" in counted()
    # A server that was upgraded has forgotten it all.
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM pg_statistic WHERE starelid::regclass::text LIKE 'crmkit%%'")
    with CRM(practice, postgres, **given):
        assert "crmkit_touch" in counted()
    engine.dispose()


def test_another_search_path_on_a_connection_of_the_pool_leads_to_no_other_tables(
    postgres, practice, clock, tmp_path, exports, outbox
):
    """Many hosts keep a schema for each tenant, and set the path of whatever connection they have at hand."""
    people(exports, 5)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    engine = sa.create_engine(postgres, pool_size=1, max_overflow=0)

    def turn_to(tenant):
        with engine.begin() as connection:
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{tenant}"')
            connection.exec_driver_sql(f'SET search_path TO "{tenant}"')

    turn_to("Tenant-A")
    with CRM(practice, engine, **more) as one:
        one.sync()
        one.add(BIRTHDAY)
        one.plan()
        sent = one.send().sent
        turn_to("tenant_b")
        with CRM(attrs.evolve(practice, id="next-door"), engine, **more) as other:
            assert other.sync().total.added == one.sync().total.unchanged > 0
            assert one.rehearse(1).messages == one.send().sent == 0
            assert one.status().last_sent
            assert len(outbox()) == sent > 0
        assert one.place.endswith('tables "Tenant-A".crmkit_*')
    turn_to("Tenant-A")
    with CRM(practice, engine, **more) as again:
        assert again.plan().changed == again.send().sent == 0
    engine.dispose()
