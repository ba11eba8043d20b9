"""One law tried on a plugin, on as many examples as are asked for, and what came of it."""

from __future__ import annotations

import functools
import traceback
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmkit.testing.law import Kind, Law
from crmkit.testing.laws import LAWS
from crmkit.testing.subject import Subject
from crmkit.testing.trial import Broken, NotRun, Shared, Trial

#: The law that says it all of a plugin which is none.
_ADMITTED = "plugin.admitted"
#: Before what a fake raised.
_FAKE = "The fake raised "


class Verdict(StrEnum):
    """What came of one law."""

    KEPT = "kept"
    BROKEN = "broken"
    WAIVED = "waived"
    NOT_TRIED = "not tried"


@attrs.frozen
class Result:
    """What came of one law.

    Attributes:
        law: The law.
        verdict: What came of it.
        note: The reason of a waiver, why it was not tried, or what was seen and how to mend it.
    """

    law: Law
    verdict: Verdict
    note: str = ""


def run(law: Law, subject: Subject, examples: int | None = None, *, shrink: bool = True) -> Result:
    """Try one law on every object of its kind.

    Args:
        law: The law.
        subject: What is under test.
        examples: How many examples, instead of the subject's own number.
        shrink: Whether to look for the smallest example that breaks it, which takes longer.
    """
    if law.id in subject.waive:
        return Result(law, Verdict.WAIVED, subject.waive[law.id])
    stated = subject.plugin.info.requires_api
    if _version(law.since) > _version(stated):
        return Result(law, Verdict.NOT_TRIED, f"new in version {law.since} of the contract; the plugin states {stated}")
    try:
        _examples(law, subject, min(law.examples, examples or subject.examples), shrink)
    except NotRun as why:
        return Result(law, Verdict.NOT_TRIED, str(why))
    except Exception as problem:  # noqa: BLE001 - whatever a plugin raises breaks the law
        return Result(law, Verdict.BROKEN, _story(law, problem, subject))
    return Result(law, Verdict.KEPT)


def _examples(law: Law, subject: Subject, number: int, shrink: bool) -> None:
    names, law = _names(law, subject), _with_fake(law)

    # The same examples on every machine, in every run.
    @settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, *([Phase.shrink] if shrink else [])),
        report_multiple_bugs=False,
    )
    @given(st.data())
    def once(data: st.DataObject) -> None:
        with closing(Shared()) as shared:
            for name in names:
                with subject.home() as home:
                    thing = subject.plugin if law.kind is Kind.PLUGIN else home.open().things(law.kind)[name]
                    law.check(Trial(thing, name, home, data.draw, shared, kind=law.kind, elsewhere=subject.home))

    once()


def _with_fake(law: Law) -> Law:
    """Return a law whose failure tells what the vendor's fake raised: that exception never reaches the law."""

    def check(trial: Trial[Any]) -> None:
        try:
            law.check(trial)
        except Exception as problem:
            if confused := getattr(trial.home.fake, "confused", ""):
                problem.add_note(f"{_FAKE}{confused}")
            raise

    return attrs.evolve(law, check=check)


def _names(law: Law, subject: Subject) -> list[str]:
    if law.kind is Kind.PLUGIN:
        return [subject.plugin.info.name]
    with subject.home() as home:
        missing = [able.__name__ for able in law.wants if not isinstance(home.fake, able)]
        if missing:
            raise NotRun(f"the fake is no {missing[0]}")
        names = list(home.open().things(law.kind))
    if not names:
        raise NotRun(f"the plugin registers no {law.kind.words} with these settings")
    return names


def _story(law: Law, problem: Exception, subject: Subject) -> str:
    drawn = [note for note in getattr(problem, "__notes__", ()) if note.startswith(("Draw", _FAKE))]
    while isinstance(problem, ExceptionGroup):
        # What hypothesis calls flaky.
        drawn, problem = [*drawn, "It was seen once, and not when tried again."], problem.exceptions[0]
    seen = problem.seen if isinstance(problem, Broken) else _raised(problem, subject)
    first = [] if law.id == _ADMITTED or _comes_in(subject) else [f"But first mend {_ADMITTED}: the core refuses it."]
    return "\n".join([f"{law.id} is broken: {law.says}", f"Seen: {seen}", *drawn, f"To mend: {law.mend}", *first])


@functools.lru_cache(maxsize=4)
def _comes_in(subject: Subject) -> bool:
    """Tell whether the core admits the plugin: if not, most laws are broken, and for that alone."""
    law = next(law for law in LAWS if law.id == _ADMITTED)
    return law.id in subject.waive or run(law, subject, 1).verdict is not Verdict.BROKEN


def _raised(problem: Exception, subject: Subject) -> str:
    """Return what was raised and where in the plugin's own code, or else where at last."""
    frames = traceback.extract_tb(problem.__traceback__)
    package = type(subject.plugin).__module__.partition(".")[0]
    own = [frame for frame in frames if package in Path(frame.filename).parts or Path(frame.filename).stem == package]
    last = (own or frames)[-1]
    return f"{type(problem).__name__}: {problem} ({Path(last.filename).name}, line {last.lineno})"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
