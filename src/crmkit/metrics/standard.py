"""The measures that every practice gets.

Who is left out is told by the first reason that holds, in this order: not a patient, never seen (prospective),
deceased, moved, transferred, and then whatever keeps a patient out of the one measure. Patients in a measure's
denominator and those left out are together the whole panel.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crmkit.metrics.metric import Metric
from crmkit.metrics.panel import PanelRow
from crmkit.metrics.ratio import Ratio
from crmkit.people.patient import Status


def standard_metrics() -> tuple[Metric[Any], ...]:
    """Return the standard metrics, in the order in which a report shows them."""
    return (*_patients(), *_money(), *_contact())


def never_a_patient(row: PanelRow) -> str:
    """Return why a row stands for no patient: `non_patient`, `prospective`, or empty."""
    if row.status is Status.NON_PATIENT:
        return "non_patient"
    return "prospective" if row.status is Status.PROSPECTIVE else ""


def no_longer_here(row: PanelRow) -> str:
    """Return why a row stands for no patient at the window's end, by the first reason that holds, or empty."""
    return never_a_patient(row) or (row.status.value if row.gone else "")


def _patients() -> tuple[Metric[Any], ...]:
    return (
        Ratio(
            "core.active_patients",
            "patients",
            "Patients at the end of the window with a completed visit in the 18 calendar months before, "
            "without those known to have died, moved or transferred.",
            above=_one,
            left_out=_not_active,
        ),
        Ratio(
            "core.new_patients",
            "patients",
            "Patients whose first completed visit ever lies in the window.",
            above=_one,
            left_out=_not_new,
        ),
        Ratio(
            "core.retention",
            "share",
            "Of the patients who were active when the window began, the share who are active when it ends; those known "
            "to have died, moved or transferred by then are left out.",
            above=_if("active_at_end"),
            below=_one,
            left_out=_only("active_at_start", "not_active_at_start"),
        ),
        Ratio(
            "core.reactivation",
            "share",
            "Of the patients seen before the window who were no longer active when it began, the share who came back "
            "in it. Some come back without being asked: only a lot tells how many.",
            above=_visited,
            below=_one,
            left_out=_only("lapsed_at_start", "not_lapsed_at_start"),
        ),
    )


def _money() -> tuple[Metric[Any], ...]:
    return (
        Ratio(
            "core.turnover",
            "money",
            "All invoices dated in the window, paid or not, credit notes subtracted.",
            above=_spend,
        ),
        Ratio(
            "core.spend_per_visit",
            "money",
            "All invoices dated in the window, divided by the completed visits in it, one a day for each patient.",
            above=_spend,
            below=_visits,
        ),
        Ratio(
            "core.spend_per_active_patient",
            "money",
            "What was invoiced in the window to the patients active at its end, divided by their number.",
            above=_spend,
            below=_one,
            left_out=_only("active_at_end", "not_active"),
        ),
    )


def _contact() -> tuple[Metric[Any], ...]:
    active = _only("active_at_end", "not_active")
    return (
        Ratio(
            "core.contact_coverage",
            "share",
            "Of the patients active at the end of the window, the share whom a message reached in it, on its own or in "
            "a copy for the household: it left and did not come back. Whether it was read is not known.",
            above=_heard,
            below=_one,
            left_out=active,
        ),
        Ratio(
            "core.heard_from_nobody",
            "share",
            "Of the patients active at the end of the window, the share whom no message reached in it. Visits and "
            "calls that the kit knows nothing of are not counted as messages.",
            above=_unheard,
            below=_one,
            left_out=active,
        ),
        Ratio(
            "core.unheard_without_address",
            "share",
            "Of the patients active at the end of the window, the share whom no message reached in it and for whom no "
            "usable e-mail address, number or postal address is on record.",
            above=_unheard_without_address,
            below=_one,
            left_out=active,
        ),
    )


def _not_active(row: PanelRow) -> str:
    if row.active_at_end:
        return ""
    return no_longer_here(row) or ("lapsed" if row.first_visit else "never_seen")


def _not_new(row: PanelRow) -> str:
    return never_a_patient(row) or ("" if row.new else "not_new")


def _only(flag: str, otherwise: str) -> Callable[[PanelRow], str]:
    def left_out(row: PanelRow) -> str:
        return no_longer_here(row) or ("" if getattr(row, flag) else otherwise)

    return left_out


def _if(flag: str) -> Callable[[PanelRow], int]:
    return lambda row: int(getattr(row, flag))


def _one(_: PanelRow) -> int:
    return 1


def _visited(row: PanelRow) -> int:
    return int(row.visits > 0)


def _visits(row: PanelRow) -> int:
    return row.visits


def _spend(row: PanelRow) -> Decimal:
    return row.spend


def _heard(row: PanelRow) -> int:
    return int(row.contacts > 0)


def _unheard(row: PanelRow) -> int:
    return int(row.contacts == 0)


def _unheard_without_address(row: PanelRow) -> int:
    return int(row.contacts == 0 and not row.contactable)
