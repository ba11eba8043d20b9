"""What hosts and vendors may rely on: the names, and that importing them costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import crmkit
import crmkit.plugins

HEAVY = ("hypothesis", "jinja2", "babel", "phonenumbers", "sqlalchemy", "pluggy", "lark", "rich", "altair", "click")

HOST = {
    "Origin",
    "run_day",
    "CRM",
    "Campaign",
    "Cap",
    "Clock",
    "CrmkitError",
    "FixedClock",
    "Medium",
    "Objective",
    "Plan",
    "Policy",
    "Practice",
    "Purpose",
    "State",
    "SystemClock",
    "TimeLimits",
    "Touch",
    "__version__",
    "upgrade_database",
}

VENDOR = {
    "AGE",
    "ALLOWED",
    "API_VERSION",
    "BLIND",
    "COUNT",
    "DATE",
    "DAY_OF_YEAR",
    "INSTANT",
    "LABELS",
    "LANGUAGE",
    "MONEY",
    "QUERYABLE",
    "TEXT",
    "Batch",
    "Candidate",
    "Channel",
    "Context",
    "CrmkitSpec",
    "Event",
    "EventKind",
    "EventParser",
    "Expression",
    "Fault",
    "FetchingSource",
    "Field",
    "Figure",
    "Guarantee",
    "Guard",
    "HookParser",
    "Limits",
    "Medium",
    "Message",
    "MessageType",
    "Metric",
    "NotSent",
    "Outcome",
    "PanelRow",
    "Payload",
    "PluginInfo",
    "Purpose",
    "QueryableChannel",
    "Question",
    "Ratio",
    "Receipt",
    "Row",
    "Ruling",
    "Scope",
    "Source",
    "Span",
    "Stop",
    "Tally",
    "Verdict",
    "attribute",
    "defer",
    "deny",
    "hold",
    "hookimpl",
    "keyed",
    "ratio",
    "reply_event",
    "secret",
    "setting",
    "to_bytes",
    "total",
    "word_of",
}

NAMED_ONLY = """
from crmkit import CRM, Practice

practice = Practice(id="p", name="P", country="AU", timezone="Australia/Sydney", locale="en_AU", currency="AUD",
                    email="hello@p.example")
CRM(practice, "sqlite://", plugins=["folder"]).close()
"""


def modules_after(program: str, folder: Path) -> set[str]:
    """Run a program in a new Python and return the names of all modules that it has loaded."""
    asked = f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(("module", "names"), [(crmkit, HOST), (crmkit.plugins, VENDOR)], ids=["host", "vendor"])
def test_the_public_names_are_these_and_can_be_imported(module: object, names: set[str]) -> None:
    told = module.__all__
    assert set(told) == names
    assert len(told) == len(names)
    assert all(getattr(module, name) is not None for name in names)


def test_all_names_are_listed_and_an_unknown_one_is_told() -> None:
    assert set(dir(crmkit)) == HOST
    with pytest.raises(AttributeError, match="no attribute 'Patient'"):
        _ = crmkit.Patient


def test_importing_crmkit_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = modules_after("import crmkit", tmp_path)
    assert loaded & {*HEAVY, "alembic"} == set()
    assert {name for name in loaded if name.startswith("crmkit")} == {"crmkit"}


def test_of_the_installed_plugins_only_those_named_are_imported(tmp_path: Path) -> None:
    loaded = modules_after(NAMED_ONLY, tmp_path)
    assert {"crmkit.builtin.core", "crmkit.builtin.folder"} <= loaded
    others = {"crmkit_sql", "crmkit.builtin.csv", "crmkit.builtin.email"}
    assert loaded & (others | {"alembic", "altair", "hypothesis"}) == set()


def test_the_plugin_that_is_not_named_is_installed_at_all() -> None:
    from crmkit.plugins.door import discover

    assert {"core", "csv", "email", "folder", "sql"} <= set(discover())
