"""What a prefix and a schema may be called, and how a statement writes a schema that is called something else."""

from __future__ import annotations

import re

from crmkit.errors import ConfigError

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
#: A prefix stands before the names of tables and indexes, which have 63 letters at most; a schema stands by itself.
_LONGEST = {"table prefix": 21, "schema": 63}
#: What PostgreSQL keeps for itself beside the words that SQLAlchemy knows of.
_TAKEN = frozenset({"collation", "concurrently", "information_schema", "lateral", "system_user", "tablesample"})


def insist_on_name(what: str, name: str) -> None:
    """Refuse a name that could not be written in every statement as it is.

    Args:
        what: `table prefix` or `schema`.
        name: What was given.

    Raises:
        ConfigError: If it is no identifier, is too long, or as a schema is kept by PostgreSQL for itself.

    >>> insist_on_name("schema", "clinic_of_doctor_stone_in_newtown")
    """
    if not _IDENTIFIER.fullmatch(name) or len(name) > _LONGEST[what]:
        mend = f"use at most {_LONGEST[what]} lower-case letters, digits and underscores, such as crmkit_"
        raise ConfigError(f"the {what} {name!r} is no identifier", mend=mend)
    if what == "schema" and _is_taken(name):
        mend = "use another, such as crm"
        raise ConfigError(f"the schema's name {name!r} is taken by PostgreSQL itself", mend=mend)


def written(schema: str) -> str:
    """Return a schema's name as a statement writes it: one to which the search path leads may be called anything.

    >>> written("crm"), written("Tenant-1")
    ('crm', '"Tenant-1"')
    """
    if _IDENTIFIER.fullmatch(schema) and not _is_taken(schema):
        return schema
    return '"{}"'.format(schema.replace('"', '""'))


def _is_taken(schema: str) -> bool:
    # The dialect is loaded where there are schemas only.
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    return schema in RESERVED_WORDS or schema in _TAKEN or schema.startswith("pg_")
