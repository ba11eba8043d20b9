"""The report as one HTML file that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from crmkit.metrics.gather import Findings
from crmkit.practice import Practice
from crmkit.report.cards import cards, notes
from crmkit.report.figures import Figures
from crmkit.report.phrases import left_out
from crmkit.report.report import Report
from crmkit.report.sections import sections, title_of


def render_page(
    findings: Findings,
    practice: Practice,
    *,
    reasons: Mapping[str, str] | None = None,
    rejected: int = 0,
    plugins: Iterable[tuple[str, str]] = (),
    audit: tuple[str, datetime] | None = None,
) -> str:
    """Return the report as HTML.

    Args:
        findings: The figures.
        practice: Whose report it is: its name, its locale and its currency.
        reasons: A touch's reason code to the sentence for it.
        rejected: How many rows of the sources could not be read.
        plugins: Name and version of each plugin that took part.
        audit: The head of the audit trail, empty as long as there is none, and the instant for which it stands; None
            without a trail.
    """
    report = Report(
        practice.name,
        practice.locale,
        practice.currency,
        practice.today(findings.as_of),
        findings,
        reasons or {},
        rejected,
        tuple(plugins),
        audit,
    )
    figures = Figures(report.locale, report.currency)
    return _environment().get_template("report.html").render(_context(report, figures))


def write_report(path: Path, html: str) -> Path:
    """Write the page and return its path; a page that is there already is replaced."""
    path.write_text(html, encoding="utf-8")
    return path


def _context(report: Report, figures: Figures) -> dict[str, object]:
    found = report.findings
    drawn = _drawn(report)
    return {
        "report": report,
        "figures": figures,
        "lang": figures.spoken,
        "period": figures.window(found.window),
        "as_of": figures.day(report.today),
        "cards": cards(found, figures),
        "notes": notes(report, figures),
        "sections": sections(report, figures, drawn or {}),
        "definitions": [(title_of(one), one) for one in found.measures.values()],
        "left_out": left_out,
        "drawn": drawn is not None,
    }


def _drawn(report: Report) -> dict[str, Markup] | None:
    """Return the plots as figures, or None where the packages for them are not installed."""
    try:
        from crmkit.report.plots import plots
    except ImportError:
        return None
    return {
        # The pictures are the kit's own and every text in them is escaped when they are drawn.
        name: Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(plot.title, Markup(plot.svg))  # noqa: S704
        for name, plot in plots(report).items()
    }


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("crmkit.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
