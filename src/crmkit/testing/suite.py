"""The pytest class that a vendor is handed: one test for each law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crmkit.testing.frozen import missing
from crmkit.testing.law import Kind, Law
from crmkit.testing.run import Verdict, run
from crmkit.testing.subject import Subject

#: The property of a test report under which the pytest plugin finds what was waived.
WAIVED = "crmkit_waived"


def suite(subject: Subject) -> type:
    """Return a new pytest class for a subject, whose attribute `subject` it is."""
    tests = {_name(law): _test(law, subject) for law in subject.laws}
    whole = {"test_the_kit_is_whole": _whole(subject)}
    return type("Conformance", (), {"__doc__": _doc(subject), "subject": subject, **tests, **whole})


def _name(law: Law) -> str:
    return f"test_{law.id.replace('.', '_')}"


def _doc(subject: Subject) -> str:
    return f"What every plugin like {subject.plugin.info.name} must keep."


def _test(law: Law, subject: Subject) -> Callable[..., None]:
    def test(_: Any, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
        asked = request.config.getoption("crmkit_examples", None)
        result = run(law, subject, asked)
        if result.verdict is Verdict.BROKEN:
            pytest.fail(result.note, pytrace=False)
        if result.verdict is Verdict.WAIVED:
            record_property(WAIVED, f"{subject.plugin.info.name}: {law.id}: {result.note}")
        if result.verdict is not Verdict.KEPT:
            pytest.skip(f"{result.verdict}: {result.note}")

    test.__name__ = test.__qualname__ = _name(law)
    test.__doc__ = law.says
    return test


def _whole(subject: Subject) -> Callable[[Any], None]:
    def test(self: Any) -> None:
        """No law is missing from the kit or from this class."""
        gone = missing(law.id for law in subject.laws if callable(getattr(self, _name(law), None)))
        wanted = [id_ for id_ in gone if Kind(id_.partition(".")[0]) in subject.kinds]
        if wanted:
            mend = "install crmkit anew, and take nothing out of the class that conformance() returned"
            pytest.fail(f"the kit lacks {', '.join(wanted)}\nTo mend: {mend}", pytrace=False)

    return test
