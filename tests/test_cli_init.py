"""Setting up a practice by answering questions."""

from __future__ import annotations

import json
import re
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmkit import FixedClock, State
from crmkit.cli import main
from crmkit.cli.countries import USUAL
from crmkit.crm.config import read_config
from crmkit.crm.crm import CRM
from crmkit.practice import Practice

NEEDED = ("--name", "Zahnärzte am Ring", "--country", "ch", "--email", "hallo@ring.example")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(main, ["init", *args], input=answers)


def test_nothing_is_asked_with_yes_and_the_country_gives_the_rest(folder: Path) -> None:
    result = run("--yes", *NEEDED)
    assert result.exit_code == 0, result.output
    practice = read_config(folder / "crm.toml").practice
    assert (practice.id, practice.country, practice.currency) == ("zahnarzte-am-ring", "CH", "CHF")
    assert (practice.timezone, practice.locale) == ("Europe/Zurich", "de-CH")
    assert "crmkit sync" in result.stdout
    assert "public_url" in result.stdout


def test_a_zone_is_not_guessed_where_a_country_has_several(folder: Path) -> None:
    result = run("--yes", "--name", "Sunset Dental", "--country", "US", "--email", "hello@sunset.example")
    assert (result.exit_code, (folder / "crm.toml").exists()) == (2, False)
    assert "--timezone is needed, for US has several, such as America/New_York" in result.stderr


def test_the_answers_are_asked_one_by_one_and_wrong_ones_again(folder: Path) -> None:
    answers = ["Bright Eyes", "Atlantis", "au", "Mars/Olympus", "Australia/Sydney", "", "", "hello", "hello@be.example"]
    result = run(answers="\n".join([*answers, "", "1 High St, Newtown", ""]) + "\n")
    assert result.exit_code == 0, result.output
    practice = read_config(folder / "crm.toml").practice
    assert (practice.country, practice.currency, practice.locale) == ("AU", "AUD", "en-AU")
    assert practice.address == "1 High St, Newtown"
    assert practice.email == "hello@be.example"
    assert result.stderr.count("Error: ") == 3


def test_the_file_runs_as_it_stands(folder: Path) -> None:
    run("--yes", *NEEDED, "--public-url", "https://ring.example/crm")
    with CRM.from_file(folder / "crm.toml") as crm:
        names = {campaign.id for campaign in crm.programme()}
        assert crm.practice.public_url == "https://ring.example/crm"
    assert names == {"birthday-card", "quarterly-news", "christmas-return"}


def test_the_mapping_in_the_notes_reads_one_list_and_the_card_goes_before_what_can_wait(folder: Path) -> None:
    run("--yes", *NEEDED, "--public-url", "https://ring.example/crm")
    text = (folder / "crm.toml").read_text(encoding="utf-8")
    start, end = text.index("# [settings.csv.patients]"), text.index("# The folder in which you will find")
    notes = re.sub("(?m)^# (?=[a-z_]+ = |\\[)", "", text[start:end])
    (folder / "crm.toml").write_text(text[:start] + notes + text[end:].replace("lot = 0.2", ""), encoding="utf-8")
    header = "Patient No,First name,Surname,DOB,State,E-mail,Mobile,News,News since,Last visit\n"
    rows = "1,Mia,Stone,03.12.1980,A,mia@stone.example,,Y,01.02.2024,05.03.2024\n2,Tom,Berg,,A,,,,,\n"
    (folder / "exports" / "Patient list.csv").write_text(header + rows, encoding="utf-8")
    at = FixedClock(datetime(2026, 11, 30, 9, tzinfo=UTC))
    with CRM.from_file(folder / "crm.toml", clock=at) as crm:
        crm.sync()
        assert crm.rejected() == []
        found = {touch.campaign: touch.state for touch in crm.plan().touches if touch.patient == "1"}
    assert found == {"birthday-card": State.READY, "christmas-return": State.DEFERRED}


