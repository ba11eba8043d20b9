"""What the practice itself writes: one Markdown file per occasion, such as `content/newsletter/2026-q4.md`."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import attrs
from markdown_it import MarkdownIt

from crmkit import words
from crmkit.errors import TemplateError
from crmkit.messages.markdown import dead_ends, new_markdown
from crmkit.messages.plain import plain_text
from crmkit.messages.templates import unreadable
from crmkit.messages.type import MessageType

_TAG = re.compile(r"[A-Za-z]{2}(?:[-_]\w+)*")
_PERIOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@attrs.frozen
class Article:
    """One content file, read.

    Attributes:
        title: Its first line without Markdown's marks.
        text: The rest as plain text.
        html: The rest as HTML; raw HTML in the file is shown as text.
        language: In which language it is written, as the file is named; else the practice's own.
    """

    title: str
    text: str = attrs.field(repr=False)
    html: str = attrs.field(repr=False)
    language: str = ""


def period_of(occasion: str) -> str:
    """Return the period of an occasion, its last word.

    >>> period_of("newsletter 2026-q4")
    '2026-q4'
    """
    return occasion.rsplit(" ", 1)[-1]


@attrs.define(eq=False)
class Content:
    """The practice's content folder; without one, every content is awaited.

    Attributes:
        folder: Where the files lie, in one folder per message type's stem.
        fallback: The practice's own language, for files in another language than the reader's.
    """

    folder: Path | None
    fallback: str = "en"
    _markdown: MarkdownIt = attrs.field(init=False, factory=new_markdown)
    _read: dict[Path, tuple[tuple[int, int], Article]] = attrs.field(init=False, factory=dict, repr=False)
    _paths: dict[tuple[str, str, str], tuple[Path, ...]] = attrs.field(init=False, factory=dict, repr=False)

    def awaits(self, kind: MessageType, occasion: str, language: str) -> Path | None:
        """Return the path at which a file is still to be written, or None where all is there.

        Raises:
            TemplateError: If there is one that cannot be used.
        """
        if not kind.content:
            return None
        self._check_names(self._path(kind, occasion))
        return None if self.article(kind, occasion, language) else self._path(kind, occasion)

    def article(self, kind: MessageType, occasion: str, language: str) -> Article | None:
        """Return the content of an occasion in the language that serves the reader best, or None without any.

        Raises:
            TemplateError: If the file has no title or no text, is not UTF-8, or has a link that leads nowhere from a
                mail or a picture that is on no website.
        """
        path, mark = self._find(kind, occasion, language) if kind.content else (None, (0, 0))
        if path is None:
            return None
        if path not in self._read or self._read[path][0] != mark:
            self._read[path] = (mark, self._parse(path))
        return self._read[path][1]

    def _check_names(self, base: Path) -> None:
        """Refuse a file whose language is not spelt as usual: its readers would get another one, and nothing say so."""
        for file in sorted(base.parent.glob(f"{base.stem}.*.md")) if self.folder else ():
            tag = file.stem.partition(".")[2]
            usual = _usual(tag)
            meant = base.with_name(f"{base.stem}.{usual}.md")
            # A disk on which capitals do not count finds it by the usual name too.
            if usual != tag and not meant.exists():
                mend = f"rename it to {meant.name}"
                raise TemplateError("the language is not spelt as usual", where=str(file), mend=mend)

    def _path(self, kind: MessageType, occasion: str, language: str = "") -> Path:
        period = period_of(occasion)
        if not _PERIOD.fullmatch(period):
            raise TemplateError("the occasion's period names no file", where=kind.name, mend="end it as in 2026-q4")
        tag = f".{language}" if language else ""
        return (self.folder or Path("content")) / kind.stem / f"{period}{tag}.md"

    def _find(self, kind: MessageType, occasion: str, language: str) -> tuple[Path | None, tuple[int, int]]:
        """Return the file that serves best, and what tells whether it is still the one that was read."""
        for path in self._candidates(kind, occasion, language) if self.folder else ():
            with suppress(OSError):
                about = os.stat(path)
                if stat.S_ISREG(about.st_mode):
                    return path, (about.st_mtime_ns, about.st_size)
        return None, (0, 0)

    def _candidates(self, kind: MessageType, occasion: str, language: str) -> tuple[Path, ...]:
        asked = (kind.stem, occasion, language)
        if asked not in self._paths:
            wanted = (*words.with_bare(language), "", *words.with_bare(self.fallback))
            self._paths[asked] = tuple(self._path(kind, occasion, tag) for tag in dict.fromkeys(wanted))
        return self._paths[asked]

    def _parse(self, path: Path) -> Article:
        lines = _lines(path)
        start = next((number for number, line in enumerate(lines) if line.strip()), 0)
        title = re.fullmatch(r"#\s+(.*?)(?:\s+#+)?\s*", lines[start] if lines else "")
        named = plain_text(self._markdown.parseInline(title[1])) if title else ""
        if not named:
            raise TemplateError(
                "the content has no title", where=f"{path}:{start + 1}", mend="let the first line be '# ' and the title"
            )
        language = path.stem.partition(".")[2] or self.fallback
        # What Markdown says of lines is counted from the first one of the text.
        begin = next((number for number in range(start + 1, len(lines)) if lines[number].strip()), len(lines))
        tokens = self._markdown.parse("\n".join(lines[begin:]).strip())
        text = plain_text(tokens, language)
        if not text:
            problem = "the content has a title and no text"
            raise TemplateError(problem, where=f"{path}:{start + 1}", mend="write the text below the title")
        for dead in dead_ends(tokens):
            raise TemplateError(dead.problem, where=f"{path}:{begin + 1 + dead.line}", mend=dead.mend)
        return Article(named, text, self._markdown.renderer.render(tokens, self._markdown.options, {}), language)


def _usual(tag: str) -> str:
    """Return how a language in a file's name is usually spelt; what is none, such as `old`, as it is."""
    try:
        return words.language_tag(tag) if _TAG.fullmatch(tag) else tag
    except ValueError:
        return tag


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as problem:
        line = path.read_bytes()[: problem.start].count(b"\n") + 1
        raise TemplateError("the file is not UTF-8", where=f"{path}:{line}", mend="save it as UTF-8") from None
    except OSError as problem:
        raise unreadable(problem, path) from None
