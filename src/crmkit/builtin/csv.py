"""The source that reads a folder of CSV files, as practice software exports them."""

from __future__ import annotations

import codecs
import csv
import gzip
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import attrs

from crmkit.builtin.mapping import Mapped, RowMapping, read_mapping
from crmkit.errors import ConfigError, SourceError, nearest
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.records.fields import FIELDS, plural, unknown_field
from crmkit.records.source import Batch, Fault, Row, Source

_BATCH = 1000
#: How a sign is written in a `crm.toml`.
_TOML = {"\t": r"\t"}
_MARK = "\ufeff"
_OPEN = "has a quotation mark that is never closed"


@attrs.frozen
class CsvSettings:
    """The folder and, for each kind of row, how its columns are called.

    Attributes:
        folder: Where the files lie.
        encoding: How they are encoded; cp1252 is what many Windows programs write.
        delimiter: What stands between two fields.
        complete: False if the files hold only what is new or has changed. Else an appointment or recall to come that
            is missing has been deleted.
        patients: A mapping, or a list of several. Without one, the file `patients.csv` (or `.csv.gz`) is read if it
            exists, with the canonical field names as its header.
        contacts: Likewise.
        consents: Likewise.
        visits: Likewise.
        recalls: Likewise.
        invoices: Likewise.
        payments: Likewise.
        referrals: Likewise.
        feedback: Likewise.
    """

    folder: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    complete: bool = True
    patients: Any = None
    contacts: Any = None
    consents: Any = None
    visits: Any = None
    recalls: Any = None
    invoices: Any = None
    payments: Any = None
    referrals: Any = None
    feedback: Any = None


