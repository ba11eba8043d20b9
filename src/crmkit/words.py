"""How dates, money and numbers read in a language: the one room that knows Babel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel import dates as babel_dates
from babel import numbers as babel_numbers

from crmkit.exact import exact

#: Liechtenstein has no ß either.
_WRITES_LIKE = MappingProxyType({"de-LI": "de-CH"})


def parse_locale(text: str) -> Locale:
    """Return the locale that a BCP 47 tag or a POSIX name stands for.

    Raises:
        ValueError: If no such language is known.

    >>> str(parse_locale("en-AU")), str(parse_locale("pt_BR"))
    ('en_AU', 'pt_BR')
    """
    try:
        return Locale.parse(text.strip().replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as problem:
        raise ValueError(f"{text!r} is no known language tag: use BCP 47, such as en, en-AU or pt-BR") from problem


def language_tag(text: str) -> str:
    """Return a language tag in its usual BCP 47 spelling; letters of ISO 639-2 are a language too.

    Raises:
        ValueError: If no such language is known.

    >>> language_tag("EN_au"), language_tag("deu")
    ('en-AU', 'de')
    """
    found = parse_locale(text)
    # To a code that Babel has under another one it adds the country where most speak so: Austria knows no "de-DE".
    return str(found).replace("_", "-") if re.search("[-_]", text.strip()) else found.language


def pick_language(wanted: Iterable[str], offered: Iterable[str]) -> str | None:
    """Return the first offered language that serves one of the wanted ones, best first, else None.

    A tag is served by itself, then by that of a country that writes alike, then by less exact ones (`de-CH` by `de`).

    >>> pick_language(["de-CH", "en"], ["en", "de"]), pick_language(["de-LI"], ["de", "de-CH"])
    ('de', 'de-CH')
    >>> pick_language(["zh-Hant-TW"], ["zh", "zh-Hant"])
    'zh-Hant'
    """
    choices = {tag.lower(): tag for tag in offered}
    for tag in wanted:
        for candidate in (tag, _WRITES_LIKE.get(tag, tag), *with_bare(tag)):
            if candidate.lower() in choices:
                return choices[candidate.lower()]
    return None


def with_bare(tag: str) -> tuple[str, ...]:
    """Return a language tag, and behind it the less exact ones, down to the bare language.

    >>> with_bare("de-CH"), with_bare("de"), with_bare("zh-Hant-TW")
    (('de-CH', 'de'), ('de',), ('zh-Hant-TW', 'zh-Hant', 'zh'))
    """
    parts = tag.split("-")
    return tuple("-".join(parts[:end]) for end in range(len(parts), 0, -1))


def as_spoken_in(language: str, tag: str) -> str:
    """Return a tag of one country if it makes a bare language more exact, else the language; for none the tag.

    >>> as_spoken_in("de", "de-CH"), as_spoken_in("de-AT", "de-CH"), as_spoken_in("fr", "de-CH"), as_spoken_in("", "fr")
    ('de-CH', 'de-AT', 'fr', 'fr')
    """
    return tag if not language or tag.startswith(f"{language}-") else language


def as_written_in(language: str, country: str) -> str:
    """Return the tag of a language in a country, or the bare language if nobody knows how it is written there.

    >>> as_written_in("en", "DE"), as_written_in("de", "AU")
    ('en-DE', 'de')
    """
    if "-" in language:
        return language
    try:
        return language_tag(f"{language}-{country}")
    except ValueError:
        return language


def direction(locale: str) -> str:
    """Return in which direction a language is written: `ltr` or `rtl`.

    >>> direction("de"), direction("ar-EG")
    ('ltr', 'rtl')
    """
    return "rtl" if parse_locale(locale).character_order == "right-to-left" else "ltr"


def long_date(day: date, locale: str) -> str:
    """Return a date written out, as the language writes it.

    >>> long_date(date(2026, 1, 2), "de")
    '2. Januar 2026'
    """
    spoken = parse_locale(locale)
    written = babel_dates.format_date(day, format="long", locale=spoken)
    # The first of a month is the only ordinal in French dates, of which Babel knows nothing.
    return re.sub(r"^1\b", "1er", written) if spoken.language == "fr" and day.day == 1 else written


def month_and_year(day: date, locale: str) -> str:
    """Return the month and year, as the language writes them.

    >>> month_and_year(date(2026, 1, 2), "en-AU")
    'January 2026'
    """
    return babel_dates.format_skeleton("yMMMM", day, locale=parse_locale(locale))


def money(amount: Decimal, currency: str, locale: str) -> str:
    """Return an amount with its currency.

    >>> money(Decimal("1234.5"), "AUD", "en-AU")
    '$1,234.50'
    """
    with exact():
        return babel_numbers.format_currency(amount, currency, locale=parse_locale(locale))


def number(value: int | float | Decimal, locale: str) -> str:
    """Return a number with the separators of the language.

    >>> number(12345, "en-AU")
    '12,345'
    """
    with exact():
        return babel_numbers.format_decimal(value, locale=parse_locale(locale))


def percent(share: float | Decimal, locale: str) -> str:
    """Return a share of one as a percentage, with one decimal place.

    >>> percent(0.797, "en-AU")
    '79.7%'
    """
    with exact():
        return babel_numbers.format_percent(share, format="#,##0.0%", locale=parse_locale(locale))


def is_currency(code: str) -> bool:
    """Tell whether a three-letter code is a currency of ISO 4217."""
    return bool(babel_numbers.is_currency(code))


def date_format(locale: str) -> str:
    """Return how a date is written in figures, as `strptime` wants it.

    >>> date_format("en-US"), date_format("de-CH"), date_format("en-AU")
    ('%m/%d/%Y', '%d.%m.%Y', '%d/%m/%Y')
    """
    form = parse_locale(locale).date_formats["short"].pattern
    for letters, sign in (("d+", "%d"), ("M+", "%m"), ("y+", "%Y")):
        form = re.sub(letters, sign, form)
    return form if re.fullmatch(r"%[dmY]([./-])%[dmY]\1%[dmY]", form) else "%d/%m/%Y"


def territory_called(name: str) -> str | None:
    """Return the two letters of the country of a name in any language of ours; None if none is called so.

    >>> territory_called("Schweiz"), territory_called("united states"), territory_called("nowhere")
    ('CH', 'US', None)
    """
    wanted = name.strip().casefold()
    for language in ("en", "de", "fr", "it", "es"):
        for code, called in Locale(language).territories.items():
            if len(code) == 2 and called.casefold() == wanted:
                return str(code)
    return None


def is_territory(code: str) -> bool:
    """Tell whether a two-letter code is a country of ISO 3166."""
    return len(code) == 2 and code.isalpha() and code in Locale("en").territories
