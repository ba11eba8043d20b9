"""All that the page shows, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

import attrs

from crmkit.clock import utc
from crmkit.metrics.gather import Findings
from crmkit.metrics.series import Month


def _fixed(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


@attrs.frozen
class Report:
    """What a report is made of: figures and words, nothing that names a patient.

    Attributes:
        practice: The practice's name.
        locale: In which numbers are written.
        currency: ISO 4217.
        today: The practice's day at the instant of the figures.
        findings: The figures.
        reasons: A touch's reason code to the sentence for it; braces take the medium and the purpose.
        rejected: How many rows of the sources could not be read and are in none of the figures.
        plugins: Name and version of each plugin that took part.
        audit: The head of the audit trail, empty as long as there is none, and the instant for which it stands; None
            without a trail.
    """

    practice: str
    locale: str
    currency: str
    today: date
    findings: Findings
    reasons: Mapping[str, str] = attrs.field(factory=dict, converter=_fixed)
    rejected: int = 0
    plugins: tuple[tuple[str, str], ...] = ()
    audit: tuple[str, datetime] | None = None

    @property
    def months(self) -> tuple[Month, ...]:
        """The months for which there can be visits: before there is anything on record, a zero is no figure."""
        since = self.findings.basis.visits_since
        return tuple(month for month in self.findings.months if since is not None and month.window.end > since)

    @property
    def invoiced_months(self) -> tuple[Month, ...]:
        """The same of months for which there can be invoices."""
        since = self.findings.basis.invoices_since
        return tuple(month for month in self.months if since is not None and month.window.end > since)

    @property
    def noted_at(self) -> str:
        """The instant of the audit trail's head as it is handed to `crmkit audit --when`, empty without a trail."""
        return f"{utc(self.audit[1]):%Y-%m-%dT%H:%M:%SZ}" if self.audit else ""
