"""What hosts and vendors may rely on: the names, and that importing them costs next to nothing."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from documents import ROOT, section, text

import crmkit
from crmkit.testing.start import KINDS, answers, render

HEAVY = ("hypothesis", "jinja2", "babel", "phonenumbers", "sqlalchemy", "pluggy", "lark", "rich", "altair", "click")

HOST = {
    "Answer",
    "CRM",
    "Campaign",
    "Cap",
    "Clock",
    "CrmkitError",
    "Disclosed",
    "Dispatched",
    "Doubt",
    "Failure",
    "FeedEvent",
    "Findings",
    "FixedClock",
    "Forgotten",
    "Head",
    "Holding",
    "Kept",
    "Matched",
    "Medium",
    "Objective",
    "Origin",
    "Plan",
    "Policy",
    "Practice",
    "Preview",
    "Purpose",
    "Received",
    "Rehearsal",
    "RejectedRow",
    "Settled",
    "Standing",
    "State",
    "Stop",
    "SyncSummary",
    "SystemClock",
    "TimeLimits",
    "Touch",
    "Underway",
    "Verified",
    "Window",
    "__version__",
    "in_words",
    "run_day",
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
    "FIELDS",
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
    "plural",
    "ratio",
    "reply_event",
    "secret",
    "setting",
    "to_bytes",
    "told_to_wait",
    "total",
    "unknown_field",
    "word_of",
}

ERRORS = {
    "ConfigError",
    "CrmkitError",
    "GoneBack",
    "InTheWay",
    "MissingField",
    "NotFound",
    "NotSent",
    "OtherRevision",
    "PluginError",
    "ScheduleError",
    "SegmentError",
    "SourceError",
    "StoreError",
    "TemplateError",
    "Unreachable",
    "nearest",
}

STRATEGIES = {
    "batches",
    "campaigns",
    "candidates",
    "clocks",
    "consents",
    "histories",
    "histories_as_rows",
    "instants",
    "messages",
    "names",
    "panel_rows",
    "patients",
    "payloads",
    "rows",
    "verdicts",
    "zones",
}

#: Each public module with its names.
PUBLIC = {
    "crmkit": HOST,
    "crmkit.errors": ERRORS,
    "crmkit.plugins": VENDOR,
    "crmkit.testing": {"conformance"},
    "crmkit.testing.exports": {"ExportFolder"},
    "crmkit.testing.fakes": {
        "Fallible",
        "Fake",
        "MakesFake",
        "Mailbox",
        "Provider",
        "Samples",
        "Software",
        "Taken",
        "Trouble",
    },
    "crmkit.testing.http": {"Answer", "HttpProvider", "Request"},
    "crmkit.testing.samples": {
        "NAMES",
        "PRACTICE",
        "address_of",
        "candidate_of",
        "contact_of",
        "key_of",
        "message_of",
        "name_of",
        "patient_of",
        "yes",
    },
    "crmkit.testing.strategies": STRATEGIES,
    "crmkit.web": {"Counts", "Served", "app"},
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


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_names_are_these_and_can_be_imported(name: str) -> None:
    module, names = import_module(name), PUBLIC[name]
    told = module.__all__
    assert set(told) == names
    assert len(told) == len(names)
    assert all(getattr(module, one) is not None for one in names)


def test_the_page_tells_the_public_modules() -> None:
    said = re.findall(r"`(crmkit[\w.]*)`", section(text("docs/reference/versions.md"), "## What is public"))
    modules = {one.removesuffix(".__all__") for one in said}
    assert modules == set(PUBLIC)


@pytest.mark.no_cover
def test_new_plugins_and_those_of_this_repository_import_nothing_but_public_names() -> None:
    started = {f"{kind}: {path}": code for kind in KINDS for path, code in render(answers("acme", kind)).items()}
    ours = {str(file): file.read_text("utf-8") for file in (ROOT / "plugins").glob("*/src/**/*.py")}
    files = {path: code for path, code in {**started, **ours}.items() if path.endswith(".py")}
    assert len(files) > len(KINDS)
    assert [one for path, code in files.items() for one in _private(path, code)] == []


def _private(path: str, code: str) -> Iterator[str]:
    """Yield the imports from crmkit that no public module offers."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "crmkit":
            offered = PUBLIC.get(node.module or "", set())
            yield from (f"{path}: {node.module}.{one.name}" for one in node.names if one.name not in offered)
        if isinstance(node, ast.Import):
            yield from (f"{path}: {one.name}" for one in node.names if one.name.partition(".")[0] == "crmkit")


def test_all_names_are_listed_and_an_unknown_one_is_told() -> None:
    assert set(dir(crmkit)) == HOST
    with pytest.raises(AttributeError, match="no attribute 'Patient'"):
        _ = crmkit.Patient


def test_importing_crmkit_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = modules_after("import crmkit", tmp_path)
    assert loaded & {*HEAVY, "alembic", "importlib.metadata"} == set()
    assert {name for name in loaded if name.startswith("crmkit")} == {"crmkit"}


def test_of_the_installed_plugins_only_those_named_are_imported(tmp_path: Path) -> None:
    loaded = modules_after(NAMED_ONLY, tmp_path)
    assert {"crmkit.builtin.core", "crmkit.builtin.folder"} <= loaded
    others = {"crmkit_sql", "crmkit.builtin.csv", "crmkit.builtin.email"}
    assert loaded & (others | {"alembic", "altair", "hypothesis"}) == set()


def test_the_plugin_that_is_not_named_is_installed_at_all() -> None:
    from crmkit.plugins.door import discover

    assert {"core", "csv", "email", "folder", "sql"} <= set(discover())
