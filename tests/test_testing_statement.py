"""The conformance statement: what was kept, waived, broken or not tried, as a page and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmkit.cli import main
from crmkit.plugins import API_VERSION
from crmkit.testing.law import Kind
from crmkit.testing.laws import LAWS

AT = "2026-11-23T10:00+11:00"
SUITE = """
from mutants import channel, sms
from crmkit.testing import conformance

TestGood = conformance(sms.plugin(), fake=sms.gateway, examples=2)
TestCut = conformance(
    sms.plugin_called("cut", channel.CutsAtOneSms), fake=sms.gateway, examples=2,
    waive={"channel.recovers": "the line | is bad"},
)
"""


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `crmkit plugins check` where a test file tries two plugins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_conformance.py").write_text(SUITE, encoding="utf-8")
    return lambda *args: CliRunner().invoke(main, ["plugins", "check", *args, "--at", AT])


@pytest.mark.no_cover
def test_a_good_plugin_conforms_and_the_statement_says_all(check: Callable[..., Result], tmp_path: Path) -> None:
    done = check("acme", "--statement", "conformance")
    assert done.exit_code == 0, done.output
    assert "Conforms, as far as it was tried: 0 broken, 0 waived, 0 not tried" in done.stdout
    told = json.loads((tmp_path / "conformance.json").read_text(encoding="utf-8"))
    assert (told["plugin"], told["conforms"], told["contract"]) == ("acme", True, API_VERSION)
    assert datetime.fromisoformat(told["at"]) == datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    wanted = [law.id for law in LAWS if law.kind in (Kind.CHANNEL, Kind.PLUGIN)]
    assert [law["id"] for law in told["laws"]] == wanted
    assert {law["verdict"] for law in told["laws"]} == {"kept"}
    page = (tmp_path / "conformance.md").read_text(encoding="utf-8")
    assert page.startswith("# Conformance statement: acme\n")
    assert [id_ for id_ in wanted if f"`{id_}`" not in page] == []
    assert "not installed" in page


def test_a_broken_law_is_told_and_asks_for_a_person(check: Callable[..., Result], tmp_path: Path) -> None:
    done = check("cut", "--statement", "cut.md")
    assert done.exit_code == 3, done.output
    assert "channel.whole_text is broken" in done.stdout
    assert "To mend:" in done.stdout
    assert "channel.recovers is waived: the line | is bad" in done.stdout
    page = (tmp_path / "cut.md").read_text(encoding="utf-8")
    assert "Does not conform: 1 broken, 1 waived" in page
    assert page.index("## Broken") < page.index("## Waived") < page.index("## Kept")
    assert "the line \\| is bad" in page
    told = json.loads((tmp_path / "cut.json").read_text(encoding="utf-8"))
    assert [law["id"] for law in told["laws"] if law["verdict"] == "broken"] == ["channel.whole_text"]


@pytest.mark.no_cover
def test_as_json_it_is_the_statement_and_nothing_else(check: Callable[..., Result]) -> None:
    done = check("acme", "--json", "--examples", "1")
    assert json.loads(done.stdout)["examples"] == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["acmee"], "did you mean acme"),
        (["acme", "--suite", "nowhere.py"], "there is no such test file"),
        (["acme", "--suite", "broken.py"], "cannot be run (ZeroDivisionError"),
        (["acme", "--suite", "waived.py"], "a safety law cannot be waived"),
    ],
)
def test_a_suite_that_cannot_be_used_is_told(
    args: list[str], told: str, check: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    waived = SUITE.replace("channel.recovers", "channel.one_receipt")
    (tmp_path / "waived.py").write_text(waived, encoding="utf-8")
    done = check(*args)
    assert (done.exit_code, told in done.stderr) == (1, True), done.output


CRM_TOML = """
plugins = ["csv", "foldr"]
[practice]
id = "p"
name = "P"
country = "AU"
timezone = "Australia/Sydney"
locale = "en_AU"
currency = "AUD"
email = "hello@p.example"
[settings.csv]
folder = "exports"
"""


def test_without_a_name_it_tells_which_plugins_of_the_practice_cannot_be_admitted(
    check: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "crm.toml").write_text(CRM_TOML, encoding="utf-8")
    done = check()
    assert (done.exit_code, "foldr: find: " in done.stdout) == (3, True), done.output
    assert "did you mean folder" in done.stdout
    (failure,) = json.loads(check("--json").stdout)["failures"]
    assert (failure["plugin"], failure["phase"], failure["kind"]) == ("foldr", "find", "missing")
    required = CRM_TOML.replace('"foldr"]', '"folder"]\nrequired = { acme-sms = ">=1" }')
    (tmp_path / "crm.toml").write_text(required, encoding="utf-8")
    assert "acme-sms: find: " in check().stdout
    (tmp_path / "crm.toml").write_text(CRM_TOML.replace("foldr", "folder"), encoding="utf-8")
    done = check()
    assert (done.exit_code, done.stdout) == (0, "3 plugins admitted, and nothing is wrong with any.\n")
