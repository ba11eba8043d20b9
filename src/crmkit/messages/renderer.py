"""From a draft to a finished message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import attrs

from crmkit import words
from crmkit.clock import utc
from crmkit.errors import MissingField, NotFound, TemplateError, nearest
from crmkit.messages.content import Content
from crmkit.messages.draft import Draft
from crmkit.messages.links import Links
from crmkit.messages.message import Message
from crmkit.messages.sandbox import Sandbox
from crmkit.messages.sheet import Sheet, check_needs, compile_sheet
from crmkit.messages.templates import Shelf
from crmkit.messages.type import MessageType
from crmkit.messages.views import (
    ContentView,
    LinksView,
    OccasionView,
    PatientView,
    PracticeView,
    RecipientView,
    World,
)
from crmkit.people.email import normalise_email
from crmkit.people.medium import Medium, Purpose
from crmkit.practice import Practice


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
    _sandbox: Sandbox = attrs.field(init=False, repr=False, factory=Sandbox)
    _sheets: dict[tuple[str, Medium, str], Sheet] = attrs.field(init=False, repr=False, factory=dict)
    _languages: dict[tuple[str, Medium], tuple[str, ...]] = attrs.field(init=False, repr=False, factory=dict)
    _dates: dict[tuple[date, str], str] = attrs.field(init=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.links = Links(self.practice)
        self._shelf = Shelf(self.types, self.templates)
        self._files = Content(self.content, self.practice.locale)
        self._speaker = PracticeView.of(self.practice)
        self._sender = normalise_email(self.practice.email).value

    def check(self) -> None:
        """Compile every template of every message type.

        Raises:
            TemplateError: At the first template that cannot be used, or file of the practice that nothing would use.
        """
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
        `if for_child`), and on e-mail that is not care the unsubscribe link.
        """
        kind = self._kind(draft.type)
        # Whether there can be a link is asked here, not which: signing one costs more than all the rest.
        url = "there is one" if self._linked(draft, kind) else ""
        return self._lack(draft, kind, self._sheet_for(draft, kind), self._world(draft, kind, "", url))

    def awaits(self, type_name: str, occasion: str, language: str) -> Path | None:
        """Return the path of the content file that an occasion still waits for, or None where it needs none."""
        return self._files.awaits(self._kind(type_name), occasion, language or self.practice.locale)

    def needs_links(self, kind: MessageType) -> bool:
        """Tell whether a message type cannot go by e-mail without an unsubscribe link: all but care."""
        return kind.purpose is not Purpose.CARE and Medium.EMAIL in kind.media

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
        kind = self._kind(draft.type)
        sheet = self._sheet_for(draft, kind)
        linked = self._linked(draft, kind)
        url = self.links.unsubscribe(draft.patient.id, kind.purpose, draft.medium) if linked else ""
        world = self._world(draft, kind, self._today(at, draft.recipient.language, sheet.language), url)
        lack = self._lack(draft, kind, sheet, world)
        if lack:
            raise MissingField(lack, where=f"{kind.name} by {draft.medium}")
        return self._message(draft, kind, sheet, world, at)

    def _message(self, draft: Draft, kind: MessageType, sheet: Sheet, world: World, at: datetime) -> Message:
        subject, text, html = sheet.write(world)
        return Message(
            key=draft.key,
            practice=self.practice.id,
            type=kind.name,
            purpose=kind.purpose,
            medium=draft.medium,
            to=draft.contact.value,
            to_name=world.recipient.name,
            from_email=self._sender,
            from_name=self.practice.name,
            subject=subject,
            text=text,
            html=html,
            headers=_headers(draft, sheet, world),
            at=at,
            language=sheet.language,
            message_id=f"<{draft.key}@{self._sender.rsplit('@', 1)[-1].lower()}>",
        )

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
        chosen = words.pick_language((reader, self.practice.locale, "en"), offered)
        if chosen is None:
            raise TemplateError(
                f"{kind.name} by {medium} is offered in {', '.join(offered)} only",
                where=f"practice locale {self.practice.locale}",
                mend=f"add {kind.stem}/{medium}/{self.practice.locale.split('-')[0]}/ to your templates",
            )
        return chosen

    def _sheet_for(self, draft: Draft, kind: MessageType) -> Sheet:
        return self._sheet(kind, draft.medium, self._language(kind, draft.medium, draft.recipient.language))

    def _sheet(self, kind: MessageType, medium: Medium, language: str) -> Sheet:
        key = (kind.name, medium, language)
        if key not in self._sheets:
            self._sheets[key] = compile_sheet(self._shelf, self._sandbox, kind, medium, language)
        return self._sheets[key]

    def _linked(self, draft: Draft, kind: MessageType) -> bool:
        return draft.medium is Medium.EMAIL and kind.purpose is not Purpose.CARE and self.links.available

    def _world(self, draft: Draft, kind: MessageType, today: str, url: str) -> World:
        reader = draft.recipient.language or self.practice.locale
        return World(
            patient=PatientView.of(draft.patient.name),
            recipient=RecipientView.of(draft.recipient.name),
            practice=self._speaker,
            occasion=OccasionView.of(draft.occasion),
            content=ContentView.of(self._files.article(kind, draft.occasion, reader)),
            links=LinksView(url),
            today=today,
            for_child=draft.for_child,
        )

    def _lack(self, draft: Draft, kind: MessageType, sheet: Sheet, world: World) -> str | None:
        if not draft.contact.value:
            return f"recipient.{draft.medium}"
        if draft.medium is Medium.EMAIL and self.needs_links(kind) and not world.links.unsubscribe:
            return "links.unsubscribe"
        return next((field for field in sheet.needs[draft.for_child] if world.lacks(field)), None)

    def _today(self, at: datetime, reader: str, language: str) -> str:
        # English is offered without a country, yet an Australian practice writes no American date.
        regional = [tag for tag in (reader, self.practice.locale) if tag.startswith(f"{language}-")]
        key = (self.practice.today(at), regional[0] if regional else language)
        if key not in self._dates:
            self._dates[key] = words.long_date(*key)
        return self._dates[key]


def _headers(draft: Draft, sheet: Sheet, world: World) -> tuple[tuple[str, str], ...]:
    if draft.medium is not Medium.EMAIL:
        return ()
    language = ("Content-Language", sheet.language)
    if not world.links.unsubscribe:
        return (language,)
    return (
        language,
        ("List-Unsubscribe", f"<{world.links.unsubscribe}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
