"""The last-second question: what a source says of a few patients now, and what is not sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records_desk import NOW, Desk, Told, anna, new_desk, row, visit

from crmkit.errors import PluginError, SourceError
from crmkit.plugins.owned import owned_source
from crmkit.records.source import Batch, Row, Source, fetches
from crmkit.records.truth import Truth

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

LATER = NOW + timedelta(days=1)


@attrs.define
class Asked(Told):
    """A source that answers with the rows which the test put into it, of the patients asked for."""

    rows: list[Row] = attrs.field(factory=list)
    whole: tuple[str, ...] = ()
    fails: Exception | None = None
    questions: list[tuple[str, ...]] = attrs.field(factory=list)

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        self.questions.append(tuple(ids))
        yield Batch(tuple(self.rows), whole=self.whole)
        if self.fails:
            raise self.fails


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = new_desk()
    yield made
    made.store.close()


def consent(given: str = "yes", id_: str = "C1", patient: str = "P1", **more: str) -> Row:
    fields = {"purpose": "marketing", "medium": "email", "at": "2026-01-01", "given": given}
    return row("consent", id_, patient=patient, **fields | more)


def truth(desk: Desk, *sources: Source) -> Truth:
    return Truth(desk.records, sources)


def test_without_a_source_that_can_be_asked_nothing_is_asked(desk: Desk) -> None:
    made = truth(desk, Told())
    assert not made.asks
    assert made.renew(["P1"], LATER) == frozenset()


def test_what_changed_since_the_sync_is_known_with_its_instant(desk: Desk) -> None:
    source = Asked(rows=[anna(status="deceased", email="a@x.example"), consent("no"), visit("V2", day="2026-12-01")])
    desk.sync(anna(email="anna@berg.example"), consent("yes"))
    assert truth(desk, source).renew(["P1"], LATER) == frozenset()
    assert source.questions == [("P1",)]
    (now,), (was,) = desk.now("patient"), desk.was("patient")
    assert (now.status, now.known_at, was.status, was.known_until) == ("deceased", LATER, "active", LATER)
    assert [one.given for one in desk.now("consent")] == [False]
    assert [one.value for one in desk.now("contact")] == ["a@x.example"]
    assert [one.id for one in desk.now("visit")] == ["V2"]
    assert truth(desk, source).renew(["P1"], LATER + timedelta(hours=1)) == frozenset()
    assert desk.now("patient")[0].known_at == LATER, "the same again changes nothing"


def test_a_guardian_is_asked_about_too_and_answers_for_the_ward(desk: Desk) -> None:
    desk.sync(anna(), row("patient", "P2", born="2020-01-01"))
    source = Asked(rows=[row("patient", "P2", born="2020-01-01", guardian="P1"), anna(status="deceased")])
    assert truth(desk, source).renew(["P2"], LATER) == frozenset()
    assert source.questions == [("P2",), ("P1",)]
    assert desk.now("patient")[0].status == "deceased"
    del source.rows[1]
    assert truth(desk, source).renew(["P2"], LATER) == {"P2"}, "the guardian is not sure, and so the ward is not"


@pytest.mark.parametrize("problem", [SourceError("the line went dead"), RuntimeError("Anna Berg"), SystemError()])
def test_of_whom_a_source_failed_to_speak_nothing_is_sure_and_nothing_half_is_kept(
    desk: Desk, problem: Exception
) -> None:
    desk.sync(anna(), row("patient", "P2"))
    source = owned_source("acme", Asked(rows=[anna(city="Enmore")], fails=problem))
    assert truth(desk, source).renew(["P1", "P2"], LATER) == {"P1", "P2"}
    assert [one.city for one in desk.now("patient")] == ["", ""]
    with pytest.raises((SourceError, PluginError)) as told:
        list(source.fetch(["P1"]))
    assert "Berg" not in str(told.value)


def test_a_patient_whom_the_source_does_not_know_any_more_is_not_sure_but_kept(desk: Desk) -> None:
    desk.sync(anna(), row("patient", "P2"))
    desk.sync(row("patient", "P3"), name="other")
    source = Asked(rows=[anna()])
    assert truth(desk, source).renew(["P1", "P2", "P3"], LATER) == {"P2"}, "P3 is another source's"
    assert [one.id for one in desk.now("patient")] == ["P1", "P2", "P3"]


@pytest.mark.parametrize("unreadable", [anna(deceased_on="last week"), consent("perhaps")])
def test_who_might_have_said_no_in_a_row_that_cannot_be_read_is_not_sure(desk: Desk, unreadable: Row) -> None:
    desk.sync(anna())
    rows = [unreadable] if unreadable.kind == "patient" else [anna(), unreadable]
    assert truth(desk, Asked(rows=rows)).renew(["P1"], LATER) == {"P1"}
    assert [(one.kind, one.rejected_at) for one in desk.rejected()] == [(unreadable.kind, LATER)]


def test_an_old_invoice_that_cannot_be_read_keeps_nobody_from_being_written_to(desk: Desk) -> None:
    bad = row("invoice", "I1", patient="P1", day="2026-03-01", amount="twelve")
    desk.sync(anna(), bad)
    assert truth(desk, Asked(rows=[anna(), bad])).renew(["P1"], LATER) == frozenset()
    assert len(desk.rejected()) == 1
    mended = attrs.evolve(bad, fields={**bad.fields, "amount": "12"})
    truth(desk, Asked(rows=[anna(), mended])).renew(["P1"], LATER)
    assert desk.rejected() == []


def test_silence_says_nothing_unless_the_source_says_that_it_told_all(desk: Desk) -> None:
    more = row("contact", "X1", patient="P1", medium="email", value="second@berg.example")
    desk.sync(anna(email="anna@berg.example"), row("patient", "P2"), consent(), consent(id_="C2", patient="P2"), more)
    desk.sync(consent(id_="C3"), name="other")
    source = Asked(rows=[anna(email="anna@berg.example")])
    truth(desk, source).renew(["P1"], LATER)
    assert [one.id for one in desk.now("consent")] == ["C1", "C2", "C3"]
    source.whole = ("patient", "contact", "consent")
    assert truth(desk, source).renew(["P1"], LATER) == frozenset()
    assert [one.id for one in desk.now("consent")] == ["C2", "C3"], "nor do others' rows go, nor another source's"
    assert [(one.id, one.known_until) for one in desk.was("consent")] == [("C1", LATER)]
    assert [one.id for one in desk.now("contact")] == ["P1:email"], "the patient's own row still gives that one"


def test_a_row_that_is_there_but_cannot_be_read_has_not_gone(desk: Desk) -> None:
    desk.sync(anna(), visit("V1"))
    truth(desk, Asked(rows=[anna(), visit("V1", day="soon")], whole=("visit",))).renew(["P1"], LATER)
    assert [one.id for one in desk.now("visit")] == ["V1"]


def test_rows_of_patients_who_were_not_asked_about_are_passed_over(desk: Desk) -> None:
    desk.sync(anna(), row("patient", "P2"))
    source = Asked(rows=[anna(), row("patient", "P2", city="Enmore"), visit("V1", "P2"), row("patient", "P9")])
    assert truth(desk, source).renew(["P1"], LATER) == frozenset()
    assert [(one.id, one.city) for one in desk.now("patient")] == [("P1", ""), ("P2", "")]
    assert desk.now("visit") == []


def test_two_sources_with_one_id_do_not_mix_two_people(desk: Desk) -> None:
    desk.sync(anna())
    own, other = Asked(rows=[anna()]), Asked(rows=[row("patient", "P1", given="Tom"), consent()], name="other")
    assert truth(desk, own, other).renew(["P1"], LATER) == frozenset()
    assert [one.given for one in desk.now("patient")] == ["Anna"]
    assert desk.now("consent") == []


def test_what_belongs_to_a_patient_may_be_told_before_the_patient(desk: Desk) -> None:
    truth(desk, Asked(rows=[consent(), anna()])).renew(["P1"], LATER)
    assert len(desk.now("patient")) == len(desk.now("consent")) == 1
    assert desk.rejected() == []


def test_only_a_source_that_has_fetch_has_one_under_its_owners_name() -> None:
    assert fetches(owned_source("acme", Asked()))
    assert not fetches(owned_source("acme", Told()))


ROWS = st.lists(
    st.sampled_from(["", "active", "deceased", "moved"]).flatmap(
        lambda status: st.builds(lambda n: row("patient", f"P{n}", status=status), st.integers(1, 4))
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(ROWS, ROWS, st.sets(st.sampled_from(["P1", "P2", "P3", "P4"])))
def test_asking_comes_to_the_same_as_a_sync_for_those_asked_and_changes_nobody_else(
    before: list[Row], after: list[Row], asked: set[str]
) -> None:
    desk, twin = new_desk(), new_desk()
    for one in (desk, twin):
        one.sync(*before)
    unsure = truth(desk, Asked(rows=after)).renew(sorted(asked), LATER)
    twin.sync(*(one for one in after if one.id in asked))
    assert [(one.id, one.status) for one in desk.now("patient")] == [
        (one.id, one.status) for one in twin.now("patient")
    ]
    assert unsure == {one.id for one in before if one.id in asked} - {one.id for one in after}
    desk.store.close()
    twin.store.close()
