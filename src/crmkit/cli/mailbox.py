"""Files of mail: one mail, many in the one file that Unix mail programs keep, or what a mail server pipes in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

#: A mailbox puts a line before each mail: from whom, and when. "From me to you" in a letter is none.
_BEGINS = re.compile(rb"From \S+ .*\d\d:\d\d")


def mails(path: Path) -> Iterator[bytes]:
    """Yield the mails of a file, `-` for stdin; whatever does not begin as a mailbox does is one whole.

    A mailbox is read one mail at a time, for some have been kept for years.
    """
    with click.open_file(str(path), "rb") as file:
        lines = iter(file.readline, b"")
        first = next(lines, b"")
        if _BEGINS.match(first):
            yield from _split(lines)
        else:
            yield b"".join([first, *lines])


def _split(lines: Iterator[bytes]) -> Iterator[bytes]:
    mail: list[bytes] = []
    for line in lines:
        if _BEGINS.match(line) and mail and not mail[-1].strip():
            # The empty line belongs to the mailbox.
            yield b"".join(mail[:-1])
            mail = []
        else:
            mail.append(_unescaped(line))
    yield b"".join(mail)


def _unescaped(line: bytes) -> bytes:
    return line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
