"""mailmerge: its own command, run in this process over a CSV file, a template with both bodies, and a server file.

It connects anew for each message, prints every message (into nowhere here) and writes nothing down. The subject and the
two List-Unsubscribe headers stand in its template, as do text and HTML as the parts of a MIME message.
"""

from __future__ import annotations

import csv
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import words
from peers.driving import Send, drive

_TEMPLATE, _PEOPLE, _SERVER = "mailmerge_template.txt", "mailmerge_database.csv", "mailmerge_server.conf"
_HEAD = """\
TO: {{{{ given }}}} {{{{ family }}}} <{{{{ email }}}}>
SUBJECT: {subject}
FROM: {practice} <{sender}>
List-Unsubscribe: <{{{{ unsubscribe }}}}>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="boundary"

--boundary
Content-Type: text/plain; charset=utf-8

{text}
--boundary
Content-Type: text/html; charset=utf-8

{html}
--boundary--
"""


def prepare(work: Path, count: int) -> None:
    """Write the template and the people."""
    subject, text, html = (
        words.in_terms_of(part, "given", "unsubscribe") for part in (words.SUBJECT, words.TEXT, words.HTML)
    )
    filled = _HEAD.format(subject=subject, practice=words.PRACTICE, sender=words.SENDER, text=text, html=html)
    (work / _TEMPLATE).write_text(filled, "utf-8")
    with (work / _PEOPLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(words.Person._fields)
        writer.writerows(words.people(count))


def opened(work: Path, port: int) -> Send:
    """Write down the server and return the command, ready to be run."""
    (work / _SERVER).write_text(f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\nratelimit = 0\n", "utf-8")
    import mailmerge.__main__  # noqa: F401 - importing is not timed

    return send


def send(work: Path) -> int:
    """Run the command and return how many people it was given; the sink's own count tells whether all went."""
    from mailmerge.__main__ import main

    files = ["--template", str(work / _TEMPLATE), "--database", str(work / _PEOPLE), "--config", str(work / _SERVER)]
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        main([*files, "--no-dry-run", "--no-limit"], standalone_mode=False)
    with (work / _PEOPLE).open(encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    drive(prepare, opened)
