"""What may or may not have left: shown with the evidence, and settled by a person, one by one or many at once."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from crmkit.campaigns.reasons import in_words
from crmkit.cli import show
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.cli.preview import local
from crmkit.errors import CrmkitError

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.ledger.doubt import Doubt
    from crmkit.practice import Practice

#: The words of `crmkit.ledger.doubt.Settled`, which is not loaded for the sake of a help text.
SAID = ("sent", "not-sent", "again")
_SHOWN = 20
_STDIN = "-"
#: A key, also where it begins a Message-ID.
_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


@click.command(short_help="List what may or may not have left; settle it.")
@click.option("--all", "everything", is_flag=True, help=f"List more than {_SHOWN}.")
@click.option(
    "--settle",
    "key",
    metavar="KEY",
    help="Settle the message of this key; with - those whose keys or Message-IDs are piped in.",
)
@click.option("--as", "said", type=click.Choice(SAID), help="What was found out.")
@click.option("--by", default="", metavar="NAME", help="Who found it out.")
@common()
def unknowns(given: Given, everything: bool, key: str | None, said: str | None, by: str) -> int:
    """List the messages that may or may not have left, with the evidence; or settle them."""
    if bool(key) != bool(said) or (key and not by):
        raise click.UsageError("to settle a message, give --settle KEY, --as and --by")
    with given.crm() as crm:
        if key == _STDIN and said:
            return _settle_many(given, crm, sys.stdin.read(), said, by)
        if key and said:
            return _settle(given, crm, key, said, by)
        found, practice = crm.unknowns(), crm.practice
    if given.as_json:
        show.say_json({"unknowns": [_document(one) for one in found]})
    elif found:
        _say(found if everything else found[:_SHOWN], found, practice)
    else:
        show.say("Nothing is in doubt.")
    return LOOK if found else DONE


def _settle(given: Given, crm: CRM, key: str, said: str, by: str) -> int:
    from crmkit.ledger.doubt import Settled

    touch = crm.settle(key, Settled(said.replace("-", "_")), by=by)
    if given.as_json:
        show.say_json({"key": key, "patient": touch.patient, "state": touch.state.value})
    else:
        show.say(f"patient {touch.patient}, {touch.occasion}: {in_words(touch.reason, touch.detail)}")
    return DONE


def _settle_many(given: Given, crm: CRM, text: str, said: str, by: str) -> int:
    """Settle all that is named and in doubt; a mail log names much that is not, and that is passed over."""
    from crmkit.errors import NotFound
    from crmkit.ledger.doubt import Settled

    named = dict.fromkeys(_KEY.findall(text))
    if not named:
        mend = "pipe in keys or Message-IDs, such as crmkit unknowns --json tells them"
        raise CrmkitError("no key of a message was piped in", where="--settle -", mend=mend)
    doubtful, done = {one.touch.key for one in crm.unknowns()}, 0
    for key in named:
        if key in doubtful:
            try:
                crm.settle(key, Settled(said.replace("-", "_")), by=by)
            except NotFound:
                # Its answer, or another person, came in between.
                continue
            done += 1
    left = len(crm.unknowns())
    if given.as_json:
        show.say_json({"named": len(named), "settled": done, "left": left})
    else:
        show.say(f"{show.counted(done, 'message')} settled as {said}; {len(named) - done:,} named are not in doubt.")
        show.say(f"{show.counted(left, 'message')} still in doubt.")
    return DONE


def _say(shown: Sequence[Doubt], found: Sequence[Doubt], practice: Practice) -> None:
    for one in shown:
        show.say(f"{one.touch.key}  patient {one.touch.patient}, {one.touch.occasion}")
        show.say(f"    handed to {one.channel} at {local(one.at, practice)} as {one.message_id}: {one.evidence}")
    if len(found) > len(shown):
        show.say(f"and {len(found) - len(shown):,} more: --all lists them\n")
        show.say_table(("channel", "evidence", "from", "to", "messages"), _in_sum(found, practice))
    show.say("\nLook them up in the log of the mail server or provider, or ask whoever runs it, then:")
    show.say("crmkit unknowns --settle KEY --as sent|not-sent|again --by NAME")
    if len(found) > 1:
        show.say("Many at once, from a file with their keys or Message-IDs:")
        show.say("crmkit unknowns --settle - --as sent|not-sent|again --by NAME < FILE")


def _in_sum(found: Sequence[Doubt], practice: Practice) -> list[tuple[str, str, str, str, int]]:
    groups: dict[tuple[str, str], list[Doubt]] = defaultdict(list)
    for one in found:
        groups[one.channel, one.evidence].append(one)
    return [
        (channel, evidence, local(some[0].at, practice), local(some[-1].at, practice), len(some))
        for (channel, evidence), some in groups.items()
    ]


def _document(one: Doubt) -> dict[str, str]:
    return {
        "key": one.touch.key,
        "patient": one.touch.patient,
        "campaign": one.touch.campaign,
        "occasion": one.touch.occasion,
        "channel": one.channel,
        "at": one.at.isoformat(),
        "message_id": one.message_id,
        "reference": one.reference,
        "evidence": one.evidence,
    }
