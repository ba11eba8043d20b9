"""A message that is written but for what differs between its readers, so that each costs little more than its name.

The templates themselves write the form, once, with marks in the place of names and links. That holds for all readers
of whom the same is known: for whether a field is empty, a template may ask, and then another form is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from crmkit.errors import MissingField, TemplateError
from crmkit.messages.gapped import GappedText, mark, with_escaped
from crmkit.messages.quoted import Quoted
from crmkit.messages.sheet import Sheet
from crmkit.messages.views import World


@attrs.frozen(eq=False)
class Form:
    """The parts of a message with gaps for the values of a reader.

    Attributes:
        subject: On one line.
        text: The body in plain text.
        html: The body in HTML; without a gap and without text where there is none.
        known: How many characters of the last value stand in the form already, as those of all readers begin alike.
        quoted_text: The text as it stands in an e-mail, None where it cannot be written ahead.
        quoted_html: The HTML likewise.
    """

    subject: GappedText
    text: GappedText
    html: GappedText
    known: int = 0
    quoted_text: Quoted | None = attrs.field(init=False, repr=False)
    quoted_html: Quoted | None = attrs.field(init=False, repr=False)

    @quoted_text.default
    def _quote_text(self) -> Quoted | None:
        return Quoted.of(self.text)

    @quoted_html.default
    def _quote_html(self) -> Quoted | None:
        return Quoted.of(self.html)

    def fill(self, values: Sequence[str]) -> Filled:
        """Return the message of one reader."""
        both = with_escaped((*values[:-1], values[-1][self.known :]) if self.known else values)
        return Filled(self, both, self.subject.fill(both), self.text.fill(both), self.html.fill(both))


@attrs.frozen(eq=False, repr=False)
class Filled:
    """A form that was filled in.

    Attributes:
        form: The form.
        values: What was filled in, plain and escaped.
    """

    form: Form
    values: tuple[str, ...]
    subject: str
    text: str
    html: str


def write_form(sheet: Sheet, world: World, values: Mapping[str, str], start: str = "") -> Form | None:
    """Return the form of all messages whose values are empty in the same places; None if there is none.

    Args:
        sheet: The templates.
        world: What they see; of its fields, those among the values are replaced by marks.
        values: By dotted field, what a reader has there.
        start: What the last value begins with, whoever reads.
    """
    if sheet.weighs:
        return None
    marks = [mark(place) if value else "" for place, value in enumerate(values.values())]
    if start:
        marks[-1] = start + marks[-1]
    marked = world.with_fields(dict(zip(values, marks, strict=True)))
    try:
        parts = [GappedText.cut(part, len(values)) for part in sheet.write(marked)]
    except (MissingField, TemplateError):
        # Whatever is wrong is told of a message, not of a form.
        return None
    subject, text, html = parts
    return None if subject is None or text is None or html is None else Form(subject, text, html, len(start))


def is_plain(value: str) -> bool:
    """Tell whether a value has no white space that a template's own could join: only such values fit into a form.

    >>> is_plain("Anna Maria"), is_plain(" Mia")
    (True, False)
    """
    return value == " ".join(value.split())
