"""What a package keeps in its modules and classes, before and after some work."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

Snapshot = Mapping[str, Any]


def snapshot(cls: type) -> Snapshot:
    """Return a mark of every value that stands in the modules of a class's package, and in the classes there."""
    found: dict[str, Any] = {}
    for name, module in _modules(cls.__module__):
        found |= {f"{name}.{key}": _mark(value) for key, value in _values(vars(module))}
        for one in [value for value in vars(module).values() if _is_own(value, name)]:
            found |= {f"{name}.{one.__name__}.{key}": _mark(value) for key, value in _values(vars(one))}
    return found


def changed(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the names of what is another value, or holds other things, than before."""
    return sorted(name for name, mark in after.items() if before.get(name, "absent") != mark)


def _modules(module: str) -> Iterator[tuple[str, ModuleType]]:
    top = module.partition(".")[0]
    # The core's own plugins stand among modules of the core.
    wanted = module if top == "crmkit" else top
    for name, found in list(sys.modules.items()):
        if isinstance(found, ModuleType) and (name == wanted or name.startswith(f"{wanted}.")):
            yield name, found


def _values(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    passed_over = (ModuleType, FunctionType, type, staticmethod, classmethod, property)
    for name, value in list(names.items()):
        if not name.startswith("__") and not name.startswith("_abc_") and not isinstance(value, passed_over):
            yield name, value


def _is_own(value: Any, module: str) -> bool:
    return isinstance(value, type) and value.__module__ == module


def _mark(value: Any) -> Any:
    """Return what differs if a value was replaced, or if something was put into it."""
    if isinstance(value, (dict, MappingProxyType)):
        return id(value), tuple((id(key), id(one)) for key, one in value.items())
    if isinstance(value, (list, set, frozenset, tuple)) or hasattr(value, "popleft"):
        return id(value), tuple(map(id, value))
    return id(value)
