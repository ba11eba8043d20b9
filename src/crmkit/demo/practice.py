"""Bright Eyes Optometry in Newtown: a practice with three years behind it, made out of a seed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import attrs

from crmkit.demo import newsletter, rows
from crmkit.demo.consents import make_consents
from crmkit.demo.dirt import soil, test_patient
from crmkit.demo.files import CRM_TOML, write_tables, write_text
from crmkit.demo.history import make_history
from crmkit.demo.people import make_people
from crmkit.demo.rows import Tables
from crmkit.demo.till import make_till
from crmkit.demo.voices import make_feedback, make_referrals
from crmkit.errors import ConfigError


@attrs.frozen
class Summary:
    """What was written.

    Attributes:
        patients: Rows of `patients.csv` that a sync accepts; so for all other tables.
        households: How many different households the patients belong to.
        turnover: All that was charged in the three years, in AUD.
        dirt: How many rows there are of each kind of dirt; rows that a sync rejects are counted here only.
    """

    patients: int
    households: int
    visits: int
    recalls: int
    invoices: int
    payments: int
    consents: int
    referrals: int
    feedback: int
    turnover: Decimal
    dirt: Mapping[str, int]


def write_practice(folder: Path, *, today: date, patients: int = 3000, seed: str = "bright-eyes") -> Summary:
    """Write a made-up optometry practice into a folder: exports, `crm.toml` and newsletters.

    The same arguments give the same bytes on every machine.

    Args:
        folder: Where to; it and its parents are made, files of the same names are replaced.
        today: The day up to which the history goes; visits from this day on are booked.
        patients: How many patients.
        seed: Another seed, another practice.

    Returns:
        What was written, counted.

    Raises:
        ConfigError: If so few patients are wanted that they are no practice.
    """
    if patients < 12:
        raise ConfigError(f"{patients} patients are no practice", where="patients", mend="ask for at least 12")
    tables = _tables(seed, today, patients)
    counts = {name: len(found) for name, found in tables.items()}
    turnover = sum((Decimal(charged["amount"]) for charged in tables["invoices"]), Decimal(0))
    households = len({patient["household"] for patient in tables["patients"]})
    dirt = soil(tables, seed, today)
    write_tables(folder / "exports", tables)
    write_text(folder / "crm.toml", CRM_TOML)
    # The settings name this folder; a folder without a file would be lost in version control and in a wheel.
    write_text(folder / "templates" / ".keep", "")
    for name, text in newsletter.issues(today).items():
        write_text(folder / "content" / "newsletter" / name, text)
    return Summary(**counts, households=households, turnover=turnover, dirt=MappingProxyType(dirt))


def _tables(seed: str, today: date, patients: int) -> Tables:
    """Return the clean rows of all tables, the last patient being somebody's test."""
    people = make_people(seed, today, patients - 1)
    history = make_history(seed, people, today)
    till = make_till(seed, history.visits, today)
    said = make_consents(seed, people, today)
    answers = make_feedback(seed, history.visits, said, today)
    return {
        "patients": [*(rows.patient(person) for person in people), test_patient(patients)],
        "visits": [rows.visit(one) for one in history.visits],
        "recalls": [rows.recall(number, one) for number, one in enumerate(history.recalls, start=1)],
        "invoices": [rows.invoice(one) for one in till.invoices],
        "payments": [rows.payment(number, one) for number, one in enumerate(till.payments, start=1)],
        "consents": [rows.consent(number, one) for number, one in enumerate(said, start=1)],
        "referrals": [rows.referral(number, one) for number, one in enumerate(make_referrals(people), start=1)],
        "feedback": [rows.feedback(number, one) for number, one in enumerate(answers, start=1)],
    }
