"""A practice's database: where it is, and the tables in it."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.records.tables import RecordTables, declare_records
from crmkit.store.store import Store, open_store
from crmkit.store.version import HEAD, make_ready


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
        return Tables(store, declare_records(store), declare_ledger(store))

    def open(self) -> Tables:
        """Return the tables of a database that is ready; an empty one is set up.

        Raises:
            ConfigError: If the address, the prefix or the schema cannot be used.
            StoreError: If the database is of another revision, or does not answer.
        """
        found = self.tables()
        try:
            make_ready(found.store)
        except BaseException:
            found.store.close()
            raise
        return found


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
        StoreError: If they were made by a newer version, or by one that kept no revision. Nothing is changed then.

    >>> upgrade_database("sqlite://")
    ('', '0002')
    """
    from crmkit.store.upgrade import upgrade

    store = Database(address, prefix, schema).tables().store
    try:
        return upgrade(store), HEAD
    finally:
        store.close()
