"""A small practice whose patients each stand for one situation."""

from __future__ import annotations

import csv
import gc
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from declared_once import declare_once, replace
from hypothesis import HealthCheck, settings
from looked_up_once import look_up_once
from postgres import NoPostgres, Postgres, running
from set_up_once import set_up_once
from situations import NOW

from crmkit import CRM, FixedClock, Practice

# How long an example takes says more about the machine than about the code.
settings.register_profile("crmkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crmkit")


def pytest_configure() -> None:
    """Let temporary files lie in memory where there is room: no commit of a test has to outlive the machine."""
    place = "/dev/shm"  # noqa: S108 - a folder with a name of its own is made in it
    if "TMPDIR" not in os.environ and _has_room(place):
        os.environ["TMPDIR"], tempfile.tempdir = place, None
    # The programs that tests start, often in an environment of their own, compile what they import but once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    declare_once()
    look_up_once(replace)
    set_up_once(replace)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end, all modules and all tests, and let it come less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def _has_room(place: str) -> bool:
    if not (os.path.isdir(place) and os.access(place, os.W_OK)):
        return False
    told = os.statvfs(place)
    # Wheels are installed there, and their programs run.
    return not told.f_flag & os.ST_NOEXEC and told.f_bavail * told.f_frsize >= 2 << 30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker waits for one at the end; leave repeats unfollowed."""
    heavy = {item.path for item in items if item.get_closest_marker("no_cover") or item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in heavy)
    for item in items:
        if _repeats(item):
            item.add_marker("no_cover")


def _repeats(item: pytest.Item) -> bool:
    """Tell whether a test walks paths that others walk too, many times or from end to end.

    To be followed line by line makes each take twice as long, and tells of a few lines in a thousand. Others that take
    long and go where quicker ones go are marked so where they stand: all of them hide fewer than one line in a hundred.
    """
    is_hypothesis = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    name = item.path.name
    return bool(is_hypothesis) or name.startswith("test_flow_") or name.endswith("_conformance.py")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Let `no_cover` hold for what a test needs too: often that is what takes longest, and its threads go on."""
    with _followed_unless(item):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let `no_cover` hold in the workers too, where a second tracer goes on when the first is told to stop."""
    with _followed_unless(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _followed_unless(item):
        return (yield)


@contextmanager
def _followed_unless(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("no_cover") is None:
        yield
        return
    here, elsewhere = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        threading.settrace(elsewhere)  # type: ignore[arg-type]
        sys.settrace(here)


@pytest.fixture
def practice() -> Practice:
    return Practice(
        id="bright-eyes",
        name="Bright Eyes Optometry",
        country="AU",
        timezone="Australia/Sydney",
        locale="en_AU",
        currency="AUD",
        email="hello@brighteyes.example",
        phone="+61255501234",
        address="1 High St, Newtown NSW 2042",
        public_url="https://brighteyes.example/crm",
        keys=["a key for tests"],
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def exports(tmp_path: Path) -> Callable[..., None]:
    """Write rows as the CSV file of a kind, in the place of what was there."""
    folder = tmp_path / "exports"
    folder.mkdir()

    def write(kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row)) or ["id"]
        with (folder / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    return write


@pytest.fixture
def open_crm(tmp_path: Path, practice: Practice, clock: FixedClock) -> Iterator[Callable[..., CRM]]:
    """Open CRMs on one database file and one outbox; they are closed at the end."""
    opened: list[CRM] = []

    def open_one(**more: Any) -> CRM:
        settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}} | more.pop("settings", {})
        given: dict[str, Any] = {"plugins": ["csv", "folder"], "clock": clock, "root": tmp_path} | more
        crm = CRM(given.pop("practice", practice), f"sqlite:///{tmp_path}/crm.db", settings=settings, **given)
        opened.append(crm)
        return crm

    yield open_one
    for crm in opened:
        crm.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Callable[[], list[bytes]]:
    """Return the messages that were delivered so far."""
    return lambda: [path.read_bytes() for path in sorted((tmp_path / "outbox").glob("*.eml"))]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server for the whole run: `fresh()` returns the URL of an empty database."""
    try:
        with running() as server:
            yield server
    except NoPostgres as problem:
        pytest.skip(str(problem))


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[str]:
    """The URL of an empty database on PostgreSQL, for this test alone."""
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres_ready(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a database on PostgreSQL, for this test alone, in which the tables of the kit are."""
    url = postgres_server.ready()
    yield url
    postgres_server.drop(url)
