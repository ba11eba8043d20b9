"""Public holidays, as the library `holidays` knows them; it is loaded when the first rule asks."""

from __future__ import annotations

from datetime import date

import attrs


@attrs.define(eq=False)
class PublicHolidays:
    """The public holidays of countries; each year of each is looked up once and kept.

    >>> PublicHolidays().on(date(2026, 7, 14), "FR")
    True
    """

    _years: dict[tuple[str, str, int], frozenset[date]] = attrs.field(factory=dict, init=False, repr=False)

    def known(self, country: str) -> bool:
        """Tell whether a country's public holidays are known at all.

        >>> PublicHolidays().known("AU"), PublicHolidays().known("XX")
        (True, False)
        """
        import holidays

        return country in holidays.list_supported_countries()

    def on(self, day: date, country: str, region: str = "") -> bool:
        """Tell whether a date is a public holiday; of an unknown country none is, of an unknown region the nation's."""
        asked = country, region, day.year
        days = self._years.get(asked)
        if days is None:
            days = self._years[asked] = _of_year(*asked)
        return day in days


def _of_year(country: str, region: str, year: int) -> frozenset[date]:
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))
    except NotImplementedError:
        return _of_year(country, "", year) if region else frozenset()
