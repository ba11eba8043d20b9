"""A practice's database: where it is, and the tables in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

import attrs
import sqlalchemy as sa

from crmkit.clock import SystemClock
from crmkit.errors import StoreError
from crmkit.ledger.claims import underway
from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.records.tables import RecordTables, declare_records
from crmkit.store.store import Connection, Store, open_store
from crmkit.store.version import HEAD, has, is_new, make_ready, revision, schema_of, wrong


@attrs.frozen(eq=False)
class Database:
    """Where the tables are.

    Attributes:
        address: A SQLAlchemy URL, or the host's own engine.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie, on PostgreSQL; empty for the one that the database takes by itself.
    """

    address: str | sa.Engine = attrs.field(repr=False)
    prefix: str = "crmkit_"
    schema: str = ""

    def tables(self) -> Tables:
        """Declare the tables; nothing is connected yet.

        Raises:
            ConfigError: If the address, the prefix or the schema cannot be used.
        """
        store = open_store(self.address, prefix=self.prefix, schema=self.schema)
        store.metadata, records, ledger = _declared(self.prefix, self.schema)
        return Tables(store, records, ledger)

    def open(self) -> Tables:
        """Return the tables of a database that is ready; an empty one is set up.

        Where no schema is given, the one in which they lie is looked for once. A host may set another search path on
        a connection of its pool, as for another tenant: what is asked then must not be that tenant's tables.

        Raises:
            ConfigError: If the address, the prefix or the schema cannot be used.
            StoreError: If the database is of another revision, or does not answer.
        """
        given = self.tables()
        try:
            found = _within(given, schema_of(given.store))
            make_ready(found.store)
            # An empty one was just set up where its search path led.
            settled = _within(found, schema_of(found.store))
            if settled is not found:
                make_ready(settled.store)
            return settled
        except BaseException:
            given.store.close()
            raise

    def upgrade(self) -> tuple[str, str]:
        """Bring the tables to the newest revision; as `upgrade_database`."""
        from crmkit.store.upgrade import upgrade

        tables = self.tables()
        try:
            return upgrade(tables.store, partial(_insist_on_rest, tables)), HEAD
        finally:
            tables.store.close()

    def check(self) -> Checked:
        """Return what the database is like; nothing is changed.

        Raises:
            ConfigError: If the address, the prefix or the schema cannot be used.
            StoreError: If the database does not answer.
        """
        from crmkit.store.drift import drift

        with self._declared() as store:
            if not store.exists():
                return Checked("", HEAD, "", ())
            found = revision(store)
            problem = wrong(store, found) if found or not is_new(store) else None
            differs = drift(store) if found == HEAD else []
            return Checked(found, HEAD, str(problem or ""), tuple(differs))

    def copy(self, to: Database) -> int:
        """Copy all rows into an empty database, of another kind perhaps, and return how many there were.

        Raises:
            ConfigError: If an address, a prefix or a schema cannot be used.
            StoreError: If this one is of another revision than needed, the other one is not empty, a sender is handing
                messages over, or a database refuses. Nothing is copied then.
        """
        from crmkit.store.copy import copy

        tables = self.tables()
        try:
            with to._declared() as target:
                return copy(tables.store, target, partial(_insist_on_rest, tables))
        finally:
            tables.store.close()

    def sql(self, since: str = "") -> str:
        """Return the statements of an upgrade, for somebody else to run; nothing is connected.

        Args:
            since: The revision that the database is of; empty for one without tables.

        Raises:
            ConfigError: If the address, the prefix or the schema cannot be used.
            StoreError: If there is no such revision.
        """
        from crmkit.store.upgrade import as_sql

        with self._declared() as store:
            return as_sql(store, since)

    @contextmanager
    def _declared(self) -> Iterator[Store]:
        store = self.tables().store
        try:
            yield store
        finally:
            if store.owned:
                store.engine.dispose()


@attrs.frozen
class Checked:
    """What a database is like.

    Attributes:
        found: The revision that it is of, empty if it says none.
        needed: The revision that this version of crmkit needs.
        problem: Why it cannot be opened, and what to do; empty if it can. An empty database can.
        differs: What is missing in it, or is not as it ought to be.
    """

    found: str
    needed: str
    problem: str
    differs: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether nothing needs to be done."""
        return self.found == self.needed and not self.differs


@attrs.frozen(eq=False)
class Tables:
    """The tables of a database, as the stages know them.

    Attributes:
        store: The database.
        records: The canonical tables in it.
        ledger: The ledger's tables in it.
    """

    store: Store
    records: RecordTables
    ledger: LedgerTables


@lru_cache(maxsize=16)
def _declared(prefix: str, schema: str) -> tuple[sa.MetaData, RecordTables, LedgerTables]:
    """Return the tables of a place, the same for all practices of a process.

    To declare them takes most of the time of opening a practice, and a statement over the same tables is compiled once
    for all of them: of many practices on one engine each would push the others' out.
    """
    # What is declared asks no database: this one is never connected to.
    store = Store(sa.create_engine("sqlite://"), prefix, schema)
    records, ledger = declare_records(store), declare_ledger(store)
    return store.metadata, records, ledger


def _within(given: Tables, schema: str) -> Tables:
    """Return the same tables, named with the schema in which they lie."""
    if schema == given.store.schema:
        return given
    store = Store(given.store.engine, given.store.prefix, schema, given.store.owned)
    store.metadata, records, ledger = _declared(store.prefix, schema)
    return Tables(store, records, ledger)


def _insist_on_rest(tables: Tables, connection: Connection) -> None:
    """Refuse while messages are being handed over: who does it could not write down any more what came of them."""
    if not has(connection, tables.store, "touch"):
        return
    number, until = underway(connection, tables.ledger, SystemClock().now())
    if until:
        mend = f"end all senders first; one that was killed holds its messages until {until:%H:%M:%S} UTC"
        raise StoreError(f"{number} messages are being handed over at this moment; nothing was changed", mend=mend)


def upgrade_database(address: str | sa.Engine, *, prefix: str = "crmkit_", schema: str = "") -> tuple[str, str]:
    """Bring the tables to the revision that this version of crmkit needs, in one transaction.

    Args:
        address: A SQLAlchemy URL, or the host's own `Engine`.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie, on PostgreSQL.

    Returns:
        The revision from which they came, empty if there were none, and the one that they are of now.

    Raises:
        ConfigError: If the address, the prefix or the schema cannot be used.
        StoreError: If they were made by a newer version, or by one that kept no revision, if a sender is handing
            messages over, or if others do not end what they do within half a minute. Nothing is changed then.

    >>> upgrade_database("sqlite://")
    ('', '0011')
    """
    return Database(address, prefix, schema).upgrade()