@attrs.frozen
class CsvSource:
    """Reads all files anew each time; the sync finds what changed."""

    folder: Path
    encoding: str
    delimiter: str
    mappings: tuple[RowMapping, ...]
    complete: bool = True
    name: str = "csv"

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield all rows of all files, patients first.

        Raises:
            SourceError: If the folder or a file is missing or cannot be read, or lacks a column that is mapped.
        """
        del since
        if not self.folder.is_dir():
            mend = "create it, or correct folder in [settings.csv]"
            raise SourceError("the folder does not exist", where=str(self.folder), mend=mend)
        for mapping in self.mappings:
            rows = self._rows(mapping)
            while batch := tuple(islice(rows, _BATCH)):
                yield Batch(batch, complete=self.complete)

    def _rows(self, mapping: RowMapping) -> Iterator[Row]:
        path = self._file(mapping)
        if path is None:
            return
        try:
            if not codecs.lookup(self.encoding).name.startswith("utf") and _is_utf8(path):
                # Read in another encoding it mostly raises nothing, and greets people by letters that are not theirs.
                mend = 'set encoding = "utf-8-sig" in [settings.csv], or leave it out'
                raise SourceError("is written in UTF-8", where=path.name, mend=mend)
            with _open(path) as raw, TextIOWrapper(raw, encoding=self.encoding, newline="") as text:
                reader = csv.reader(map(_composed, text), delimiter=self.delimiter, strict=True)
                yield from self._parse(reader, mapping, path)
        except UnicodeDecodeError:
            # Excel's "Unicode text" begins so.
            likely = "utf-16" if _begins(path, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "cp1252"
            mend = f'set encoding in [settings.csv], such as encoding = "{likely}"'
            named = "UTF-8" if self.encoding == "utf-8-sig" else self.encoding
            raise SourceError(f"is not written in {named}", where=path.name, mend=mend) from None
        except (OSError, EOFError, zlib.error) as problem:
            raise SourceError(f"cannot be read ({type(problem).__name__})", where=path.name) from None

    def _file(self, mapping: RowMapping) -> Path | None:
        for name in (mapping.file, f"{mapping.file}.gz"):
            if (self.folder / name).is_file():
                return self.folder / name
        if not mapping.stated and mapping.kind != "patient":
            return None
        there = [path.name for path in self.folder.iterdir() if path.is_file()]
        hint = nearest(mapping.file, there) if there else "the folder is empty"
        mend = f"export it, or name the file in [settings.csv.{plural(mapping.kind)}]: {hint}"
        raise SourceError("the file does not exist", where=str(self.folder / mapping.file), mend=mend)

    def _parse(self, reader: Any, mapping: RowMapping, path: Path) -> Iterator[Row]:
        header = _header(reader, path)
        mapped = _columns(mapping, header, path)
        called = {field: one.called for field, one in mapped.items() if one.called not in ("", field)}
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as problem:
                what = _OPEN if "unexpected end" in str(problem) else f"is no CSV ({problem})"
                reason = f"{what}, and nothing from here to line {reader.line_num} was read"
                yield Row(mapping.kind, "?", {}, path.name, line, (Fault("", reason),))
                continue
            if cells is None:
                return
            found, uneven = dict(zip(header, cells, strict=False)), _uneven(header, cells)
            if any(cell.strip() for cell in cells) and (uneven or mapping.holds(found)):
                yield _row(mapping.kind, mapped, found, (path.name, line), uneven, called)


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _begins(path: Path, *marks: bytes) -> bool:
    with _open(path) as raw:
        return raw.read(4).startswith(marks)


def _composed(line: str) -> str:
    """Return a line in which letter and accent are one sign, as keyboards write them and programs on a Mac may not."""
    return line if line.isascii() else unicodedata.normalize("NFC", line)


def _is_utf8(path: Path) -> bool:
    """Tell whether a file holds letters beyond ASCII and is UTF-8 to its end, which no other encoding is by chance."""
    try:
        with _open(path) as raw, TextIOWrapper(raw, encoding="utf-8") as text:
            return sum(not line.isascii() for line in text) > 0
    except UnicodeDecodeError:
        return False


def _header(reader: Any, path: Path) -> list[str]:
    try:
        header = _next(reader)
        # "sep=;" tells Excel how to read the lines below; they begin with the header.
        if header and header[0] == "sep=" and not any(header[1:]):
            header = _next(reader)
    except csv.Error as problem:
        raise SourceError(f"the header is no CSV: {problem}", where=path.name) from None
    first = header[0] if header else ""
    return [first.removeprefix(_MARK).strip('"'), *header[1:]] if first.startswith(_MARK) else header


def _next(reader: Any) -> list[str]:
    """Return the next line that holds anything."""
    return next((line for cells in reader if any(line := [cell.strip() for cell in cells])), [])


def _uneven(header: list[str], cells: list[str]) -> tuple[Fault, ...]:
    if len(header) == len(cells):
        return ()
    reason = f"has {len(cells)} fields where the header has {len(header)}: is a delimiter inside a field not quoted?"
    return (Fault("", reason),)


def _columns(mapping: RowMapping, header: list[str], path: Path) -> Mapping[str, Mapped]:
    """Return the mapping of a file, checked against its header; without a stated one the header is the mapping."""
    named = [column for column in header if column]
    if len(header) == 1 and (other := next((sign for sign in ";\t|," if sign in header[0]), "")):
        mend = f'set delimiter = "{_TOML.get(other, other)}" in [settings.csv]'
        raise SourceError("the header is one long column", where=path.name, mend=mend)
    section = f"[settings.csv.{plural(mapping.kind)}]"
    _insist_on_a_header(mapping, named, path)
    # What is not asked for may stand there as often as it likes.
    wanted = [column for _, column in mapping.asked()] if mapping.stated else named
    if twice := next((column for column in wanted if named.count(column) > 1), ""):
        mend = "rename one of them in the export, or leave it out"
        raise SourceError(f"the column {twice!r} stands twice in the header", where=path.name, mend=mend)
    if mapping.stated:
        for field, column in mapping.asked():
            if column not in header:
                mend = f"correct {field} in {section}: {nearest(column, named)}"
                if len(named) < 2:
                    mend = "let the first line name the columns: take out what stands above it, or export it anew"
                raise SourceError(f"there is no column {column!r}", where=path.name, mend=mend)
        return mapping.fields
    for column in named:
        hint = unknown_field(mapping.kind, column)
        if hint:
            mend = f"map the columns in {section}, or rename it ({hint})"
            raise SourceError(f"the column {column!r} is no canonical field", where=path.name, mend=mend)
    if "id" not in header:
        raise SourceError("there is no column 'id'", where=path.name, mend=f"map the columns in {section}")
    return {column: Mapped(columns=(column,), template=f"{{{column}}}") for column in named}


def _insist_on_a_header(mapping: RowMapping, named: list[str], path: Path) -> None:
    """Refuse a first line that names no column, and has in it what names of columns have not."""
    asked = {column for _, column in mapping.asked()}
    if any(column in asked if mapping.stated else unknown_field(mapping.kind, column) is None for column in named):
        return
    if any("@" in cell or sum(map(str.isdigit, cell)) > 1 for cell in named):
        # Nothing of it is told: it may be a whole patient, and what is told stands in a log.
        mend = "export it with a header, or take out what stands above that"
        raise SourceError("the first line names no columns, and looks like a row", where=path.name, mend=mend)


def _row(
    kind: str,
    mapped: Mapping[str, Mapped],
    found: Mapping[str, str],
    place: tuple[str, int],
    faults: tuple[Fault, ...],
    called: Mapping[str, str],
) -> Row:
    fields: dict[str, str] = {}
    shifted = bool(faults)
    for field, one in mapped.items():
        try:
            # In a row of another length each value stands in the wrong column: what is wrong with it says nothing.
            fields[field] = one.raw(found) if shifted else one.value(found)
        except ValueError as problem:
            fields[field] = one.raw(found)
            faults = (*faults, Fault(field, str(problem)))
    return Row(kind, fields.pop("id", ""), fields, *place, faults, called)


class CsvPlugin(CrmkitSpec):
    """Registers the source."""

    info = PluginInfo("csv", settings=CsvSettings)

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return the source, its mappings read."""
        settings: CsvSettings = ctx.settings
        if len(settings.delimiter) != 1:
            raise ConfigError("the delimiter is not one character", where="settings.csv.delimiter", mend='such as ";"')
        try:
            codecs.lookup(settings.encoding)
        except LookupError:
            mend = "use one that Python knows, such as utf-8 or cp1252"
            raise ConfigError("the encoding is unknown", where="settings.csv.encoding", mend=mend) from None
        mappings = [one for kind in FIELDS for one in read_mapping(kind, getattr(settings, plural(kind)))]
        folder = ctx.path(settings.folder)
        return [CsvSource(folder, settings.encoding, settings.delimiter, tuple(mappings), settings.complete)]


plugin = CsvPlugin()
