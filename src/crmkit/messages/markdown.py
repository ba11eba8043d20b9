"""Markdown as a practice writes it: CommonMark without raw HTML, in which a bare web address is a link too.

In plain text mail programs make one of it by themselves; in HTML they take it as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

#: What ends a sentence or closes a bracket behind it is no part of an address.
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"“”«»]*[^\s<>\"“”«».,;:!?'’…)\]。，、！？）」]")


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
