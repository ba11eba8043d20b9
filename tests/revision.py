"""The open revisions, written from the tables as they are declared: `python tests/revision.py --write`.

Once they are released they stay as they are. A change of the tables then is a revision of its own, whose content
`tests/test_store_migrations.py` tells: it prints what differs between the tables as declared and as migrated.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crmkit.ledger import triggers
from crmkit.ledger.tables import declare_ledger
from crmkit.records.tables import RecordTables, declare_records
from crmkit.store.store import Store

FOLDER = Path(__file__).parents[1] / "src/crmkit/store/migrations/versions"

_TEXT = '''"""{title}"""

from __future__ import annotations

from crmkit.store.migrations.change import Change, {words}

revision = "{number}"
down_revision = {before}


def upgrade(change: Change) -> None:
    """Create them."""
    {calls}


{body}
'''
_TYPES = {
    sa.Text: "text",
    sa.Integer: "number",
    sa.BigInteger: "amount",
    sa.Boolean: "flag",
    sa.Date: "day",
    sa.DateTime: "instant",
    sa.JSON: "document",
    sa.LargeBinary: "data",
}


def declared(prefix: str = "crmkit_", schema: str = "") -> sa.MetaData:
    """Return the tables as the stages declare them."""
    store = Store(sa.create_engine("sqlite://"), prefix, schema)
    declare_records(store)
    declare_ledger(store)
    store.engine.dispose()
    return store.metadata


def sources() -> dict[Path, str]:
    """Return the text of each open revision, by its file."""
    functions: dict[str, str] = {}
    for table in declared(prefix="").tables.values():
        # What holds now and what held before stand together.
        name = str(table.name).removesuffix("_was")
        functions[name] = functions.get(name, "") + _table(table)
    records = {name: functions.pop(name) for name in attrs.fields_dict(RecordTables) if name in functions}
    first = _revision("0001", "None", "The tables of what the sources say.", records)
    ledger = functions | {"order": _order()}
    second = _revision("0002", '"0001"', "The tables of what was done and learnt.", ledger)
    return {FOLDER / "r0001_records.py": first, FOLDER / "r0002_ledger.py": second}


def _revision(number: str, before: str, title: str, functions: dict[str, str]) -> str:
    body = "\n\n\n".join(f"def _{name}(change: Change) -> None:\n{text}" for name, text in functions.items())
    known = sorted((*_TYPES.values(), "texts"))
    words = ", ".join(word for word in known if f" {word}(" in body or f"*{word}(" in body)
    calls = "\n    ".join(f"_{name}(change)" for name in functions)
    text = _TEXT.format(title=title, words=words, number=number, before=before, calls=calls, body=body)
    command = ["ruff", "format", "--quiet", "--stdin-filename", FOLDER / "r.py"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _table(table: sa.Table) -> str:
    key = f", key={tuple(table.primary_key.columns.keys())}" if table.primary_key.columns else ""
    rowid = "" if table.dialect_options["sqlite"]["with_rowid"] else ", rowid=False"
    lines = [f"    change.create({table.name!r}, {', '.join(_columns(table))}{key}{rowid})"]
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        name = str(index.name).removeprefix(f"{table.name}_")
        unique = ", unique=True" if index.unique else ""
        lines.append(f"    change.index({table.name!r}, {name!r}, {index.columns.keys()}{unique}{_where(index)})")
    return "\n".join(lines) + "\n"


def _columns(table: sa.Table) -> Iterator[str]:
    for (word, more), group in groupby(table.columns, _kind):
        names = [str(column.name) for column in group]
        if word == "text" and len(names) > 1 and "empty" not in more:
            yield f"*texts({_literal(' '.join(names))}{more})"
        else:
            yield ", ".join(f"{word}({name!r}{more})" for name in names)


def _kind(column: sa.Column) -> tuple[str, str]:
    plain = column.type.impl_instance if isinstance(column.type, sa.types.TypeDecorator) else column.type
    default = f", default={column.server_default.arg!r}" if column.server_default is not None else ""
    return _TYPES[type(plain)], default + (", empty=True" if column.nullable else "")


def _where(index: sa.Index) -> str:
    found = {dialect.name: _condition(index, dialect) for dialect in (sqlite.dialect(), postgresql.dialect())}
    where = f", where={_literal(found['postgresql'])}" if found["postgresql"] else ""
    differs = found["sqlite"] != found["postgresql"]
    return f"{where}, sqlite_where={_literal(found['sqlite'])}" if differs else where


def _condition(index: sa.Index, dialect: sa.Dialect) -> str:
    where = index.dialect_options[dialect.name]["where"]
    compiler = dialect.ddl_compiler(dialect, None).sql_compiler
    return "" if where is None else compiler.process(where, include_table=False, literal_binds=True)


def _order() -> str:
    touch = declared("{p}", "{s}").tables["{s}.{p}touch"]
    found = {"sqlite": triggers.sqlite_order(touch), "postgresql": triggers.postgresql_order(touch)}
    lines = [
        f"{dialect}=({', '.join(_literal(statement.replace('{s}.', '{s}')) for statement in statements)})"
        for dialect, statements in found.items()
    ]
    return f"    change.run({', '.join(lines)})\n"


def _literal(text: str) -> str:
    """Return a string as Python writes it, in pieces that fit into a line."""
    return " ".join(repr(piece) for piece in textwrap.wrap(text, 95, drop_whitespace=False, break_on_hyphens=False))


if __name__ == "__main__":
    for file, text in sources().items():
        if "--write" in sys.argv:
            file.write_text(text, encoding="utf-8")
        else:
            print(f"# {file}\n{text}")
