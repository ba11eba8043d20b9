"""Good fields, and fields that each break one law."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from crmkit.segments.field import Field
from crmkit.segments.kind import COUNT, DATE, MONEY, TEXT
from mutants.making import plugin_of


def one(scope, select):
    """Return a subquery about the patient at hand."""
    return select.correlate(scope.patient).scalar_subquery()


def last_invoice(scope, _):
    invoice = scope.records.invoice.now
    found = sa.select(sa.func.max(invoice.c.day)).where(scope.of_patient(invoice), invoice.c.day <= scope.today)
    return one(scope, found)


def invoices(scope, _):
    invoice = scope.records.invoice.now
    return sa.func.coalesce(one(scope, sa.select(sa.func.count()).where(scope.of_patient(invoice))), 0)


LAST = Field("last_invoice", DATE, "day of the last invoice", last_invoice)
COUNTED = Field("invoices", COUNT, "number of invoices", invoices, known=True)


class Good:
    """Returns fields anew for each context."""

    made = (LAST, COUNTED)

    def __new__(cls, ctx=None):
        return [attrs.evolve(field) for field in cls.made]


def _mutant(name, *made):
    return type(name, (Good,), {"made": made})


def _any_invoice(scope, _):
    invoice = scope.records.invoice.now
    return one(scope, sa.select(invoice.c.day).where(scope.of_patient(invoice)))


def _of_everybody(scope, _):
    invoice = scope.records.invoice.now
    return sa.select(sa.func.max(invoice.c.day)).where(invoice.c.practice == scope.practice.id).scalar_subquery()


def _of_all_practices(scope, _):
    invoice = scope.records.invoice.now
    return one(scope, sa.select(sa.func.max(invoice.c.day)).where(invoice.c.patient == scope.patient.c.id))


def _in_words(scope, _):
    return sa.cast(last_invoice(scope, _), sa.Text)


def _sum(scope, _):
    invoice = scope.records.invoice.now
    return one(scope, sa.select(sa.func.sum(invoice.c.amount)).where(scope.of_patient(invoice)))


def _by_chance(scope, _):
    return sa.func.abs(sa.func.random()) % 1000


def _since(scope, _):
    invoice = scope.records.invoice.now
    recent = sa.select(sa.func.max(invoice.c.day)).where(
        scope.of_patient(invoice), invoice.c.day <= sa.func.current_date()
    )
    return one(scope, recent)


def _no_such_table(scope, _):
    return sa.literal_column("birthplace")


ShoutsItsName = _mutant("ShoutsItsName", attrs.evolve(LAST, name="Last Invoice"))
IsAboutConsent = _mutant("IsAboutConsent", attrs.evolve(LAST, name="opted_out"))
HasNoHelp = _mutant("HasNoHelp", attrs.evolve(LAST, help=" "))
TakesAnyRow = _mutant("TakesAnyRow", attrs.evolve(LAST, value=_any_invoice))
AsksWhatThereIsNot = _mutant("AsksWhatThereIsNot", attrs.evolve(LAST, value=_no_such_table))
RollsDice = _mutant("RollsDice", attrs.evolve(COUNTED, value=_by_chance))
LooksAtEverybody = _mutant("LooksAtEverybody", attrs.evolve(LAST, value=_of_everybody))
LooksAtAllPractices = _mutant("LooksAtAllPractices", attrs.evolve(LAST, value=_of_all_practices))
SaysDatesInWords = _mutant("SaysDatesInWords", attrs.evolve(LAST, value=_in_words))
CountsMoney = _mutant("CountsMoney", attrs.evolve(LAST, name="spent", kind=COUNT, value=_sum))
SaysItIsKnown = _mutant("SaysItIsKnown", attrs.evolve(LAST, name="spent", kind=MONEY, value=_sum, known=True))
AsksTheClock = _mutant("AsksTheClock", attrs.evolve(LAST, value=_since))
ComparesAnything = _mutant(
    "ComparesAnything",
    attrs.evolve(LAST, kind=attrs.evolve(TEXT, compare=lambda value, rule, scope: sa.literal_column("no_such_column"))),
)


def plugin(field=Good):
    """Return a plugin with some fields."""
    return plugin_of("field", field)


MUTANTS = {
    "field.declares": (ShoutsItsName, IsAboutConsent, HasNoHelp),
    "field.answers": (TakesAnyRow, AsksWhatThereIsNot),
    "field.same_twice": (RollsDice,),
    "field.own_patient": (LooksAtEverybody,),
    "field.own_practice": (LooksAtAllPractices,),
    "field.every_operator": (ComparesAnything,),
    "field.of_its_kind": (SaysDatesInWords, CountsMoney),
    "field.keeps_known": (SaysItIsKnown,),
    "field.asks_no_clock": (AsksTheClock, RollsDice),
}
