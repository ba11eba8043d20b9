"""From a mapping (TOML, JSON, keyword arguments) to a typed attrs value, strictly.

Nothing is coerced: text stays text, a number must be a number. Every fault of a mapping is told at once, each with
its path and a hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, cast, get_type_hints

import attrs
import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
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
    unknown_keys(cls, mapping, where)
    missing = [field.name for field in attrs.fields(cls) if _required(field) and field.name not in mapping]  # type: ignore[arg-type]
    if missing:
        raise ConfigError(f"missing {', '.join(missing)}", where=where, mend=f"add a line for {missing[0]}")
    try:
        return _converter().structure(dict(mapping), cls)
    except BaseValidationError as problem:
        faults = "; ".join(cattrs.transform_error(problem, path="", format_exception=_in_words))
        raise ConfigError(faults.replace(" @ .", " at ").replace(" @ ", " at "), where=where) from None


def unknown_keys(cls: type[Any], mapping: Mapping[str, Any], where: str) -> None:
    """Refuse the first key that the class does not have, naming the nearest one."""
    known = [field.name for field in attrs.fields(cls) if field.init]
    for key in mapping:
        if key not in known:
            raise ConfigError(f"the key {key} is unknown", where=where, mend=nearest(key, known))


def secret(help: str = "", **more: Any) -> Any:  # noqa: A002 - the word that a settings form shows
    """Return an attrs field whose value appears in no repr."""
    return attrs.field(repr=False, metadata={"secret": True, "help": help}, **more)


def _required(field: attrs.Attribute[Any]) -> bool:
    return field.init and field.default is attrs.NOTHING


def _in_words(problem: BaseException, kind: type | None) -> str:
    if isinstance(problem, ForbiddenExtraKeysError):
        return f"unknown {', '.join(sorted(problem.extra_fields))}"
    if isinstance(problem, (ValueError, TypeError)) and str(problem):
        return str(problem)
    return format_exception(problem, kind)


@lru_cache(maxsize=1)
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool, float):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(Decimal, _decimal)
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if isinstance(value, accepted) and (kind is bool or not isinstance(value, bool)):
        return cast(T, value)
    raise TypeError(f"{type(value).__name__} given where {kind.__name__} is wanted")


def _decimal(value: Any, _: type[Decimal]) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, str, float, Decimal)):
        raise TypeError(f"{type(value).__name__} given where a number is wanted")
    return Decimal(str(value))


def describe(cls: type[Any]) -> dict[str, str]:
    """Return each key of a settings class with its type, for forms and documents."""
    hints = get_type_hints(cls)
    return {field.name: str(getattr(hints[field.name], "__name__", hints[field.name])) for field in attrs.fields(cls)}
