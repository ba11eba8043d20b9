"""The template's whole world: frozen views with named fields, and nothing behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import attrs
from markupsafe import Markup

from crmkit.messages.content import Article, period_of
from crmkit.people.name import PersonName
from crmkit.practice import Practice

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def one_line(text: str) -> str:
    r"""Return a value without line breaks and control characters, so that it can stand in a header.

    >>> one_line("Mia\r\nBcc: x")
    'Mia Bcc: x'
    """
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(" ", text).strip()


#: What a template may say of a name, in the order of `PatientView`, and what a `PersonName` calls it.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        **{field: field for field in ("greeting", "given", "preferred", "family", "prefix")},
        "name": "display",
        "formal": "formal",
    }
)


class View:
    """An object that a template may look into; `word` is what templates call it."""

    __slots__ = ()
    word: ClassVar[str]


@attrs.frozen(repr=False)
class PatientView(View):
    """About whom the message is."""

    word: ClassVar[str] = "patient"
    greeting: str
    given: str
    preferred: str
    family: str
    prefix: str
    name: str
    formal: str = ""

    @classmethod
    def of(cls, name: PersonName) -> PatientView:
        """Return the view of a name."""
        return cls(*(one_line(getattr(name, part)) for part in NAMES.values()))


@attrs.frozen(repr=False)
class RecipientView(View):
    """Who reads the message."""

    word: ClassVar[str] = "recipient"
    greeting: str
    name: str
    formal: str = ""

    @classmethod
    def of(cls, name: PersonName) -> RecipientView:
        """Return the view of a name."""
        return cls(one_line(name.greeting), one_line(name.display), one_line(name.formal))


@attrs.frozen
class PracticeView(View):
    """Who is speaking."""

    word: ClassVar[str] = "practice"
    name: str
    phone: str
    email: str
    address: str
    url: str

    @classmethod
    def of(cls, practice: Practice) -> PracticeView:
        """Return the view of a practice; an address on several lines becomes one."""
        address = ", ".join(line.strip(" ,") for line in practice.address.splitlines() if line.strip(" ,"))
        return cls(one_line(practice.name), practice.phone, practice.email, address, practice.public_url)


@attrs.frozen
class OccasionView(View):
    """The reason in time."""

    word: ClassVar[str] = "occasion"
    name: str
    period: str
    year: str

    @classmethod
    def of(cls, occasion: str) -> OccasionView:
        """Return the view of an occasion.

        >>> OccasionView.of("recall due 2027-03")
        OccasionView(name='recall due', period='2027-03', year='2027')
        """
        period = period_of(occasion)
        year = re.match(r"\d{4}(?!\d)", period)
        return cls(occasion[: -len(period)].strip() if period else occasion, period, year[0] if year else "")


@attrs.frozen
class ContentView(View):
    """What the practice wrote for the occasion."""

    word: ClassVar[str] = "content"
    title: str
    html: str
    text: str
    language: str = ""

    @classmethod
    def of(cls, article: Article | None) -> ContentView:
        """Return the view of an article; its HTML was made by the kit and is printed as it is."""
        if article is None:
            return cls("", "", "")
        return cls(one_line(article.title), Markup(article.html), article.text, article.language)  # noqa: S704


@attrs.frozen(repr=False)
class LinksView(View):
    """Where the reader can go; empty where the message has no such link."""

    word: ClassVar[str] = "links"
    unsubscribe: str


@attrs.frozen(repr=False)
class MessageView(View):
    """The message within its layout."""

    word: ClassVar[str] = "message"
    subject: str
    text: str
    html: str
    language: str
    direction: str


@attrs.frozen
class FootView(View):
    """The words at the foot of the layout, in the reader's language."""

    word: ClassVar[str] = "foot"
    reason: str
    unsubscribe: str
    language: str


def _fields(*views: type[View], values: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
    known = {view.word: frozenset(field.name for field in attrs.fields(view)) for view in views}  # type: ignore[arg-type]
    return MappingProxyType(known | dict.fromkeys(values, frozenset[str]()))


#: What a template may print: each name with its fields; a name without fields is itself a value.
FIELDS = _fields(
    PatientView, RecipientView, PracticeView, OccasionView, ContentView, LinksView, values=("today", "for_child")
)

#: The views of which each reader's message has its own.
READER = frozenset({PatientView.word, RecipientView.word, LinksView.word})

#: What a layout may print: it is the same for all patients.
LAYOUT_FIELDS = _fields(PracticeView, OccasionView, LinksView, MessageView, FootView, values=("today",))


@attrs.frozen(repr=False)
class World:
    """All that one message's templates see.

    Attributes:
        today: The practice's date, written out in the message's language.
        for_child: True if the reader is somebody other than the patient.
    """

    patient: PatientView
    recipient: RecipientView
    practice: PracticeView
    occasion: OccasionView
    content: ContentView
    links: LinksView
    today: str
    for_child: bool

    def context(self) -> dict[str, object]:
        """Return the names of the world as a template wants them."""
        return {name: getattr(self, name) for name in FIELDS}

    def lacks(self, field: str) -> bool:
        """Tell whether a dotted field is empty."""
        view, _, name = field.partition(".")
        return not (getattr(getattr(self, view), name) if name else getattr(self, view))

    def with_fields(self, values: Mapping[str, str]) -> World:
        """Return the same world with other values in some dotted fields."""
        views: dict[str, dict[str, str]] = {}
        for field, value in values.items():
            view, _, name = field.partition(".")
            views.setdefault(view, {})[name] = value
        return attrs.evolve(self, **{view: attrs.evolve(getattr(self, view), **new) for view, new in views.items()})
