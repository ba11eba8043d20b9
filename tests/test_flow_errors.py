"""Every mistake that a person can make in a file is told with its place and how to mend it, and never with a name."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from situations import patient

from crmkit import CRM, Campaign, Cap, Medium, Purpose
from crmkit.errors import ConfigError, CrmkitError, ScheduleError, SegmentError, SourceError, TemplateError

GOOD = """
database = "sqlite:///crm.db"
plugins = ["csv", "folder"]

[practice]
id = "bright-eyes"
name = "Bright Eyes Optometry"
country = "AU"
timezone = "Australia/Sydney"
locale = "en_AU"
currency = "AUD"
email = "hello@brighteyes.example"

[settings.csv]
folder = "exports"

[campaigns.card]
objective = "celebrate"
message = "birthday"
segment = "status is active"
schedule = "on birthday"
"""

MISTAKES = {
    "a misspelt key": ('country = "AU"', 'contry = "AU"', ["crm.toml: practice", "contry", "did you mean country"]),
    "a missing key": ('name = "Bright Eyes Optometry"\n', "", ["crm.toml: practice", "missing name"]),
    "a misspelt section": ("[settings.csv]", "[setings.csv]", ["crm.toml", "setings", "did you mean settings"]),
    "a wrong type": ('plugins = ["csv", "folder"]', "plugins = [1]", ["crm.toml", "plugins", "int given where str"]),
    "a broken line": ("[practice]", "[practice", ["crm.toml", "is no TOML", "line"]),
    "an export's own word": (
        'country = "AU"',
        'country = { Sí = "yes" }',
        ["line", "before =, quote a word", '"Sí" = "yes"'],
    ),
    "a letter writer's quotation marks": ('country = "AU"', "country = “AU”", ["line", "straight quotation marks"]),
    "a path of Windows": ('folder = "exports"', 'folder = "C:\\Users\\Kim"', ["line", "write / in the place of each"]),
    "a wrong zone": ("Australia/Sydney", "Australia/Sidney", ["crm.toml: practice", "timezone", "IANA"]),
    "a misspelt plugin": ('"folder"]', '"foldr"]', ["plugins", "foldr", "did you mean folder"]),
    "settings of a plugin that is not admitted": (
        '"csv", "folder"]',
        '"folder"]',
        ["settings.csv", "add csv to plugins, or take its settings out"],
    ),
    "a misspelt setting": ('folder = "exports"', 'foldr = "exports"', ["settings.csv", "foldr", "did you mean folder"]),
    "a misspelt campaign key": (
        'schedule = "on',
        'shedule = "on',
        ["campaigns.card", "shedule", "did you mean schedule"],
    ),
    "an unknown objective": ('"celebrate"', '"celebrat"', ["campaigns.card", "did you mean celebrate"]),
    "an unknown message": ('"birthday"\n', '"birthdy"\n', ["campaign card", "birthdy", "did you mean core.birthday"]),
    "an unknown segment field": (
        "status is active",
        "statu is active",
        ["campaign card", "statu", "did you mean status"],
    ),
    "an unknown status": ("status is active", "status is actve", ["campaign card", "actve", "did you mean active"]),
    "a schedule that is none": ("on birthday", "on birthdy", ["campaign card", "birthdy", "did you mean"]),
    "a folder of templates that is not there": (
        "[practice]",
        'templates = "none"\n[practice]',
        ["templates", "create it"],
    ),
    "a database in a folder that is not there": ("///crm.db", "///no/crm.db", ["no/crm.db", "create the folder"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_crm_toml_is_told_with_place_and_mend(mistake, tmp_path):
    old, new, told = MISTAKES[mistake]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if mistake == "a folder of templates that is not there":
        text = 'templates = "none"\n' + GOOD
    (tmp_path / "crm.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CrmkitError) as raised:
        CRM.from_file(tmp_path / "crm.toml")
    for part in told:
        assert part in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_good_file_is_good(encoding, tmp_path):
    (tmp_path / "crm.toml").write_text(GOOD, encoding=encoding)
    with CRM.from_file(tmp_path / "crm.toml") as crm:
        assert [campaign.id for campaign in crm.programme()] == ["card"]


def test_a_crm_toml_in_another_encoding_says_so(tmp_path):
    (tmp_path / "crm.toml").write_text(GOOD, encoding="utf-16")
    with pytest.raises(ConfigError, match=r"crm\.toml: is not written in UTF-8"):
        CRM.from_file(tmp_path / "crm.toml")


def test_a_missing_crm_toml_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match="crmkit init"):
        CRM.from_file(tmp_path / "crm.toml")


def test_a_missing_export_names_folder_and_section(open_crm, exports):
    with pytest.raises(SourceError, match=r"patients\.csv: the file does not exist.*\[settings\.csv\.patients\]"):
        open_crm().sync()


def test_a_missing_column_names_the_nearest(open_crm, tmp_path, exports):
    (tmp_path / "exports" / "patients.csv").write_text("id,Surnam\nP1,Stone\n", encoding="utf-8")
    settings = {"csv": {"folder": "exports", "patients": {"id": "id", "family": "Surname"}}}
    with pytest.raises(SourceError, match=r"patients\.csv: there is no column 'Surname'.*did you mean Surnam"):
        open_crm(settings=settings).sync()


def test_a_broken_row_is_kept_with_file_line_field_and_reason(open_crm, exports):
    exports("patients", [{"id": "P1", "family": "Stone", "born": "31/02/1980"}, {"id": "P2", "family": "Stone"}])
    crm = open_crm()
    summary = crm.sync()
    (row,) = crm.rejected()
    assert (row.place, row.field, row.row_id) == ("patients.csv:2", "born", "P1")
    assert "YYYY-MM-DD" in row.reason
    assert summary.kinds["patient"].rejected == summary.kinds["patient"].added == 1


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Dear {{ patient.givn }}", ["body.txt:1", "patient.givn", "did you mean patient.given"]),
        ("Dear {{ person.given }}", ["body.txt:1", "person"]),
        ("{{ 'a' * 9 }}", ["body.txt:1"]),
        ("{% for x in y %}", ["body.txt:1"]),
        ("Dear\n{{ patient.given", ["body.txt:2"]),
    ],
)
def test_a_template_that_cannot_be_used_is_told_with_file_and_line(template, told, open_crm, tmp_path):
    folder = tmp_path / "own" / "birthday" / "email" / "en"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text(template, encoding="utf-8")
    with pytest.raises(TemplateError) as raised:
        open_crm(templates="own")
    for part in told:
        assert part in str(raised.value)


def test_a_segment_and_a_schedule_are_checked_when_a_campaign_is_added(open_crm):
    crm = open_crm()
    good = {"objective": "celebrate", "message": "birthday"}
    with pytest.raises(SegmentError, match="did you mean age"):
        crm.add(Campaign("card", **good, segment="agee > 3", schedule="on birthday"))
    with pytest.raises(SegmentError, match="consent"):
        crm.add(Campaign("card", **good, segment="consent is yes", schedule="on birthday"))
    with pytest.raises(ScheduleError):
        crm.add(Campaign("card", **good, segment="everybody", schedule="every full moon"))
    assert crm.programme() == []


@pytest.mark.parametrize("number", ["eighty cents", True, float("nan"), None])
@pytest.mark.parametrize("name", ["cost_each", "cost_fixed", "lot"])
def test_a_campaign_takes_no_number_that_nobody_could_read_again(name, number):
    good = {"objective": "celebrate", "message": "birthday", "segment": "everybody", "schedule": "on birthday"}
    with pytest.raises(ConfigError, match="is no amount"):
        Campaign("card", **good, **{name: number})
    assert getattr(Campaign("card", **good, **{name: 0.1}), name) == Decimal("0.1")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"priority": "10"}, "the priority '10' is no whole number"),
        ({"priority": None}, "is no whole number"),
        ({"per_day": "40"}, "the per_day '40' is no whole number"),
        ({"paused": "no"}, "paused is 'no'"),
        ({"media": []}, "no medium is given"),
    ],
)
def test_a_campaign_from_a_form_of_the_web_is_told_what_is_no_number(given, told):
    # One such priority was stored, and no call could put the programme in order any more.
    good = {"objective": "celebrate", "message": "birthday", "segment": "everybody", "schedule": "on birthday"}
    with pytest.raises(ConfigError, match=told):
        Campaign("card", **good | given)


@pytest.mark.parametrize("purposes", [["news"], "news", []])
def test_a_cap_that_would_cap_nothing_is_refused(purposes):
    assert Cap(purposes="marketing") == Cap(purposes=[Purpose.MARKETING])
    with pytest.raises(ConfigError, match=r"caps nothing. To mend: known are: care, service, marketing, feedback"):
        Cap(purposes=purposes)


def test_an_unknown_patient_is_told_by_id_only(open_crm):
    with pytest.raises(CrmkitError, match="there is no patient P9"):
        open_crm().preview("P9")


def test_what_no_checker_of_types_sees_is_told_too(open_crm, clock):
    crm = open_crm()
    with pytest.raises(ConfigError, match=r"only_to: is one text. To mend: write a list: only_to=\['P1'\]"):
        crm.send(only_to="P1")
    with pytest.raises(ConfigError, match=r"plugins: is one text. To mend: write a list: plugins=\['folder'\]"):
        open_crm(plugins="folder")
    for ask in (crm.plan, lambda day: crm.preview("P1", day), lambda day: crm.why("P1", day)):
        with pytest.raises(ConfigError, match="through: is no date"):
            ask(clock.now())
    assert crm.opt_out("P1", "marketing", "email"), "a form of the web hands in words"
    with pytest.raises(ValueError, match="'news'"):
        crm.opt_out("P1", "news", "email")
    with pytest.raises(ValueError, match="practice adult_age: use a whole number"):
        attrs.evolve(crm.practice, adult_age="18")
    with pytest.raises(TypeError, match=r"hand on crm\.origin"):
        pickle.dumps(crm)


@pytest.mark.parametrize(
    ("given", "told"), [(17, "is no text. To mend: .*: '17'"), (None, "is no text"), (" ", "is blank")]
)
def test_a_patient_is_a_text_whatever_the_hosts_own_keys_are(given, told, open_crm, exports):
    # SQLite finds a number by some ways and not by others, and PostgreSQL by none; a no of nobody was lost.
    exports("patients", [patient("17")])
    crm = open_crm()
    crm.sync()
    by_one = (
        crm.why,
        crm.preview,
        crm.holds,
        crm.knows,
        lambda one: crm.forget(one, by="Kim"),
        lambda one: crm.opt_out(one, Purpose.MARKETING, Medium.EMAIL),
        lambda one: crm.opt_in(one, Purpose.MARKETING, Medium.EMAIL, wording="yes", evidence="form"),
        lambda one: crm.send(only_to=[one]),
        lambda one: crm.try_again(only_to=[one]),
    )
    for ask in by_one:
        with pytest.raises(ConfigError, match=told):
            ask(given)
    with pytest.raises(ConfigError, match="only_to: is one text"):
        crm.try_again(only_to="17")
    assert crm.opt_out(" 17", Purpose.MARKETING, Medium.EMAIL), "as the sync reads ids"
    assert [one.given for one in crm.holds("17").said] == [False]


def test_a_yes_without_words_or_proof_undoes_no_no_and_a_no_to_nothing_is_told(open_crm):
    crm, way = open_crm(), (Purpose.MARKETING, Medium.EMAIL)
    crm.opt_out("P1", *way)
    for blank in ({"wording": " ", "evidence": "form"}, {"wording": "yes", "evidence": ""}):
        with pytest.raises(ConfigError, match="a yes without it proves nothing"):
            crm.opt_in("P1", *way, **blank)
    assert [one.given for one in crm.holds("P1").said] == [False]
    with pytest.raises(ConfigError, match="nothing is named that is not wanted"):
        crm.opt_out("P1", [], Medium.EMAIL)
    assert crm.unsuppress("email", "mia@x.example", by="Kim") is False, "a form of the web hands in words"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"practice": "bright-eyes"}, "practice: is no Practice. To mend: give a crmkit.Practice"),
        ({"caps": [{"most": 1}]}, "caps: is no Cap"),
        ({"policy": {"soft_bounces": 5}}, "policy: is no Policy"),
        ({"audit_key": None}, "audit_key: is no text"),
        ({"clock": len}, r"clock: tells no time. To mend: give an object with now\(\)"),
        ({"required": ["csv"]}, "required: is no mapping"),
        ({"time_limits": {"guard": 5}}, "time_limits: is no TimeLimits"),
        ({"channels": {"mail": "folder"}}, r"channels\.mail: there is no medium mail. To mend: did you mean email"),
        (
            {"channels": {"sms": "folder"}},
            r'the channel folder delivers email. .* channels\.email = "folder"',
        ),
    ],
)
def test_what_is_given_in_the_wrong_form_is_told_at_once_and_not_amid_a_plan(given, told, open_crm):
    with pytest.raises(ConfigError, match=told):
        open_crm(**given)


def test_two_channels_for_one_medium_must_be_chosen_from(open_crm):
    settings = {"email": {"host": "mail.example"}}
    with pytest.raises(ConfigError, match=r'choose one, such as channels\.email = "folder"'):
        open_crm(plugins=["csv", "email", "folder"], settings=settings)
    open_crm(plugins=["csv", "email", "folder"], settings=settings, channels={"email": "folder"})


def test_a_file_that_may_not_be_read_is_told_as_such(open_crm, tmp_path, monkeypatch):
    folder = tmp_path / "own" / "birthday" / "email" / "en"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("Dear {{ patient.given }}", encoding="utf-8")

    read = Path.read_text

    def refused(self, **more):
        if self.is_relative_to(tmp_path):
            raise PermissionError(13, "Permission denied", str(self))
        return read(self, **more)

    # Whoever runs the tests may read everything, perhaps.
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(ConfigError, match=r"crm\.toml: cannot be read \(PermissionError\).*let the user who runs"):
        CRM.from_file(tmp_path / "crm.toml")
    with pytest.raises(TemplateError, match=r"body\.txt: cannot be read \(PermissionError\)"):
        open_crm(templates="own")


def test_a_worker_finds_the_file_that_was_named_from_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "crm.toml").write_text(GOOD, encoding="utf-8")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    with CRM.from_file("~/crm.toml") as crm, crm.origin.open() as other:
        assert other.programme() == crm.programme()


def test_a_secret_may_come_from_the_environment(tmp_path, monkeypatch):
    text = GOOD.replace('email = "hello', 'keys = [{ env = "CRM_KEY" }]\nemail = "hello', 1)
    (tmp_path / "crm.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"crm\.toml: practice: keys: the environment has no CRM_KEY.*set CRM_KEY"):
        CRM.from_file(tmp_path / "crm.toml")
    monkeypatch.setenv("CRM_KEY", "only in the environment")
    with CRM.from_file(tmp_path / "crm.toml") as crm:
        assert crm.practice.keys == ("only in the environment",)
        assert "environment" not in repr(crm.practice)
