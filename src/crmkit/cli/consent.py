"""What a patient tells the desk: no, or yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common
from crmkit.cli.receive import MEDIUM
from crmkit.errors import ConfigError

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM

_PURPOSE = click.Choice(["marketing", "feedback", "service", "care"])
#: What somebody means who wants no more news.
_NEWS = ("marketing", "feedback")
_REST = ("service", "care")
_WHAT = "What the patient does not want; may be repeated."
_YES = "What the patient wants; may be repeated."


@click.command("opt-out", short_help="Write down that a patient wants no more news.")
@click.argument("patient")
@click.option("--purpose", "purposes", multiple=True, type=_PURPOSE, default=_NEWS, show_default=True, help=_WHAT)
@click.option("--medium", "media", multiple=True, type=MEDIUM, help="Only by this medium; may be repeated.")
@click.option("--by", required=True, metavar="NAME", help="Who was told so; it is kept.")
@common()
def opt_out(given: Given, patient: str, purposes: tuple[str, ...], media: tuple[str, ...], by: str) -> int:
    """Write down that a PATIENT wants no more news, by telephone for instance. No sync undoes it."""
    from crmkit.people.medium import Medium, Purpose

    ways = [Medium(medium) for medium in media] or [*Medium]
    with given.crm() as crm:
        _insist(crm, patient, by)
        crm.opt_out(patient, [Purpose(purpose) for purpose in purposes], ways, evidence=f"told to {by}")
        mine = [way for way in crm.holds(patient).ways if way.medium in ways]
    if given.as_json:
        show.say_json({"patient": patient, "purposes": purposes, "media": [medium.value for medium in ways]})
    else:
        by_what = f" by {show.listed(media)}" if media else ""
        show.say(f"{patient} gets no more {show.listed(purposes)}{by_what}, and no sync undoes it.")
        if rest := [one for one in _REST if one not in purposes]:
            show.say(f"Messages about appointments and care ({show.listed(rest)}) go on: --purpose ends them too.")
        if others := sorted({other for way in mine for other in way.others}):
            show.say(f"Messages for {', '.join(others)} come to the same e-mail address and go on.")
            show.say("If that is one person who is on record twice, opt out each number.")
    return DONE


@click.command("opt-in", short_help="Write down that a patient wants news after all.")
@click.argument("patient")
@click.option("--purpose", "purposes", multiple=True, required=True, type=_PURPOSE, help=_YES)
@click.option("--medium", "media", multiple=True, required=True, type=MEDIUM, help="By which way; may be repeated.")
@click.option("--wording", required=True, metavar="TEXT", help="To which words the patient said yes; they are kept.")
@click.option("--by", required=True, metavar="NAME", help="Who was told so; it is kept.")
@common()
def opt_in(given: Given, patient: str, purposes: tuple[str, ...], media: tuple[str, ...], wording: str, by: str) -> int:
    """Write down that a PATIENT said yes, or that a no was written down by mistake."""
    from crmkit.people.medium import Medium, Purpose

    if not wording.strip():
        raise ConfigError("a yes without words proves nothing", where="--wording", mend="give what was agreed to")
    with given.crm() as crm:
        _insist(crm, patient, by)
        for purpose in purposes:
            for medium in media:
                proof = {"wording": wording.strip(), "evidence": f"told to {by}"}
                crm.opt_in(patient, Purpose(purpose), Medium(medium), **proof)
    if given.as_json:
        show.say_json({"patient": patient, "purposes": purposes, "media": media})
    else:
        show.say(f"{patient} may get {show.listed(purposes)} by {show.listed(media)} from now on.")
        show.say("An address that is not used any more stays so: see crmkit why and crmkit unsuppress.")
    return DONE


def _insist(crm: CRM, patient: str, by: str) -> None:
    """Refuse what nobody was told, and a number that is misspelt: it would leave the patient's wish unheard."""
    from crmkit.crm.answers import unknown_patient

    if not by.strip():
        raise ConfigError("nobody is named who was told so", where="--by", mend="give a name")
    if not crm.knows(patient):
        raise unknown_patient(patient)
