"""What comes back: mails for an event parser, and addresses that are to be used again."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import click

from crmkit.cli import show
from crmkit.cli.mailbox import mails
from crmkit.cli.options import DONE, LOOK, Given, Instant, common
from crmkit.errors import CrmkitError

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.delivery.events.intake import Received

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


MEDIUM = click.Choice(["email", "sms", "post", "phone"])
#: What an event did, for a person: see `crmkit.ledger.heard.Did`.
_DID = MappingProxyType(
    {
        "moved": "noted at its message",
        "suppressed": "address not used any more",
        "stopped": "no written down",
        "rated": "rating kept",
        "waits": "waits for the end of the hand-over",
        "stands": "nothing: something stricter stands",
        "no_touch": "nothing: its message is not known here",
        "not_sent": "nothing: its message was never handed over",
        "other_medium": "nothing: its message went by another way",
        "other_address": "nothing: its message went to another address",
        "unproven": "nothing: anybody could have written it",
    }
)
_KEPT_OUT = "Look at SPF, DKIM and DMARC of your domain, or ask the mail provider."
_NOT_STOPPED = "This address is not stopped: is it spelt as in the practice software?"


@attrs.frozen
class Unread:
    """What could not be read: from where, and why."""

    where: str
    problem: str


@click.command(short_help="Take in what came back: bounces, complaints, answers.")
@click.argument("parser", default="")
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--again", is_flag=True, help="Try once more to read what could not be read before.")
@common()
def receive(given: Given, parser: str, files: tuple[Path, ...], again: bool) -> int:
    """Take in what came back: FILES of mail, mailboxes, or - for stdin, read by PARSER such as email.bounces."""
    if again == bool(parser) or bool(parser) != bool(files):
        raise click.UsageError("give a PARSER and at least one file, or --again alone")
    with given.crm() as crm:
        received, unread = _again(crm) if again else _read(crm, parser, files)
    _say_json(received, unread) if given.as_json else _say(received, unread)
    return LOOK if unread else DONE


@click.command(short_help="Let an address be used again.")
@click.argument("medium", type=MEDIUM, required=False)
@click.argument("address", default="")
@click.option("--since", type=Instant(), metavar="INSTANT", help="All stopped since then, but for complaints.")
@click.option("--by", required=True, metavar="NAME", help="Who decides it; it is kept.")
@common()
def unsuppress(given: Given, medium: str | None, address: str, since: datetime | None, by: str) -> int:
    """Let an ADDRESS be used again that failed or complained, for instance since its mailbox was mended.

    With --since all that were stopped by a mail server that said of everybody that nobody is there.
    """
    from crmkit.people.medium import Medium

    if bool(since) == bool(medium) or bool(medium) != bool(address):
        raise click.UsageError("give a MEDIUM and an ADDRESS, or --since alone")
    with given.crm() as crm:
        if since:
            number = crm.unsuppress_since(since, by=by)
            _say_number(given, number)
            return DONE
        stood = crm.unsuppress(Medium(str(medium)), address, by=by)
    if given.as_json:
        show.say_json({"medium": medium, "used_again": stood})
    else:
        show.say("The address is used again." if stood else _NOT_STOPPED)
    return DONE


def _say_number(given: Given, number: int) -> None:
    if given.as_json:
        show.say_json({"used_again": number})
    else:
        show.say(f"{number:,} {'address is' if number == 1 else 'addresses are'} used again.")


def _read(crm: CRM, parser: str, files: tuple[Path, ...]) -> tuple[Received, list[Unread]]:
    from crmkit.delivery.events.intake import Received

    # A name that is misspelt is one mistake, not one for each mail.
    crm.plugins.event_parser(parser)
    total, unread = Received(), []
    for path in files:
        for number, mail in enumerate(mails(path), 1):
            try:
                total += crm.receive(parser, mail)
            except CrmkitError as problem:
                unread.append(Unread(f"{path}, number {number}", problem.problem))
    return total, unread


def _again(crm: CRM) -> tuple[Received, list[Unread]]:
    received = crm.receive_again()
    return received, [
        Unread(f"{one.parser}, {one.received_at:%Y-%m-%d %H:%M} UTC", one.problem) for one in crm.unread()
    ]


def _say(received: Received, unread: list[Unread]) -> None:
    from crmkit.delivery.events.policy import is_kept_out

    counts = Counter((one.kind, ", ".join(_DID[did] for did in one.did) or "nothing") for one in received.heard)
    if counts:
        show.say_table(("event", "what it did", "events"), [(*what, number) for what, number in sorted(counts.items())])
        show.say()
    show.say(f"{show.counted(received.applied, 'event')} new, {received.known:,} known before.")
    # No address stops for it, so nothing else would tell anybody.
    if barred := Counter(one.status for one in received.heard if one.kind == "bounced" and is_kept_out(one.status)):
        number, codes = show.counted(barred.total(), "message"), ", ".join(sorted(barred))
        show.say(f"{number} kept out by a spam filter or a rule of the receiver ({codes}). {_KEPT_OUT}")
    for one in unread:
        show.say(f"Not read: {one.where}: {one.problem}.")
    if unread:
        show.say("\nWhat was kept of it is tried once more by crmkit receive --again.")


def _say_json(received: Received, unread: list[Unread]) -> None:
    heard: list[dict[str, Any]] = [
        {"parser": one.parser, "id": one.id, "kind": one.kind, "status": one.status, "key": one.key, "did": [*one.did]}
        for one in received.heard
    ]
    show.say_json(
        {
            "applied": received.applied,
            "known": received.known,
            "heard": heard,
            "unread": [attrs.asdict(one) for one in unread],
        }
    )
