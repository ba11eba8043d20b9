"""What the contract promises of itself: hooks of one argument, objects of few methods, values that never change."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pluggy
import pytest

import crmkit.plugins
from crmkit.plugins import CrmkitSpec
from crmkit.plugins.look import HOOKS

OFFERED = [getattr(crmkit.plugins, name) for name in crmkit.plugins.__all__]
PROTOCOLS = [one for one in OFFERED if getattr(one, "_is_protocol", False)]
VALUES = [one for one in OFFERED if isinstance(one, type) and attrs.has(one)]
CHANGEABLE = (list, dict, set, bytearray)


def called(one: Any) -> str:
    return one.__name__


def parts(hint: Any) -> Iterator[Any]:
    """Yield a type and all types within it."""
    yield get_origin(hint) or hint
    for part in get_args(hint):
        yield from parts(part) if not isinstance(part, list) else ()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_takes_ctx_alone_and_asks_for_no_order(hook: str) -> None:
    function = vars(CrmkitSpec)[hook]
    assert list(inspect.signature(function).parameters) == ["self", "ctx"]
    assert set(get_type_hints(function)) == {"ctx", "return"}
    manager = pluggy.PluginManager("crmkit")
    options = manager.parse_hookspec_opts(CrmkitSpec, hook)
    assert options is not None
    assert not options["firstresult"]
    assert not options["historic"]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=called)
def test_an_object_has_at_most_three_methods_and_says_what_they_take(protocol: type) -> None:
    members = {name: member for base in protocol.__mro__ for name, member in vars(base).items() if name[0] != "_"}
    methods = [member for member in members.values() if inspect.isfunction(member)]
    assert 1 <= len(methods) <= 3
    for method in methods:
        assert set(get_type_hints(method)) == {*inspect.signature(method).parameters, "return"} - {"self"}
        assert inspect.getdoc(method)


@pytest.mark.parametrize("value", VALUES, ids=called)
def test_a_value_cannot_be_changed_and_holds_nothing_that_can(value: type) -> None:
    field = attrs.fields(value)[0].name if attrs.fields(value) else "anything"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(object.__new__(value), field, 1)
    hints = get_type_hints(value)
    kinds = {name: set(parts(hint)) & set(CHANGEABLE) for name, hint in hints.items()}
    assert {name for name, kind in kinds.items() if kind} == set()


@pytest.mark.parametrize("value", VALUES, ids=called)
def test_a_table_in_a_value_is_closed_when_the_value_is_made(value: type) -> None:
    tables = [name for name, hint in get_type_hints(value).items() if "Mapping" in str(get_origin(hint) or hint)]
    converted = [field.name for field in attrs.fields(value) if field.converter is not None]
    assert [name for name in tables if name not in converted] == []
