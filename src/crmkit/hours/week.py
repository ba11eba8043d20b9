"""The hours of a week, as one line of text: `Mon-Fri 08:00-18:00, Sat 09:00-12:00`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType

import attrs

from crmkit.errors import ConfigError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: From one minute of the day to another, the first included and the last not.
Span = tuple[int, int]

_DAY = 24 * 60
_NAMES: Mapping[str, int] = MappingProxyType(
    {name.lower(): number for number, day in enumerate(DAYS) for name in (day, day[:3])}
    | {"tues": 1, "thur": 3, "thurs": 3}
)
_EVERY = ("every day", "daily")
_DASH = r"\s*[-–—]\s*"
_TIMES = re.compile(rf"(\d{{1,2}}(?::\d\d)?){_DASH}(\d{{1,2}}(?::\d\d)?)")
_WHEN = re.compile(rf"([a-z]+)(?:{_DASH}([a-z]+))?")
_AND = re.compile(r"(?i)\band\b|&|\+")
_LETTER = re.compile(r"[A-Za-z]")
_SEVERAL = "put a comma before other days: Mon-Fri 08:00-18:00, Sat 09:00-12:00"
_MEND = "write it as Mon-Fri 08:00-18:00, Sat 09:00-12:00"


def _seven(days: Iterable[Iterable[Span]]) -> tuple[tuple[Span, ...], ...]:
    """Put the spans of each day in order, and join those that touch."""
    return tuple(tuple(_joined(sorted(day))) for day in days)


def _right(_: object, __: object, days: tuple[tuple[Span, ...], ...]) -> None:
    if len(days) != len(DAYS) or any(not 0 <= start < end <= _DAY for day in days for start, end in day):
        raise ValueError("a week has seven days, and spans from minute 0 to 1440 of each")


@attrs.frozen
class Week:
    """On which days and from when until when, by the clock of some zone.

    Attributes:
        days: The spans of Monday to Sunday, in minutes of the day; without any at all there is no restriction.

    >>> week = Week.parse("Monday-Friday 8-12:30 and 14-18, Sat 09:00-12:00")
    >>> print(week)
    Mon-Fri 08:00-12:30 and 14:00-18:00, Sat 09:00-12:00
    >>> week.spans(5)
    ((540, 720),)
    """

    days: tuple[tuple[Span, ...], ...] = attrs.field(default=((),) * 7, converter=_seven, validator=_right)

    @classmethod
    def parse(cls, text: str) -> Week:
        """Return the week that a line of text says; an empty one restricts nothing.

        Raises:
            ConfigError: If a piece of it cannot be understood; the piece is named.
        """
        days: list[list[Span]] = [[] for _ in DAYS]
        for piece, numbers, spans in _pieces(text):
            if not numbers:
                raise ConfigError(f"the hours {piece!r} are of no day", mend=_MEND)
            for number in numbers:
                days[number].extend(spans)
        return cls(days)

    @classmethod
    def every_day(cls, start: int, end: int) -> Week:
        """Return the week that is open every day from one full hour to another.

        >>> print(Week.every_day(8, 20))
        Mon-Sun 08:00-20:00
        """
        return cls([[(start * 60, end * 60)]] * 7)

    @property
    def restricts(self) -> bool:
        """Tell whether any minute is outside of it."""
        return any(self.days)

    def spans(self, weekday: int) -> tuple[Span, ...]:
        """Return the open spans of a day, in minutes; Monday is 0."""
        return self.days[weekday] if self.restricts else ((0, _DAY),)

    def __str__(self) -> str:
        runs = [
            (spans, [number for number, _ in run]) for spans, run in groupby(enumerate(self.days), lambda one: one[1])
        ]
        return ", ".join(f"{_days(numbers)} {' and '.join(map(_times, spans))}" for spans, numbers in runs if spans)


def _pieces(text: str) -> Iterator[tuple[str, list[int], list[Span]]]:
    """Yield each piece with its days and spans; days alone belong to the next piece, hours alone to the last days."""
    days: list[int] = []
    waiting: list[int] = []
    last = ""
    for last in filter(None, (piece.strip() for piece in re.split(r"[,;\n]", text))):
        words = _TIMES.sub(" ", last)
        if sum(bool(_LETTER.search(_AND.sub(" ", part))) for part in _TIMES.split(last)) > 1:
            raise ConfigError(f"it is not clear which hours in {last!r} are of which days", mend=_SEVERAL)
        named = [number for word in _words(words, last) for number in word]
        spans = [_span(found, last) for found in _TIMES.finditer(last)]
        if not spans:
            waiting += named
            continue
        days = [*waiting, *named] or days
        waiting = []
        yield last, days, spans
    if waiting:
        raise ConfigError(f"{last!r} has no hours", mend=_MEND)


def _words(text: str, piece: str) -> Iterator[list[int]]:
    plain = _AND.sub(" ", text.lower()).replace(".", " ").strip(" :")
    if plain in _EVERY:
        yield list(range(len(DAYS)))
        return
    if _WHEN.sub("", plain).strip():
        raise ConfigError(f"{piece!r} is not understood", mend=_MEND)
    for first, last in _WHEN.findall(plain):
        start, end = _number(first, piece), _number(last or first, piece)
        yield [number % 7 for number in range(start, end + 1 + 7 * (end < start))]


def _number(word: str, piece: str) -> int:
    if word not in _NAMES:
        raise ConfigError(f"{word!r} in {piece!r} is no day of the week", mend="use Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    return _NAMES[word]


def _span(found: re.Match[str], piece: str) -> Span:
    start, end = (_minute(time, piece) for time in found.groups())
    if start >= end:
        raise ConfigError(
            f"{found[0]!r} in {piece!r} ends before it begins", mend="end at 24:00 and begin the next day at 00:00"
        )
    return start, end


def _minute(time: str, piece: str) -> int:
    hour, _, minute = time.partition(":")
    total = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or total > _DAY:
        raise ConfigError(f"{time!r} in {piece!r} is no time of day", mend="write it as 08:00, at most 24:00")
    return total


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    held: Span | None = None
    for start, end in spans:
        if held and start <= held[1]:
            held = held[0], max(held[1], end)
            continue
        if held:
            yield held
        held = start, end
    if held:
        yield held


def _days(numbers: list[int]) -> str:
    first, last = DAYS[numbers[0]][:3], DAYS[numbers[-1]][:3]
    return first if first == last else f"{first}-{last}"


def _times(span: Span) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)
