"""Every law catches the plugins that break it, and lets good ones pass."""

from __future__ import annotations

from typing import Any

import pytest
from mutants.table import MUTANTS, ROOMS, killed, pairs, subject

from crmkit.testing.law import Kind, Law
from crmkit.testing.laws import LAWS, event_parser
from crmkit.testing.run import Verdict, run

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover


def named(value: Any) -> str:
    return value.id if isinstance(value, Law) else value.__name__


@pytest.mark.parametrize(("law", "mutant"), pairs(), ids=named)
def test_a_law_catches_who_breaks_it(law: Law, mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A parser that takes its time takes a little more than it may.
    monkeypatch.setattr(event_parser, "MOST_SECONDS", 0.2)
    assert killed(law, mutant)


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_good_plugins_keep_every_law_and_some_is_tried_on_it(law: Law) -> None:
    results = [run(law, subject(law.kind, made, 6)) for made in ROOMS[law.kind].good]
    assert [result.note for result in results if result.verdict is Verdict.BROKEN] == []
    assert Verdict.KEPT in {result.verdict for result in results}


def test_every_law_has_a_mutant_and_no_mutant_is_without_a_law() -> None:
    assert set(MUTANTS) == {law.id for law in LAWS}
    assert all(MUTANTS.values())


def test_every_kind_with_laws_has_a_good_plugin() -> None:
    assert all(ROOMS[kind].good for kind in {law.kind for law in LAWS} if kind in Kind)
