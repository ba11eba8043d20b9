"""What an object must look like to be of its kind; looked at once, when its plugin is admitted."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import attrs

from crmkit.plugins.calls import Nonsense
from crmkit.plugins.failure import Kind

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(?:\.[a-z0-9][a-z0-9_-]{0,62}){0,2}")
_LONGEST = 500


@attrs.frozen
class Shape:
    """What a kind of object has.

    Attributes:
        what: The kind in words.
        attributes: Its attributes beside `name`, with their types.
        methods: Its methods.
        may_have: Methods that it need not have.
    """

    what: str
    attributes: Mapping[str, type] = attrs.field(factory=dict)
    methods: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()

    def check(self, thing: object) -> None:
        """Refuse an object that is not of this shape.

        Raises:
            Nonsense: With what is wrong.
        """
        if isinstance(thing, type):
            raise Nonsense(f"a {self.what} is a class, and no instance of it", Kind.WRONG_TYPE)
        name = getattr(thing, "name", None)
        if type(name) is not str or not _NAME.fullmatch(name):
            raise Nonsense(f"a {self.what} has no name of small letters, digits, hyphens and dots", Kind.NAME)
        for attribute, kind in self.attributes.items():
            value = getattr(thing, attribute, None)
            if not isinstance(value, kind) or (isinstance(value, str) and len(value) > _LONGEST):
                raise Nonsense(f"the {attribute} of the {self.what} {name} is no {kind.__name__}", Kind.WRONG_TYPE)
        for method in self.methods:
            if not callable(getattr(thing, method, None)):
                raise Nonsense(f"the {self.what} {name} has no method {method}", Kind.WRONG_TYPE)
        for method in (*self.methods, *self.may_have):
            function = getattr(thing, method, None)
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                # Nobody would wait for it: a channel's messages would all be in doubt.
                raise Nonsense(f"the method {method} of the {self.what} {name} is async: write def", Kind.WRONG_TYPE)


def declared(thing: object, attribute: str, kind: type[Any], default: Any) -> Any:
    """Return an attribute that an object need not have.

    Raises:
        Nonsense: If it has one of another type.
    """
    value = getattr(thing, attribute, default)
    if not isinstance(value, kind):
        raise Nonsense(f"the {attribute} is no {kind.__name__}", Kind.WRONG_TYPE)
    return value
