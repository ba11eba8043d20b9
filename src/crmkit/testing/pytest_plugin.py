"""What crmkit adds to pytest: an option, a few fixtures, and the waivers at the end.

It is loaded in every run of pytest wherever crmkit is installed, so it imports nothing before it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from crmkit import CRM, FixedClock, Practice


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--crmkit-examples`."""
    parser.getgroup("crmkit").addoption(
        "--crmkit-examples",
        dest="crmkit_examples",
        type=int,
        default=None,
        metavar="N",
        help="on how many examples each law of crmkit.testing is tried",
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print every waiver with its reason."""
    waived = [
        said
        for report in terminalreporter.stats.get("skipped", ())
        for name, said in getattr(report, "user_properties", ())
        if name == "crmkit_waived"
    ]
    if waived:
        terminalreporter.section("waived laws")
        for line in waived:
            terminalreporter.line(str(line))


@pytest.fixture
def crmkit_practice() -> Practice:
    """A made-up practice in Sydney, with keys for links."""
    from crmkit.testing.samples import PRACTICE

    return PRACTICE


@pytest.fixture
def crmkit_clock() -> FixedClock:
    """A clock that stands at ten o'clock on a Monday in Sydney until it is moved."""
    from crmkit import FixedClock
    from crmkit.testing.home import NOW

    return FixedClock(NOW)


@pytest.fixture
def crmkit_open(tmp_path: Path, crmkit_practice: Practice, crmkit_clock: FixedClock) -> Iterator[Callable[..., CRM]]:
    """A function that opens a `CRM` over one database in the test's folder; all are closed at the end."""
    from crmkit import CRM

    opened: list[CRM] = []

    def open_one(*plugins: Any, **more: Any) -> CRM:
        given: dict[str, Any] = {"clock": crmkit_clock, "root": tmp_path, "plugins": plugins} | more
        opened.append(CRM(crmkit_practice, f"sqlite:///{tmp_path}/crm.db", **given))
        return opened[-1]

    yield open_one
    for crm in opened:
        crm.close()
