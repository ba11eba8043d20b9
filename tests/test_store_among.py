"""One parameter for many values: the same rows as naming each value, found by the same index, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from both_databases import BOTH, tables_on
from hypothesis import given
from hypothesis import strategies as st

from crmkit.store.among import among

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
THERE = ["", "P1", "p1", "O'Neill", "ü", "👩", '"', "\\", "{}", "null", "1", "a,b", " P1"]
METADATA = sa.MetaData()
TABLE = sa.Table(
    "thing", METADATA, sa.Column("practice", sa.Text, primary_key=True), sa.Column("id", sa.Text, primary_key=True)
)


@pytest.fixture(scope="module", params=BOTH)
def connection(request):
    with tables_on(request, METADATA) as opened:
        opened.execute(sa.insert(TABLE), [{"practice": "one", "id": id_} for id_ in THERE])
        yield opened


@given(asked=st.lists(st.sampled_from(THERE) | TEXTS, max_size=12))
def test_it_finds_what_naming_each_value_finds(connection, asked):
    found = set(connection.scalars(sa.select(TABLE.c.id).where(among(TABLE.c.id, asked))))
    assert found == set(asked) & set(THERE)
    others = set(connection.scalars(sa.select(TABLE.c.id).where(sa.not_(among(TABLE.c.id, asked)))))
    assert others == set(THERE) - found


def test_a_statement_that_is_kept_takes_other_values_each_time(connection):
    kept = sa.select(TABLE.c.id).where(among(TABLE.c.id, "ids"))
    for asked in (["P1"], [], THERE * 100, ["ü", "nobody"]):
        assert set(connection.scalars(kept, {"ids": asked})) == set(asked) & set(THERE)


def test_each_value_is_looked_up_in_an_index():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        METADATA.create_all(connection)
        query = sa.select(TABLE).where(TABLE.c.practice == "one", among(TABLE.c.id, ["P1", "P2"]))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.compile(engine)}", ("one", "[]")).all()
    assert any("(practice=? AND id=?)" in row.detail for row in plan)
    engine.dispose()
