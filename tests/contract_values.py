"""What the contract's values look like on a page: their docstrings, their attributes, and what makes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

import attrs
from attr import Factory

import crmkit.plugins
from crmkit.plugins.described import attributes_told


def signature_of(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [_as_written(one) for one in signature.parameters.values()]
    returned = _AsWritten(signature.return_annotation)
    return f"def {name}{signature.replace(parameters=parameters, return_annotation=returned)}"


def first_sentence(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def prose(thing: Any) -> str:
    """Return a docstring as Markdown, without its attributes and examples: they have places of their own."""
    parts = [
        part for part in (inspect.getdoc(thing) or "").split("\n\n") if not part.startswith(("Attributes:", ">>>"))
    ]
    return "\n\n".join(_part(part) for part in parts)


def is_protocol(one: type) -> bool:
    return getattr(one, "_is_protocol", False)


def reachable(start: list[type]) -> list[type]:
    """Return the values of the contract that a type leads to, the nearest first."""
    found: list[type] = []
    waiting = list(start)
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found.append(one)
        waiting += [other for other in _mentioned(one) if _is_told(other)]
    return [one for one in found if _is_told(one)]


def value(one: type, rank: int) -> str:
    head = f"{'#' * rank}{' ' if rank else ''}{one.__name__}\n\n{prose(one)}\n"
    if issubclass(one, Enum):
        return f"{head}\n{', '.join(f'`{member.name}`' for member in one)}\n"
    ready = f"Ready made: {', '.join(_ready(one))}.\n" if _ready(one) else ""
    parts = [
        head,
        _attributes(one) if one.__name__ in crmkit.plugins.__all__ or not ready else "",
        ready,
        _made_by(one),
    ]
    return "\n".join(part for part in parts if part)


@attrs.frozen(repr=False)
class _AsWritten:
    """Shows itself as it stands in the code."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _as_written(one: inspect.Parameter) -> inspect.Parameter:
    kind, default = one.annotation, one.default
    if kind is not one.empty:
        one = one.replace(annotation=_AsWritten(kind))
    short = default is one.empty or default is None or isinstance(default, (str, int))
    return one if short else one.replace(default=_AsWritten("..."))


def _part(part: str) -> str:
    section = re.fullmatch(r"(Args|Raises|Returns):\n(.*)", part, re.DOTALL)
    if section is None:
        return re.sub(r"^Since (.*)\.$", r"*Since version \1 of the contract.*", part)
    entries = re.split(r"^ {4}(?=\S)", section[2], flags=re.MULTILINE)[1:]
    lines = [re.sub(r"^([\w.]+):", r"* `\1`:", " ".join(entry.split())) for entry in entries]
    return f"{section[1]}:\n\n" + "\n".join(lines)


def _mentioned(one: type) -> Iterator[type]:
    if is_protocol(one):
        yield from _named(_doc(one))
        members = [getattr(member, "fget", member) for member in vars(one).values()]
        hints = [hint for member in members if inspect.isfunction(member) for hint in get_type_hints(member).values()]
    else:
        hints = list(get_type_hints(one).values()) if attrs.has(one) else []
    for hint in hints:
        yield from _classes(hint)


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for part in hint if isinstance(hint, list) else get_args(hint):
        yield from _classes(part)


def _named(doc: str) -> Iterator[type]:
    """Yield the values that a docstring names."""
    for name in re.findall(r"`(\w+)(?:\(\))?`", doc):
        if name in crmkit.plugins.__all__:
            named = getattr(crmkit.plugins, name)
            yield named if isinstance(named, type) else type(named)


def _is_told(one: type) -> bool:
    named = one.__name__ in crmkit.plugins.__all__ or one.__module__.startswith("crmkit.people.") or bool(_ready(one))
    return named and (attrs.has(one) or issubclass(one, Enum))


def _attributes(one: type) -> str:
    told = {name: said for base in one.__mro__[::-1] for name, said in attributes_told(_doc(base)).items()}
    fields = [field for field in attrs.fields(one) if field.init and not field.name.startswith("_")]
    if not fields:
        return ""
    types = {name: kind for base in one.__mro__ for name, kind in inspect.get_annotations(base).items()}
    rows = [
        f"| `{field.name}` | `{_cell(str(types[field.name]))}` | {'' if _required(field) else _default(field)} "
        f"| {_cell(told.get(field.name, ''))} |\n"
        for field in fields
    ]
    return "| attribute | type | | meaning |\n|---|---|---|---|\n" + "".join(rows)


def _doc(one: type) -> str:
    return inspect.cleandoc(one.__doc__ or "")


def _default(field: attrs.Attribute[Any]) -> str:
    """Return what holds where an attribute is left out, if that is more than nothing, none or no."""
    value: Any = field.default
    told = value.name if isinstance(value, Enum) else value
    return "optional" if not value or callable(value) or isinstance(value, Factory) else f"else `{told}`"


def _required(field: attrs.Attribute[Any]) -> bool:
    return field.default is attrs.NOTHING


def _ready(one: type) -> list[str]:
    """Return the contract's constants of a class."""
    names = [name for name in crmkit.plugins.__all__ if type(getattr(crmkit.plugins, name)) is one]
    return [] if issubclass(one, (str, Enum)) else [f"`{name}`" for name in names]


def _made_by(one: type) -> str:
    told = []
    for name in crmkit.plugins.__all__:
        function = getattr(crmkit.plugins, name)
        if inspect.isfunction(function) and get_type_hints(function).get("return") is one:
            told.append(
                f"* `{signature_of(name, function).removeprefix('def ')}`: {(function.__doc__ or '').splitlines()[0]}\n"
            )
    return f"Made by:\n\n{''.join(told)}" if told else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
