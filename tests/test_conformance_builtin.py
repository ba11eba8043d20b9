"""The built-in plugins keep the laws that every vendor's plugin must keep, and none has a way in of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from builtin_fakes import SECRET, MailServer, Outbox, exports, signed_calls
from documents import SOURCE

from crmkit.builtin import core, csv, email, folder, webhook
from crmkit.builtin.hours import HoursGuard
from crmkit.campaigns.openings import Openings
from crmkit.crm.hours import practice_hours
from crmkit.plugins import Context, CrmkitSpec, Guard, PluginInfo, hookimpl
from crmkit.plugins.spec import GROUP
from crmkit.testing import conformance
from crmkit.testing.samples import PRACTICE

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover


class Hours(CrmkitSpec):
    """Registers the one guard of `core` that is given something of the practice: its hours."""

    info = PluginInfo("office")

    @hookimpl
    def crmkit_guards(self, ctx: Context) -> Iterable[Guard]:
        """Return the guard of a practice with hours of its own and quiet days."""
        del ctx
        return [HoursGuard(Openings(practice_hours(PRACTICE, "Mon-Fri 09:00-17:00", "12-24..01-02")))]


TestCore = conformance(core.plugin, examples=5)
TestCsv = conformance(csv.plugin, fake=exports, examples=10)
TestEmail = conformance(email.plugin, fake=MailServer, examples=10)
TestFolder = conformance(folder.plugin, fake=Outbox, examples=10)
TestHook = conformance(webhook.plugin, fake=signed_calls, examples=10)
TestHours = conformance(Hours(), examples=10)

TRIED = {"core": core, "csv": csv, "email": email, "folder": folder, "hook": webhook}


def test_each_plugin_that_ships_with_crmkit_is_announced_like_any_other_and_tried_here() -> None:
    announced = {one.name: one for one in entry_points(group=GROUP) if one.dist and one.dist.name == "crmkit"}
    assert {name: one.load() for name, one in announced.items()} == {name: one.plugin for name, one in TRIED.items()}


def imported(file: Path) -> Iterator[str]:
    """Yield what a module imports, anywhere in it, by full name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def users(what: str, outside: str) -> dict[str, set[str]]:
    """Return which files outside of a folder import something below a name, and what."""
    found = {str(file.relative_to(SOURCE)): set(imported(file)) for file in SOURCE.rglob("*.py")}
    used = {file: {one for one in names if one.startswith(what)} for file, names in found.items()}
    return {file: names for file, names in used.items() if names and not file.startswith(outside)}


def test_no_stage_knows_a_built_in_plugin() -> None:
    assert users("crmkit.builtin", "builtin/") == {
        # It is put together with the practice's hours, into the same adapter as every guard.
        "crm/stages.py": {"crmkit.builtin.hours.HoursGuard"},
        # The laws ask whether a guard loosens what those of core said.
        "testing/laws/guard.py": {"crmkit.builtin.guards.standard_guards"},
    }


def test_what_they_register_is_what_the_stages_get(open_crm: Any) -> None:
    crm = open_crm(plugins=["csv", "folder", "hook"], settings={"hook": {"secrets": [SECRET]}})
    admitted, judging = crm.plugins, crm._stages.planner.judge.guards
    assert [guard.name for guard in judging] == [*(one.name for one in admitted.guards), "core.hours"]
    registered = {
        "OwnedGuard": judging,
        "OwnedSource": admitted.sources,
        "OwnedChannel": admitted.channels,
        "OwnedMetric": admitted.metrics,
        "OwnedParser": admitted.event_parsers.values(),
    }
    assert {name: {type(one).__name__ for one in things} for name, things in registered.items()} == {
        name: {name} for name in registered
    }
    assert {kind.owner for kind in admitted.message_types.values()} == {"core"}
