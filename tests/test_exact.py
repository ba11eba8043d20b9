"""A host that has set its decimal context to something of its own changes neither money nor a decision."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from situations import consent, patient

from crmkit import CRM, Campaign
from crmkit.words import money

ACCOUNTING = decimal.Context(prec=4, rounding=decimal.ROUND_DOWN)
STRICT = decimal.Context(traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation])
LAX = decimal.Context(prec=6, traps=[])
RICH = Campaign(
    "rich",
    objective="reactivate",
    message="reactivation",
    segment="spend > 12345.6",
    schedule="on 2026-11-24",
    lot="0.3333",
)


def day_of(crm: CRM) -> list[Any]:
    """Return what a practice's day comes to, in figures and decisions."""
    crm.sync()
    crm.add(RICH)
    touches = [(one.patient, one.state, one.reason, one.due) for one in crm.plan().touches]
    figures = [(name, str(one.value), str(one.numerator)) for name, one in crm.findings().measures.items()]
    return [touches, figures, len(crm.rejected()), money(Decimal("12345.665"), "AUD", "en-AU")]


@pytest.mark.parametrize("context", [ACCOUNTING, STRICT, LAX], ids=["few places", "strict", "lax"])
def test_whatever_the_hosts_decimal_context_is_money_and_decisions_are_the_same(
    context: decimal.Context, open_crm: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    many = [f"P{number}" for number in range(6)]
    exports("patients", [patient(one, household=one, email=f"{one}@stone.example") for one in many])
    exports("consents", [consent(one) for one in many])
    visit = {"starts_at": "2026-03-02T09:30", "status": "completed"}
    exports("visits", [{"id": f"V{one}", "patient": one, **visit} for one in many])
    charged = {"day": "2026-03-02", "currency": "AUD"}
    amounts = zip(many, ["12345.67"] * 5 + ["0.05"], strict=True)
    exports("invoices", [{"id": f"I{one}", "patient": one, "amount": amount, **charged} for one, amount in amounts])
    usual = day_of(open_crm(prefix="usual_"))
    assert usual[0]
    assert ("10288.06666666666666666666667", "61728.40") in [figures[1:] for figures in usual[1]]
    with decimal.localcontext(context):
        assert day_of(open_crm(prefix="host_")) == usual
        assert decimal.getcontext().prec == context.prec, "the host's own is as it was"
