"""Rows that come as one text are the rows that come one by one, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from both_databases import BOTH, tables_on
from hypothesis import given
from hypothesis import strategies as st

from crmkit.store.among import among
from crmkit.store.rows import Rows
from crmkit.store.types import Instant, Money

EPOCH, MICROSECOND = datetime(2026, 11, 23, tzinfo=UTC), timedelta(microseconds=1)
METADATA = sa.MetaData()
TABLE = sa.Table(
    "thing",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("number", sa.BigInteger),
    sa.Column("given", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("at", Instant),
    sa.Column("amount", Money),
    sa.Column("free", sa.JSON, nullable=False),
)
KEPT = sa.select(TABLE).where(among(TABLE.c.id, "ids"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ODD = st.sampled_from(["", "'", '"', "\\", "\n", "\x1f", "\x7f", "null", "1", "{}", "👩", "\u2028", "ı̇"])
THINGS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("abcdefgh"),
            "text": st.none() | TEXTS | ODD,
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "given": st.none() | st.booleans(),
            "day": st.none() | st.dates(),
            "at": st.none()
            | st.integers(-(10**15), 10**15).map(lambda microseconds: EPOCH + MICROSECOND * microseconds),
            "amount": st.none() | st.decimals(-1000, 1000, places=4),
            "free": st.dictionaries(TEXTS, TEXTS | ODD | st.booleans(), max_size=2),
        }
    ),
    max_size=6,
    unique_by=lambda one: one["id"],
)


@pytest.fixture(scope="module", params=BOTH)
def connection(request):
    with tables_on(request, METADATA) as opened:
        yield opened


@given(things=THINGS, ids=st.lists(st.sampled_from("abcdefghi"), max_size=9), order=st.permutations(["number", "id"]))
def test_each_value_is_what_it_is_in_a_row_by_itself(connection, things, ids, order):
    with connection.begin_nested() as savepoint:
        if things:
            connection.execute(sa.insert(TABLE), things)
        query = KEPT.order_by(*(TABLE.c[name].desc().nulls_last() for name in order))
        found = [tuple(row) for row in Rows(query).of(connection, {"ids": ids})]
        alone = [tuple(row) for row in connection.execute(query, {"ids": ids})]
        savepoint.rollback()
    assert found == alone
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in alone]
    assert {row[0] for row in found} == {one["id"] for one in things} & set(ids)


def test_one_that_is_kept_takes_other_values_each_time(connection):
    kept = Rows(KEPT)
    with connection.begin_nested() as savepoint:
        connection.execute(sa.insert(TABLE), [{"id": id_, "free": {"id": id_}} for id_ in "ab"])
        for asked in (["a"], [], ["b"], ["c"]):
            found = [(row[0], row[-1]) for row in kept.of(connection, {"ids": asked})]
            assert found == [(id_, {"id": id_}) for id_ in asked if id_ != "c"]
        savepoint.rollback()


def test_sqlite_gives_all_rows_in_one_step():
    engine = sa.create_engine("sqlite://")
    asked: list[str] = []
    with engine.begin() as connection:
        METADATA.create_all(connection)
        connection.execute(sa.insert(TABLE), [{"id": id_, "free": {}} for id_ in "abc"])
        sa.event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        assert len(Rows(KEPT).of(connection, {"ids": list("abc")})) == 3
    assert len(asked) == 1
    assert "json_group_array" in asked[0]
    engine.dispose()
