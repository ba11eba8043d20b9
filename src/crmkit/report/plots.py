"""The plots, each from plain values. Importing this room needs the extra `report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import altair as alt

from crmkit.ledger.state import State
from crmkit.metrics.bridge import Bridge
from crmkit.metrics.cohort import Cohort
from crmkit.metrics.measure import Measure
from crmkit.metrics.series import Month
from crmkit.metrics.touches import MessageCount, TouchCount
from crmkit.report.drawing import BLUE, GREY, INK, ORANGE, PALE_BLUE, SAND, VIOLET, Plot, draw
from crmkit.report.figures import SMALLEST_GROUP, Figures, quarter, short_month
from crmkit.report.phrases import FATES
from crmkit.report.report import Report
from crmkit.report.tables import fates

_FATE_COLOURS = (BLUE, PALE_BLUE, SAND, "#9c5fa0", "#c9a227", VIOLET, GREY, ORANGE, "#6c7781")
#: So many months have room for a name each.
_FEW = 6
_CAMPAIGN_COLOURS = (BLUE, ORANGE, PALE_BLUE, VIOLET, "#c9a227", GREY)


def plots(report: Report) -> dict[str, Plot]:
    """Return the plots of a report by name; what has nothing to show has no plot."""
    found = report.findings
    figures = Figures(report.locale, report.currency)
    drawn: dict[str, Callable[[], Plot | None]] = {
        "bridge": lambda: patient_bridge(found.bridge, figures),
        "active": lambda: active_by_month(report.months, figures),
        "new": lambda: new_by_month(report.months, figures),
        "turnover": lambda: turnover_by_month(report.invoiced_months, figures),
        "cohorts": lambda: cohort_map(found.cohorts, figures),
        "messages": lambda: messages_by_month(found.messages, found.months, figures),
        "touches": lambda: what_became(found.touches, figures),
        "coverage": lambda: coverage(found.measures.get, figures),
    }
    return {name: plot for name, make in drawn.items() if (plot := make()) is not None}


def patient_bridge(bridge: Bridge, figures: Figures) -> Plot | None:
    """Return the bridge as bars that begin where the one before ended."""
    if not (bridge.start or bridge.end):
        return None
    steps = [("new", bridge.new), ("came back", bridge.returned), ("lapsed silently", -bridge.lapsed_silent)]
    steps += [("deceased", -bridge.deceased), ("moved", -bridge.moved)]
    rows, at = [_step("active at the start", 0, bridge.start, INK, figures.number(bridge.start))], bridge.start
    for name, change in steps:
        rows.append(_step(name, at, at + change, BLUE if change >= 0 else ORANGE, figures.signed(change)))
        at += change
    rows.append(_step("active at the end", 0, bridge.end, INK, figures.number(bridge.end)))
    title = f"Active patients went from {figures.number(bridge.start)} to {figures.number(bridge.end)}"
    base = _chart(rows).encode(y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)))
    bars = base.mark_bar(height=18).encode(
        x=alt.X("low:Q", title="patients", axis=alt.Axis(tickCount=5, tickMinStep=1), scale=alt.Scale(nice=True)),
        x2="high:Q",
        color=alt.Color("colour:N", scale=None),
    )
    labels = base.mark_text(align="left", dx=5).encode(x="high:Q", text="label:N")
    return draw("bridge", title, bars + labels, figures.locale)


def active_by_month(months: Sequence[Month], figures: Figures) -> Plot | None:
    """Return the active patients at the end of each month as a line over zero."""
    if not any(month.active for month in months):
        return None
    rows = [{"month": short_month(one.window), "value": one.active} for one in months]
    first, last = months[0], months[-1]
    title = (
        f"Active patients: {figures.number(first.active)} at the end of {figures.month(first.window)}, "
        f"{figures.number(last.active)} at the end of {figures.month(last.window)}"
    )
    line = _chart(rows).mark_line(color=BLUE, strokeWidth=2.5).encode(x=_months(months), y=_amount("patients"))
    return draw("active", title, line + _last(rows, figures.number(last.active)), figures.locale)


def new_by_month(months: Sequence[Month], figures: Figures) -> Plot | None:
    """Return the new patients of each month as bars."""
    total = sum(month.new for month in months)
    rows = [{"month": short_month(one.window), "value": one.new} for one in months]
    title = f"New patients by month: {figures.number(total)} in {_in_months(months)}"
    return _bars("new", title, rows, months, "patients", figures) if total else None


def turnover_by_month(months: Sequence[Month], figures: Figures) -> Plot | None:
    """Return the turnover of each month as bars."""
    total = sum((month.turnover for month in months), start=Decimal(0))
    rows = [{"month": short_month(one.window), "value": float(one.turnover)} for one in months]
    title = f"Turnover by month: {figures.money(total)} in {_in_months(months)}"
    return _bars("turnover", title, rows, months, figures.currency, figures) if total else None


def cohort_map(cohorts: Sequence[Cohort], figures: Figures) -> Plot | None:
    """Return the triangle of returning patients as a heat map with the figures in it."""
    rows = [
        {"cohort": quarter(one.window), "back": back, "share": float(share), "label": f"{round(share * 100)}"}
        for one in cohorts
        if one.size >= SMALLEST_GROUP
        for back in range(1, len(cohorts))
        if (share := one.share(back)) is not None
    ]
    if not rows:
        return None
    base = _chart(rows).encode(
        x=alt.X("back:O", title="calendar quarters after the first visit", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title="first visit in", sort="ascending"),
    )
    scale = alt.Scale(domain=[0, 1], range=["#f4f8fb", BLUE])
    cells = base.mark_rect().encode(color=alt.Color("share:Q", scale=scale, legend=None))
    dark = alt.condition("datum.share > 0.55", alt.value("white"), alt.value(INK))
    labels = base.mark_text().encode(text="label:N", color=dark)
    title = "Of every 100 patients who first came in a quarter, so many were seen in a later one"
    return draw("cohorts", title, cells + labels, figures.locale, height=270)


def messages_by_month(messages: Sequence[MessageCount], months: Sequence[Month], figures: Figures) -> Plot | None:
    """Return the messages of each month, stacked by campaign, from the month of the first one."""
    if not messages:
        return None
    shown = [month for month in months if month.window >= min(one.month for one in messages)]
    named = _largest(messages)
    rows = [
        {
            "month": short_month(one.month),
            "value": one.count,
            "campaign": one.campaign if one.campaign in named else named[-1],
        }
        for one in messages
    ]
    title = f"Messages by month: {figures.number(sum(one.count for one in messages))} in {_in_months(shown)}"
    scale = alt.Scale(domain=named, range=list(_CAMPAIGN_COLOURS))
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            x=_months(shown),
            y=_amount("messages", "sum(value):Q"),
            color=alt.Color("campaign:N", scale=scale, legend=alt.Legend(columns=2)),
        )
    )
    return draw("messages", title, chart, figures.locale, height=260)


def _in_months(months: Sequence[Month]) -> str:
    return "1 month" if len(months) == 1 else f"{len(months)} months"


def _largest(messages: Sequence[MessageCount]) -> list[str]:
    """Return the campaigns with the most messages; beyond six, the smaller ones are put together as the last."""
    sizes: Counter[str] = Counter()
    for one in messages:
        sizes[one.campaign] += one.count
    most = len(_CAMPAIGN_COLOURS)
    if len(sizes) <= most:
        return [campaign for campaign, _ in sizes.most_common()]
    return [*(campaign for campaign, _ in sizes.most_common(most - 1)), "other campaigns"]


def what_became(touches: Sequence[TouchCount], figures: Figures) -> Plot | None:
    """Return what became of each campaign's touches as one bar of a hundred per cent each."""
    counts = fates(touches)
    met = [name for name in FATES if any(by_fate[name] for by_fate in counts.values())]
    rows = [
        {
            "campaign": f"{campaign} ({figures.number(by_fate.total())})",
            "fate": name,
            "value": by_fate[name],
            "order": order,
        }
        for campaign, by_fate in list(counts.items())[:10]
        for order, name in enumerate(met)
        if by_fate[name]
    ]
    if not rows:
        return None
    colours = [colour for name, colour in zip(FATES, _FATE_COLOURS, strict=True) if name in met]
    reached = sum(touch.count for touch in touches if touch.state.reached)
    total = sum(touch.count for touch in touches)
    copied = sum(touch.count for touch in touches if touch.state is State.CARRIED)
    more = f", {figures.number(copied)} are in a household's copy" if copied else ""
    title = f"What became of {figures.number(total)} touches: {figures.number(reached)} reached a patient{more}"
    chart = (
        _chart(rows)
        .mark_bar(height={"band": 0.7})
        .encode(
            y=alt.Y("campaign:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)),
            x=alt.X("value:Q", stack="normalize", title="share of the touches", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("fate:N", scale=alt.Scale(domain=met, range=colours), legend=alt.Legend(columns=2)),
            order=alt.Order("order:Q"),
        )
    )
    return draw("touches", title, chart, figures.locale, height=110 + 34 * min(len(counts), 10))


def coverage(measure: Callable[[str], Measure | None], figures: Figures) -> Plot | None:
    """Return who heard from the practice as one bar: a message, none, and none for want of an address."""
    heard, unheard = measure("core.contact_coverage"), measure("core.heard_from_nobody")
    lost = measure("core.unheard_without_address")
    if not heard or not unheard or not lost or not heard.denominator:
        return None
    silent = int(unheard.numerator - lost.numerator)
    parts = [("a message reached them", int(heard.numerator), BLUE), ("no message did", silent, ORANGE)]
    parts.append(("had no usable address", int(lost.numerator), GREY))
    rows = [
        {"who": name, "value": value, "colour": colour, "label": f"{figures.number(value)} · {_per_cent(value, heard)}"}
        for name, value, colour in parts
    ]
    title = (
        f"Of {figures.number(heard.denominator)} active patients, "
        f"{figures.number(unheard.numerator)} got no message in these months"
    )
    base = _chart(rows).encode(y=alt.Y("who:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)))
    scale = alt.Scale(domain=[0, int(heard.denominator) * 1.3], nice=False)
    bars = base.mark_bar(height=22).encode(
        x=alt.X("value:Q", title=None, axis=None, scale=scale), color=alt.Color("colour:N", scale=None)
    )
    labels = base.mark_text(align="left", dx=5).encode(x="value:Q", text="label:N")
    return draw("coverage", title, bars + labels, figures.locale, height=110)


def _per_cent(value: int, whole: Measure) -> str:
    return f"{round(value * 100 / (whole.denominator or 1))}%"


def _step(name: str, start: int, end: int, colour: str, label: str) -> dict[str, Any]:
    return {"name": name, "low": min(start, end), "high": max(start, end), "colour": colour, "label": label}


def _bars(
    name: str, title: str, rows: list[dict[str, Any]], months: Sequence[Month], unit: str, figures: Figures
) -> Plot:
    chart = _chart(rows).mark_bar(color=BLUE).encode(x=_months(months), y=_amount(unit))
    return draw(name, title, chart, figures.locale)


def _last(rows: list[dict[str, Any]], label: str) -> alt.Chart:
    text = _chart([{**rows[-1], "label": label}]).mark_text(align="right", dy=-14, fontWeight="bold", color=BLUE)
    point: alt.Chart = text.encode(x=alt.X("month:O", sort=None), y="value:Q", text="label:N")
    return point


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart({"values": rows})


def _months(months: Sequence[Month]) -> alt.X:
    names = [short_month(one.window) for one in months]
    quarters = [short_month(one.window) for one in months if one.window.start.month in (1, 4, 7, 10)]
    # Of a first year, no quarter may have begun yet.
    shown = quarters[:: 2 if len(quarters) > 6 else 1] if len(names) > _FEW else names
    axis = alt.Axis(values=shown, labelAngle=0)
    return alt.X("month:O", sort=names, title=None, axis=axis, scale=alt.Scale(domain=names))


def _amount(unit: str, field: str = "value:Q") -> alt.Y:
    # A first message would have half a message below it on the axis.
    whole = "datum.value == floor(datum.value) ? format(datum.value, ',') : ''"
    axis = alt.Axis(tickCount=4, tickMinStep=1, labelExpr=whole)
    return alt.Y(field, title=unit, scale=alt.Scale(zero=True), axis=axis)
