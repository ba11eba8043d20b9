"""One message type's templates in one medium and language, compiled and ready to be filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs
from markupsafe import Markup

from crmkit import words
from crmkit.errors import TemplateError, nearest
from crmkit.messages.footer import foot
from crmkit.messages.sandbox import Part, Sandbox, compile_part
from crmkit.messages.templates import HTML, PARTS, SUBJECT, TEXT, Found, Shelf
from crmkit.messages.type import MessageType
from crmkit.messages.views import FIELDS, LAYOUT_FIELDS, FootView, MessageView, World
from crmkit.people.medium import Medium

_GAP = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


@attrs.frozen
class Sheet:
    """The parts of one message, with the layouts around the bodies.

    Attributes:
        language: BCP 47, as the folder is named.
        direction: `ltr` or `rtl`.
        needs: The dotted fields that must not be empty, for readers who are the patient (False) or not (True).
        fields: All dotted fields that it needs or looks at.
        weighs: Whether it compares what a reader's field holds, and not only asks whether it is empty.
    """

    language: str
    direction: str
    foot: FootView
    needs: Mapping[bool, tuple[str, ...]]
    fields: frozenset[str]
    weighs: bool
    subject: Part | None
    text: Part
    html: Part | None
    around_text: Part | None
    around_html: Part | None

    def write(self, world: World) -> tuple[str, str, str]:
        """Return subject, text and HTML.

        Raises:
            MissingField: If a field that is printed is empty.
            TemplateError: If the subject comes out empty.
        """
        context = world.context()
        subject = " ".join(self.subject.render(context).split()) if self.subject else ""
        if self.subject and not subject:
            raise TemplateError("the subject comes out empty", where=self.subject.where)
        text = _tidy(self.text.render(context))
        html = Markup(self.html.render(context).strip()) if self.html else Markup()  # noqa: S704 - escaped by the part
        inner = MessageView(subject, text, html, self.language, self.direction)
        around = {**context, "message": inner, "foot": self.foot}
        if self.around_text:
            text = _tidy(self.around_text.render(around))
        if self.around_html and html:
            html = Markup(self.around_html.render(around))  # noqa: S704 - escaped by the layout
        return subject, text, str(html)


def compile_sheet(shelf: Shelf, sandbox: Sandbox, kind: MessageType, medium: Medium, language: str) -> Sheet:
    """Return the compiled parts of a message type.

    Raises:
        TemplateError: If a part is missing or uses what it may not.
    """
    found = {name: shelf.part(kind, medium, language, name) for name in PARTS}
    parts = {name: compile_part(sandbox, at.text, at.where, FIELDS) for name, at in found.items() if at}
    for part in parts.values():
        _check_impersonal(kind, part)
    around_text = _layout(sandbox, shelf.layout(medium, "txt"), "message.text")
    around_html = _layout(sandbox, shelf.layout(medium, "html"), "message.html") if HTML in parts else None
    whole = [*parts.values(), *(part for part in (around_text, around_html) if part)]
    # What a type needs, its own templates need. A practice that words all itself says there what it can do without.
    needs = () if all(at.own for at in found.values() if at) else kind.needs
    return Sheet(
        language=language,
        direction=words.direction(language),
        foot=foot(language, kind.purpose),
        needs={child: _needs(needs, whole, child) for child in (False, True)},
        fields=frozenset(needs).union(*(part.fields for part in whole)),
        weighs=any(part.weighs for part in whole),
        subject=parts.get(SUBJECT),
        text=parts[TEXT],
        html=parts.get(HTML),
        around_text=around_text,
        around_html=around_html,
    )


def check_needs(kind: MessageType) -> None:
    """Refuse a message type that needs a field which no view has.

    Raises:
        TemplateError: With the nearest field.
    """
    known = {f"{view}.{field}" for view, fields in FIELDS.items() for field in fields}
    for need in kind.needs:
        if need not in known:
            raise TemplateError(f"it needs the unknown field {need}", where=kind.name, mend=nearest(need, known))


def _needs(needs: tuple[str, ...], parts: list[Part], for_child: bool) -> tuple[str, ...]:
    printed = sorted(field for part in parts for field in part.prints[for_child] if field.split(".")[0] in FIELDS)
    return tuple(dict.fromkeys((*needs, *printed)))


def _tidy(text: str) -> str:
    # A line that holds nothing but an `if` leaves an empty line behind.
    return _GAP.sub("\n\n", text).strip() + "\n"


def _layout(sandbox: Sandbox, found: Found | None, body: str) -> Part | None:
    if found is None:
        return None
    part = compile_part(sandbox, found.text, found.where, LAYOUT_FIELDS)
    for field in (body, "links.unsubscribe", "practice.name"):
        if field not in part.fields:
            raise TemplateError(f"the layout never prints {field}", where=found.where, mend=f"print {field} in it")
    return part


def _check_impersonal(kind: MessageType, part: Part) -> None:
    personal = [field for field in sorted(part.fields) if field.split(".")[0] in ("patient", "recipient", "for_child")]
    if personal and not kind.personal:
        raise TemplateError(
            f"{kind.name} reads the same for everybody, yet {personal[0]} stands in it",
            where=part.where,
            mend="take it out",
        )
