"""A process that sends does not look through all that it has opened, again and again, for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from crmkit.cli.garbage import settled


@pytest.fixture
def unsettled() -> Iterator[None]:
    # The tests' own process has settled, too.
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("unsettled")
def test_what_is_open_is_left_alone_for_as_long_as_one_sends() -> None:
    before = gc.get_threshold()

    def interrupted() -> None:
        with settled():
            assert gc.get_freeze_count() > 1000
            assert gc.get_threshold()[0] > before[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before


@pytest.mark.usefixtures("unsettled")
@pytest.mark.parametrize("decided", [(0, 10, 10), (50_000, 20, 20)])
def test_a_collector_that_is_off_stays_off_and_one_that_seldom_looks_stays_so(decided: tuple[int, int, int]) -> None:
    before = gc.get_threshold()
    gc.set_threshold(*decided)
    try:
        with settled():
            assert gc.get_threshold() == decided
    finally:
        gc.set_threshold(*before)


def test_what_a_host_has_decided_stays_as_it_is() -> None:
    gc.freeze()
    with settled():
        pass
    # Not as many as before: what was frozen may have been freed since.
    assert gc.get_freeze_count() > 0
