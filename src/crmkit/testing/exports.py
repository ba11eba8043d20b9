"""The practice's software as a folder of exported files: the usual fake for a source."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import attrs

from crmkit.records.source import Row
from crmkit.testing.fakes import Trouble

__all__ = [
    "ExportFolder",
]


@attrs.define(eq=False)
class ExportFolder:
    r"""A folder into which the practice's software exports all it holds; it is its own context manager.

    Attributes:
        write: Writes rows, all that there are, as the software would: it is given the folder and the rows.
        leads: From the folder to the settings that lead the plugin there.

    >>> def write(folder, rows):
    ...     (folder / "patients.txt").write_text("\\n".join(row.id for row in rows), encoding="utf-8")
    >>> with ExportFolder(write, lambda folder: {"folder": str(folder)}) as software:
    ...     software.put([Row("patient", "P1", {})])
    ...     (Path(software.settings["folder"]) / "patients.txt").read_text(encoding="utf-8")
    'P1'
    """

    write: Callable[[Path, Sequence[Row]], object]
    leads: Callable[[Path], Mapping[str, Any]]
    _folder: Path = attrs.field(init=False)
    _held: dict[tuple[str, str], Row] = attrs.field(factory=dict, init=False, repr=False)

    def __enter__(self) -> Self:
        self._folder = Path(mkdtemp(prefix="crmkit-export-"))
        self.write(self._folder, ())
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that lead the plugin here."""
        return self.leads(self._folder)

    def put(self, rows: Sequence[Row]) -> None:
        """Add rows, or replace those of the same kind and id."""
        self._held |= {(row.kind, row.id): row for row in rows}
        self.write(self._folder, tuple(self._held.values()))

    def fail(self, trouble: Trouble | None) -> None:
        """Take the folder away.

        Raises:
            NotImplementedError: For any trouble that a folder cannot have.
        """
        if trouble is not Trouble.UNREACHABLE:
            raise NotImplementedError
        shutil.rmtree(self._folder)
