"""From a draft to a finished message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import attrs

from crmkit import words
from crmkit.clock import utc
from crmkit.errors import MissingField, NotFound, TemplateError, nearest
from crmkit.messages.content import Article, Content
from crmkit.messages.draft import Draft
from crmkit.messages.imprint import wants_address
from crmkit.messages.links import Links
from crmkit.messages.message import Message
from crmkit.messages.page import LINK, Page
from crmkit.messages.proof import Proofs
from crmkit.messages.sandbox import Sandbox
from crmkit.messages.sheet import Sheet, check_needs, compile_sheet
from crmkit.messages.templates import Shelf
from crmkit.messages.type import MessageType
from crmkit.messages.views import ContentView, OccasionView, PracticeView, one_line
from crmkit.people.email import normalise_email
from crmkit.people.medium import Medium, Purpose
from crmkit.practice import Practice

#: Which page: message type, medium, the reader's language, occasion, day and content.
_Which = tuple[str, Medium, str, str, date | None, Article | None]
_MOST_PAGES = 512


_ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


@attrs.define(eq=False)
class Renderer:
    """Writes the messages of one practice. Templates are compiled once; content files are read again when changed.

    Attributes:
        practice: Who is speaking.
        types: The message types, by full name.
        templates: The practice's own templates, which stand in for those of the types.
        content: The practice's content files.
        links: The links that go into the messages.
    """

    practice: Practice
    types: Mapping[str, MessageType]
    templates: Path | None = None
    content: Path | None = None
    links: Links = attrs.field(init=False)
    _shelf: Shelf = attrs.field(init=False, repr=False)
    _files: Content = attrs.field(init=False, repr=False)
    _speaker: PracticeView = attrs.field(init=False, repr=False)
    _sender: str = attrs.field(init=False, repr=False)
    _domain: str = attrs.field(init=False, repr=False)
    _proofs: Proofs = attrs.field(init=False, repr=False)
    _sandbox: Sandbox = attrs.field(init=False, repr=False, factory=Sandbox)
    _sheets: dict[tuple[str, Medium, str], Sheet] = attrs.field(init=False, repr=False, factory=dict)
    _languages: dict[tuple[str, Medium], tuple[str, ...]] = attrs.field(init=False, repr=False, factory=dict)
    _day: tuple[datetime, date] | None = attrs.field(init=False, repr=False, default=None)
    _dates: dict[tuple[date, str], str] = attrs.field(init=False, repr=False, factory=dict)
    _pages: dict[_Which, Page] = attrs.field(init=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.links = Links(self.practice)
        self._proofs = Proofs.of(self.practice)
        self._shelf = Shelf(self.types, self.templates)
        self._files = Content(self.content, self.practice.locale)
        self._speaker = PracticeView.of(self.practice)
        self._sender = normalise_email(self.practice.email).value
        self._domain = self._sender.rsplit("@", 1)[-1].lower()

    def check(self, *, names: bool = True) -> None:
        """Compile every template of every message type.

        Args:
            names: Also look for what nothing would use; without all message types nobody can tell.

        Raises:
            TemplateError: At the first template that cannot be used, or file of the practice that nothing would use.
        """
        if names:
            self._shelf.check_names()
        for kind in self.types.values():
            check_needs(kind)
            for medium in kind.media:
                self._language(kind, medium, "")
                for language in self._offered(kind, medium):
                    self._sheet(kind, medium, language)

    def lacks(self, draft: Draft) -> str | None:
        """Return the first field that the message needs and that is empty, such as `patient.greeting`, or None.

        Needed is what the message type says, what its templates print outside any `if` (other than
        `if for_child`), and on e-mail that is not care the unsubscribe link and, where the law wants it, the
        practice's postal address.
        """
        page = self._page(draft, None)
        if not draft.contact.value:
            return f"recipient.{draft.medium}"
        # Whether there can be a link is asked here, not which: signing one costs more than all the rest.
        return page.lack(draft, page.values(draft, "there is one" if page.link else ""))

    def awaits(self, type_name: str, occasion: str, language: str) -> Path | None:
        """Return the path of the content file that an occasion still waits for, or None where it needs none.

        Raises:
            TemplateError: If there is one that cannot be used.
        """
        return self._files.awaits(self._kind(type_name), occasion, self._spoken(language))

    def needs_link(self, kind: MessageType, medium: Medium) -> bool:
        """Tell whether a message cannot go without an unsubscribe link: by e-mail, all but care."""
        return medium is Medium.EMAIL and kind.purpose is not Purpose.CARE

    def render(self, draft: Draft, now: datetime) -> Message:
        """Return the finished message.

        Args:
            draft: What to write, and to whom.
            now: The present instant, aware.

        Raises:
            MissingField: If a field that the message needs is empty.
            TemplateError: If the templates or the content cannot be used.
            NotFound: If there is no such message type.
        """
        at = utc(now)
        page = self._page(draft, self._day_of(at))
        if not draft.contact.value:
            raise MissingField(f"recipient.{draft.medium}", where=f"{page.kind.name} by {draft.medium}")
        url = self.links.unsubscribe(draft.patient.id, page.kind.purpose, draft.medium) if page.link else ""
        return self._message(draft, page, page.values(draft, url), at)

    def _message(self, draft: Draft, page: Page, values: Sequence[str], at: datetime) -> Message:
        subject, text, html, filled = page.write(draft, values)
        kind, language = page.kind, page.sheet.language
        return Message(
            key=draft.key,
            practice=self.practice.id,
            type=kind.name,
            purpose=kind.purpose,
            medium=draft.medium,
            to=draft.contact.value,
            to_name=one_line(draft.recipient.name.display),
            from_email=self._sender,
            from_name=self.practice.name,
            subject=subject,
            text=text,
            html=html,
            headers=_headers(draft, language, values[-1]),
            at=at,
            language=language,
            message_id=f"<{self._proofs.word(draft.key)}@{self._domain}>",
            filled=filled,
        )

    def _day_of(self, at: datetime) -> date:
        # The messages of a window are written at one instant.
        known = self._day
        if known is None or known[0] is not at:
            known = self._day = (at, self.practice.today(at))
        return known[1]

    def _kind(self, name: str) -> MessageType:
        if name not in self.types:
            raise NotFound(f"there is no message type {name}", mend=nearest(name, self.types))
        return self.types[name]

    def _offered(self, kind: MessageType, medium: Medium) -> tuple[str, ...]:
        if (kind.name, medium) not in self._languages:
            self._languages[kind.name, medium] = self._shelf.languages(kind, medium)
        return self._languages[kind.name, medium]

    def _language(self, kind: MessageType, medium: Medium, reader: str) -> str:
        offered = self._offered(kind, medium)
        chosen = words.pick_language((self._spoken(reader), self.practice.locale, "en"), offered)
        if chosen is None:
            raise TemplateError(
                f"{kind.name} by {medium} is offered in {', '.join(offered)} only",
                where=f"practice locale {self.practice.locale}",
                mend=f"add {kind.stem}/{medium}/{self.practice.locale.split('-')[0]}/ to your templates",
            )
        return chosen

    def _sheet(self, kind: MessageType, medium: Medium, language: str) -> Sheet:
        key = (kind.name, medium, language)
        if key not in self._sheets:
            self._sheets[key] = compile_sheet(self._shelf, self._sandbox, kind, medium, language)
        return self._sheets[key]

    def _page(self, draft: Draft, day: date | None) -> Page:
        """Return what a message has in common with others; without a day it is only good for asking what lacks."""
        kind, reader = self._kind(draft.type), self._spoken(draft.recipient.language)
        # A file may have been changed since the last message was written.
        article = self._files.article(kind, draft.occasion, reader) if kind.content else None
        which = (kind.name, draft.medium, reader, draft.occasion, day, article)
        page = self._pages.get(which)
        if page is None:
            if len(self._pages) >= _MOST_PAGES:
                self._pages.clear()
            page = self._pages[which] = self._new_page(draft, kind, reader, day, article)
        return page

    def _spoken(self, language: str) -> str:
        # Practice software knows a language; how it is written here the practice says.
        return words.as_spoken_in(language, self.practice.locale)

    def _new_page(
        self, draft: Draft, kind: MessageType, reader: str, day: date | None, article: Article | None
    ) -> Page:
        sheet = self._sheet(kind, draft.medium, self._language(kind, draft.medium, reader))
        today = self._today(day, reader, sheet.language) if day else ""
        occasion, content = OccasionView.of(draft.occasion), ContentView.of(article)
        link = self.links.start if self.needs_link(kind, draft.medium) else ""
        wants = self._wants(kind, draft.medium)
        return Page(kind, sheet, self._speaker, occasion, content, today, link, wants)

    def _wants(self, kind: MessageType, medium: Medium) -> tuple[str, ...]:
        """Return what a message needs before all that its templates do: the way out, and what the law wants."""
        link = (LINK,) if self.needs_link(kind, medium) else ()
        address = ("practice.address",) if wants_address(self.practice.country, kind.purpose, medium) else ()
        return (*link, *address)

    def _today(self, day: date, reader: str, language: str) -> str:
        # English is offered without a country, yet an Australian practice writes no American date.
        regional = [tag for tag in (reader, self.practice.locale) if tag.startswith(f"{language}-")]
        key = (day, regional[0] if regional else words.as_written_in(language, self.practice.country))
        if key not in self._dates:
            self._dates[key] = words.long_date(*key)
        return self._dates[key]


def _headers(draft: Draft, language: str, url: str) -> tuple[tuple[str, str], ...]:
    if draft.medium is not Medium.EMAIL:
        return ()
    spoken = ("Content-Language", language)
    if not url:
        return (spoken,)
    link = ("List-Unsubscribe", f"<{url}>")
    # RFC 8058 section 3.1: one click needs https, and without it the header would be wrong.
    return (spoken, link, _ONE_CLICK) if url.startswith("https://") else (spoken, link)
