"""Whoever died, or said no, in a row that cannot be read is not written to until the row is mended."""

from __future__ import annotations

import pytest
from situations import consent, patient

from crmkit import Campaign, State

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


def plan(crm):
    return [(touch.state, touch.reason) for touch in crm.plan().touches]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("patients", patient("P1", status="passed on")),
        ("patients", patient("P1", deceased_on="1/11/2026")),
        ("consents", consent("P1", given="nein")),
        # A list of all that was ever said, under the patient's number: the second row is not read.
        ("consents", consent("P1", given="no", id="P1", at="2026-01-01")),
    ],
)
def test_a_row_that_cannot_be_read_any_more_holds_what_is_planned_and_what_would_leave(
    kind, row, exports, open_crm, outbox
):
    yes = consent("P1", id="P1")
    exports("patients", [patient("P1")])
    exports("consents", [yes])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    assert plan(crm) == [(State.READY, "ready")]
    exports(kind, [row] if kind == "patients" or row["id"] != "P1" else [yes, row])
    crm.sync()
    assert crm.send().sent == len(outbox()) == 0
    assert plan(crm) == [(State.HELD, "unread_row")]
    assert crm.why("P1")[0].words == "held: a row about patient P1 cannot be read: crmkit rejected tells what to mend"
    exports("patients", [patient("P1")])
    exports("consents", [yes])
    crm.sync()
    assert plan(crm) == [(State.READY, "ready")]
    assert crm.send().sent == len(outbox()) == 1


def test_a_guardians_row_holds_what_the_guardian_reads(exports, open_crm):
    child = patient("C1", given="Leo", born="2019-11-23", guardian="P1", email="")
    exports("patients", [patient("P1", born="1985-01-01"), child])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.add(BIRTHDAY)
    crm.sync()
    exports("patients", [patient("P1", born="1985-01-01", status="dead"), child])
    crm.sync()
    (touch,) = crm.plan().touches
    assert (touch.patient, touch.reason, touch.detail) == ("C1", "unread_row", {"patient": "P1"})


def test_rows_of_other_kinds_and_other_peoples_hold_nothing(exports, open_crm):
    exports("patients", [patient("P1"), patient("P2", status="dead")])
    exports("consents", [consent("P1"), consent("P2", given="perhaps")])
    exports("visits", [{"id": "V1", "patient": "P1", "day": "soon", "status": "completed"}])
    crm = open_crm()
    crm.add(BIRTHDAY)
    assert crm.sync().total.rejected == 3
    assert plan(crm) == [(State.READY, "ready")]


def test_a_yes_whose_cell_was_emptied_is_over_and_a_no_is_not(exports, open_crm):
    no = consent("P2", purpose="service", given="no")
    exports("patients", [patient("P1"), patient("P2"), patient("P3")])
    exports("consents", [consent("P1"), no, consent("P3", given="", at="")])
    crm = open_crm()
    crm.add(BIRTHDAY)
    assert crm.sync().kinds["consent"].added == 2
    assert crm.rejected() == []
    exports("consents", [consent("P1") | {"given": ""}, no | {"given": ""}])
    assert crm.sync().kinds["consent"].changed == 1
    assert crm.rejected() == []
    assert [(touch.patient, touch.reason) for touch in crm.plan().touches] == [
        (one, "no_consent") for one in ("P1", "P2", "P3")
    ]
    assert [said.given for said in crm.holds("P2").said] == [False]
