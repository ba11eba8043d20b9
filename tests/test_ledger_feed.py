"""The feed: every change once and in order, however many processes write and whatever their clocks say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock
from crmkit.errors import ConfigError
from crmkit.ledger.feed import FeedEvent
from crmkit.ledger.feed_entries import give_places

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")

Open = Callable[..., CRM]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/host.db" if request.param == "sqlite" else request.getfixturevalue("postgres_ready")
    made = sa.create_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def sender(engine: sa.Engine, practice: Any, clock: FixedClock, tmp_path: Any, exports: Any) -> Iterator[Open]:
    """Open another sender of one practice whose touches are all due; its clock may differ from the others'."""
    people = [patient(f"P{n}", born="1980-11-23", household=f"H{n}", email=f"p{n}@x.example") for n in range(6)]
    exports("patients", people)
    exports("consents", [consent(f"P{n}") for n in range(6)])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    opened: list[CRM] = []

    def another(off: timedelta = timedelta(0)) -> CRM:
        given = {"plugins": ["csv", "folder"], "settings": settings, "root": tmp_path}
        opened.append(CRM(practice, engine, clock=FixedClock(clock.now() + off), **given))
        return opened[-1]

    first = another()
    first.sync()
    first.add(CARD)
    first.plan()
    yield another
    for crm in opened:
        crm.close()


def followed(crm: CRM, since: str = "", limit: int | None = None) -> list[FeedEvent]:
    """Read the feed to its end."""
    read: list[FeedEvent] = []
    while found := crm.feed(since, limit=limit):
        read += found
        since = found[-1].cursor
    return read


def changes(events: list[FeedEvent]) -> list[tuple[str, str]]:
    return [(event.key, event.state.value) for event in events]


def test_a_sender_whose_clock_is_behind_is_heard_as_well(sender: Open) -> None:
    host, behind = sender(), sender(timedelta(minutes=-2))
    assert host.send(limit=3).sent == 3
    read = followed(host)
    assert behind.send().sent == 3
    new = followed(host, read[-1].cursor)
    assert changes(read + new) == changes(followed(sender()))
    assert sum(event.state == "sent" for event in new) == 3


def test_who_began_first_and_was_done_last_is_heard_as_well(sender: Open, engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("on SQLite only one writes at a time")
    host, slow = sender(), sender()
    key = followed(host)[0].key
    with slow._stages.seal.begin() as connection:
        (touch,) = slow._stages.ledger.touches(connection, slow._stages.tables.touch.c.key == key)
        slow._stages.ledger.cancelled(connection, [touch], slow.clock.now(), "Kim", "cancelled")
        assert host.send().sent == 5
        read = followed(host)
        assert key not in {event.key for event in read if event.state == "cancelled"}
    assert changes(followed(host, read[-1].cursor)) == [(key, "cancelled")]


def test_no_practice_waits_while_another_ones_feed_is_put_in_order(
    sender: Open, engine: sa.Engine, practice: Any, clock: FixedClock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("on SQLite only one writes at a time")
    impatient = sa.create_engine(engine.url, connect_args={"options": "-c lock_timeout=300"})
    given: dict[str, Any] = {"plugins": ["csv"], "settings": {"csv": {"folder": "exports"}}, "root": tmp_path}
    with CRM(attrs.evolve(practice, id="next-door"), impatient, clock=clock, **given) as neighbour:
        neighbour.sync()
        neighbour.add(CARD)
        neighbour.plan()
        told: list[FeedEvent] = []

        def meanwhile(*placed: Any) -> None:
            monkeypatch.undo()
            told.extend(neighbour.feed())
            give_places(*placed)

        monkeypatch.setattr("crmkit.crm.telling.give_places", meanwhile)
        assert len(sender().feed()) == len(told) == 6
    impatient.dispose()


def cancel_and_fail(crm: CRM) -> None:
    with crm._stages.seal.begin() as connection:
        assert crm._stages.ledger.cancel(connection, "", crm.clock.now(), "Kim")
        raise ZeroDivisionError


@pytest.mark.parametrize("limit", [1, 2, 7, None])
def test_it_may_be_read_in_pieces_of_any_size(sender: Open, limit: int | None) -> None:
    host = sender()
    host.send()
    host.plan()
    whole = host.feed()
    assert followed(host, limit=limit) == whole
    assert len({(event.key, event.cursor) for event in whole}) == len(whole) == 4 * 6
    for at, event in enumerate(whole[:-1]):
        assert host.feed(event.cursor, limit=1) == [whole[at + 1]]
    states = [event.state.value for event in whole if event.key == whole[0].key]
    assert states == ["ready", "claimed", "sending", "sent"]


def test_what_is_rolled_back_is_never_told(sender: Open) -> None:
    host = sender()
    last = host.feed()[-1].cursor
    with pytest.raises(ZeroDivisionError):
        cancel_and_fail(host)
    assert host.feed(last) == []


@pytest.mark.parametrize("cursor", ["yesterday", "1", "1:2:3", "1:", "1:-1", "9" * 30 + ":1", "1:2\n"])
def test_a_cursor_of_no_feed_is_refused(sender: Open, cursor: str) -> None:
    with pytest.raises(ConfigError, match="begin with an empty one"):
        sender().feed(cursor)


def test_a_limit_that_leads_nowhere_is_refused(sender: Open) -> None:
    with pytest.raises(ConfigError, match="at least"):
        sender().feed(limit=0)
