"""django-mailer: whole messages are queued in the database, then `send_mail` sends and logs each of them.

Its queue holds finished messages, so rendering happens when they are queued, and queuing is timed together with
sending. All of it is queued in one transaction, which is kinder than a commit for each message.
"""

from __future__ import annotations

from pathlib import Path

import words
from peers.driving import Send, drive, store_patients, stored_patients, unsubscribe_headers
from peers.site import create_tables, open_site

_APPS = ["mailer"]


def prepare(work: Path, count: int) -> None:
    """Store the patients."""
    open_site(work, 0, _APPS)
    create_tables()
    store_patients(work, count)


def opened(work: Path, port: int) -> Send:
    """Return queuing and sending, ready to be run."""
    open_site(work, port, _APPS, MAILER_LOCK_PATH=str(work / "mailer"))
    return send


def send(work: Path) -> int:
    """Render and queue, then run the command, and count what it logged as sent."""
    from django.core.management import call_command
    from mailer.models import RESULT_SUCCESS, MessageLog

    _queue(work)
    call_command("send_mail")
    return MessageLog.objects.filter(result=RESULT_SUCCESS).count()


def _queue(work: Path) -> None:
    from django.conf import settings
    from django.db import transaction
    from django.template import Context, Template
    from mailer import send_html_mail

    subject, text, html = (Template(part) for part in (words.SUBJECT, words.TEXT, words.HTML))
    with transaction.atomic():
        for person in list(stored_patients(work)):
            plain = Context({"greeting": person.given, "unsubscribe": person.unsubscribe}, autoescape=False)
            escaped = Context({"greeting": person.given, "unsubscribe": person.unsubscribe})
            send_html_mail(
                subject.render(plain),
                text.render(plain),
                html.render(escaped),
                settings.DEFAULT_FROM_EMAIL,
                [f"{person.given} {person.family} <{person.email}>"],
                headers=unsubscribe_headers(person),
            )


if __name__ == "__main__":
    drive(prepare, opened)
