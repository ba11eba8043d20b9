"""What a vendor is handed: a class with one test for each law, waivers that are printed, and a light pytest plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from documents import ROOT, text
from mutants import channel, sms
from mutants.making import plugin_with
from mutants.table import subject
from test_public_api import HEAVY, modules_after

from crmkit.errors import ConfigError
from crmkit.plugins import PluginInfo
from crmkit.testing import conformance
from crmkit.testing.fakes import Taken
from crmkit.testing.frozen import BY_VERSION, missing
from crmkit.testing.http import Answer, HttpProvider
from crmkit.testing.law import Kind
from crmkit.testing.laws import LAWS
from crmkit.testing.laws.channel import never_raises
from crmkit.testing.page import laws_page
from crmkit.testing.run import Verdict, run
from crmkit.testing.subject import Subject

SMS = sms.plugin()

VENDOR = """
from mutants import channel, sms
from crmkit.testing import conformance

TestAcme = conformance(sms.plugin(channel.CutsAtOneSms), fake=sms.gateway, waive={waive})
"""


def pytest_on(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one test file in a process of its own, with the kit's plugin and no other."""
    (folder / "test_acme.py").write_text(test, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    env = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "crmkit.testing.pytest_plugin", "-W", "error", *options]
    return subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=300)


def test_the_class_has_one_test_for_each_law_of_what_the_plugin_registers() -> None:
    made = conformance(SMS, fake=sms.gateway)
    tests = {name for name in vars(made) if name.startswith("test_")}
    wanted = {f"test_{law.id.replace('.', '_')}" for law in LAWS if law.kind in (Kind.CHANNEL, Kind.PLUGIN)}
    assert tests == {*wanted, "test_the_kit_is_whole"}
    assert made.test_channel_one_receipt.__doc__ == "Each message gets exactly one receipt."
    assert conformance(SMS) is not made


@pytest.mark.parametrize(
    ("waive", "told"),
    [
        ({"channel.never_raise": "we do"}, r"did you mean channel\.never_raises"),
        ({"guard.any_zone": "no guard here"}, "no such law"),
        ({"channel.one_receipt": "hard to do"}, "a safety law cannot be waived"),
        ({"channel.never_raises": " "}, "no reason"),
    ],
)
def test_a_waiver_that_cannot_be_is_refused_at_once(waive: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        conformance(SMS, waive=waive)


def test_what_is_no_plugin_is_refused() -> None:
    with pytest.raises(ConfigError, match="no plugin"):
        conformance(SimpleNamespace())  # type: ignore[arg-type]


def test_a_waived_law_is_not_tried_and_its_reason_is_kept() -> None:
    waived = Subject(sms.plugin(channel.KnowsLatinOnly), fake=sms.gateway, waive={"channel.never_raises": "old API"})
    assert run(never_raises, waived) == run(never_raises, waived)
    assert (run(never_raises, waived).verdict, run(never_raises, waived).note) == (Verdict.WAIVED, "old API")


def test_a_law_newer_than_what_the_plugin_states_fails_nothing() -> None:
    newer = attrs.evolve(never_raises, since="1.7")
    result = run(newer, subject(Kind.CHANNEL, channel.KnowsLatinOnly))
    assert (result.verdict, "new in version 1.7" in result.note) == (Verdict.NOT_TRIED, True)


def test_the_list_of_laws_is_the_laws_and_one_that_is_gone_is_noticed() -> None:
    assert {id_ for ids in BY_VERSION.values() for id_ in ids} == {law.id for law in LAWS}
    assert all(law.id in BY_VERSION[law.since] for law in LAWS)
    assert missing(law.id for law in LAWS if law is not never_raises) == ("channel.never_raises",)


def test_a_class_from_which_a_law_was_taken_says_so() -> None:
    made = conformance(SMS)
    made().test_the_kit_is_whole()
    del made.test_channel_never_raises
    with pytest.raises(pytest.fail.Exception, match=r"lacks channel.never_raises"):
        made().test_the_kit_is_whole()


def test_every_law_is_a_sentence_and_says_how_to_mend() -> None:
    assert len({law.id for law in LAWS}) == len({law.says for law in LAWS}) == len(LAWS)
    assert [law.id for law in LAWS if not (law.says.endswith(".") and law.mend.endswith("."))] == []
    assert [law.id for law in LAWS if len(law.says) > 130 or len(law.mend) < 30] == []


def test_the_page_of_laws_is_made_from_the_laws() -> None:
    assert text("docs/reference/laws.md") == laws_page(), "run python -m crmkit.testing.page > docs/reference/laws.md"


def test_a_failure_tells_the_law_what_was_seen_and_how_to_mend(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, VENDOR.format(waive={}), "--crmkit-examples", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "channel.whole_text is broken" in done.stdout
    assert "To mend: Refuse what is too long for the provider" in done.stdout
    assert "1 failed" in done.stdout
    assert "waived laws" not in done.stdout


def test_a_fake_that_fails_is_told_and_not_only_the_law_that_breaks_for_it(capfd: pytest.CaptureFixture[str]) -> None:
    def confused() -> HttpProvider:
        return HttpProvider(
            lambda asked: Answer(202, {}, [Taken("", "", asked.headers["x-key"])]), lambda url: {"url": url}
        )

    tried = Subject(SMS, fake=confused)
    [law] = [law for law in LAWS if law.id == "channel.keeps_its_limit"]
    note = run(law, tried, 1).note
    assert "The fake raised KeyError: 'x-key' (test_testing_suite.py, line " in note
    assert capfd.readouterr().err == ""


def test_what_is_not_admitted_is_to_be_mended_first() -> None:
    class Nameless(sms.Sms):
        send = None  # type: ignore[assignment]

    tried = Subject(sms.plugin(Nameless), fake=sms.gateway)
    notes = {law.id: run(law, tried, 1).note for law in LAWS if law.id in ("channel.one_receipt", "plugin.admitted")}
    assert "But first mend plugin.admitted: the core refuses it." in notes["channel.one_receipt"]
    assert "But first" not in notes["plugin.admitted"]


def test_waivers_are_printed_at_the_end(tmp_path: Path) -> None:
    test = VENDOR.format(waive={"channel.whole_text": "one SMS is 160 letters"})
    done = pytest_on(tmp_path, test, "-q", "--crmkit-examples", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "waived laws" in done.stdout
    assert "acme: channel.whole_text: one SMS is 160 letters" in done.stdout


FIXTURES = """
def test_a_vendor_can_open_a_crm(crmkit_open, crmkit_clock, crmkit_practice):
    crm = crmkit_open("folder", settings={"folder": {"path": "outbox"}})
    assert crm.practice == crmkit_practice
    assert crmkit_clock.now().hour == 23
    assert crm.plan().touches == ()
"""


def test_the_fixtures_work(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, FIXTURES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_loading_the_pytest_plugin_loads_nothing_else(tmp_path: Path) -> None:
    before = modules_after("import pytest", tmp_path)
    loaded = modules_after("import pytest, crmkit.testing.pytest_plugin", tmp_path) - before
    assert {name for name in loaded if name.startswith("crmkit")} == {
        *("crmkit", "crmkit.testing", "crmkit.testing.pytest_plugin"),
    }
    assert loaded & {*HEAVY, "attrs", "attr"} == set()
    assert len(loaded) < 20


def test_a_plugin_without_settings_of_its_own_is_a_subject() -> None:
    bare = plugin_with({"info": PluginInfo("bare")})
    assert {law.kind for law in Subject(bare).laws} <= {Kind.PLUGIN}
