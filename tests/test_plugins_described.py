"""What `crmkit plugins describe` tells, in words and as JSON."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmkit.cli import main
from crmkit.plugins.calls import Calls
from crmkit.plugins.described import _asked
from crmkit.plugins.door import discover
from crmkit.plugins.failure import Kind as FailureKind
from crmkit.plugins.failure import Phase
from crmkit.plugins.look import HOOKS

ACME = '''
from dataclasses import dataclass
import attrs
from crmkit.plugins import CrmkitSpec, Medium, PluginInfo, hookimpl, secret, setting

@attrs.frozen
class AcmeSettings:
    """The gateway.

    Attributes:
        url: Where it is,
            as its provider says.
    """

    url: str
    token: str = secret("of the gateway", default="hunter2-hunter2")
    medium: Medium = setting("by which way", default=Medium.SMS)
    tries: tuple[str, ...] = ()

class Channel:
    """Sends through the gateway.

    It has more to say.
    """

    name = "sms"
    medium = Medium.SMS

    def send(self, messages):
        return []

@dataclass
class Silent(Channel):
    name: str = "silent"

class Broken(Channel):
    """Sends too."""

    name = "broken"

    @property
    def help(self):
        raise RuntimeError

class Plugin(CrmkitSpec):
    info = PluginInfo("acme", settings=AcmeSettings)

    @hookimpl
    def crmkit_channels(self, ctx):
        return [Channel(), Silent(), Broken()]

    @hookimpl
    def crmkit_close(self, ctx):
        (ctx.root / "closed").touch()

plugin = Plugin()
'''


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a plugin, and stand in an empty folder."""
    site = tmp_path / "site"
    info = site / "acme-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "acme_described.py").write_text(ACME, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[crmkit.v1]\nacme = acme_described:plugin\n", encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    practice = tmp_path / "practice"
    practice.mkdir()
    monkeypatch.chdir(practice)
    yield practice
    sys.modules.pop("acme_described", None)


def described(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["plugins", "describe", *args])


def told(*args: str) -> dict:
    done = described(*args, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def with_settings(folder: Path) -> None:
    (folder / "crm.toml").write_text(
        textwrap.dedent("""
            plugins = ["acme"]

            [practice]
            id = "p"
            name = "P"
            country = "AU"
            timezone = "Australia/Sydney"
            locale = "en_AU"
            currency = "AUD"
            email = "hello@p.example"

            [settings.acme]
            url = "https://gateway.example"
        """),
        encoding="utf-8",
    )


def test_hooks_version_and_settings_are_told_without_any_setting(acme: Path) -> None:
    found = told("acme")
    assert [found[key] for key in ("name", "version", "distribution", "requires_api")] == ["acme", "1.2", "acme", "1.0"]
    assert found["hooks"] == ["crmkit_channels", "crmkit_close"]
    assert {one.pop("name"): list(one.values()) for one in found["settings"]} == {
        "url": ["str", True, "", "Where it is, as its provider says.", False],
        "token": ["str", False, "", "of the gateway", True],
        "medium": ["one of email, sms, post, phone", False, "sms", "by which way", False],
        "tries": ["tuple[str, ...]", False, "()", "", False],
    }
    assert found["things"] == []
    assert "missing url" in found["untold"]


def test_what_it_registers_is_told_with_the_settings_of_the_practice_and_it_is_closed(acme: Path) -> None:
    with_settings(acme)
    found = told("acme")
    assert found["untold"] == ""
    assert [list(one.values()) for one in found["things"]] == [
        ["channel", "acme.sms", "Sends through the gateway."],
        ["channel", "acme.silent", ""],
        ["channel", "acme.broken", ""],
    ]
    assert (acme / "closed").exists()


def test_an_object_that_exits_when_it_is_to_say_what_it_is_has_nothing_to_say(acme: Path) -> None:
    with_settings(acme)
    source = acme.parent / "site" / "acme_described.py"
    source.write_text(ACME.replace("raise RuntimeError", "raise SystemExit"), encoding="utf-8")
    assert [one["help"] for one in told("acme")["things"]] == ["Sends through the gateway.", "", ""]


def test_one_that_hangs_then_is_waited_for_as_long_as_a_hook() -> None:
    class Hanging:
        @property
        def help(self) -> str:
            time.sleep(30)
            return "late"

    began = time.monotonic()
    asking = Calls("acme", limits={Phase.REGISTER: 0.2})
    assert _asked(asking, Hanging()) == ""
    assert time.monotonic() - began < 20
    assert [one.kind for one in asking.failures.told()] == [FailureKind.OVERDUE]


def test_in_words_the_same_is_told_and_no_secret(acme: Path) -> None:
    with_settings(acme)
    said = described("acme").stdout
    for words in ("acme, of acme 1.2", "needs version 1.0", "acme.sms", "Sends through the gateway.", "must be set"):
        assert words in said
    assert "hunter2" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("token")]
    assert line.split()[:3] == ["token", "str", "yes"]


def test_one_that_is_not_installed_or_cannot_be_admitted_is_an_error(acme: Path) -> None:
    done = described("acne")
    assert (done.exit_code, "did you mean acme?" in done.stderr) == (1, True)
    source = acme.parent / "site" / "acme_described.py"
    source.write_text(ACME.replace("crmkit_channels", "crmkit_chanels"), encoding="utf-8")
    sys.modules.pop("acme_described", None)
    done = described("acme")
    assert done.exit_code == 1
    assert "there is no hook crmkit_chanels" in done.stderr


OURS = ("crmkit", "crmkit-sql", "crmkit-webhook")


@pytest.mark.parametrize("name", sorted(one.name for one in discover().values() if one.distribution in OURS))
def test_every_setting_of_a_first_party_plugin_has_its_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = told(name)
    assert found["hooks"] == [hook for hook in HOOKS if hook in found["hooks"]] != []
    assert [one["name"] for one in found["settings"] if not one["help"]] == []
    assert [one["name"] for one in found["things"] if not one["help"]] == []
