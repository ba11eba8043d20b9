"""A person's name, in parts where they are known, greeted as stored."""

from __future__ import annotations

import attrs


@attrs.frozen(repr=False)
class PersonName:
    """The parts of a name as the practice's software stores them; nothing is rewritten.

    Attributes:
        prefix: Such as Dr or Ms.
        given: The first name.
        preferred: What the person wants to be called.
        middle: Further given names.
        family: The surname.
        suffix: Such as Jr or III.
        full: The whole name in one string, where that is all there is.
    """

    prefix: str = ""
    given: str = ""
    preferred: str = ""
    middle: str = ""
    family: str = ""
    suffix: str = ""
    full: str = ""

    def __repr__(self) -> str:
        return "PersonName(...)"

    @property
    def greeting(self) -> str:
        """The name after "Dear": the preferred one, else the given one, else empty."""
        return self.preferred or self.given

    @property
    def formal(self) -> str:
        """The greeting with the family name behind it, for languages that greet so; empty where the greeting is."""
        return f"{self.greeting} {self.family}".strip() if self.greeting else ""

    @property
    def display(self) -> str:
        """The whole name: as stored in one string, else put together from its parts."""
        parts = (self.prefix, self.given, self.middle, self.family, self.suffix)
        return self.full or " ".join(part for part in parts if part)
