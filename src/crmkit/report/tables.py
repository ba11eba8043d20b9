"""The tables of the page, as text in rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from crmkit.metrics.bridge import Bridge
from crmkit.metrics.cohort import Cohort
from crmkit.metrics.cost import Cost
from crmkit.metrics.effect import DAYS, Effect
from crmkit.metrics.interval import Arm
from crmkit.metrics.measure import Measure
from crmkit.metrics.series import Month
from crmkit.metrics.touches import TouchCount
from crmkit.metrics.window import Window
from crmkit.report.figures import DASH, SMALLEST_GROUP, Figures, quarter
from crmkit.report.phrases import FATES, fate, reason_in_words


@attrs.frozen
class Table:
    """A table of text.

    Attributes:
        caption: What it shows.
        head: The columns' names.
        rows: Each begins with its own name.
        look: `numeric` where all columns but the first hold numbers, `last` where only the last one does, else `words`.
        note: What a reader must know about it.
        codes: For each row the id of the definition behind it, if there is one.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    look: str = "numeric"
    note: str = ""
    codes: tuple[str, ...] = ()


def measure_table(caption: str, measures: Sequence[tuple[str, Measure]], figures: Figures) -> Table:
    """Return measures with their parts, how many were left out, and the definition that was used."""
    rows = tuple(
        (title, _value(one, figures), figures.parts(one) or DASH, figures.number(sum(one.excluded.values())))
        for title, one in measures
    )
    codes = tuple(one.definition for _, one in measures)
    return Table(caption, ("Figure", "Value", "Made of", "Left out"), rows, codes=codes)


def _value(one: Measure, figures: Figures) -> str:
    few = one.unit == "share" and one.denominator is not None and one.denominator < SMALLEST_GROUP
    return DASH if few else figures.value(one)


def bridge_table(bridge: Bridge, window: Window, figures: Figures) -> Table:
    """Return the patient bridge, row by row."""
    rows = (
        (f"Active at the start of {figures.day(window.start)}", figures.number(bridge.start)),
        ("New, and still active", figures.signed(bridge.new)),
        ("Came back after a long time", figures.signed(bridge.returned)),
        ("Lapsed without a word", figures.signed(-bridge.lapsed_silent)),
        ("Deceased", figures.signed(-bridge.deceased)),
        ("Moved or transferred", figures.signed(-bridge.moved)),
        (f"Active at the end, on {figures.day(window.last)}", figures.number(bridge.end)),
    )
    note = "" if bridge.reconciles else "These rows do not add up: please report this as a fault of the program."
    return Table(
        "From the active patients at the start to those at the end", ("What happened", "Patients"), rows, note=note
    )


def month_table(months: Sequence[Month], invoiced: Sequence[Month], figures: Figures) -> Table:
    """Return the practice's months, the latest first; a dash for the turnover of those before the first invoice."""
    rows = tuple(
        (
            figures.month(one.window),
            figures.number(one.active),
            figures.number(one.new),
            figures.number(one.visits),
            figures.money(one.turnover) if one in invoiced else DASH,
        )
        for one in reversed(months)
    )
    return Table("Month by month", ("Month", "Active patients", "New patients", "Visits", "Turnover"), rows)


def cohort_table(cohorts: Sequence[Cohort], figures: Figures) -> Table:
    """Return the share seen again, by quarter of the first visit."""
    quarters = range(1, len(cohorts))
    rows = tuple(
        (quarter(one.window), figures.number(one.size), *(cohort_cell(one, back, figures) for back in quarters))
        for one in cohorts
    )
    head = ("First visit in", "Patients", *(f"{back} later" for back in quarters))
    note = f"{DASH} where the quarter is not over, or fewer than {SMALLEST_GROUP} patients began in it."
    return Table("Share seen again, by quarters after the first visit", head, rows, note=note)


def cohort_cell(cohort: Cohort, back: int, figures: Figures) -> str:
    """Return one cell of the triangle, a dash where the group is too small or the quarter not over."""
    share = cohort.share(back) if cohort.size >= SMALLEST_GROUP else None
    return DASH if share is None else figures.number(round(share * 100)) + "%"


