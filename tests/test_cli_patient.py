"""What the desk asks about one patient, and what a patient tells the desk."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from situations import consent, patient

from crmkit import CRM, Campaign
from crmkit.cli import main
from crmkit.cli.options import Given

CHILD = patient("P2", born="2016-11-23", guardian="P1", email="")
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


@pytest.fixture
def crm(exports: Any, open_crm: Any, monkeypatch: pytest.MonkeyPatch) -> CRM:
    """A mother and her child, and a card that is due to each."""
    exports("patients", [patient("P1"), CHILD])
    exports("consents", [consent("P1"), consent("P2")])
    crm: CRM = open_crm()
    monkeypatch.setattr(Given, "crm", lambda _: crm)
    monkeypatch.setattr(crm, "close", lambda: None)
    crm.sync()
    crm.add(CARD)
    crm.plan()
    return crm


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == code, result.output
    return result


def told(*args: str, code: int = 0) -> Any:
    return json.loads(run(*args, "--json", code=code).stdout)


@pytest.mark.no_cover
@pytest.mark.usefixtures("crm")
def test_whoever_got_a_message_learns_by_which_yes_and_what_happens_next() -> None:
    run("send", "--yes")
    out = run("opt-out", "P1", "--by", "Kim", "--medium", "email").stdout
    assert "Messages about appointments and care (service and care) go on" in out
    said = run("why", "P1").stdout
    assert "  marketing by email\n" in said
    assert f"  key {told('why', 'P1')['answers'][0]['key']}\n" in said
    assert "  said no to marketing and feedback by email, 2026-11-23 10:00 (told to Kim)" in said
    assert "  before that: said yes to marketing by email" in said
    holds = told("why", "P1")["holds"]
    assert [(one["given"], one["learnt"]) for one in holds["before"]] == [(True, False)]
    assert {(one["medium"], one["problem"]) for one in holds["addresses"]} >= {("email", "")}


@pytest.mark.usefixtures("crm")
def test_a_mother_learns_why_a_message_about_her_child_came_to_her() -> None:
    assert "to P1, who reads for this patient" in run("why", "P2").stdout
    assert "guardian of P2: their messages come here" in run("why", "P1").stdout
    assert "  the guardian said yes to marketing by email" in run("why", "P2").stdout
    run("opt-out", "P1", "--by", "Kim", "--medium", "email")
    said = run("why", "P2").stdout
    assert "denied: has said no to marketing by email" in said
    assert "  the guardian said no to marketing and feedback by email, 2026-11-23 10:00 (told to Kim)" in said, "not P2"


def test_of_a_child_that_has_grown_up_no_message_is_said_to_come_to_the_mother(crm: CRM, exports: Any) -> None:
    exports("patients", [patient("P1"), patient("P2", born="2008-11-23", guardian="P1", email="kit@x.example")])
    crm.sync()
    mothers, own = run("why", "P1").stdout, run("why", "P2").stdout
    assert "P2" not in mothers
    assert "guardian" not in own
    assert "marketing by email\n" in own, "and not to P1"


@pytest.mark.no_cover
@pytest.mark.usefixtures("crm")
def test_the_words_of_what_has_left_are_not_claimed_to_be_known() -> None:
    assert "This has left already" not in run("preview", "P1").stdout
    run("send", "--yes")
    assert "This has left already. Below is how it would read if" in run("preview", "P1", "--campaign", "card").stdout
    assert [one["left"] for one in told("preview", "P1")["previews"]] == [True]


@pytest.mark.usefixtures("crm")
def test_a_no_that_was_written_down_by_mistake_is_taken_back_with_the_words_of_the_yes(clock: Any) -> None:
    run("opt-out", "P1", "--by", "Kim")
    assert "said no to marketing" in run("why", "P1").stdout
    clock.move(timedelta(minutes=1))
    yes = ("opt-in", "P1", "--purpose", "marketing", "--medium", "email", "--by", "Kim")
    assert "Missing option '--wording'" in run(*yes, code=2).stderr, "without the words it proves nothing"
    assert "--wording" in run(*yes, "--wording", " ", code=1).stderr
    assert "there is no patient P9" in run(*yes[:1], "P9", *yes[2:], "--wording", "News?", code=1).stderr
    assert "P1 may get marketing by email from now on." in run(*yes, "--wording", "News?").stdout
    assert 'said yes to marketing by email, 2026-11-23 10:01 (told to Kim): "News?"' in run("why", "P1").stdout
    assert "P1" in [one["patient"] for one in told("send")["touches"] if one["state"] == "ready"]


def test_who_was_erased_is_told_as_that_and_not_as_misspelt(crm: CRM) -> None:
    crm.forget("P1", by="Kim")
    said = run("why", "P1").stdout
    assert "erased on request, by Kim at 2026-11-23 10:00" in said
    assert "no occasion due" not in said
    assert "patient P1 was erased on request" in run("preview", "P1", code=1).stderr
    assert "there is no patient P9" in run("preview", "P9", code=1).stderr


def test_one_person_who_is_on_record_twice_is_seen_where_the_no_is_written_down(crm: CRM, exports: Any) -> None:
    twice = patient("P3", given="Mya", email="Mia@Stone.example", address1="1 High St")
    exports("patients", [patient("P1", address1="1 High St"), CHILD, twice])
    crm.sync()
    assert "messages for P2, P3 come there too: a family, or one person twice" in run("why", "P1").stdout
    addresses = told("why", "P3")["holds"]["addresses"]
    assert [(one["medium"], one["others"]) for one in addresses] == [("email", ["P1", "P2"]), ("post", [])]
    assert "Messages for P1, P2 come to the same e-mail address and go on" in run("opt-out", "P3", "--by", "Kim").stdout
    by_sms = run("opt-out", "P1", "--medium", "sms", "--by", "Kim").stdout
    assert "come to the same" not in by_sms


def test_of_who_has_died_it_is_told_that_nothing_is_sent(crm: CRM, exports: Any) -> None:
    exports("patients", [patient("P1", deceased_on="2026-11-20"), patient("P2", guardian="P1", email="")])
    crm.sync()
    assert "  status deceased: nothing is sent\n" in run("why", "P1").stdout
    assert "  status active\n" in run("why", "P2").stdout


@pytest.mark.no_cover
def test_a_yes_on_a_form_has_a_day_and_no_hour(crm: CRM, exports: Any) -> None:
    exports("consents", [consent("P1", at="2025-03-01")])
    crm.sync()
    assert "said yes to marketing by email, 2025-03-01 (form)" in run("why", "P1").stdout


def test_a_message_of_text_alone_has_no_html_to_show(crm: CRM, tmp_path: Any, open_crm: Any, monkeypatch: Any) -> None:
    own = tmp_path / "templates" / "birthday" / "email" / "en"
    own.mkdir(parents=True)
    (own / "body.txt").write_text("Many happy returns, {{ recipient.greeting }}.\n", encoding="utf-8")
    again = open_crm(templates=tmp_path / "templates")
    monkeypatch.setattr(Given, "crm", lambda _: again)
    monkeypatch.setattr(again, "close", lambda: None)
    assert "Many happy returns, Mia." in run("preview", "P1").stdout
    assert "goes as text alone" in run("preview", "P1", "--html", code=1).stderr
