"""The commands of a practice's day, over the shipped sample."""

from __future__ import annotations

import email
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from email import policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest
from click.testing import CliRunner, Result

from crmkit import CRM
from crmkit.builtin.folder import FolderChannel
from crmkit.cli import main
from crmkit.cli.rehearse import say_rehearsal
from crmkit.cli.unknowns import SAID
from crmkit.crm.rehearsal import Rehearsal, RehearsedDay
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.demo.sample import PATIENTS, sample
from crmkit.errors import NotFound
from crmkit.ledger.doubt import Settled
from crmkit.ledger.touch import Touch

AT = "2026-11-23T10:00+11:00"


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*args, "--at", AT])
    assert result.exit_code == code, result.output
    return result


def told(*args: str, code: int = 0) -> Any:
    result = run(*args, "--json", code=code)
    assert result.stderr == ""
    return json.loads(result.stdout)


def entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "practice"
    shutil.copytree(sample(), folder)
    (folder / "templates").mkdir(exist_ok=True)
    return entered(folder, monkeypatch)


@pytest.fixture(scope="module")
def done_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Return the practice after its sync, the same after its plan, and a patient to whom a card is due then."""
    home = tmp_path_factory.mktemp("once")
    shutil.copytree(sample(), home / "synced")
    (home / "synced" / "templates").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        entered(home / "synced", monkeypatch)
        run("sync")
        shutil.copytree(home / "synced", home / "planned")
        entered(home / "planned", monkeypatch)
        run("plan")
        patient = str(told("send")["touches"][0]["patient"])
    return home / "synced", home / "planned", patient


@pytest.fixture
def synced(done_once: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(Path(shutil.copytree(done_once[0], tmp_path / "practice")), monkeypatch)


@pytest.fixture
def planned(done_once: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(Path(shutil.copytree(done_once[1], tmp_path / "practice")), monkeypatch)


@pytest.fixture
def due(done_once: tuple[Path, Path, str], planned: Path) -> str:
    """Return a patient to whom a card is due now."""
    return done_once[2]


@pytest.mark.no_cover
def test_sync_counts_by_kind_and_points_to_what_was_rejected(practice: Path) -> None:
    result = run("sync")
    assert f"patient       {PATIENTS}" in result.stdout
    assert "4 rows were rejected: crmkit rejected shows them." in result.stdout
    again = told("sync")
    assert again["kinds"]["patient"] == {"added": 0, "changed": 0, "unchanged": PATIENTS, "rejected": 2}
    assert again["total"]["rejected"] == 4
    assert again["failures"] == []


@pytest.mark.no_cover
def test_tables_fit_a_narrow_terminal_and_hold_no_colours(synced: Path) -> None:
    for command in (["rejected"], ["plan"], ["send"], ["rehearse", "--days", "40"], ["plugins"]):
        out = run(*command).stdout
        assert max(len(line) for line in out.splitlines()) <= 80, command
        assert "\x1b" not in out
        assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_rejected_tells_place_and_reason_but_not_the_content(synced: Path) -> None:
    rows = told("rejected")["rejected"]
    assert [row["place"] for row in rows] == ["invoices.csv:67", "patients.csv:42", "patients.csv:43", "visits.csv:82"]
    out = run("rejected").stdout
    line = (synced / "exports" / "patients.csv").read_text().splitlines()[41]
    family = line.split(",")[5]
    assert family
    assert family not in out
    assert "patients.csv:42" in out
    assert "is no date" in out


@pytest.mark.no_cover
def test_a_mapped_export_is_told_by_its_own_columns_and_a_wrong_mapping_briefly(practice: Path) -> None:
    settings = practice / "crm.toml"
    mapping = 'file = "list.csv"\nid = "No"\ngiven = "Vorname"\nborn = { column = "Geb.-Datum", format = "%d.%m.%Y" }'
    settings.write_text(
        settings.read_text().replace("[settings.folder]", f"[settings.csv.patients]\n{mapping}\n\n[settings.folder]")
    )
    for file in (practice / "exports").iterdir():
        file.unlink()
    rows = "".join(f"{number},Mia,1980-11-{number}\n" for number in range(10, 25))
    (practice / "exports" / "list.csv").write_text(f"No,Vorname,Geb.-Datum\n1,Tom,1980-02-28\n{rows}")
    run("sync")
    out = run("rejected").stdout
    assert '"Geb.-Datum" is no date of the form' in out
    assert "31.12.2026 (%d.%m.%Y)" in out
    assert out.count("list.csv:") == 10
    assert "and 6 more in list.csv, field born, for the same reason: --all lists them" in out
    assert "16 rows to mend in the practice software" in out
    assert run("rejected", "--all").stdout.count("list.csv:") == 16


def test_rejected_says_so_when_there_is_nothing(practice: Path) -> None:
    assert run("rejected").stdout == "No row was rejected.\n"


def test_plan_counts_states_and_gives_reasons_in_words(synced: Path) -> None:
    plan = told("plan", "--through", "2026-12-31", "--dry")
    assert plan["through"] == "2026-12-31"
    assert plan["changed"] == 0
    assert set(plan["campaigns"]) == {"birthday-card", "quarterly-news", "christmas-return"}
    assert sum(row["touches"] for row in plan["reasons"]) == plan["touches"]
    assert sum(sum(states.values()) for states in plan["campaigns"].values()) == plan["touches"]
    out = run("plan", "--through", "2026-12-31", "--dry").stdout
    assert "Due until Thursday, 31 December 2026" in out
    assert "has said no to marketing by email" in out
    assert "Nothing was written" in out


def test_a_plan_names_no_patient(synced: Path) -> None:
    words = [row["words"] for row in told("plan", "--through", "2027-02-01", "--dry")["reasons"]]
    assert any("one copy goes to this address" in line for line in words)
    assert not any("P0" in line for line in words)


def test_who_is_held_is_listed_with_what_is_to_mend(practice: Path) -> None:
    patients = practice / "exports" / "patients.csv"
    patients.write_text(patients.read_text().replace("P000015,Mr,Christopher,Chris,", "P000015,Mr,,,"))
    run("sync")
    asked = ("plan", "--through", "2026-12-06", "--dry")
    out = run(*asked).stdout
    assert "Due until Sunday, 6 December 2026" in out
    assert "crmkit plan --who held --through 2026-12-06 --dry lists what waits for a person." in out
    listed = run(*asked, "--who", "held").stdout
    assert "--who held" not in listed
    assert "P000015   birthday-card      a needed field is empty: the patient's first name" in listed
    assert max(len(line) for line in listed.splitlines()) <= 80
    [held] = [one for one in told(*asked, "--who", "held")["who"] if one["patient"] == "P000015"]
    assert (held["campaign"], held["reason"]) == ("birthday-card", "field_missing")
    assert "Nobody is deferred." in run(*asked, "--who", "deferred").stdout


@pytest.mark.no_cover
def test_who_has_read_no_data_yet_is_told_so_and_not_that_all_is_well(practice: Path) -> None:
    for asked in ("plan", "status"):
        shown = run(asked).stdout
        assert "No data was read yet: crmkit sync reads what the practice software exports." in shown
        assert "All is well" not in shown
    run("sync")
    assert "All is well" in run("status").stdout


def test_send_is_dry_until_it_is_told_yes(due: str, planned: Path) -> None:
    result = run("send")
    assert due in result.stdout
    assert "Nothing was sent: add --yes." in result.stdout
    assert list((planned / "outbox").iterdir()) == []
    assert told("send", "--yes")["counts"] == {"sent": 1}
    assert len(list((planned / "outbox").iterdir())) == 1
    assert "Nothing was due" in run("send", "--yes").stdout
    assert "Nothing is due now" in run("send").stdout


@pytest.mark.no_cover
def test_the_first_sending_of_all_tells_by_which_database_it_is(due: str, planned: Path) -> None:
    place = f"sqlite:///{planned / 'practice.db'}, tables crmkit_*"
    assert told("send")["first"]
    assert place in run("send").stderr
    first = run("send", "--yes", "--only-to", due)
    assert place in first.stderr
    assert place not in first.stdout
    assert not told("send")["first"]
    assert "practice.db" not in run("send", "--yes").stderr


def test_send_prints_counts_by_state(due: str) -> None:
    lines = run("send", "--yes").stdout.split()
    assert lines[:6] == ["state", "touches", "───────────────", "sent", "1", "These"]


def test_one_command_does_the_day_and_nothing_leaves_by_what_a_broken_export_says(practice: Path) -> None:
    shown = run("day").stdout
    assert "4 rows were rejected: crmkit rejected shows them." in shown
    assert "Due until Sunday, 29 November 2026" in shown
    assert shown.endswith("Nothing was sent: add --yes.\n")
    assert "crmkit send shows" not in shown
    assert list((practice / "outbox").iterdir()) == []
    patients = practice / "exports" / "patients.csv"
    whole = patients.read_text()
    patients.unlink()
    assert run("day", "--yes", code=1).stdout == ""
    patients.write_text(whole)
    assert "nobody was written to" in run("day", "--yes").stdout
    assert len(list((practice / "outbox").iterdir())) == 1


def test_send_only_to_reaches_nobody_else(due: str) -> None:
    assert told("send", "--only-to", "P000001")["touches"] == []
    assert told("send", "--yes", "--only-to", "P000001")["touches"] == []
    assert [touch["patient"] for touch in told("send", "--only-to", due)["touches"]] == [due]


@pytest.mark.no_cover
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_a_refused_message_asks_for_a_person(due: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FolderChannel, "send", lambda _, messages: [Receipt(one.key, outcome) for one in messages])
    result = run("send", "--yes", code=3)
    assert f"{outcome.value}: patient {due}" in result.stdout


@pytest.mark.usefixtures("due")
def test_that_nothing_was_taken_is_told_with_the_channels_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "login: 535, not let in: look at user and password"
    monkeypatch.setattr(
        FolderChannel, "send", lambda _, messages: [Receipt(one.key, Outcome.RETRY, "", words) for one in messages]
    )
    out = " ".join(run("send", "--yes", code=3).stdout.split())
    assert f"not taken by the channel folder for now ({words})" in out.replace(" 1 ", " ")
    assert "took nothing at all: a person must look" in out


@pytest.mark.no_cover
def test_what_was_refused_is_told_with_the_channels_words(due: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Receipt("?", Outcome.REFUSED, "", "recipient: 550 5.1.1")
    monkeypatch.setattr(
        FolderChannel, "send", lambda _, messages: [attrs.evolve(refused, key=one.key) for one in messages]
    )
    run("send", "--yes", code=3)
    assert "refused by the channel folder (recipient: 550 5.1.1)" in run("why", due).stdout


def test_real_messages_leave_by_the_real_clock_only(synced: Path) -> None:
    text = (synced / "crm.toml").read_text()
    text = text.replace('"folder"]', '"email"]').replace("[settings.folder]", "[settings.email]")
    (synced / "crm.toml").write_text(text.replace('path = "outbox"', 'host = "mail.brighteyes.example"'))
    error = told("send", "--yes", code=1)["error"]
    assert error["where"] == "--at"
    assert "email" in error["problem"]
    assert told("send")["dry"] is True
    # Through which no campaign goes, that reaches nobody.
    text = (synced / "crm.toml").read_text().replace('"email"]', '"folder", "email"]')
    (synced / "crm.toml").write_text(f'channels = {{ email = "folder" }}\n{text}\n[settings.folder]\npath = "outbox"\n')
    assert told("send", "--yes")["dry"] is False


def test_preview_shows_the_message_word_for_word(due: str) -> None:
    shown = told("preview", due, "--campaign", "birthday-card")["previews"][0]
    assert shown["goes"] is True
    out = run("preview", due).stdout
    assert f"Subject: {shown['message']['subject']}" in out
    assert shown["message"]["text"] in out
    assert f"<{shown['message']['to']}>" in out


def test_preview_raw_is_what_the_channel_hands_over(due: str, planned: Path) -> None:
    raw = run("preview", due, "--raw").stdout_bytes
    run("send", "--yes")
    sent = next((planned / "outbox").glob("*.eml")).read_bytes()
    assert raw == sent
    assert email.message_from_bytes(raw, policy=policy.default)["List-Unsubscribe"]


def test_preview_html_is_the_document_alone(due: str) -> None:
    html = run("preview", due, "--html").stdout
    assert html.lstrip().lower().startswith("<!doctype html")


def test_preview_asks_which_of_several_and_refuses_two_forms(due: str) -> None:
    result = run("preview", due, "--raw", "--through", "2027-10-31", code=1)
    assert "--campaign" in result.stderr
    assert result.stdout == ""
    run("preview", due, "--raw", "--json", code=2)


def test_an_unknown_patient_is_not_found(synced: Path) -> None:
    for command in ("preview", "why"):
        assert told(command, "P999999", code=1)["error"]["code"] == "not-found"


@pytest.mark.no_cover
def test_why_answers_for_every_campaign_with_the_history(due: str) -> None:
    run("send", "--yes")
    answers = {one["campaign"]: one for one in told("why", due)["answers"]}
    assert set(answers) == {"birthday-card", "quarterly-news", "christmas-return"}
    assert answers["birthday-card"]["state"] == "sent"
    assert answers["birthday-card"]["due"].endswith("+11:00")
    assert len(answers["birthday-card"]["history"]) >= 3
    out = run("why", due).stdout
    assert "birthday-card, birthday 2026" in out
    assert "sent through the channel folder" in out
    assert "not in the segment" in out


@pytest.mark.no_cover
def test_rehearse_counts_by_month_and_sends_nothing(synced: Path) -> None:
    played = told("rehearse", "--days", "70")
    assert (played["from"], played["to"]) == ("2026-11-23", "2027-01-31")
    assert list(played["months"]) == ["2026-11", "2026-12", "2027-01"]
    assert sum(sum(counts.values()) for counts in played["months"].values()) == played["messages"] > 0
    assert sum(played["campaigns"].values()) == played["messages"]
    assert played["busiest"]["day"] == "2027-01-20"
    assert played["most_for_one_patient"]["messages"] >= 1
    assert not any("{" in wait["words"] for wait in played["waiting"])
    assert list((synced / "outbox").iterdir()) == []
    out = run("rehearse", "--days", "70").stdout
    assert "2027-01" in out
    assert "█" in out
    assert f"Busiest day: 2027-01-20 with {played['busiest']['messages']} messages." in out


def test_the_bars_of_a_rehearsal_fit_into_a_terminal_beside_large_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    def day(day: date, messages: int) -> RehearsedDay:
        names = ("birthday-card", "christmas-return", "quarterly-news")
        touches = [SimpleNamespace(campaign=name, patient="P1") for name in names for _ in range(messages)]
        return RehearsedDay(day, tuple(cast("list[Touch]", touches)), (), {})

    say_rehearsal(Rehearsal((day(date(2026, 11, 30), 1), day(date(2026, 12, 1), 1200))))
    months = [line for line in capsys.readouterr().out.splitlines() if "█" in line]
    assert [line[:7] for line in months] == ["2026-11", "2026-12"], "a bar that is cut off goes on below"
    assert max(map(len, months)) <= 78


def test_a_rehearsal_without_messages_says_so(practice: Path) -> None:
    assert "0 messages would leave" in run("rehearse", "--days", "2").stdout
    assert told("rehearse", "--days", "2")["busiest"] == {"day": None, "messages": 0}


@pytest.mark.no_cover
def test_report_prints_the_path(synced: Path) -> None:
    assert run("report", "--out", "page.html").stdout == "page.html\n"
    assert "<html" in (synced / "page.html").read_text()
    assert told("report")["report"] == str(synced / "report.html")


def test_plugins_tells_which_are_admitted(practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    admitted = {one["name"]: one["admitted"] for one in told("plugins")["plugins"]}
    assert {name: admitted[name] for name in ("core", "csv", "email", "folder")} == {
        "core": True,
        "csv": True,
        "email": False,
        "folder": True,
    }
    monkeypatch.chdir(tmp_path)
    assert {one["admitted"] for one in told("plugins")["plugins"]} == {None}
    assert "no crm.toml" in run("plugins").stdout
    run("plugins", "--config", "missing.toml", code=1)


def test_the_programme_is_stopped_goes_on_and_is_called_off(due: str) -> None:
    assert "All sending is stopped." in run("stop", "--by", "Kim").stdout
    assert told("send")["counts"] == {"held": 1}
    run("plan")
    assert "All sending is stopped, by Kim since 2026-11-23 10:00: crmkit resume" in run("send").stdout
    assert told("send")["stopped"][0]["by"] == "Kim"
    assert "goes on" in run("resume").stdout
    assert told("send")["stopped"] == []
    assert "was not stopped" in run("resume").stdout
    assert told("send")["counts"] == {"ready": 1}
    assert told("stop", "birthday-card", "--by", "Kim", "--cancel")["cancelled"] >= 1
    assert told("send")["counts"] == {}


def test_an_export_without_a_row_is_told(practice: Path) -> None:
    for file in (practice / "exports").glob("*.csv"):
        file.write_text(file.read_text("utf-8").splitlines()[0], "utf-8")
    assert "Not one row was read: is the export whole?" in run("sync").stdout


def test_a_misspelt_campaign_is_told_whatever_is_wanted_of_it(planned: Path) -> None:
    for command in (["resume", "birthday-crd"], ["stop", "birthday-crd"], ["stop", "birthday-crd", "--cancel"]):
        said = run(*command, "--by", "Kim", code=1).stderr
        assert "there is no campaign birthday-crd. To mend: did you mean birthday-card?" in said
    with CRM.from_file(planned / "crm.toml") as crm, pytest.raises(NotFound):
        crm.cancel("birthday-crd", by="Kim")


def test_what_is_misspelt_is_not_taken_for_nothing_due(planned: Path) -> None:
    assert "there is no patient P15" in run("send", "--only-to", "P15", code=1).stderr
    assert "there is no patient P15" in run("send", "--only-to", "P000015", "--only-to", "P15", "--yes", code=1).stderr
    wrong = run("preview", "P000015", "--campaign", "birthday", code=1).stderr
    assert "there is no campaign birthday. To mend: did you mean birthday-card?" in wrong
    assert "Nothing is due" in run("preview", "P000015", "--campaign", "quarterly-news").stdout
    for command in (["opt-out", "P000015"], ["unsuppress", "email", "x@y.example"]):
        assert "nobody is named" in run(*command, "--by", " ", code=1).stderr
    assert run("send", "--only-to", "P000001").stdout.startswith("Nothing is due now")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"Our news", "1, which cannot be used: the content has no title (let the first line be '# ' and the title)"),
        (
            b"# Our news\n",
            "1, which cannot be used: the content has a title and no text (write the text below the title)",
        ),
        (b"# Our news\n\nGr\xfc\xdfe", "3, which cannot be used: the file is not UTF-8 (save it as UTF-8)"),
    ],
)
def test_a_newsletter_that_is_badly_saved_keeps_back_nothing_else(planned: Path, text: bytes, wrong: str) -> None:
    file = planned / "crm.toml"
    file.write_text(file.read_text("utf-8").replace("quarterly on day 20", "on 2026-11-23"), "utf-8")
    news = planned / "content" / "newsletter" / "2026-11-23.md"
    news.write_bytes(b"# Our news\n\nGood news.")
    run("plan")
    news.write_bytes(text)
    reasons = [one["reason"] for one in told("send")["touches"]]
    assert "content_missing" in reasons
    assert told("send", "--yes")["counts"]["sent"] == 1
    run("plan")
    assert wrong in str(told("why", "P000012"))
    news.write_bytes(b"# Our news\n\nGood news.")
    assert "ready" in str(told("why", "P000012"))


def test_why_a_message_is_held_is_said_once(synced: Path) -> None:
    file = synced / "exports" / "patients.csv"
    rows = [
        line.replace(",Christopher,", ",,").replace(",Chris,", ",,") if line.startswith("P000015,") else line
        for line in file.read_text("utf-8").splitlines(keepends=True)
    ]
    file.write_text("".join(rows), "utf-8")
    run("sync")
    assert run("preview", "P000015").stdout.count("patient.greeting") == 1


def test_what_is_in_doubt_is_listed_and_settled_by_a_person(due: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing is in doubt." in run("unknowns").stdout
    monkeypatch.setattr(FolderChannel, "send", lambda self, messages: [])
    run("send", "--yes", code=3)
    [one] = told("unknowns", code=3)["unknowns"]
    assert (one["patient"], one["evidence"]) == (due, "no receipt")
    out = run("unknowns", code=3).stdout
    assert one["key"] in out
    assert "at 2026-11-23 10:00 as" in out, "by the practice's clock"
    assert "--settle" in run("unknowns", "--settle", one["key"], code=2).stderr
    said = run("unknowns", "--settle", one["key"], "--as", "not-sent", "--by", "Kim").stdout
    assert "Kim says that it never left" in said
    assert "Nothing is in doubt." in run("unknowns").stdout
    steps = told("history", one["key"])["history"]
    assert [step["state"] for step in steps][-2:] == ["unknown", "cancelled"]
    shown = run("history", one["key"]).stdout
    assert "Kim says that it never left" in shown
    assert "2026-11-23 10:00   unknown     handed to the channel folder" in shown
    lost = run("history", "nothing", code=1)
    assert (lost.stdout, "nothing: there is no touch of this key. To mend:" in lost.stderr) == ("", True)
    assert told("history", "nothing", code=1)["error"]["code"] == "not-found"


def test_the_words_for_settling_are_those_of_the_ledger() -> None:
    assert [word.replace("-", "_") for word in SAID] == list(Settled)


def test_the_trail_is_verified_with_the_key_of_the_file(practice: Path) -> None:
    assert "audit key" in run("audit", code=1).stderr
    file = practice / "crm.toml"
    file.write_text('audit_key = { env = "AUDIT_KEY" }\n' + file.read_text("utf-8"), "utf-8")
    environment = pytest.MonkeyPatch()
    environment.setenv("AUDIT_KEY", "a key of the host")
    run("sync")
    run("plan")
    assert "Everything fits." in run("audit").stdout
    assert run("audit", "verify").stdout == run("audit").stdout
    with closing(sqlite3.connect(practice / "practice.db")) as raw, raw as database:
        database.execute("UPDATE crmkit_event SET actor = 'nobody'")
    assert "Something does not fit." in run("audit", code=3).stdout
    assert told("audit", code=3)["faults"]
    environment.undo()


def test_a_segment_is_tried_before_it_is_written_into_a_campaign(synced: Path) -> None:
    found = told("segment", "born is not empty AND age>=18")
    assert found["segment"] == "born is not empty and age >= 18"
    assert 0 < found["patients"] < found["of"]
    assert told("segment", "everybody")["patients"] == found["of"]
    assert f"matches {found['patients']} of {found['of']} patients" in run("segment", "age >= 18").stdout
    wrong = run("segment", "agee >= 18", code=1)
    assert "did you mean age?" in wrong.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan --through 2026-11-20", "--through: 2026-11-20 is past. To mend: name 2026-11-23 or a later day."),
        ("send --every 5", "--every: nothing is sent a second time. To mend: add --watch, or leave it out."),
    ],
)
def test_an_option_that_would_do_nothing_is_told(practice: Path, line: str, said: str) -> None:
    assert said in " ".join(run(*line.split(), code=1).output.split())
