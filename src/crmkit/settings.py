"""From a mapping (TOML, JSON, keyword arguments) to a typed attrs value, strictly.

Nothing is coerced: text stays text, a number must be a number. Every fault of a mapping is told at once, each with
its path and a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import attrs
import cattrs
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.dispatch import StructureHook
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn
from cattrs.v import format_exception

from crmkit.errors import ConfigError, nearest

T = TypeVar("T")


def structure(cls: type[T], mapping: Mapping[str, Any], *, where: str) -> T:
    """Return an attrs value of `cls` made from a mapping.

    Args:
        cls: An attrs class; its fields are the known keys.
        mapping: Plain values as TOML or JSON give them.
        where: What an error names as the place, such as `crm.toml: practice`.

    Raises:
        ConfigError: If a key is unknown or missing, or a value does not fit.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{type(mapping).__name__} given where a table is wanted", where=where)
    unknown_keys(cls, mapping, where)
    missing = [field.name for field in attrs.fields(cls) if _required(field) and field.name not in mapping]  # type: ignore[arg-type]
    if missing:
        raise ConfigError(f"missing {', '.join(missing)}", where=where, mend=f"add a line for {missing[0]}")
    try:
        return _converter().structure(dict(mapping), cls)
    except BaseValidationError as problem:
        faults = cattrs.transform_error(problem, path="", format_exception=_in_words)
        told = "; ".join(_without_secrets(fault, list(_secrets(cls, mapping))) for fault in faults)
        told = told.replace(" @ .", " at ").replace(" @ ", " at ")
        raise ConfigError(told.removesuffix(" at "), where=where) from None


def unknown_keys(cls: type[Any], mapping: Mapping[str, Any], where: str) -> None:
    """Refuse the first key that the class does not have, naming the nearest one."""
    known = [field.name for field in attrs.fields(cls) if field.init]
    for key in mapping:
        if key not in known:
            raise ConfigError(f"the key {key} is unknown", where=where, mend=nearest(key, known))


def secret(help: str = "", **more: Any) -> Any:  # noqa: A002 - the word that a settings form shows
    """Return an attrs field whose value appears in no repr."""
    return attrs.field(repr=False, metadata={"secret": True, "help": help}, **more)


def setting(help: str = "", **more: Any) -> Any:  # noqa: A002 - the word that a settings form shows
    """Return an attrs field with a sentence for forms and documents."""
    return attrs.field(metadata={"help": help}, **more)


def secrets_of(settings: Any) -> tuple[str, ...]:
    """Return the texts in a settings value that must not be shown.

    >>> secrets_of(attrs.make_class("Settings", {"token": secret(), "url": setting()})("hush", "https://acme.example"))
    ('hush',)
    """
    found: list[str] = []
    for field in attrs.fields(type(settings)):
        value = getattr(settings, field.name)
        if field.metadata.get("secret"):
            found += _texts(value)
        else:
            found += [text for one in _with_parts(value) if attrs.has(type(one)) for text in secrets_of(one)]
    return tuple(found)


