"""A finished message: all that a channel needs, and nothing else about the patient."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime

import attrs

from crmkit.clock import utc
from crmkit.errors import TemplateError
from crmkit.people.medium import Medium, Purpose

_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEADER = re.compile(r"[!-9;-~]+")
_KEY = re.compile(r"[0-9A-Za-z_-]{1,66}")
_ONE_LINE = ("to", "to_name", "from_email", "from_name", "subject", "language", "message_id")


@attrs.frozen(repr=False, kw_only=True)
class Message:
    """What goes out, word for word.

    Attributes:
        key: The touch's key; the same key never means two messages.
        practice: The practice's id.
        type: The message type's full name.
        purpose: Why it may be said.
        medium: The way it goes.
        to: The address.
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

    Raises:
        TemplateError: If a line break or another control character stands in anything that becomes a header.
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

    def __attrs_post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError("a message's key is a word of at most 66 letters and digits")
        for field in _ONE_LINE:
            if _BREAK.search(getattr(self, field)):
                raise self._broken(field)
        for name, value in self.headers:
            if not _HEADER.fullmatch(name) or _BREAK.search(value):
                raise self._broken("headers")

    def __repr__(self) -> str:
        return f"Message(key={self.key!r})"

    @property
    def digest(self) -> str:
        """The SHA-256 of all its parts in hexadecimal digits: evidence of what was said, without the words."""
        parts = attrs.asdict(self) | {"at": self.at.isoformat()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _broken(self, field: str) -> TemplateError:
        problem = f"a line break or control character stands in {field}, which becomes a header"
        return TemplateError(problem, where=f"message {self.key}")
