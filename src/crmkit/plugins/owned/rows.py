"""What the rows of a source are made of: a sync reads text, under names that it knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from crmkit.plugins.calls import Nonsense, class_name
from crmkit.plugins.failure import Kind
from crmkit.records.fields import FIELDS, unknown_field
from crmkit.records.source import Fault as RowFault
from crmkit.records.source import Row

#: What a 32-bit column holds.
_LAST_LINE = 2**31 - 1
_KNOWN = {kind: frozenset(fields) for kind, fields in FIELDS.items()}
#: Whatever else a name is made of might be somebody's.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}(\.[a-z0-9_:]{1,40})?", re.IGNORECASE)
_MEND = 'write str(value), and "" for what is unknown'


def insist_on_text(rows: Iterable[object]) -> None:
    """Refuse rows that no sync can read.

    Raises:
        Nonsense: If one is not of text, is of no kind that there is, or comes from no line; it tells what is wrong, and
            no value.
    """
    for row in rows:
        if type(row) is not Row:
            raise Nonsense(f"yielded something that is no Row ({class_name(row)})", Kind.WRONG_TYPE)
        if type(row.kind) is not str or row.kind not in FIELDS:
            raise Nonsense(f"yielded a row of no kind that there is (known are: {', '.join(FIELDS)})", Kind.WRONG_TYPE)
        if not _is_text(row):
            raise Nonsense(f"yielded a row of the kind {row.kind} {_not_text(row)}", Kind.WRONG_TYPE)
        if not 0 <= row.line <= _LAST_LINE:
            raise Nonsense(f"yielded a row of the kind {row.kind} from no line", Kind.WRONG_TYPE)


def strangers(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Yield what the rows have under names that no sync looks for: the kind, the name, and which may be meant."""
    odd = [row for row in rows if not row.fields.keys() <= _KNOWN[row.kind]]
    # Usually it is the same few in all of them, and to guess what is meant takes long.
    for kind, field in {(row.kind, field) for row in odd for field in row.fields if field not in _KNOWN[row.kind]}:
        if hint := unknown_field(kind, field):
            yield kind, field if _NAME.fullmatch(field) else "", hint


def _is_text(row: Row) -> bool:
    fields = row.fields
    if not isinstance(fields, Mapping) or type(row.faults) is not tuple or type(row.line) is not int:
        return False
    if row.called and not _names(row.called):
        return False
    if not all(type(one) is RowFault and type(one.field) is type(one.reason) is str for one in row.faults):
        return False
    return {*map(type, fields), *map(type, fields.values()), type(row.id), type(row.file)} == {str}


def _names(called: object) -> bool:
    return isinstance(called, Mapping) and {*map(type, called), *map(type, called.values())} == {str}


def _not_text(row: Row) -> str:
    """Return what of a row is no text, for whoever wrote the source: the database's own types are the usual cause."""
    if type(row.id) is not str:
        return f"whose id is no text ({class_name(row.id)}): {_MEND}"
    if isinstance(row.fields, Mapping):
        for field, value in row.fields.items():
            if type(value) is not str:
                named = field if type(field) is str and field in _KNOWN[row.kind] else "one field"
                return f"whose {named} is no text ({class_name(value)}): {_MEND}"
    return "that is not of text"
