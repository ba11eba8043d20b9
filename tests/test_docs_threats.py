"""The threat model against the code: what it says is held is tried by a test, and every kind of plugin is spoken of."""

from __future__ import annotations

import re

import pytest
from documents import ROOT, rows, text

from crmkit.testing.law import Kind
from crmkit.testing.laws import LAWS

PAGE = text("docs/threat-model.md")
TESTS = {
    name
    for file in (ROOT / "tests").glob("test_*.py")
    for name in re.findall(r"^ *def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("heading", ["## Before it runs", "## While it runs"])
def test_every_line_names_tests_that_there_are(heading: str) -> None:
    told = rows(PAGE, heading)
    assert len(told) > 5
    for what, _, tried in told:
        named = tried.split(", ")
        assert (what, [name for name in named if name not in TESTS]) == (what, [])


def test_what_only_the_laws_find_is_found_by_laws_that_there_are() -> None:
    told = [row[1] for row in rows(PAGE, "## What only the laws find")]
    assert len(told) > 5
    assert {name for names in told for name in names.split(", ")} - {law.id for law in LAWS} == set()


def test_every_test_that_is_named_anywhere_exists() -> None:
    assert set(re.findall(r"`(test_\w+)`", PAGE)) - TESTS == set()


def test_every_kind_is_spoken_of_with_its_faults_and_with_what_it_is_handed() -> None:
    kinds = {kind.words for kind in Kind} - {"plugin"}
    assert {row[0] for row in rows(PAGE, "## What only the allow-list can")} == kinds
    assert set(re.findall(r"^\| \*\*([a-z ]+)\*\*:", PAGE, re.MULTILINE)) == kinds
