"""What a rule may be compared with: each kind's reader turns a value as written into the value that is meant.

A reader takes what the text or the JSON holds (text, a number, or already the right value) and raises ValueError
with a clause that says what is wanted instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from crmkit import words
from crmkit.errors import nearest
from crmkit.exact import EXACT
from crmkit.segments.moment import Shift, Span, check_day, read_moment, read_span

_MOST_COUNT = 1_000_000
_MOST_AGE = 150
_MOST_MONEY = Decimal(1_000_000_000)
_FOUR_PLACES = Decimal("0.0001")


def read_count(value: object) -> int:
    """Read a whole number."""
    number = _number(value)
    if number != int(number) or abs(number) > _MOST_COUNT:
        raise ValueError(f"{value} is no whole number up to a million")
    return int(number)


def read_age(value: object) -> int:
    """Read an age in completed years."""
    years = read_count(value)
    if not 0 <= years <= _MOST_AGE:
        raise ValueError(f"{years} is no age: use 0 to {_MOST_AGE}")
    return years


def read_money(value: object) -> Decimal:
    """Read an amount of the practice's currency, with at most four decimals."""
    amount = _number(value)
    if abs(amount) > _MOST_MONEY or amount != amount.quantize(_FOUR_PLACES, context=EXACT):
        raise ValueError(f"{value} is no amount: write it as 200 or 199.50")
    return amount


def read_day(value: object) -> date | Shift:
    """Read a date, or a day told from today."""
    if isinstance(value, str):
        return read_moment(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return check_day(value)
    if isinstance(value, Shift):
        return value
    raise ValueError(f"{value} is no date: write it in the form YYYY-MM-DD, or as 6 weeks ago")


def read_length(value: object) -> Span:
    """Read a length of time."""
    if isinstance(value, str):
        return read_span(value)
    if isinstance(value, Span):
        return value
    raise ValueError(f"{value} is no length of time: write it as 24 months")


def read_month(value: object) -> int:
    """Read the number of a month."""
    month = read_count(value)
    if not 1 <= month <= 12:
        raise ValueError(f"{month} is no month: use 1 to 12")
    return month


def read_text(value: object) -> str:
    """Read text, which is compared as it stands."""
    if isinstance(value, (Shift, Span)):
        raise ValueError(f"{value} is a time: put text between quotes")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"{type(value).__name__} given where text is wanted")
    text = str(value)
    if not text:
        raise ValueError("the text is empty: use `is empty`")
    # A NUL or half a surrogate pair is refused by some databases and cut off by others.
    if re.search("[\x00\ud800-\udfff]", text):
        raise ValueError("the text holds a character that cannot be stored")
    return text


def read_label(value: object) -> str:
    """Read one label in the lower case in which labels are stored."""
    label = read_text(value).strip().lower()
    if not label or "|" in label or ";" in label:
        raise ValueError("that is not one label: give each label a rule of its own")
    return label


def read_language(value: object) -> str:
    """Read a language tag in its usual spelling."""
    return words.language_tag(read_text(value))


def read_word(choices: tuple[str, ...]) -> Callable[[object], str]:
    """Return a reader of one word of a closed set, in lower case."""

    def read(value: object) -> str:
        word = read_text(value).strip().lower()
        if word not in choices:
            raise ValueError(f"{word!r} is not one of its words: {nearest(word, choices)}")
        return word

    return read


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(f"{value} is no number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > 12:
        raise ValueError(f"{value!r} is no number in reach")
    return number
