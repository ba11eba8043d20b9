"""What all messages of one type have in common that say the same to readers of one language on one day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

import attrs

from crmkit.errors import MissingField
from crmkit.messages.draft import Draft
from crmkit.messages.form import Filled, Form, is_plain, write_form
from crmkit.messages.sheet import Sheet
from crmkit.messages.type import MessageType
from crmkit.messages.views import (
    NAMES,
    ContentView,
    LinksView,
    OccasionView,
    PatientView,
    PracticeView,
    RecipientView,
    World,
    one_line,
)

#: The field of the link by which a reader stops such messages.
LINK = "links.unsubscribe"

#: For which readers one form serves: whether they read for somebody else, and which of their fields are empty.
_Kind = tuple[bool, tuple[bool, ...]]


@attrs.define(eq=False)
class Page:
    """A message type in one medium, for one occasion and the readers of one language.

    Attributes:
        kind: The message type.
        sheet: Its templates.
        practice: Who speaks.
        occasion: The reason in time.
        content: What the practice wrote for it.
        today: The practice's date, written out.
        link: What all its unsubscribe links begin with, empty where its messages carry none.
        wants: The fields that it may not lack, whatever its templates print.
        fields: The fields of which each reader has their own, the link last.
    """

    kind: MessageType
    sheet: Sheet
    practice: PracticeView
    occasion: OccasionView
    content: ContentView
    today: str
    link: str
    wants: tuple[str, ...]
    fields: tuple[str, ...] = attrs.field(init=False)
    _names: tuple[Callable[[Draft], str], ...] = attrs.field(init=False, repr=False)
    _forms: dict[_Kind, Form | None] = attrs.field(init=False, repr=False, factory=dict)
    _lacks: dict[_Kind, str | None] = attrs.field(init=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        people = (PatientView.word, RecipientView.word)
        parts = {f"{who}.{field}": f"{who}.name.{part}" for who in people for field, part in NAMES.items()}
        looked_at = [field for field in parts if field in self.sheet.fields]
        self.fields = (*looked_at, LINK)
        self._names = tuple(attrgetter(parts[field]) for field in looked_at)

    def values(self, draft: Draft, url: str) -> tuple[str, ...]:
        """Return what a reader has in the fields, empty where there is nothing; `url` is the link."""
        return (*[one_line(name(draft)) for name in self._names], url)

    def lack(self, draft: Draft, values: Sequence[str]) -> str | None:
        """Return the first needed field that is empty, or None."""
        kind = _kind(draft, values)
        if kind not in self._lacks:
            world = self._world(draft, values[-1])
            needs = (*self.wants, *self.sheet.needs[draft.for_child])
            self._lacks[kind] = next((field for field in needs if world.lacks(field)), None)
        return self._lacks[kind]

    def write(self, draft: Draft, values: Sequence[str]) -> tuple[str, str, str, Filled | None]:
        """Return subject, text and HTML, and the form that was filled in, if one was.

        Raises:
            MissingField: If a field that is needed or printed is empty.
            TemplateError: If the subject comes out empty.
        """
        kind = _kind(draft, values)
        # What readers of a kind lack is looked at when their form is made.
        form = self._forms[kind] if kind in self._forms else self._new_form(kind, draft, values)
        if form is None or not values[-1].startswith(self.link) or not all(map(is_plain, values)):
            return (*self.sheet.write(self._world(draft, values[-1])), None)
        filled = form.fill(values)
        return filled.subject, filled.text, filled.html, filled

    def _new_form(self, kind: _Kind, draft: Draft, values: Sequence[str]) -> Form | None:
        lack = self.lack(draft, values)
        if lack:
            raise MissingField(lack, where=f"{self.kind.name} by {draft.medium}")
        named = dict(zip(self.fields, values, strict=True))
        form = self._forms[kind] = write_form(self.sheet, self._world(draft, values[-1]), named, self.link)
        return form

    def _world(self, draft: Draft, url: str) -> World:
        return World(
            patient=PatientView.of(draft.patient.name),
            recipient=RecipientView.of(draft.recipient.name),
            practice=self.practice,
            occasion=self.occasion,
            content=self.content,
            links=LinksView(url),
            today=self.today,
            for_child=draft.for_child,
        )


def _kind(draft: Draft, values: Sequence[str]) -> _Kind:
    return draft.for_child, tuple(map(bool, values))
