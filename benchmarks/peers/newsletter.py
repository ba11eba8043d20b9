"""django-newsletter: subscribers in the database, own templates, and `submission.submit()`.

It opens an SMTP connection for each message and writes down nothing about each reader. Its List-Unsubscribe is one
address for all; the personal link in the bodies is made of the subscription's own code.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import words
from peers.driving import Send, drive
from peers.site import create_tables, open_site

_APPS = ["django.contrib.sessions", "django.contrib.messages", "django.contrib.admin", "django.contrib.sites"]
_LINK = f"{words.PUBLIC_URL}/unsubscribe/{{{{ subscription.activation_code }}}}"


def prepare(work: Path, count: int) -> None:
    """Store the subscribers, the message and its submission."""
    _open(work, 0)
    create_tables()
    _write_templates(work / "templates" / "newsletter" / "message" / "news")
    from django.utils.timezone import now
    from newsletter.models import Message, Newsletter, Submission, Subscription

    letter = Newsletter.objects.create(title=words.PRACTICE, slug="news", email=words.SENDER, sender=words.PRACTICE)
    Subscription.objects.bulk_create(
        Subscription(
            newsletter=letter,
            name_field=f"{person.given} {person.family}",
            email_field=person.email,
            subscribed=True,
            ip=None,
        )
        for person in words.people(count)
    )
    message = Message.objects.create(title="It is time to look after your eyes", slug="eyes", newsletter=letter)
    submission = Submission.from_message(message)
    submission.prepared = True
    submission.publish_date = now() - timedelta(minutes=1)
    submission.save()


def opened(work: Path, port: int) -> Send:
    """Return the submission, ready to be submitted."""
    _open(work, port)
    return send


def send(_: Path) -> int:
    """Submit and count the readers; the sink's own count is what tells whether all went."""
    from newsletter.models import Submission

    submission = Submission.objects.get()
    submission.submit()
    return submission.subscriptions.count() if submission.sent else 0


def _open(work: Path, port: int) -> None:
    open_site(
        work,
        port,
        [*_APPS, "sorl.thumbnail", "newsletter"],
        SITE_ID=1,
        NEWSLETTER_THUMBNAIL="sorl-thumbnail",
        NEWSLETTER_USE_HTTPS=True,
    )


def _write_templates(folder: Path) -> None:
    folder.mkdir(parents=True)
    parts = {"message_subject.txt": words.SUBJECT, "message.txt": words.TEXT, "message.html": words.HTML}
    for name, template in parts.items():
        known = template.replace("{{ unsubscribe }}", _LINK)
        (folder / name).write_text(words.in_terms_of(known, "subscription.name", ""), "utf-8")


if __name__ == "__main__":
    drive(prepare, opened)
