"""What people decide: stop, go on, call off, settle what is in doubt, and see whether the history is untouched."""

from __future__ import annotations

from datetime import datetime

import attrs
import click

from crmkit.campaigns.reasons import in_words
from crmkit.cli import show
from crmkit.cli.options import DONE, LOOK, Given, Instant, common
from crmkit.cli.preview import local

_BY = click.option("--by", required=True, metavar="NAME", help="Who decides it; it is kept in the history.")
_CAMPAIGN = click.argument("campaign", default="")


@click.command(short_help="Stop a campaign, or everything.")
@_CAMPAIGN
@_BY
@click.option("--cancel", is_flag=True, help="Call off for good what is planned, rather than pause it.")
@common()
def stop(given: Given, campaign: str, by: str, cancel: bool) -> int:
    """Stop a CAMPAIGN, or everything: what has not been handed over yet stays."""
    with given.crm() as crm:
        stopped = crm.stop(campaign, by=by)
        cancelled = crm.cancel(campaign, by=by) if cancel else 0
    if given.as_json:
        show.say_json({"campaign": campaign, "stopped": stopped, "cancelled": cancelled})
        return DONE
    show.say(f"{campaign or 'All sending'} is stopped.")
    if cancel:
        show.say(
            f"{show.counted(cancelled, 'touch')} called off for good: not even a mended campaign sends these any more."
        )
    show.say(f"crmkit resume{f' {campaign}' if campaign else ''} lets it go on.")
    return DONE


@click.command(short_help="Let a campaign, or everything, go on.")
@_CAMPAIGN
@click.option("--by", default="resume", metavar="NAME", help="Who decides it; it is kept in the history.")
@common()
def resume(given: Given, campaign: str, by: str) -> int:
    """Let a CAMPAIGN, or everything, go on; what has become too late meanwhile expires."""
    with given.crm() as crm:
        stood = crm.resume(campaign, by=by)
    if given.as_json:
        show.say_json({"campaign": campaign, "resumed": stood})
    else:
        show.say(f"{campaign or 'All sending'} goes on." if stood else f"{campaign or 'Sending'} was not stopped.")
    return DONE


@click.command(short_help="Show what happened to a touch.")
@click.argument("key")
@common()
def history(given: Given, key: str) -> int:
    """Show what happened to the touch of a KEY, which `crmkit send --json` and `crmkit unknowns` tell."""
    with given.crm() as crm:
        steps, practice = crm.history(key), crm.practice
    if given.as_json:
        show.say_json({"key": key, "history": steps})
        return DONE
    rows = [
        (local(one["at"], practice), one["state"], in_words(one["reason"], one["detail"]), one["actor"])
        for one in steps
    ]
    show.say_table(("at", "state", "why", "by"), rows)
    return DONE


@click.command(short_help="Verify that nobody has changed the history.")
@click.argument("what", type=click.Choice(["verify"]), default="verify")
@click.option("--noted", default="", metavar="HEAD", help="The head that a report or an earlier audit printed.")
@click.option("--when", type=Instant(), metavar="INSTANT", help="The instant that was printed with it.")
@common()
def audit(given: Given, what: str, noted: str, when: datetime | None) -> int:
    """Verify that nobody has changed, added or removed a row of the history."""
    del what  # the one thing that there is to do
    if bool(noted) != bool(when):
        raise click.UsageError("to compare a head that was noted, give --noted and --when")
    with given.crm() as crm:
        found = crm.audit(when, noted=noted)
    if given.as_json:
        shown = ("chains", "links", "rows", "unsealed", "faults", "head", "at")
        show.say_json({name: getattr(found, name) for name in shown})
        return LOOK if found.faults else DONE
    show.say_table(
        ("audit trail", "number"),
        [(name, getattr(found, name)) for name in ("chains", "links", "rows", "unsealed")],
    )
    for fault in found.faults:
        show.say(f"  {fault}")
    show.say(f"\n{'Something does not fit.' if found.faults else 'Everything fits.'}")
    show.say(f"Head up to {found.at:%Y-%m-%dT%H:%M:%SZ}: {found.head or 'none yet'}")
    return LOOK if found.faults else DONE


@click.command(short_help="Erase a patient for good.")
@click.argument("patient")
@_BY
@click.option("--yes", is_flag=True, help="Do not ask.")
@common()
def forget(given: Given, patient: str, by: str, yes: bool) -> int:
    """Erase a PATIENT for good; nobody is written to twice for that, and no sync brings the patient back."""
    if not yes:
        if given.as_json:
            raise click.UsageError("with --json nobody can be asked: add --yes")
        click.confirm(f"Erase all that is known of patient {patient}, for good?", abort=True)
    with given.crm() as crm:
        done = crm.forget(patient, by=by)
    if given.as_json:
        show.say_json(attrs.asdict(done))
        return LOOK if done.traces else DONE
    rows = [(name, "erased", number) for name, number in done.erased.items()]
    rows += [(name, "text taken out", number) for name, number in done.blanked.items()]
    if rows:
        show.say_table(("table", "what", "rows"), rows)
    show.say(f"\nPatient {patient} is forgotten. {show.counted(done.cancelled, 'touch')} called off.")
    show.say("Erase the patient in the practice software too, and messages in an outbox folder.")
    if done.traces:
        show.say(f"Traces may remain: {done.traces}.")
    return LOOK if done.traces else DONE
