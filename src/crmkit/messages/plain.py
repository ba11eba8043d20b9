"""Markdown as somebody reads it who sees no HTML: without its marks, in the same words and the same order."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
from markdown_it.token import Token

_RULE = "-" * 10
_SCHEME = re.compile(r"(?:mailto:|tel:|https?://)(?=.)", re.IGNORECASE)


def plain_text(tokens: Sequence[Token], language: str = "") -> str:
    r"""Return what was parsed from Markdown as plain text.

    A heading is a line, a bullet stays one, and a link is its words, a colon and where it leads. Lines are joined where
    HTML joins them too, so that a telephone breaks them where its display ends.

    Args:
        tokens: What a parser made of the text.
        language: In which language it is written; in French a blank stands before a colon.

    >>> from crmkit.messages.markdown import new_markdown
    >>> plain_text(new_markdown().parse("## Hours\n\n* **Mon** 9 to 5\n* [Book](https://b.example)"))
    'Hours\n\n- Mon 9 to 5\n- Book: https://b.example'
    """
    written = _Lines("\u00a0: " if language.split("-")[0] == "fr" else ": ")
    for token in tokens:
        written.take(token)
    return "\n".join(written.lines)


@attrs.define
class _Lines:
    """The lines so far.

    Attributes:
        colon: What stands between a link's words and its address.
        lines: They themselves.
        within: What the next line begins with, for each list item and quotation that is open.
        numbers: For each list that is open the number of its next item, None where they have none.
        close: Whether the next line of a list follows without a blank one.
    """

    colon: str
    lines: list[str] = attrs.field(factory=list)
    within: list[str] = attrs.field(factory=list)
    numbers: list[int | None] = attrs.field(factory=list)
    close: bool = False
    _hidden: bool = False

    def take(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._write(_words(token.children or (), self.colon), close=self._hidden and self.close)
            case "fence" | "code_block":
                self._write(token.content.rstrip("\n"))
            case "hr":
                self._write(_RULE)
            case "paragraph_open" | "heading_open":
                self._hidden = token.hidden
            case "bullet_list_open" | "ordered_list_open":
                self.close = self.close and bool(self.numbers)
                self.numbers.append(int(token.attrs.get("start", 1)) if token.type[0] == "o" else None)
            case "bullet_list_close" | "ordered_list_close":
                self.numbers.pop()
            case "list_item_open":
                self.within.append(self._marker(token.markup))
            case "blockquote_open":
                self.within.append("  ")
            case "list_item_close" | "blockquote_close":
                self.within.pop()

    def _marker(self, sign: str) -> str:
        number = self.numbers[-1]
        if number is None:
            return "- "
        self.numbers[-1] = number + 1
        return f"{number}{sign} "

    def _write(self, text: str, *, close: bool = False) -> None:
        if not text.strip():
            return
        if self.lines and not close:
            self.lines.append("")
        for line in text.split("\n"):
            self.lines.append(("".join(self.within) + line).rstrip())
            self.within = [" " * len(sign) for sign in self.within]
        self.close = True


def _words(children: Sequence[Token], colon: str) -> str:
    written: list[str] = []
    links: list[tuple[int, Token]] = []
    for one in children:
        match one.type:
            case "softbreak":
                written.append(" ")
            case "hardbreak":
                written.append("\n")
            case "image":
                written.append(_words(one.children or (), colon))
            case "link_open":
                links.append((len(written), one))
            case "link_close":
                start, link = links.pop()
                if link.info != "auto":
                    written[start:] = [_link("".join(written[start:]), str(link.attrs.get("href", "")), colon)]
            case _:
                written.append(one.content)
    return "".join(written).strip()


def _link(words: str, address: str, colon: str) -> str:
    scheme = _SCHEME.match(address)
    if scheme is None:
        # Within a mail, what is no whole address leads nowhere.
        return words
    bare = address[scheme.end() :]
    shown = address if scheme[0].lower().startswith("http") else bare
    said = words.strip().rstrip(":").rstrip()
    return (
        f"{said}{colon}{shown}" if said and said.rstrip("/") not in (address.rstrip("/"), bare.rstrip("/")) else shown
    )
