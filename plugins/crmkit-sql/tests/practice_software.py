"""Practice software that keeps its rows in a SQLite database: what the plugin is tried against."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from crmkit.plugins import FIELDS, Row, plural
from crmkit.testing.exports import ExportFolder

QUERIES = {plural(kind): f"SELECT * FROM {plural(kind)}" for kind in FIELDS}  # noqa: S608 - names of ours
FETCH = {name: f"{query} WHERE {'id' if name == 'patients' else 'patient'} IN :ids" for name, query in QUERIES.items()}


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Keep rows, with NULL where a field is blank or missing."""
    with closing(sqlite3.connect(folder / "practice.db")) as database, database:
        for kind, fields in FIELDS.items():
            database.execute(f"DROP TABLE IF EXISTS {plural(kind)}")
            database.execute(f"CREATE TABLE {plural(kind)} (id PRIMARY KEY, {', '.join(fields)})")
        for row in rows:
            given = {"id": row.id, **{name: text for name, text in row.fields.items() if text}}
            insert = f"INSERT INTO {plural(row.kind)} ({', '.join(given)}) VALUES ({', '.join('?' * len(given))})"  # noqa: S608
            database.execute(insert, list(given.values()))


def leads(folder: Path) -> Mapping[str, Any]:
    return {"url": f"sqlite:///{folder}/practice.db", "queries": QUERIES}


def practice_software() -> ExportFolder:
    """Start software that is asked for everything only."""
    return ExportFolder(write, leads)


def asked() -> ExportFolder:
    """Start software that can be asked about single patients too."""
    return ExportFolder(write, lambda folder: {**leads(folder), "fetch": FETCH})
