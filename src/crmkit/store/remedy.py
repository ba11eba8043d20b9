"""What is wrong when a database refuses for a reason of its own, and who can do what about it."""

from __future__ import annotations

from typing import TypeAlias

#: What is wrong, and how to mend it.
Remedy: TypeAlias = "tuple[str, str]"

_RIGHTS = "let the user who runs crmkit write to the file and to its folder"
_DAMAGED = "set the file aside, take back the last backup, and read the page Restore a backup before anything is sent"
_UNDONE = "nothing of this transaction was written, and what waits goes on afterwards"
_SQLITE = {
    "SQLITE_FULL": ("the disk is full", f"make room where the database's file lies; {_UNDONE}"),
    "SQLITE_READONLY": ("the database's file may not be written to", _RIGHTS),
    "SQLITE_CANTOPEN": ("the database's file cannot be opened", f"see that it is a file, and {_RIGHTS}"),
    "SQLITE_PERM": ("the database's file may not be opened", _RIGHTS),
    "SQLITE_IOERR": ("the disk refuses", f"see whether it is full, away or broken; {_UNDONE}"),
    "SQLITE_CORRUPT": ("the database's file is damaged", _DAMAGED),
    "SQLITE_NOTADB": (
        "the file is no SQLite database",
        "see that the address names an SQLite database; if it did so far, the file is damaged: take back the last"
        " backup, and read the page Restore a backup before anything is sent",
    ),
}
_LIMIT = "raise it for the role with which crmkit connects, or give crmkit a role of its own"
_POOLER = (
    "a pooler such as PgBouncer stands between, which knows nothing of prepared statements",
    "add prepare_threshold=none to the address, as the page Send from many machines tells",
)
#: Passes by itself as soon as others end.
TOO_MANY = (
    "the database server takes no more connections",
    "raise its max_connections, or that of the role or database, or let fewer processes run at once",
)
_POSTGRESQL = {
    "26000": _POOLER,
    "42P05": _POOLER,
    "25006": (
        "the database may only be read: it is a standby, or was made so",
        "let the address lead to the server that is written to; with several hosts in it, add"
        " target_session_attrs=read-write",
    ),
    "25P02": ("an earlier statement of this transaction failed", "roll it back, and begin anew"),
    "25P03": ("the server's idle_in_transaction_session_timeout ended a transaction", _LIMIT),
    "25P04": ("the server's transaction_timeout ended a transaction", _LIMIT),
    "3F000": (
        "the search_path leads to no schema",
        "create the schema, or name another one to the CRM: CRM(..., schema=...)",
    ),
    "42501": (
        "the role with which crmkit connects lacks a right",
        "give it the rights that the page Upgrade the database lists",
    ),
    "53100": ("the database server's disk is full", f"make room there; {_UNDONE}"),
    "53200": ("the database server has no memory left", f"give it more, or let less run at once; {_UNDONE}"),
    "53300": TOO_MANY,
    "57014": ("a statement was given up, by an administrator or by the server's statement_timeout", _LIMIT),
}
#: What psycopg says of a server that lets nobody in; it gives such an error no code.
_WORDS = {
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "No space left on device": "53100",
}


def remedy(code: str, text: str = "") -> Remedy | None:
    """Return what is wrong and how to mend it; None if nothing more is known of it.

    Args:
        code: PostgreSQL's SQLSTATE, or SQLite's name of the error.
        text: What the driver says.

    >>> remedy("SQLITE_READONLY_DIRECTORY")[0]
    "the database's file may not be written to"
    >>> remedy("", "FATAL: sorry, too many clients already")[0]
    'the database server takes no more connections'
    >>> remedy("23505")
    """
    if code.startswith("SQLITE_"):
        return _SQLITE.get("_".join(code.split("_")[:2]))
    found = code or next((code for words, code in _WORDS.items() if words in text), "")
    return _POSTGRESQL.get(found)
