"""The page of the host's object against the object: nothing is left out, and all that it deals in has a public name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import attrs
import host_page

import crmkit
from crmkit import CRM
from crmkit.plugins.described import attributes_told

OFFERED = {name for name in dir(CRM) if not name.startswith("_")} - host_page.LEFT_OUT


def test_the_page_says_what_the_object_says() -> None:
    assert host_page.PAGE.read_text(encoding="utf-8") == host_page.page(), "run python tests/host_page.py --write"


def test_whatever_a_crm_does_stands_in_one_chapter() -> None:
    assert sorted(OFFERED) == sorted(name for names in host_page.CHAPTERS.values() for name in names)


def test_what_a_host_gives_and_gets_it_can_name_without_reaching_inside() -> None:
    types = {one for name in OFFERED for hint in _hints(getattr(CRM, name)) for one in _classes(hint)}
    ours = {one for one in types if one.__module__.startswith("crmkit.")}
    assert len(ours) > 25
    assert {one.__name__ for one in ours if getattr(crmkit, one.__name__, None) is not one} == set()


def test_every_attribute_of_what_is_returned_has_its_meaning() -> None:
    values = [getattr(crmkit, name) for name in crmkit.__all__ if not name.startswith("_")]
    untold = [
        f"{one.__name__}.{field.name}"
        for one in values
        if isinstance(one, type) and attrs.has(one)
        for field in attrs.fields(one)
        if not field.name.startswith("_") and field.name not in attributes_told(inspect.getdoc(one) or "")
    ]
    assert untold == []


def _hints(member: Any) -> Iterator[Any]:
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    if inspect.isfunction(function):
        yield from get_type_hints(function, vars(sys.modules[function.__module__])).values()


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for part in hint if isinstance(hint, list) else get_args(hint):
        yield from _classes(part)
