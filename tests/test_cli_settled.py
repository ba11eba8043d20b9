"""A process that sends does not look through all that it has opened, again and again, for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from crmkit.cli.settled import settled


@pytest.fixture
def unsettled() -> Iterator[None]:
    # The tests' own process has settled, too.
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("unsettled")
def test_what_is_open_is_left_alone_for_as_long_as_one_sends() -> None:
    def interrupted() -> None:
        with settled():
            assert gc.get_freeze_count() > 1000
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not gc.get_freeze_count()


def test_what_a_host_has_decided_stays_as_it_is() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with settled():
        pass
    assert gc.get_freeze_count() == before
