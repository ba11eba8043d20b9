"""Rehearsing: what the coming months would bring, if nothing new came in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from crmkit.campaigns.reasons import REASONS
from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common
from crmkit.report.phrases import reason_in_words

if TYPE_CHECKING:
    from crmkit.crm.rehearsal import Rehearsal

_TOP = 8
#: A table with its bars fits into so many columns: a terminal has eighty.
_LINE = 78


@click.command()
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="Today included.")
@common()
def rehearse(given: Given, days: int) -> int:
    """Play the coming days through on a clock of their own. Nothing leaves, nothing is written."""
    with given.crm() as crm, show.progress("Rehearsing", days, quiet=given.as_json) as step:
        played = crm.rehearse(days, keep_messages=False, progress=lambda _: step(1))
    show.say_json(rehearsal_document(played)) if given.as_json else say_rehearsal(played)
    return DONE


def rehearsal_document(played: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal as plain values: messages by month and campaign, the extremes, and who waits why."""
    busiest, patient = _busiest(played), _most(played)
    return {
        "from": played.days[0].day,
        "to": played.days[-1].day,
        "messages": played.messages,
        "campaigns": dict(sorted(played.by_campaign().items())),
        "broken": dict(played.broken),
        "months": {month: dict(sorted(counts.items())) for month, counts in _months(played).items()},
        "busiest": {"day": busiest[0], "messages": busiest[1]},
        "most_for_one_patient": {"patient": patient[0], "messages": patient[1]},
        "waiting": [{"state": state, "words": words, "touch_days": number} for state, words, number in _waits(played)],
    }


def say_rehearsal(played: Rehearsal) -> None:
    """Print a rehearsal: a line for each month, then the busiest day and the reasons for not sending."""
    months, campaigns = _months(played), sorted(played.by_campaign())
    most = max((counts.total() for counts in months.values()), default=0)
    show.say(
        f"{played.days[0].day} to {played.days[-1].day}: {show.counted(played.messages, 'message')} would leave.\n"
    )
    headings = ("month", *campaigns, "all")
    told = [(month, *(counts[campaign] for campaign in campaigns), counts.total()) for month, counts in months.items()]
    width = max(5, min(20, _LINE - show.width_of(headings, told)))
    bars = [show.bar(counts.total(), most, width) for counts in months.values()]
    show.say_table((*headings, ""), [(*cells, bar) for cells, bar in zip(told, bars, strict=True)])
    if played.messages:
        (day, number), (patient, highest) = _busiest(played), _most(played)
        show.say(f"\nBusiest day: {day} with {show.counted(number, 'message')}.")
        show.say(f"Most for one patient: {show.counted(highest, 'message')}, to {patient}.")
    for problem in played.broken.values():
        show.say(f"\nThis one cannot be planned: {problem}")
    if waits := _waits(played):
        show.say("\nWhat keeps touches back, each counted on every day on which it waits:\n")
        show.say_table(("state", "reason", "touch-days"), waits[:_TOP])


def _months(played: Rehearsal) -> dict[str, Counter[str]]:
    months: dict[str, Counter[str]] = {}
    for day in played.days:
        counts = months.setdefault(f"{day.day:%Y-%m}", Counter())
        counts.update(touch.campaign for touch in day.sent)
    return months


def _busiest(played: Rehearsal) -> tuple[Any, int]:
    day = max(played.days, key=lambda day: len(day.sent))
    return (day.day, len(day.sent)) if day.sent else (None, 0)


def _most(played: Rehearsal) -> tuple[str | None, int]:
    counts = played.patients()
    return max(counts.items(), key=lambda item: (item[1], item[0]), default=(None, 0))


def _waits(played: Rehearsal) -> list[tuple[str, str, int]]:
    found: Counter[tuple[str, str]] = Counter()
    for day in played.days:
        for (state, reason), number in day.waiting.items():
            found[state.value, reason_in_words(reason, REASONS)] += number
    return [(state, words, number) for (state, words), number in found.most_common()]
