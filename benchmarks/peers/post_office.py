"""django-post_office: a stored template, one row with its context for each message, then `send_queued_mail`.

This is its documented way for many messages: `mail.send_many` with `render_on_delivery`. Settings are its defaults,
that is batches of 100 and five threads. Queuing is not timed, rendering and sending are.
"""

from __future__ import annotations

from pathlib import Path

import words
from peers.driving import Send, drive, unsubscribe_headers
from peers.site import create_tables, open_site

_APPS = ["post_office"]
_CHUNK = 1000


def prepare(work: Path, count: int) -> None:
    """Queue all messages."""
    open_site(work, 0, _APPS)
    create_tables()
    from post_office import mail
    from post_office.models import EmailTemplate

    template = EmailTemplate.objects.create(
        name="reactivation", subject=words.SUBJECT, content=words.TEXT, html_content=words.HTML
    )
    queued: list[dict[str, object]] = []
    for person in words.people(count):
        queued.append(
            {
                "recipients": f"{person.given} {person.family} <{person.email}>",
                "template": template,
                "context": {"greeting": person.given, "unsubscribe": person.unsubscribe},
                "headers": unsubscribe_headers(person),
                "render_on_delivery": True,
            }
        )
        if len(queued) == _CHUNK:
            mail.send_many(queued)
            queued = []
    mail.send_many(queued)


def opened(work: Path, port: int) -> Send:
    """Return its command, ready to be run."""
    open_site(work, port, _APPS)
    return send


def send(work: Path) -> int:
    """Run the command and count what it marked as sent."""
    from django.core.management import call_command
    from post_office.models import STATUS, Email

    call_command("send_queued_mail", lockfile=str(work / "post_office"))
    return Email.objects.filter(status=STATUS.sent).count()


if __name__ == "__main__":
    drive(prepare, opened)
