"""Verifying the audit trail: every link is computed anew, chain by chain, row by row, without holding the ledger."""

from __future__ import annotations

import hmac
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.decided import not_decided
from crmkit.ledger.state import SPENT, State
from crmkit.ledger.tables import TOUCH
from crmkit.ledger.trail.digests import HANDED, NOTED, handed_digest, link_digest, row_digest, sealed_tables, signed
from crmkit.ledger.trail.head import head
from crmkit.ledger.trail.seal import Seal

_AT_ONCE = 1000
#: More faults than these tell a reader nothing new.
_MOST = 100
#: In the place of a table's name: rows of the chain were blanked.
_BLANKED = "of_blanked"


@attrs.frozen
class Verified:
    """What a verification found.

    Attributes:
        chains: How many chains there are.
        links: How many links they have altogether.
        rows: How many rows are sealed.
        unsealed: How many rows were written while no trail was kept.
        faults: What does not fit, in words with ids only; empty where all does.
        head: The digest over the heads of all chains, as they stood at `at`.
        at: The instant that was asked for, in UTC.
    """

    chains: int
    links: int
    rows: int
    unsealed: int
    faults: tuple[str, ...]
    head: str
    at: datetime


def verify(connection: sa.Connection, seal: Seal, at: datetime, noted: str = "") -> Verified:
    """Compute every link anew and return what does not fit.

    Args:
        connection: Reads, with all statements seeing the same state of the database.
        seal: What the trail is sealed with, with the host's key.
        at: Take the head as it stood at that instant.
        noted: The head that was noted then, empty if it is not to be compared.
    """
    check = _Check(connection, seal)
    for writer, named in sorted(check.writers().items()):
        check.chain(writer, named)
    check.beside()
    check.present()
    check.handed()
    check.programme()
    now = head(connection, seal, at)
    if noted and noted != now:
        check.fault(f"the head as of {at:%Y-%m-%dT%H:%M:%SZ} is not the one that was noted: something was cut off")
    faults = check.faults if len(check.faults) <= _MOST else [*check.faults[:_MOST], "and more"]
    return Verified(check.chains, check.links, check.rows, check.unsealed, tuple(faults), now, at)


