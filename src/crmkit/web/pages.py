"""The pages behind a link: what would end, what has ended, and that a link is not one of ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

import attrs
import jinja2
from markupsafe import Markup

from crmkit import words
from crmkit.messages.links import Unsubscribe
from crmkit.practice import Practice
from crmkit.web.phrases import PHRASES, Phrases

_MOST_LANGUAGES = 20
_WANTED = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")


def _style() -> str:
    # Browsers read CR LF as LF before they take the digest.
    written = (files("crmkit.web") / "templates" / "page.css").read_text(encoding="utf-8")
    return "\n".join(written.splitlines())


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crmkit.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


@attrs.frozen(eq=False)
class Pages:
    """Writes the pages. They need no script, no font and no picture, and name the practice but never a patient."""

    _style: str = attrs.field(init=False, repr=False, factory=_style)
    _page: jinja2.Template = attrs.field(init=False, repr=False, factory=_template)

    @property
    def style_hash(self) -> str:
        """The digest by which a Content-Security-Policy admits the page's style and no other."""
        return f"sha256-{base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()}"

    def ask(self, practice: Practice, asked: Unsubscribe, wanted: Sequence[str]) -> str:
        """Return the page that says what would end, with the button that ends it."""
        said = _phrases(wanted)
        return self._write(said, said.title, practice=practice, lead=said.would_end, ends=said.ends(asked), asks=True)

    def done(self, practice: Practice, asked: Unsubscribe, wanted: Sequence[str]) -> str:
        """Return the page that says what has ended."""
        said = _phrases(wanted)
        return self._write(said, said.done, practice=practice, lead=said.has_ended, ends=said.ends(asked))

    def missing(self, wanted: Sequence[str]) -> str:
        """Return the page for a link that cannot be followed; it says nothing about anybody."""
        said = _phrases(wanted)
        return self._write(said, said.missing, lead=said.missing_why)

    def failed(self, wanted: Sequence[str], practice: Practice | None = None) -> str:
        """Return the page for a wish that was not recorded; of a practice that is known, with whom to tell it."""
        said = _phrases([*wanted, practice.locale] if practice else wanted)
        return self._write(said, said.failed, practice=practice, lead=said.failed_why)

    def _write(
        self,
        said: Phrases,
        title: str,
        *,
        lead: str,
        practice: Practice | None = None,
        ends: str = "",
        asks: bool = False,
    ) -> str:
        return self._page.render(
            said=said,
            direction=words.direction(said.language),
            # The style is the kit's own, and its digest is taken of these very letters.
            style=Markup(self._style),  # noqa: S704
            title=title,
            lead=lead,
            practice=practice,
            ends=ends,
            asks=asks,
        )


def preferred(accept_language: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first; nonsense in it is left out.

    >>> preferred("fr-CH, fr;q=0.9, en;q=0.8, de;q=0, *;q=0.5")
    ['fr-CH', 'fr', 'en']
    """
    read = [_WANTED.fullmatch(part) for part in accept_language.split(",")[:_MOST_LANGUAGES]]
    found = [(float(one[2] or 1), one[1]) for one in read if one]
    return [tag for weight, tag in sorted(found, key=lambda one: -one[0]) if weight > 0]


def _phrases(wanted: Sequence[str]) -> Phrases:
    return PHRASES[words.pick_language([*wanted, "en"], PHRASES) or "en"]
