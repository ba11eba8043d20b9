"""A conformance statement: which laws a plugin was tried on, and what came of each."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from crmkit.clock import utc
from crmkit.plugins.door import discover
from crmkit.plugins.spec import API_VERSION
from crmkit.testing.run import Result, Verdict, run
from crmkit.testing.subject import Subject

_HEADINGS = {
    Verdict.BROKEN: "Broken",
    Verdict.WAIVED: "Waived",
    Verdict.NOT_TRIED: "Not tried",
    Verdict.KEPT: "Kept",
}


@attrs.frozen
class Statement:
    """What can be said of a plugin.

    Attributes:
        plugin: Its name.
        distribution: Its distribution and version, or that it is not installed.
        states: The version of the contract that it needs.
        contract: The version of the contract that it was tried against.
        crmkit: The version of the kit.
        python: The version of Python.
        examples: On how many examples each law was tried at most.
        at: When, in UTC.
        results: One for each law.
    """

    plugin: str
    distribution: str
    states: str
    contract: str
    crmkit: str
    python: str
    examples: int
    at: datetime = attrs.field(converter=utc)
    results: tuple[Result, ...]

    def of(self, verdict: Verdict) -> list[Result]:
        """Return the results of this sort."""
        return [result for result in self.results if result.verdict is verdict]

    @property
    def conforms(self) -> bool:
        """Tell whether no law is broken, as far as they were tried."""
        return not self.of(Verdict.BROKEN)

    @property
    def sentence(self) -> str:
        """What it amounts to."""
        counts = ", ".join(f"{len(self.of(verdict))} {verdict}" for verdict in _HEADINGS)
        return f"{'Conforms, as far as it was tried' if self.conforms else 'Does not conform'}: {counts}."

    def plain(self) -> dict[str, Any]:
        """Return the statement as plain values."""
        laws = [_plain(result) for result in self.results]
        about = attrs.asdict(self, filter=lambda field, _: field.name != "results")
        return {**about, "at": self.at.isoformat(), "conforms": self.conforms, "laws": laws}

    def markdown(self) -> str:
        """Return the statement as a page."""
        return "\n".join(_lines(self)) + "\n"

    def write(self, path: Path) -> tuple[Path, Path]:
        """Write the statement as Markdown and as JSON, under one name with two endings, and return both paths."""
        page, plain = path.with_suffix(".md"), path.with_suffix(".json")
        page.write_text(self.markdown(), encoding="utf-8")
        plain.write_text(f"{json.dumps(self.plain(), indent=2)}\n", encoding="utf-8")
        return page, plain


def state(
    subject: Subject, at: datetime, examples: int | None = None, *, step: Callable[[int], None] = lambda _: None
) -> Statement:
    """Try every law that a plugin has to keep, and return what can be stated.

    Args:
        subject: The plugin and what it is tried with.
        at: The present instant, aware.
        examples: How many examples of each law, instead of the subject's own number.
        step: Called with 1 after each law.
    """
    results: list[Result] = []
    for law in subject.laws:
        results.append(run(law, subject, examples))
        step(1)
    info, found = subject.plugin.info, discover().get(subject.plugin.info.name)
    return Statement(
        plugin=info.name,
        distribution=f"{found.distribution} {found.version}" if found else "not installed",
        states=info.requires_api,
        contract=API_VERSION,
        crmkit=version("crmkit"),
        python=platform.python_version(),
        examples=examples or subject.examples,
        at=at,
        results=tuple(results),
    )


def _plain(result: Result) -> dict[str, Any]:
    law = result.law
    about = {"id": law.id, "says": law.says, "safety": law.safety, "since": law.since}
    return {**about, "verdict": result.verdict.value, "note": result.note}


def _lines(statement: Statement) -> Iterator[str]:
    yield f"# Conformance statement: {statement.plugin}\n"
    yield f"{statement.sentence}\n"
    yield "| | |\n|---|---|"
    yield f"| plugin | {statement.plugin} |"
    yield f"| distribution | {statement.distribution} |"
    yield f"| contract | states {statement.states}, tried against {statement.contract} |"
    yield f"| crmkit | {statement.crmkit} |"
    yield f"| Python | {statement.python} |"
    yield f"| examples of each law | at most {statement.examples} |"
    yield f"| tried at | {statement.at.isoformat()} |"
    for verdict, heading in _HEADINGS.items():
        results = statement.of(verdict)
        if results:
            yield f"\n## {heading}\n\n| law | what it says | |\n|---|---|---|"
            yield from map(_row, results)


def _row(result: Result) -> str:
    law, note = result.law, " ".join(result.note.split()).replace("|", "\\|")
    return f"| `{law.id}`{' (safety)' if law.safety else ''} | {law.says} | {note} |"
