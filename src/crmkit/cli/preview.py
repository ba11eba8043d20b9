"""One patient: what would go out, word for word."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import attrs
import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common, day_option
from crmkit.errors import NotFound, nearest

if TYPE_CHECKING:
    from crmkit.crm.answers import Preview
    from crmkit.messages.message import Message
    from crmkit.practice import Practice

#: Templates, content and records may have changed since, and only a digest of what left is kept.
_LEFT = (
    "This has left already. Below is how it would read if it were written now; what left may have had other words,\n"
    "and crmkit does not keep them: they are in the mail itself, and in an outbox folder."
)


@click.command()
@click.argument("patient")
@click.option("--campaign", metavar="ID", help="Only this campaign.")
@click.option("--raw", "form", flag_value="raw", help="Write the e-mail's exact bytes to stdout.")
@click.option("--html", "form", flag_value="html", help="Write the message's HTML to stdout.")
@day_option
@common()
def preview(given: Given, patient: str, campaign: str | None, form: str | None, through: date | None) -> int:
    """Show exactly what a patient would receive."""
    if form and given.as_json:
        raise click.UsageError(f"--{form} and --json exclude each other")
    with given.crm() as crm:
        found = crm.preview(patient, through)
        practice, programme, broken = crm.practice, [one.id for one in crm.programme()], crm.broken()
    if campaign and campaign not in [*programme, *(one.touch.campaign for one in found)]:
        raise NotFound(f"there is no campaign {campaign}", mend=nearest(campaign, programme))
    chosen = [one for one in found if campaign in (None, one.touch.campaign)]
    if form:
        _write(chosen, form, patient)
    elif given.as_json:
        show.say_json({"patient": patient, "previews": [_preview_document(one, practice) for one in chosen]})
    else:
        _say_previews(chosen, practice, through, asked=bool(campaign))
        for name, problem in broken.items():
            if campaign in (None, name):
                show.say(f"Nothing is planned of {name}: {problem}")
    return DONE


def _write(chosen: list[Preview], form: str, patient: str) -> None:
    written = [one for one in chosen if one.message]
    if len(written) != 1:
        names = ", ".join(one.touch.campaign for one in written)
        problem = f"{len(written)} messages are due to patient {patient}" if written else "no message can be written"
        raise NotFound(problem, mend=f"choose one with --campaign: {names}" if written else f"crmkit why {patient}")
    message = written[0].message
    if form == "raw":
        click.echo(written[0].raw, nl=False)
    elif message and not message.html:
        raise NotFound("this message goes as text alone", mend="leave out --html, or add a body.html to its templates")
    elif message:
        click.echo(message.html.encode(), nl=False)


def _preview_document(one: Preview, practice: Practice) -> dict[str, Any]:
    touch = one.touch
    return {
        "campaign": touch.campaign,
        "occasion": touch.occasion,
        "state": touch.state.value,
        "why": one.why,
        "goes": one.goes,
        "left": one.touch.sent_at is not None,
        "due": iso(touch.due, practice),
        "message": _message_document(one.message) if one.message else None,
    }


def _message_document(message: Message) -> dict[str, Any]:
    # How it was filled in is the mail writer's affair.
    parts = attrs.asdict(message, filter=attrs.filters.exclude("filled"))
    return {**parts, "headers": [list(header) for header in message.headers], "at": message.at.isoformat()}


def _say_previews(chosen: list[Preview], practice: Practice, through: date | None, *, asked: bool) -> None:
    for one in chosen:
        show.say(f"{one.touch.campaign}, {one.touch.occasion}")
        show.say(f"  due {local(one.touch.due, practice)}; {one.why}\n")
        if one.message and (one.goes or asked):
            if one.touch.sent_at:
                show.say(f"{_LEFT}\n")
            show.say(letter(one.message))
    if not chosen:
        until = f"until {through}" if through else "within a week"
        show.say(f"Nothing is due to this patient {until}: look further with --through.")
    elif not asked and any(one.message and not one.goes for one in chosen):
        show.say("What does not leave is shown with --campaign ID.")


def letter(message: Message) -> str:
    """Return a message as a person reads it: from whom, to whom, subject and text."""
    sender = f"{message.from_name} <{message.from_email}>"
    # A postal address has several lines.
    to = message.to.replace("\n", ", ")
    head = [f"From: {sender}", f"To: {message.to_name} <{to}>".replace(":  <", ": <")]
    if message.subject:
        head.append(f"Subject: {message.subject}")
    return "\n".join((*head, "", message.text))


def local(at: datetime, practice: Practice) -> str:
    """Return an instant by the practice's clock."""
    return f"{at.astimezone(practice.zone):%Y-%m-%d %H:%M}"


def iso(at: datetime | None, practice: Practice) -> str | None:
    """Return an instant by the practice's clock, as a program reads it."""
    return at.astimezone(practice.zone).isoformat() if at else None
