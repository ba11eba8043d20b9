"""A field under its owner's name; if its function fails, what it asks is unknown of everybody."""

from __future__ import annotations

from typing import Any

import attrs

from crmkit.plugins.calls import Calls, Fault, Nonsense
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.segments.compare import Expression
from crmkit.segments.field import Field, is_expression, unknown
from crmkit.segments.moment import Span
from crmkit.segments.scope import Scope


def owned_field(owner: str, field: Field, calls: Calls | None = None) -> Field:
    """Return a field under its full name whose value is unknown, and so meets no rule, if its function fails.

    Raises:
        Nonsense: If it is no field.
    """
    if type(field) is not Field or type(field.name) is not str or not callable(field.value):
        raise Nonsense("something that is no Field is registered", Kind.WRONG_TYPE)
    name = full_name(owner, field.name)
    asked = calls or Calls(owner, thing=name)

    def value(scope: Scope, span: Span | None) -> Expression:
        answer: Any = asked.call(Phase.SELECT, "asking for its value", lambda: _checked(field.value(scope, span)))
        return unknown() if isinstance(answer, Fault) else answer

    return attrs.evolve(field, name=name, value=value)


def _checked(value: object) -> object:
    if not is_expression(value):
        raise Nonsense("gave something that is no expression", Kind.WRONG_TYPE)
    return value
