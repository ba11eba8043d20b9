"""All that is kept about one patient, to be read, or as JSON to be taken along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common
from crmkit.cli.preview import iso, local

if TYPE_CHECKING:
    from crmkit.ledger.disclose import Disclosed
    from crmkit.practice import Practice

#: What the rows of a table are, for somebody who knows no tables.
_WORDS = {
    "patient": "Who you are to us",
    "contact": "Your addresses and numbers",
    "consent": "What you agreed to or refused, as the practice software has it",
    "visit": "Your visits",
    "recall": "What is due",
    "invoice": "Your invoices",
    "payment": "Your payments",
    "referral": "Who recommended us to you",
    "feedback": "What you thought of us",
    "rejected": "Rows about you that could not be used, as they were found",
    "named": "Patients whose rows name you, and as what",
    "touch": "Messages that were planned for you or to you, and what became of each",
    "event": "What happened to these messages, step by step",
    "attempt": "Each time a message was handed over, and by which way",
    "learnt_consent": "What you told us to do or not to do",
    "suppression": "Addresses and numbers of yours that are not used any more, or are again",
    "heard": "What came back about your messages",
    "rating": "Your answers to a question for a number",
    "payload": "What arrived, as it arrived, until its time is over",
    "forgotten": "That you asked to be erased",
}
_OUTSIDE = (
    "Not in this: what the practice software itself holds, copies of messages in an outbox folder and at the mail\n"
    "server, and backups. crmkit keeps no copy of the words of a message."
)


@click.command(short_help="Show all that is kept about a patient.")
@click.argument("patient")
@common()
def disclose(given: Given, patient: str) -> int:
    """Show all that is kept about a PATIENT who asks for it; with --json as a copy to take along."""
    with given.crm() as crm:
        found, practice, now = crm.disclose(patient), crm.practice, crm.clock.now()
    if given.as_json:
        told = {name: [_document(row, practice) for row in rows] for name, rows in found.rows.items()}
        about = {"patient": found.patient, "practice": practice.id, "at": iso(now, practice)}
        show.say_json({**about, "rows": told, "withheld": found.withheld})
        return DONE
    show.say(f"All that {practice.name} keeps in crmkit about {found.patient}, {local(now, practice)}\n")
    _say_rows(found, practice)
    if found.withheld:
        show.say(
            f"{show.counted(len(found.withheld), 'thing')} that arrived may speak of other people too: only that it is"
            " there is told,\nand it is deleted when its time is over.\n"
        )
    show.say(_OUTSIDE)
    return DONE


def _say_rows(found: Disclosed, practice: Practice) -> None:
    for name, rows in found.rows.items():
        before = name.endswith("_was")
        show.say(f"{_WORDS[name.removesuffix('_was')]}{', before that' if before else ''} ({name})")
        for row in rows:
            # Blank columns tell nothing; the JSON has them.
            cells = {column: _words(value, practice) for column, value in row.items() if value not in ("", None, {})}
            wide = max(map(len, cells), default=0)
            for column, words in cells.items():
                first, *more = words.splitlines() or [""]
                show.say(f"  {column:<{wide}}  {first}")
                for line in more:
                    show.say(f"  {'':<{wide}}  {line}")
            show.say()


def _words(value: Any, practice: Practice) -> str:
    if isinstance(value, datetime):
        return local(value, practice)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _document(row: Mapping[str, Any], practice: Practice) -> dict[str, Any]:
    return {name: iso(value, practice) if isinstance(value, datetime) else value for name, value in row.items()}
