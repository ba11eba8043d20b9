"""A field under its owner's name; if anything is wrong with it, what it asks is unknown of everybody."""

from __future__ import annotations

from typing import Any

import attrs

from crmkit.plugins.calls import Calls, Fault, Nonsense
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.segments.compare import Condition, Expression
from crmkit.segments.field import Field, is_expression, strays, unknown
from crmkit.segments.moment import Span
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Rule


@attrs.frozen(eq=False)
class OwnedField(Field):
    """A field under its owner's name.

    Attributes:
        own: The plugin's field.
        calls: Makes the calls to it.
        seconds: How long the database may take over a statement with its SQL.
    """

    own: Field = attrs.field(kw_only=True, repr=False)
    calls: Calls = attrs.field(kw_only=True, repr=False)
    seconds: float | None = attrs.field(kw_only=True, default=None)

    @property
    def trusted(self) -> bool:
        """False: if the database refuses its SQL, that is the plugin's fault."""
        return False

    def condition(self, rule: Rule, scope: Scope) -> Condition:
        """Return the condition that a patient meets a rule; nobody is known to meet one that cannot be asked."""
        asked = attrs.evolve(self.own, value=lambda _, span: _value(self.own, scope, span))
        answer: Any = self.calls.call(Phase.SELECT, "asking for its value", lambda: asked.condition(rule, scope))
        return unknown() if isinstance(answer, Fault) else answer

    @property
    def patience(self) -> float | None:
        """How many seconds the database may take over a statement with its SQL."""
        return self.seconds

    def refused(self, error: str, *, overdue: bool) -> None:
        """Be told that the database refuses its SQL: from now on its value is unknown."""
        if overdue:
            problem, kind = f"the database took longer than {self.seconds:g} s over its SQL", Kind.OVERDUE
            mend = "mend it, or give it more time as time_limits.statement; then open the practice anew"
        else:
            problem, kind = f"the database refused its SQL ({error})", Kind.RAISED
            mend = "mend it, and open the practice anew"
        self.calls.note(Phase.SELECT, kind, f"{problem}, and it is not asked again", mend=mend, error=error)
        self.calls.abandoned = True


def owned_field(owner: str, field: Field, calls: Calls | None = None, seconds: float | None = None) -> Field:
    """Return a field under its full name whose value is unknown, and so meets no rule, if its function fails.

    Raises:
        Nonsense: If it is no field.
    """
    if type(field) is not Field or type(field.name) is not str or not callable(field.value):
        raise Nonsense("something that is no Field is registered", Kind.WRONG_TYPE)
    name = full_name(owner, field.name)
    asked = calls or Calls(owner, thing=name)

    def value(scope: Scope, span: Span | None) -> Expression:
        answer: Any = asked.call(Phase.SELECT, "asking for its value", lambda: _value(field, scope, span))
        return unknown() if isinstance(answer, Fault) else answer

    return OwnedField(
        name, field.kind, field.help, value, field.windowed, field.known, own=field, calls=asked, seconds=seconds
    )


def _value(field: Field, scope: Scope, span: Span | None) -> Any:
    value = field.value(scope, span)
    if not is_expression(value):
        raise Nonsense("gave something that is no expression", Kind.WRONG_TYPE)
    if strays(value, scope):
        raise Nonsense("gave an expression that is not about the patient at hand alone")
    return value
