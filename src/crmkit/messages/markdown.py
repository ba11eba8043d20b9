"""Markdown as a practice writes it: CommonMark without raw HTML, in which a bare web address is a link too.

In plain text mail programs make one of it by themselves; in HTML they take it as it is written. A mail has no address
of its own, so what is no whole address leads nowhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

#: What ends a sentence or closes a bracket behind it is no part of an address.
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"“”«»]*[^\s<>\"“”«».,;:!?'’…)\]。，、！？）」]")

_LEADS_SOMEWHERE = re.compile(r"(?i)(?:https?://|mailto:|tel:).")
_SHOWN = re.compile(r"(?i)https?://.")
_SITE = re.compile(r"(?i)(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#:].*)?")
_MOST = 80


@attrs.frozen
class DeadEnd:
    """A link or a picture of which the reader of a mail has nothing.

    Attributes:
        line: In which line of the text it stands, from 0 on.
        problem: What is wrong with it.
        mend: What to write instead.
    """

    line: int
    problem: str
    mend: str


def dead_ends(tokens: Sequence[Token]) -> Iterator[DeadEnd]:
    """Yield the links that lead nowhere from a mail, and the pictures that nobody would see.

    >>> [found.mend for found in dead_ends(new_markdown().parse("[Book](www.brighteyes.example/book)"))]
    ['write https://www.brighteyes.example/book']
    """
    for block in tokens:
        line = block.map[0] if block.map else 0
        for one in block.children or ():
            line += one.type in ("softbreak", "hardbreak")
            found = _dead_link(one, line) if one.type == "link_open" else None
            found = _dead_picture(one, line) if one.type == "image" else found
            if found:
                yield found


def _dead_link(link: Token, line: int) -> DeadEnd | None:
    address = str(link.attrs.get("href", ""))
    if _LEADS_SOMEWHERE.match(address):
        return None
    mend = "write the whole address, with https://, mailto: or tel: before it"
    if "@" in address and "/" not in address:
        mend = f"write mailto:{address[:_MOST]}"
    elif _SITE.fullmatch(address) and not address.lower().endswith((".pdf", ".html", ".htm", ".doc", ".docx")):
        mend = f"write https://{address[:_MOST]}"
    return DeadEnd(line, f"a link leads nowhere: ({address[:_MOST]})", mend)


def _dead_picture(picture: Token, line: int) -> DeadEnd | None:
    address = str(picture.attrs.get("src", ""))
    if _SHOWN.match(address):
        return None
    problem = f"a picture is not sent along: ({address[:_MOST]})"
    return DeadEnd(line, problem, "put it on your website and write its address, with https:// before it")


def new_markdown() -> MarkdownIt:
    r"""Return a writer of HTML.

    >>> new_markdown().render("See https://brighteyes.example.")
    '<p>See <a href="https://brighteyes.example">https://brighteyes.example</a>.</p>\n'
    """
    written = MarkdownIt("commonmark", {"html": False})
    written.core.ruler.push("bare_links", _link)
    return written


def _link(state: StateCore) -> None:
    for block in state.tokens:
        if block.children:
            block.children = list(_linked(block.children, state.md))


def _linked(children: Sequence[Token], markdown: MarkdownIt) -> Iterator[Token]:
    within = 0
    for one in children:
        within += (one.type == "link_open") - (one.type == "link_close")
        if within or one.type != "text":
            yield one
            continue
        at = 0
        for found in _ADDRESS.finditer(one.content):
            address = markdown.normalizeLink(found[0])
            yield _text(one.content[at : found.start()])
            yield Token("link_open", "a", 1, attrs={"href": address}, info="auto")
            yield _text(found[0])
            yield Token("link_close", "a", -1)
            at = found.end()
        yield _text(one.content[at:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
