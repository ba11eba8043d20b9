"""A source whose plugin was renamed, or makes room for another, and the patients of whom it was the one to speak."""

from __future__ import annotations

import attrs
import pytest
from click.testing import CliRunner
from permuted import Bringing
from situations import YES, patient

from crmkit import CRM, Campaign, State
from crmkit.cli import main
from crmkit.errors import ConfigError, NotFound
from crmkit.plugins import Batch, Row

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


@attrs.define
class Software:
    """A practice's software with one patient and her yes."""

    more: dict[str, str]
    name: str = "patients"

    def read(self, since):
        values = {name: text for name, text in patient("P1", **self.more).items() if name != "id"}
        rows = [Row("patient", "P1", values, "p", 1), Row("consent", "C1", {**YES, "patient": "P1"}, "c", 1)]
        # Behind its cursor lies nothing that was read before.
        yield Batch(tuple(rows if since is None else ()), cursor="1", complete=False)


@pytest.fixture
def software(exports, open_crm):
    exports("patients", [])

    def opened(plugin: str, **more: str) -> CRM:
        return open_crm(plugins=["csv", "folder", Bringing(plugin, sources=[Software(more)])])

    return opened


def test_who_a_renamed_source_says_has_died_is_not_written_to_on_the_word_of_the_old_one(software, outbox):
    old = software("acme")
    old.sync()
    old.add(CARD)
    assert old.plan().counts()["card", State.READY] == 1
    new = software("nova", deceased_on="2026-11-01")
    assert new.sync().missing == 1
    reasons = {row.kind: row.reason for row in new.rejected()}
    assert reasons["patient"].endswith("crmkit sync --take-over acme.patients nova.patients")
    assert new.send().counts() == {State.HELD: 1}
    assert new.take_over("acme.patients", "nova.patients") == 1
    assert [new.plan().touches[0].reason, new.sync().missing, new.rejected()] == ["unread_row", 0, []]
    assert new.plan().touches[0].reason == "deceased"
    assert outbox() == []


def test_a_source_that_goes_on_finds_patients_and_their_yes_as_they_were(software, outbox):
    old = software("acme")
    old.sync()
    old.add(CARD)
    new = software("nova")
    new.sync()
    new.take_over("acme.patients", "nova.patients")
    assert new.sync().total.changed == 0
    new.plan()
    assert (new.send().sent, len(outbox())) == (1, 1)


def test_nobody_takes_over_what_is_still_there_or_never_was(software):
    old = software("acme")
    old.sync()
    with pytest.raises(ConfigError, match="is still there"):
        old.take_over("acme.patients", "csv")
    new = software("nova")
    with pytest.raises(ConfigError, match=r"no source nova.patient\..*did you mean nova.patients"):
        new.take_over("acme.patients", "nova.patient")
    with pytest.raises(NotFound, match=r"did you mean acme.patients"):
        new.take_over("acme.patient", "nova.patients")


def test_the_command_line_takes_over_before_it_reads(software, tmp_path, monkeypatch):
    software("acme").sync()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crm.toml").write_text(
        'database = "sqlite:///crm.db"\nplugins = ["csv"]\n[settings.csv]\nfolder = "exports"\n[practice]\n'
        'id = "bright-eyes"\nname = "Bright Eyes"\ncountry = "AU"\ntimezone = "Australia/Sydney"\nlocale = "en_AU"\n'
        'currency = "AUD"\nemail = "hello@brighteyes.example"\n'
    )
    done = CliRunner().invoke(main, ["sync", "--take-over", "acme.patients", "csv"])
    assert (done.exit_code, done.stderr) == (0, "The source csv goes on with 1 patient of acme.patients.\n")
    wrong = CliRunner().invoke(main, ["sync", "--take-over", "acme.patients", "csv"])
    assert (wrong.exit_code, "no patient is of a source acme.patients" in wrong.stderr) == (1, True)
