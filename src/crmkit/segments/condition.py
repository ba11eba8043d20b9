"""From a segment to SQL: one condition over the patient table, the patients whom it matches, and why one fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from crmkit.segments.compare import Condition
from crmkit.segments.field import Field, field_of
from crmkit.segments.fit import fit
from crmkit.segments.scope import Scope
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Rule, check_size, rules_of


def condition(node: Node, fields: Mapping[str, Field], scope: Scope) -> Condition:
    """Return the condition on the scope's patient table that a segment means.

    What is unknown of a patient makes a rule NULL, also under `not`; a WHERE takes NULL as no match. The practice of
    the patient row itself is left to the caller.

    Raises:
        SegmentError: If a rule does not suit its field.
    """
    return _condition(check_size(node), fields, scope)


def select_patients(node: Node, fields: Mapping[str, Field], scope: Scope) -> sa.Select[tuple[str]]:
    """Return the select of the ids of the practice's patients whom a segment matches, in the order of ids.

    Raises:
        SegmentError: If a rule does not suit its field.
    """
    patient = scope.patient
    mine = patient.c.practice == scope.practice.id
    return sa.select(patient.c.id).where(mine, condition(node, fields, scope)).order_by(patient.c.id)


def explain(node: Node, fields: Mapping[str, Field], scope: Scope, patient_id: str) -> sa.Select[Any]:
    """Return the select of one row with a verdict per rule of `rules_of(node)`, in that order.

    A verdict is True, False, or None where it is unknown. There is no row if the practice has no such patient.

    Raises:
        SegmentError: If a rule does not suit its field.
    """
    patient = scope.patient
    rules = rules_of(check_size(node))
    verdicts = [_rule(rule, fields, scope).label(f"rule_{number}") for number, rule in enumerate(rules)]
    own = sa.and_(patient.c.practice == scope.practice.id, patient.c.id == patient_id)
    columns: list[Any] = [*verdicts] or [sa.true().label("everybody")]
    return sa.select(*columns).where(own)


def _condition(node: Node, fields: Mapping[str, Field], scope: Scope) -> Condition:
    match node:
        case Everybody():
            return sa.true()
        case Rule():
            return _rule(node, fields, scope)
        case Not():
            return sa.not_(_condition(node.item, fields, scope))
        case All():
            return sa.and_(*(_condition(item, fields, scope) for item in node.items))
        case AnyOf():
            return sa.or_(*(_condition(item, fields, scope) for item in node.items))


def _rule(rule: Rule, fields: Mapping[str, Field], scope: Scope) -> Condition:
    fitted = fit(rule, fields)
    return field_of(fitted.field, fields).condition(fitted, scope)
