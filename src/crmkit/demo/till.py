"""What was charged and paid: bulk-billed eye tests, contact lenses, and the spectacles that the practice lives on."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import attrs

from crmkit.demo.chance import Chance
from crmkit.demo.history import EYE_TEST, LENS_CHECK, Visit

#: Small fees that go to the public insurer, by how common they are; invented, near what an eye test is worth.
FEES = ((78, Decimal("66.80")), (14, Decimal("33.50")), (8, Decimal("98.20")))
PHOTOGRAPH = Decimal("55.00")
LENS_FEE = Decimal("45.00")
LENSES = ("96.00", "129.00", "168.00", "198.00", "252.00", "336.00")
#: What a pair costs in the middle of all pairs, in AUD, and how far apart they lie.
SPECTACLES, SPREAD = 450.0, 0.45


@attrs.define(eq=False, repr=False)
class Invoice:
    """An amount charged for a visit; the id is given when all invoices are known, in the order of time."""

    patient: str
    visit: Visit
    day: date
    amount: Decimal
    id: str = ""


@attrs.frozen(eq=False, repr=False)
class Payment:
    """An amount paid towards an invoice."""

    invoice: Invoice
    day: date
    amount: Decimal


@attrs.define(eq=False, repr=False)
class Till:
    """All invoices and payments, each in the order of time."""

    invoices: list[Invoice] = attrs.field(factory=list)
    payments: list[Payment] = attrs.field(factory=list)


def make_till(seed: str, visits: list[Visit], today: date) -> Till:
    """Return what was charged for completed visits and what was paid before today."""
    till = Till()
    for visit in visits:
        if visit.status == "completed" and visit.kind in (EYE_TEST, LENS_CHECK):
            _charge(till, visit, Chance(seed, "till", visit.id))
    for number, invoice in enumerate(till.invoices, start=1):
        invoice.id = f"I{number:07d}"
    till.payments = [payment for payment in till.payments if payment.day < today]
    till.payments.sort(key=lambda payment: (payment.day, payment.invoice.id))
    return till


def _charge(till: Till, visit: Visit, chance: Chance) -> None:
    if visit.kind == LENS_CHECK:
        lenses = Decimal(chance.pick(LENSES)) if chance.share(0.8) else Decimal(0)
        _paid(till, _invoice(till, visit, LENS_FEE + lenses), 0)
        return
    photograph = PHOTOGRAPH if chance.share(0.25) else Decimal(0)
    fee = _invoice(till, visit, chance.weighted(FEES) + photograph)
    _paid(till, fee, chance.between(0, 3))
    if visit.collection is not None:
        _spectacles(till, visit, visit.collection.at.date(), chance)


def _spectacles(till: Till, visit: Visit, fetched: date, chance: Chance) -> None:
    """Charge a pair of spectacles: paid at once, or half when ordered and half when fetched, a few never wholly."""
    price = Decimal(5 * round(min(2400.0, max(90.0, chance.lognormal(SPECTACLES, SPREAD))) / 5))
    invoice = _invoice(till, visit, price)
    if chance.share(0.5):
        _paid(till, invoice, 0)
        return
    deposit = (price / 2).quantize(Decimal("0.01"))
    till.payments.append(Payment(invoice, invoice.day, deposit))
    if chance.share(0.95):
        till.payments.append(Payment(invoice, fetched, price - deposit))


def _invoice(till: Till, visit: Visit, amount: Decimal) -> Invoice:
    invoice = Invoice(visit.patient, visit, visit.at.date(), amount)
    till.invoices.append(invoice)
    return invoice


def _paid(till: Till, invoice: Invoice, days: int) -> None:
    till.payments.append(Payment(invoice, invoice.day + timedelta(days=days), invoice.amount))
