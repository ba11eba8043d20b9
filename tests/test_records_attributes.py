"""Free values of a patient keep the type that the mapping states."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from crmkit import Campaign
from crmkit.errors import ConfigError

MAPPING = {
    "id": "id",
    "family": "family",
    "attributes": {
        "insurer": "Insurer",
        "since": {"column": "Since", "type": "date", "format": "%d/%m/%Y"},
        "limit": {"column": "Limit", "type": "number"},
        "glasses": {"column": "Glasses", "type": "yes-no"},
    },
}


def opened(open_crm, mapping=MAPPING):
    return open_crm(settings={"csv": {"folder": "exports", "patients": mapping}})


def test_they_are_typed_and_survive_the_database(exports, open_crm):
    row = {"id": "P1", "family": "Stone", "Insurer": "Acme", "Since": "02/03/2020", "Limit": "12.50", "Glasses": "Yes"}
    exports("patients", [row, {"id": "P2", "family": "Berg"}])
    crm = opened(open_crm)
    crm.sync()
    assert crm.sync().total.changed == 0
    with crm._store.read() as connection:
        people = crm._stages.history.patients(connection, ["P1", "P2"])
    typed = {"insurer": "Acme", "since": date(2020, 3, 2), "limit": Decimal("12.50"), "glasses": True}
    assert dict(people["P1"].attributes) == typed
    assert dict(people["P2"].attributes) == {}
    assert "Acme" not in repr(people["P1"])


def test_a_segment_asks_for_them_as_they_are_written(exports, open_crm):
    row = {"id": "P1", "family": "Stone", "Insurer": "Acme", "Since": "02/03/2020", "Limit": "", "Glasses": ""}
    exports("patients", [row, {"id": "P2", "family": "Berg"}])
    crm = opened(open_crm)
    crm.sync()
    segment = 'attributes.insurer is "Acme" and attributes.since is "2020-03-02"'
    crm.add(Campaign("x", objective="thank", message="reactivation", segment=segment, schedule="on 2026-11-23"))
    assert [touch.patient for touch in crm.plan().touches] == ["P1"]


@pytest.mark.parametrize(("column", "value"), [("Since", "2020-13-01"), ("Limit", "a lot"), ("Glasses", "maybe")])
def test_a_value_of_another_type_rejects_the_row(column, value, exports, open_crm):
    exports(
        "patients",
        [{"id": "P1", "family": "Stone", "Insurer": "", "Since": "", "Limit": "", "Glasses": "", column: value}],
    )
    crm = opened(open_crm)
    crm.sync()
    (row,) = crm.rejected()
    assert row.field.startswith(f"attributes.{column.lower()}")
    assert value not in row.reason


def test_an_unknown_type_names_the_nearest(exports, open_crm):
    with pytest.raises(ConfigError, match="did you mean number"):
        opened(open_crm, {"id": "id", "attributes": {"limit": {"column": "Limit", "type": "numbr"}}})