def fate_table(touches: Sequence[TouchCount], figures: Figures) -> Table:
    """Return what became of the touches, by campaign; fates that nobody met have no column."""
    counts = fates(touches)
    met = [name for name in FATES if any(by_fate[name] for by_fate in counts.values())]
    rows = tuple(
        (campaign, *(figures.number(by_fate[name]) for name in met), figures.number(by_fate.total()))
        for campaign, by_fate in counts.items()
    )
    return Table("What became of each campaign's touches", ("Campaign", *met, "All"), rows)


def fates(touches: Sequence[TouchCount]) -> dict[str, Counter[str]]:
    """Return for each campaign how many touches met which fate, the largest campaign first."""
    counts: dict[str, Counter[str]] = {}
    for touch in touches:
        counts.setdefault(touch.campaign, Counter())[fate(touch.state)] += touch.count
    return dict(sorted(counts.items(), key=lambda item: (-item[1].total(), item[0])))


def effect_table(effects: Sequence[Effect], figures: Figures) -> Table:
    """Return for each campaign with a lot who was seen in either arm, and what the difference tells."""
    rows = tuple(
        (one.campaign, _seen(one.messaged, figures), _seen(one.withheld, figures), *_told(one, figures))
        for one in effects
    )
    note = (
        "Everybody counts once, from when the campaign first had a message for them and nothing stood against it, in "
        "the group that the lot drew, whether or not the message arrived. Seen is a completed visit within "
        f"{DAYS} days, also one that would have come later anyway. Chance keeps within the range in 19 of 20 looks: "
        "who looks every month will at times see a difference that chance made. Effects of several campaigns do not "
        "add up."
    )
    head = ("Campaign", "Meant to get it", "Withheld by lot", "Seen more, of every 100", "What it tells")
    return Table(f"Seen within {DAYS} days, with the message and without", head, rows, look="words", note=note)


def cost_table(costs: Sequence[Cost], figures: Figures) -> Table:
    """Return what each campaign cost, as far as the programme says."""
    rows = tuple(
        (one.campaign, figures.number(one.messages), *map(figures.money, (one.each, one.fixed, one.total)))
        for one in costs
    )
    note = (
        "As the programme states it: working hours, gifts and discounts are in it only if they are stated there. "
        "Whether that paid is not told here: a lot counts visits, and no money."
    )
    head = ("Campaign", "Messages that left", "For messages", "Once per occasion", "Together")
    return Table("What the messages cost", head, rows, note=note)


def _seen(arm: Arm, figures: Figures) -> str:
    return f"{figures.number(arm.seen)} of {figures.number(arm.patients)} seen" if arm.patients else DASH


def _told(effect: Effect, figures: Figures) -> tuple[str, str]:
    """Return the difference with its range, and the words for it; neither where there are too few."""
    found, arms = effect.difference, (effect.messaged, effect.withheld)
    if found is None or min(arm.households for arm in arms) < SMALLEST_GROUP:
        waiting = f": {figures.number(effect.waiting)} wait for their {DAYS} days" if effect.waiting else ""
        return DASH, f"Too few to tell yet{waiting}"
    value, low, high = (figures.points(bound) for bound in (found.value, found.low, found.high))
    told = f"{value} (between {low} and {high})"
    # By the bounds as they are printed: next to "0" nobody would understand that there are more.
    if low.startswith("+"):
        return told, "More were seen than without it"
    return told, "Fewer were seen than without it" if high.startswith("−") else "We cannot tell yet"


def reason_table(touches: Sequence[TouchCount], reasons: Mapping[str, str], figures: Figures) -> Table:
    """Return why touches did not reach anybody, over all campaigns, the most frequent reason first."""
    counts: Counter[tuple[str, str]] = Counter()
    for touch in touches:
        if not (touch.state.reached or fate(touch.state) == "In the household's copy"):
            why = reason_in_words(touch.reason, reasons, medium=touch.medium, purpose=touch.purpose)
            counts[why, fate(touch.state)] += touch.count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple((*key, figures.number(count)) for key, count in ordered)
    return Table(
        "Why the others reached nobody, as far as is known",
        ("Reason", "What became of it", "Touches"),
        rows,
        look="last",
    )