@pytest.mark.parametrize(("country", "form"), [("US", "%m/%d/%Y"), ("CH", "%d.%m.%Y"), ("NZ", "%d/%m/%Y")])
def test_the_mapping_in_the_notes_writes_dates_as_the_country_does(country: str, form: str, folder: Path) -> None:
    answers = ["--name", "Ring", "--country", country, "--timezone", "Europe/Zurich", "--email", "hello@ring.example"]
    assert run("--yes", *answers).exit_code == 0
    assert f'format = "{form}"' in (folder / "crm.toml").read_text(encoding="utf-8")


def test_every_practice_gets_a_key_of_its_own_that_others_cannot_read(folder: Path) -> None:
    for name in ("one.toml", "two.toml"):
        assert run("--yes", *NEEDED, "--config", name).exit_code == 0
    keys = {read_config(folder / name).practice.keys[0] for name in ("one.toml", "two.toml")}
    assert len(keys) == 2
    assert min(len(key) for key in keys) >= 32
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / "one.toml").stat().st_mode) == 0o600
        assert (folder / "exports").stat().st_mode & 0o007 == 0, "every patient will stand there"


def test_a_file_that_is_there_is_not_overwritten(folder: Path) -> None:
    (folder / "crm.toml").write_text("mine")
    result = run("--yes", *NEEDED)
    assert result.exit_code == 1
    assert "not overwritten" in result.stderr
    assert (folder / "crm.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ['Dr "O\'Neill" & Söhne', "back\\slash", "$name ${x} {y}", "ピカピカ歯科"])
def test_any_name_is_written_so_that_it_reads_back(name: str, folder: Path) -> None:
    result = run("--yes", "--name", name, *NEEDED[2:])
    assert result.exit_code == 0, result.output
    assert read_config(folder / "crm.toml").practice.name == name


@pytest.mark.parametrize(
    ("option", "value"),
    [("--country", "Atlantis"), ("--email", "hello"), ("--currency", "dollars"), ("--name", "a\nb"), ("--phone", "12")],
)
def test_an_option_that_cannot_be_right_is_wrong_usage(option: str, value: str, folder: Path) -> None:
    result = run("--yes", *NEEDED, option, value)
    assert result.exit_code == 2
    assert option in result.stderr
    assert not (folder / "crm.toml").exists()


def test_what_has_no_usual_answer_must_be_given(folder: Path) -> None:
    result = run("--yes", "--name", "Bright Eyes", "--country", "NZ")
    assert result.exit_code == 2
    assert "--email is needed" in result.stderr


def test_a_file_that_does_not_read_back_is_not_left_behind(folder: Path) -> None:
    result = run("--yes", *NEEDED, "--public-url", "ring.example")
    assert result.exit_code == 1
    assert "public_url" in result.stderr
    assert not (folder / "crm.toml").exists()


def test_json_tells_what_was_made(folder: Path) -> None:
    (folder / "data").mkdir()
    result = run("--json", *NEEDED, "--exports", "data")
    document = json.loads(result.stdout)
    assert document["config"] == str(folder / "crm.toml")
    assert document["folders"] == ["content/newsletter"]
    assert (folder / "content" / "newsletter").is_dir()
    assert not (folder / "exports").exists()


@pytest.mark.parametrize(
    ("answer", "country"), [("Deutschland", "DE"), ("españa", "ES"), ("Italia", "IT"), ("UK", "GB"), ("fr", "FR")]
)
def test_a_country_may_be_called_by_its_name(answer: str, country: str, folder: Path) -> None:
    assert run("--yes", *NEEDED[:2], "--country", answer, *NEEDED[4:]).exit_code == 0
    assert read_config(folder / "crm.toml").practice.country == country


@pytest.mark.parametrize("country", sorted(USUAL))
def test_what_is_usual_in_a_country_can_be_used(country: str) -> None:
    usual = USUAL[country]
    practice = Practice("x", "X", country, usual.timezone, usual.locale, usual.currency, "x@x.example")
    assert practice.locale.endswith(country)
