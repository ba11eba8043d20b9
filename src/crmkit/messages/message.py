"""A finished message: all that a channel needs, and nothing else about the patient."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from operator import attrgetter

import attrs

from crmkit.clock import utc
from crmkit.errors import TemplateError
from crmkit.messages.form import Filled
from crmkit.messages.header import BREAK
from crmkit.people.medium import Medium, Purpose

_HEADER = re.compile(r"[!-9;-~]+")
#: The headers of nearly every message, which need not be looked at each time.
_USUAL = frozenset({"Content-Language", "List-Unsubscribe", "List-Unsubscribe-Post"})
_KEY = re.compile(r"[0-9A-Za-z_-]{1,66}")
_ONE_LINE = ("practice", "type", "to", "to_name", "from_email", "from_name", "subject", "language", "message_id")
_lines_of = attrgetter(*_ONE_LINE)


@attrs.frozen(repr=False, kw_only=True)
class Message:
    """What goes out, word for word.

    Attributes:
        key: The touch's key; the same key never means two messages.
        practice: The practice's id.
        type: The message type's full name.
        purpose: Why it may be said.
        medium: The way it goes.
        to: The address; by post its lines, divided by newlines.
        to_name: The reader's name, empty where unknown.
        from_email: The practice's address.
        from_name: The practice's name.
        subject: One line; empty for media without one.
        text: The body in plain text.
        html: The body as a whole HTML document; empty where there is none.
        headers: Further e-mail headers, in order.
        at: When it was written.
        language: BCP 47.
        message_id: The e-mail's Message-ID with its angle brackets, always the same for one key.
        filled: The form from which subject and bodies come, if they come from one: it is quicker to write down.

    Raises:
        TemplateError: If a line break or another control character stands in anything but the bodies and a postal
            address.
        ValueError: If `at` is naive, or the key is no short word.
    """

    key: str
    practice: str
    type: str
    purpose: Purpose
    medium: Medium
    to: str
    to_name: str = ""
    from_email: str
    from_name: str
    subject: str = ""
    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    at: datetime = attrs.field(converter=utc)
    language: str
    message_id: str
    filled: Filled | None = attrs.field(default=None, eq=False)

    def __attrs_post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError("a message's key is a word of at most 66 letters and digits")
        if self._may_break():
            self._refuse_breaks()

    def _may_break(self) -> bool:
        """Tell quickly that nothing can be wrong, as with nearly every message."""
        written = [*_lines_of(self)]
        for name, value in self.headers:
            if name not in _USUAL and not _HEADER.fullmatch(name):
                return True
            written.append(value)
        return not "".join(written).isprintable()

    def _refuse_breaks(self) -> None:
        for field in _ONE_LINE:
            line = self._address if field == "to" else getattr(self, field)
            if BREAK.search(line):
                raise self._broken(field)
        for name, value in self.headers:
            if not _HEADER.fullmatch(name) or BREAK.search(value):
                raise self._broken("headers")

    @property
    def _address(self) -> str:
        """The address as one line."""
        return self.to.replace("\n", " | ") if self.medium is Medium.POST else self.to

    def __repr__(self) -> str:
        return f"Message(key={self.key!r})"

    @property
    def digest(self) -> str:
        """The SHA-256 of all its parts in hexadecimal digits: evidence of what was said, without the words.

        What is hashed is one line for each part that is one line, with the number of headers and the length of the
        text among them, and then the bodies: so no two messages look alike.
        """
        lines = [
            f"{len(self.headers)} {len(self.text)} {self.at.isoformat()}",
            self.key, self.practice, self.type, self.purpose, self.medium, self._address, self.to_name, self.from_email,
            self.from_name, self.subject, self.language, self.message_id,
        ]  # fmt: skip
        for header in self.headers:
            lines += header
        lines.append(self.text + self.html)
        written = "\n".join(lines)
        # A body may hold half of a surrogate pair, which no channel takes: evidence is never a reason to fail.
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()

    def _broken(self, field: str) -> TemplateError:
        problem = f"a line break or control character stands in {field}, which is one line"
        return TemplateError(problem, where=f"message {self.key}")
