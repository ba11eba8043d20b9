"""The reference pages against the code: nothing is left out, nothing is told that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
import click
import pytest
import sqlalchemy as sa
from documents import PAGES, ROOT, blocks, rows, section, text

from crmkit.builtin.csv import CsvSettings
from crmkit.builtin.email import EmailSettings
from crmkit.builtin.folder import FolderSettings
from crmkit.builtin.messages import standard_message_types
from crmkit.builtin.webhook import HookSettings
from crmkit.campaigns.campaign import Campaign, Objective
from crmkit.campaigns.caps import Cap
from crmkit.campaigns.reasons import REASONS
from crmkit.cli import main
from crmkit.crm.config import _File, read_config
from crmkit.crm.hours import OwnHours
from crmkit.delivery.events.event import EventKind
from crmkit.delivery.events.policy import Policy
from crmkit.ledger.heard import Did
from crmkit.ledger.state import FOLLOWS, JUDGEMENTS, State
from crmkit.ledger.tables import declare_ledger
from crmkit.messages.imprint import IMPRINTS
from crmkit.messages.views import FIELDS, LAYOUT_FIELDS
from crmkit.people.patient import Status
from crmkit.plugins.time_limits import TimeLimits
from crmkit.practice import Practice
from crmkit.records.tables import declare_records
from crmkit.schedules.schedule import FORMS, parse_schedule
from crmkit.segments.catalogue import catalogue, standard_fields
from crmkit.segments.text import parse, to_text
from crmkit.segments.tree import Operator
from crmkit.store.store import Store

SEGMENTS, SCHEDULES = text("docs/reference/segments.md"), text("docs/reference/schedules.md")
CRM_TOML, COMMANDS = text("docs/reference/crm-toml.md"), text("docs/reference/command-line.md")
STATES, TEMPLATES = text("docs/reference/states-and-reasons.md"), text("docs/how-to/write-templates.md")
FIELDS_BY_NAME = catalogue(standard_fields())
WITH_TOML = [page for page in PAGES if "```toml" in page.read_text(encoding="utf-8")]
OF_ALL = ("--help", "--json", "--at", "--config", "--factory", "--practice")


@pytest.mark.parametrize("line", "".join(blocks(SEGMENTS, "segment")).splitlines())
def test_every_segment_is_understood(line: str) -> None:
    segment = parse(line, FIELDS_BY_NAME)
    assert parse(to_text(segment), FIELDS_BY_NAME) == segment


def test_the_fields_of_a_segment_are_all_told() -> None:
    told = {row[0]: row[1:] for row in rows(SEGMENTS, "## Fields")}
    assert [*FIELDS_BY_NAME, "attributes.NAME"] == list(told)
    assert {name: field.kind.name for name, field in FIELDS_BY_NAME.items()} == {
        name: kind for name, (kind, _) in told.items() if name in FIELDS_BY_NAME
    }
    assert {name for name, field in FIELDS_BY_NAME.items() if field.windowed} == {
        name for name, (_, meaning) in told.items() if "takes a window" in meaning
    }
    assert told["status"][1].split(", ") == list(Status)


def test_the_operators_of_each_kind_are_those_of_the_code() -> None:
    told = {}
    for kinds, operators in rows(SEGMENTS, "## What may be asked")[:7]:
        told |= dict.fromkeys(kinds.split(", "), operators.split(", "))
    found = {field.kind.name: [str(one) for one in field.kind.operators] for field in standard_fields()}
    assert {kind: sorted(operators) for kind, operators in told.items()} == {
        kind: sorted(operators) for kind, operators in found.items()
    }
    assert {operator for operators in told.values() for operator in operators} | {"is empty", "is not empty"} == {
        str(operator) for operator in Operator
    }


def test_the_fields_that_are_never_unknown_are_named() -> None:
    (sentence,) = re.findall(r"Every field but (.*?), which are never unknown", SEGMENTS)
    assert set(re.findall(r"`(\w+)`", sentence)) == {field.name for field in standard_fields() if field.known}


def test_every_schedule_is_understood_and_every_form_is_told() -> None:
    lines = "".join(blocks(SCHEDULES, "schedule")).splitlines()
    assert [str(parse_schedule(line)) for line in lines] == lines
    assert sorted(lines) == sorted([*FORMS[:3], "quarterly on day 20", *FORMS[4:]])


def test_how_long_an_occasion_stays_fresh_is_told() -> None:
    assert {kind.name: kind.fresh_days for kind in standard_message_types()} == {
        "birthday": 3,
        "newsletter": 14,
        "reactivation": 14,
    }
    assert "three for a birthday card, fourteen for a newsletter" in SCHEDULES


@pytest.mark.parametrize("page", WITH_TOML, ids=lambda page: page.name)
def test_every_toml_block_is_toml_and_whole_ones_are_a_configuration(page: Path, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for number, block in enumerate(blocks(page.read_text(encoding="utf-8"), "toml")):
        if "practice" in tomllib.loads(block):
            file = tmp_path / f"{number}.toml"
            file.write_text(block, encoding="utf-8")
            assert read_config(file).campaigns


def test_the_whole_file_opens(tmp_path: Path) -> None:
    from crmkit import CRM

    (tmp_path / "templates").mkdir()
    (tmp_path / "crm.toml").write_text(blocks(CRM_TOML, "toml")[0], encoding="utf-8")
    with CRM.from_file(tmp_path / "crm.toml") as crm:
        assert [campaign.id for campaign in crm.programme()] == ["birthday-card", "come-back"]


def keys(cls: type) -> list[str]:
    return [field.name for field in attrs.fields(cls)]


def settings(name: str, cls: type) -> list[str]:
    return [f"{name}.{key}" for key in keys(cls)]


SECTIONS = ("practice", "settings", "channels", "caps", "hours", "events", "campaigns", "required", "time_limits")


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        (
            "## The top of the file",
            [key for key in keys(_File) if key not in SECTIONS],
        ),
        ("## [practice]", keys(Practice)),
        ("## [caps.NAME]", keys(Cap)),
        ("## [hours]", keys(OwnHours)),
        ("## [events]", keys(Policy)),
        ("## [time_limits]", keys(TimeLimits)),
        ("## [campaigns.ID]", keys(Campaign)[1:]),
        (
            "## [settings.NAME]",
            [
                *settings("csv", CsvSettings),
                *settings("folder", FolderSettings),
                *settings("email", EmailSettings),
                *settings("hook", HookSettings),
            ],
        ),
    ],
)
def test_every_key_of_the_file_is_told_and_no_other(heading: str, known: list[str]) -> None:
    told = [name for row in rows(CRM_TOML, heading) for name in row[0].split(", ")]
    assert sorted(told) == sorted(known)


@pytest.mark.parametrize(
    ("heading", "made"),
    [
        ("## [caps.NAME]", Cap()),
        ("## [time_limits]", TimeLimits()),
        ("## [campaigns.ID]", Campaign("any", objective="inform", message="a", segment="b", schedule="c")),
    ],
    ids=["caps", "time limits", "campaigns"],
)
def test_what_holds_without_a_word_of_the_file_is_told(heading: str, made: Any) -> None:
    told = {row[0]: row[2].replace('"', "").strip("[]") for row in rows(CRM_TOML, heading) if row[2] != "needed"}
    held = {name: getattr(made, name) for name in told}
    words = {"None": "no limit", "True": "true", "False": "false"}
    for name, value in held.items():
        several = ", ".join(value) if isinstance(value, tuple) else str(value).removesuffix(".0")
        assert told[name] == words.get(several, several), name


def test_where_the_law_wants_the_postal_address_is_told() -> None:
    told = rows(CRM_TOML, "## The postal address")[: len(IMPRINTS)]
    assert told == [[country, ", ".join(law.purposes), law.source] for country, law in IMPRINTS.items()]


def test_objectives_are_all_told() -> None:
    (told,) = [row[1] for row in rows(CRM_TOML, "## [campaigns.ID]") if row[0] == "objective"]
    assert told.split(", ") == list(Objective)


def test_every_command_is_told_in_its_order() -> None:
    assert re.findall(r"^## crmkit ([\w-]+)$", COMMANDS, re.MULTILINE) == list(main.commands)


@pytest.mark.parametrize("name", main.commands)
def test_every_option_of_a_command_is_told_and_no_other(name: str) -> None:
    told = re.findall(
        r"(--[a-z-]+)", "".join(re.findall(r"^\| (.*?) \|", section(COMMANDS, f"## crmkit {name}"), re.M))
    )
    command = main.commands[name]
    several = command.commands.values() if isinstance(command, click.Group) else [command]
    params = [param for one in several for param in one.params if isinstance(param, click.Option)]
    known = {option for param in params for option in param.opts}
    assert sorted(told) == sorted(known - {*OF_ALL, "-h"})


def test_states_are_those_of_the_code() -> None:
    told = {row[0]: row[1:] for row in rows(STATES, "## States")}
    assert list(told) == list(State)
    for state in State:
        judgement = state.is_judgement or state is State.CLAIMED
        assert told[state][0] == ("judgement" if judgement else "history")
    assert set(FOLLOWS) == set(State)


def test_a_state_that_nothing_reaches_is_told_as_such() -> None:
    told = {row[0] for row in rows(STATES, "## States") if row[2].startswith("not reached yet")}
    rooms = ("campaigns", "delivery", "crm", "builtin", "plugins", "cli")
    code = "".join(file.read_text("utf-8") for room in rooms for file in (ROOT / "src/crmkit" / room).rglob("*.py"))
    # A channel's outcome becomes the state of the same name; `_COUNTED` only looks for bounces.
    code = re.sub(r"^_COUNTED = .*$", "", code, flags=re.MULTILINE)
    code += "".join((ROOT / f"src/crmkit/ledger/{one}.py").read_text("utf-8") for one in ("ledger", "claims"))
    outcomes = {"sent", "refused", "retry", "unknown"}
    assert told == {state for state in State if f"State.{state.name}" not in code and state not in outcomes}


def test_which_state_may_follow_which_is_told() -> None:
    told: dict[str, set[str]] = {}
    for states, follows in rows(STATES, "## Which state may follow which"):
        named = follows.replace("any judgement but claimed", ", ".join(JUDGEMENTS))
        named = named.replace("any judgement", ", ".join((*JUDGEMENTS, State.CLAIMED))).replace("nothing", "")
        told |= {state: {one for one in named.split(", ") if one} for state in states.split(", ")}
    assert told == {state.value: {one.value for one in follows} for state, follows in FOLLOWS.items()}


def test_reasons_are_those_of_the_code() -> None:
    told = {row[0]: row[1] for row in rows(STATES, "## Reasons")}
    assert list(told.items()) == list(REASONS.items())


def test_every_kind_of_event_is_told_and_what_events_do() -> None:
    page = text("docs/reference/events.md")
    assert {row[0].split(",")[0].split()[0] for row in rows(page, "## What each does")} == set(EventKind)
    assert set(Did) <= set(re.findall(r"`([a-z_]+)`", section(page, "## Whether it is believed")))
    policy = {row[0]: row[2] for row in rows(page, "## Policy")}
    assert policy == {key: str(value).lower() for key, value in attrs.asdict(Policy()).items()}
    assert {row[0]: row[2] for row in rows(CRM_TOML, "## [events]")} == policy


def test_every_field_of_a_template_is_told() -> None:
    told = set(re.findall(r"`([a-z_.]+)`", "".join(re.findall(r"^\| (`.*?) \|", TEMPLATES, re.MULTILINE))))
    known = {
        f"{view}.{field}" if field else view
        for views in (FIELDS, LAYOUT_FIELDS)
        for view, fields in views.items()
        for field in (fields or [""])
    }
    assert known - told == set()
    assert {name for name in told if name.split(".")[0] in {*FIELDS, *LAYOUT_FIELDS}} == known


def test_every_table_of_the_database_is_in_the_data_map() -> None:
    engine = sa.create_engine("sqlite://")
    store = Store(engine, prefix="")
    declare_records(store)
    declare_ledger(store)
    page = text("docs/data-map.md")
    tables = [*rows(page, "## What the sources say"), *rows(page, "## What the kit did and learnt")]
    told = [name for row in tables for name in row[0].split(", ")]
    assert sorted(told) == sorted([*store.metadata.tables, "version"])
    engine.dispose()
