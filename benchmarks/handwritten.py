"""The loop that a host would write by hand: Jinja, `EmailMessage`, one SMTP connection, `send_message`; no ledger."""

from __future__ import annotations

import smtplib
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from pathlib import Path

from jinja2 import Environment

import words
from peers.driving import Send, drive, store_patients, stored_patients, unsubscribe_headers

_DOMAIN = words.SENDER.rpartition("@")[2]


def opened(_: Path, port: int) -> Send:
    """Return the loop, ready to be run."""
    return partial(send, port=port)


def send(work: Path, port: int) -> int:
    """Write and send a message to each stored patient."""
    subject, text = (Environment().from_string(part) for part in (words.SUBJECT, words.TEXT))  # noqa: S701 - plain text
    html = Environment(autoescape=True).from_string(words.HTML)
    sent = 0
    with smtplib.SMTP("127.0.0.1", port) as server:
        for person in stored_patients(work):
            context = {"greeting": person.given, "unsubscribe": person.unsubscribe}
            message = _addressed(person)
            message["Subject"] = subject.render(context)
            message.set_content(text.render(context))
            message.add_alternative(html.render(context), subtype="html")
            server.send_message(message)
            sent += 1
    return sent


def _addressed(person: words.Person) -> EmailMessage:
    message = EmailMessage()
    message["From"] = Address(words.PRACTICE, addr_spec=words.SENDER)
    message["To"] = Address(f"{person.given} {person.family}", addr_spec=person.email)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=_DOMAIN)
    for name, value in unsubscribe_headers(person).items():
        message[name] = value
    return message


if __name__ == "__main__":
    drive(store_patients, opened)