@attrs.define
class _Check:
    connection: sa.Connection
    seal: Seal
    chains: int = 0
    links: int = 0
    rows: int = 0
    unsealed: int = 0
    began: datetime | None = None
    faults: list[str] = attrs.field(factory=list)

    def fault(self, words: str) -> None:
        # One more than are told, so that it is known whether there are more.
        if len(self.faults) <= _MOST:
            self.faults.append(words)

    def writers(self) -> Mapping[str, Set[str]]:
        """Return the names of all chains, also of those that only rows name, each with the tables that name it."""
        found: dict[str, set[str]] = defaultdict(set)
        learnt, mine = self.seal.tables.learnt, self.seal.practice
        said = {name: (table, table.c.writer) for name, table in sealed_tables(self.seal.tables).items()}
        for name, (table, writer) in {**said, _BLANKED: (learnt.blanked, learnt.blanked.c.of_writer)}.items():
            query = sa.select(writer).distinct().where(table.c.practice == mine, table.c.link > 0)
            for one in self.connection.scalars(query):
                found[one].add(name)
        query = sa.select(learnt.audit.c.writer).distinct().where(learnt.audit.c.practice == mine)
        for one in self.connection.scalars(query):
            found.setdefault(one, set())
        return found

    def chain(self, writer: str, named: Set[str]) -> None:
        """Verify a chain, given the tables that name it: each process has one, and most write to one or two tables."""
        # Rows that no link names are left unread, so their cursors would stay open.
        with ExitStack() as opened:
            tables = sealed_tables(self.seal.tables)
            told = [self._told(name, table, writer) for name, table in tables.items() if name in named]
            blanked = self._blanked(writer) if _BLANKED in named else _nothing()
            handed = self._handed(writer) if "event" in named else _nothing()
            for one in (*told, blanked, handed):
                opened.callback(one.close)
            self._chain(writer, [_Rows(one) for one in told], _Rows(blanked), _Rows(handed))

    def _chain(self, writer: str, rows: Sequence[_Rows], blanked: _Rows, handed: _Rows) -> None:
        audit = self.seal.tables.learnt.audit
        query = sa.select(audit).where(audit.c.practice == self.seal.practice, audit.c.writer == writer)
        number, before, links = 0, "", 0
        for link in self._stream(query.order_by(audit.c.number)):
            there = Counter(digest for some in rows for digest in some.of(link.number))
            for now, was in blanked.of(link.number):
                # Of a row that was erased whole, nothing is there any more.
                there[now] -= bool(now)
                there[was] += 1
            self._link(link, there, [*handed.of(link.number)], number, before)
            number, before, links = link.number, link.link, links + 1
        if writer != NOTED:
            self.chains += bool(links)
            self.links += links
        if any(some.left(number) for some in rows):
            self.fault(f"chain {writer}: a link after {number} is missing, though rows name it")

    def _link(
        self, link: sa.Row[Any], there: Counter[str], handed: Sequence[Sequence[Any]], number: int, before: str
    ) -> None:
        place = f"chain {link.writer}, link {link.number}"
        if self.began is None or link.at < self.began:
            self.began = link.at
        self.rows += link.rows
        if link.number != number + 1:
            self.fault(f"{place}: the link before it is missing")
            return
        # A link from before attempts were sealed fits without them, and then it fits for good.
        if not _fits(link, there):
            # No sum of the two: that would forget which rows are fewer than none.
            there.update([handed_digest(handed)] if handed else [])
            # Together they are one row of the link.
            self.rows += max(0, len(handed) - 1)
        if not _fits(link, there):
            self.fault(f"{place}: a row was changed, added or removed")
        ours = signed(self.seal.key, self.seal.practice, link.writer, link.number, before, link.at, link.digest)
        if not hmac.compare_digest(ours, link.link):
            self.fault(f"{place}: the signature does not fit")

    def _told(self, name: str, table: sa.Table, writer: str) -> Generator[tuple[int, str]]:
        columns = table.columns.keys()
        for row in self._stream(self._sealed(table, table.c.writer == writer).order_by(table.c.link)):
            yield row.link, row_digest(name, dict(zip(columns, row, strict=True)))

    def _handed(self, writer: str) -> Generator[tuple[int, tuple[Any, ...]]]:
        """Yield what was handed over: the attempt of each step on the way, which is told by how many came before."""
        event, attempt = self.seal.tables.event, self.seal.tables.attempt
        mine = (event.c.practice == self.seal.practice, event.c.writer == writer, event.c.link > 0)
        same = (attempt.c[name] == event.c[name] for name in TOUCH)
        here = sa.and_(*same, attempt.c.number == _hand_overs(event, until=event))
        columns = (event.c.link, *(attempt.c[name] for name in HANDED))
        query = sa.select(*columns).join_from(event, attempt, here).order_by(event.c.link)
        for row in self._stream(query.where(*mine, event.c.state == State.SENDING.value)):
            yield row[0], tuple(row[1:])

    def _blanked(self, writer: str) -> Generator[tuple[int, tuple[str, str]]]:
        """Yield what stood in rows that were blanked on request: only what a link seals is believed."""
        table = self.seal.tables.learnt.blanked
        for row in self._stream(self._sealed(table, table.c.of_writer == writer).order_by(table.c.of_link)):
            yield row.of_link, (row.now, row.was)

    def _sealed(self, table: sa.Table, whose: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(table).where(table.c.practice == self.seal.practice, whose, table.c.link > 0)

    def beside(self) -> None:
        """Count the rows that no link seals; since the trail began there should be none."""
        for name, table in sealed_tables(self.seal.tables).items():
            loose = (table.c.practice == self.seal.practice, table.c.link == 0)
            since = sa.false() if self.began is None else table.c.at > self.began
            query = sa.select(sa.func.count(), sa.func.count().filter(since)).select_from(table).where(*loose)
            number, late = self.connection.execute(query).one()
            self.unsealed += number
            if late:
                self.fault(f"{late} rows of {name} were written beside the trail, after it began")

    def present(self) -> None:
        """Look for touches that do not stand where their history ends, and for histories whose touch is gone."""
        touch, event = self.seal.tables.touch, self.seal.tables.event
        last = sa.and_(self.seal.tables.same_touch(event), event.c.number == touch.c.moves)
        other = sa.or_(event.c.state.is_(None), event.c.state != touch.c.state, event.c.reason != touch.c.reason)
        query = (
            sa.select(touch.c.key).join(event, last, isouter=True).where(touch.c.practice == self.seal.practice, other)
        )
        for row in self._stream(query):
            self.fault(f"touch {row.key}: its state is not what its history tells")
        # Put back to where it stood once, a touch fits its history too, and would be sent again.
        beyond = sa.or_(touch.c.key.is_(None), event.c.number > touch.c.moves)
        named = (touch.c.key, *(event.c[name] for name in TOUCH[1:]))
        query = sa.select(*named).distinct().join(touch, self.seal.tables.same_touch(event), isouter=True)
        for row in self._stream(query.where(event.c.practice == self.seal.practice, beyond)):
            gone = f"patient {row.patient}, {row.campaign}, {row.occasion}: its touch was removed"
            self.fault(f"touch {row.key}: its history goes on after its state" if row.key else gone)

    def handed(self) -> None:
        """Look for attempts of which the history does not know, and for touches that tell another story than theirs."""
        touch, event, attempt = self.seal.tables.touch, self.seal.tables.event, self.seal.tables.attempt
        named = sa.select(*(attempt.c[name] for name in TOUCH[1:]), attempt.c.number)
        beyond = sa.or_(attempt.c.number < 1, attempt.c.number > _hand_overs(event, of=attempt))
        for row in self._stream(named.where(attempt.c.practice == self.seal.practice, beyond)):
            self.fault(f"patient {row.patient}, {row.campaign}, {row.occasion}: attempt {row.number} was not made")
        mine = touch.c.practice == self.seal.practice
        for key in self._stream(sa.select(touch.c.key).where(mine, touch.c.attempts != _hand_overs(event, of=touch))):
            self.fault(f"touch {key.key}: it counts other attempts than its history")
        last = sa.and_(self.seal.tables.same_touch(attempt), attempt.c.number == touch.c.attempts)
        other = sa.or_(*(attempt.c[name] != touch.c[name] for name in ("version", "recipient", "address")))
        stands = touch.c.state.in_([state.value for state in SPENT if state is not State.RETRY])
        told = (attempt.c.version > 0, other, stands)
        for key in self._stream(sa.select(touch.c.key).join(attempt, last).where(mine, *told)):
            self.fault(f"touch {key.key}: it was handed over on other ground than it says")

    def programme(self) -> None:
        """Look for campaigns and stops that nobody decided."""
        for words in not_decided(self.connection, self.seal):
            self.fault(words)

    def _stream(self, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
        with self.connection.execute(query.execution_options(yield_per=_AT_ONCE)) as found:
            yield from found


def _fits(link: sa.Row[Any], there: Counter[str]) -> bool:
    fits = min(there.values(), default=0) >= 0 and there.total() == link.rows
    return fits and link_digest(there.elements()) == str(link.digest)


def _hand_overs(event: sa.Table, *, of: sa.Table | None = None, until: sa.Table | None = None) -> Any:
    """Return how many steps on the way the history has: of the touch of another row, or up to a step."""
    step = event.alias()
    row: sa.Table = event if of is None else of
    same = [step.c[name] == row.c[name] for name in TOUCH]
    same += [] if until is None else [step.c.number <= until.c.number]
    query = sa.select(sa.func.count()).select_from(step).where(*same, step.c.state == State.SENDING.value)
    return query.correlate(row).scalar_subquery()


def _nothing() -> Generator[tuple[int, Any]]:
    yield from ()


class _Rows:
    """Rows in the order of their links, taken link by link."""

    def __init__(self, rows: Iterator[tuple[int, Any]]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self._next: tuple[int, Iterator[tuple[int, Any]]] | None = next(self._groups, None)

    def of(self, link: int) -> Iterator[Any]:
        """Yield the rows of a link; links must be asked for in their order."""
        while self._next and self._next[0] <= link:
            number, group = self._next
            if number == link:
                yield from (row for _, row in group)
            self._next = next(self._groups, None)

    def left(self, link: int) -> bool:
        """Tell whether rows name a link after this one."""
        return self._next is not None and self._next[0] > link