def _secrets(cls: type[Any], mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a mapping that must not be shown, also in the tables, and the lists of tables, within it."""
    kinds = get_type_hints(cls)
    for field in attrs.fields(cls):
        value = mapping.get(field.name)
        if field.metadata.get("secret"):
            yield from _texts(value)
            continue
        for inner in _classes(kinds[field.name]):
            for one in _with_parts(value):
                if isinstance(one, Mapping):
                    yield from _secrets(inner, one)


def _classes(kind: Any) -> Iterator[type[Any]]:
    """Yield the attrs classes that a type is made of."""
    if isinstance(kind, type) and attrs.has(kind):
        yield kind
    for part in get_args(kind):
        yield from _classes(part)


def _with_parts(value: Any) -> Iterator[Any]:
    """Yield a value and what it holds, as a list or a table does."""
    yield value
    if isinstance(value, Mapping):
        value = list(value.values())
    for part in value if isinstance(value, (list, tuple)) else ():
        yield from _with_parts(part)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None and str(value):
        yield str(value)


def _without_secrets(fault: str, secrets: Sequence[str]) -> str:
    """Return what is wrong without the words, if they quote a secret."""
    if not any(form in fault for text in secrets for form in (text, repr(text)[1:-1])):
        return fault
    problem, at, path = fault.rpartition(" @ ")
    return f"a secret is not as it must be{at if problem else ''}{path if problem else ''}"


def _required(field: attrs.Attribute[Any]) -> bool:
    return field.init and field.default is attrs.NOTHING


def _in_words(problem: BaseException, kind: type | None) -> str:
    if isinstance(problem, ForbiddenExtraKeysError):
        return f"unknown {', '.join(sorted(problem.extra_fields))}"
    if isinstance(problem, (ValueError, TypeError)) and str(problem):
        # The validators of attrs put more than the sentence into their errors.
        return str(problem.args[0])
    return format_exception(problem, kind)


@lru_cache(maxsize=1)
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool, float):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _word)
    converter.register_structure_hook(Decimal, _decimal)
    for day_or_hour in _EXAMPLES:
        converter.register_structure_hook(day_or_hour, _when)
    converter.register_structure_hook_factory(attrs.has, _table)
    converter.register_structure_hook_factory(_is_list, _list)
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    # Hooks are found by base class, and the words of a StrEnum are text too.
    if issubclass(kind, Enum):
        return cast("T", _word(value, kind))
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if isinstance(value, accepted) and (kind is bool or not isinstance(value, bool)):
        return cast("T", value)
    raise TypeError(f"{type(value).__name__} given where {kind.__name__} is wanted")


def _word(value: Any, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is unknown; {nearest(str(value), [one.value for one in kind])}") from None


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list or (get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis)


def _list(kind: type[Any], converter: cattrs.BaseConverter) -> StructureHook:
    factory = homogenous_tuple_structure_factory if get_origin(kind) is tuple else list_structure_factory
    structured = factory(kind, converter)

    def read(value: Any, of: Any) -> Any:
        # A text is a sequence of letters, and none of them was meant.
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{type(value).__name__} given where a list is wanted")
        return structured(value, of)

    return read


def _table(kind: type[Any], converter: cattrs.Converter) -> StructureHook:
    structured = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)

    def read(value: Any, of: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"{type(value).__name__} given where a table is wanted")
        return structured(value, of)

    return read


#: Days, hours and instants that settings may hold, each with an example.
_EXAMPLES: Mapping[type[Any], str] = {date: "2026-12-24", time: "09:30", datetime: "2026-12-24T09:30+11:00"}


def _when(value: Any, kind: type[Any]) -> Any:
    """Return a day, an hour or an instant, as TOML gives it or as text in ISO 8601."""
    wanted = f"a {kind.__name__} such as {_EXAMPLES[kind]} is wanted"
    try:
        found = kind.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"text given where {wanted}") from None
    if type(found) is not kind:
        raise TypeError(f"{type(value).__name__} given where {wanted}")
    if kind is datetime and found.tzinfo is None:
        raise ValueError(f"a datetime without an offset given where {wanted}")
    return found


def _decimal(value: Any, _: type[Decimal]) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, str, float, Decimal)):
        raise TypeError(f"{type(value).__name__} given where a number is wanted")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("text given where a number is wanted") from None
    if not number.is_finite():
        raise ValueError("a number without end given where a number is wanted")
    return number


def describe(cls: type[Any]) -> dict[str, str]:
    """Return each key of a settings class with its type, for forms and documents."""
    hints = get_type_hints(cls)
    return {field.name: _kind_in_words(hints[field.name]) for field in attrs.fields(cls)}


def _kind_in_words(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(one.value) for one in kind)}"
    return kind.__name__ if isinstance(kind, type) else str(kind).removeprefix("typing.")
