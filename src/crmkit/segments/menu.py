"""What an editor offers: the fields of a practice with their operators, as react-querybuilder takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmkit.segments.field import Field
from crmkit.segments.kind import AGE, COUNT, MONEY
from crmkit.segments.query import name_of

_NUMBERS = (AGE, COUNT, MONEY)


def menu(fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    """Return the editor's `fields`, of plain JSON values, in the order of names.

    Days have no input of their own, since `18 months ago` is one of their values. `help` is a line about the field,
    and `windowed` tells that its rules may have a `window`.

    >>> from crmkit.segments.catalogue import catalogue, standard_fields
    >>> age = menu(catalogue(standard_fields()))[0]
    >>> age["name"], age["inputType"], age["operators"][2]
    ('age', 'number', {'name': '<', 'label': '<'})
    """
    return [_entry(fields[name]) for name in sorted(fields)]


def _entry(field: Field) -> dict[str, Any]:
    operators = [{"name": name_of(one), "label": one.value} for one in field.operators]
    entry = {"name": field.name, "label": field.name.replace("_", " "), "help": field.help, "operators": operators}
    if field.kind in _NUMBERS:
        entry["inputType"] = "number"
    if field.kind.choices:
        entry["valueEditorType"] = "select"
        entry["values"] = [{"name": word, "label": word} for word in field.kind.choices]
    return entry | ({"windowed": True} if field.windowed else {})
