"""A finished message as the bytes of an e-mail (RFC 5322)."""

from __future__ import annotations

import binascii
import email.errors
import email.policy
from email.headerregistry import Address
from email.message import EmailMessage

from crmkit.errors import TemplateError
from crmkit.messages.message import Message
from crmkit.people.medium import Medium

# The usual width folds a long List-Unsubscribe into an encoded word, which ends one-click unsubscribing.
_WHOLE = email.policy.SMTP.clone(max_line_length=998, cte_type="7bit")


def to_bytes(message: Message) -> bytes:
    """Return the e-mail with CRLF line ends, ASCII only; the same message gives the same bytes.

    Raises:
        TemplateError: If the message is no e-mail, or an address cannot stand in a header.
    """
    if message.medium is not Medium.EMAIL:
        raise TemplateError(f"a message by {message.medium} has no e-mail form", where=f"message {message.key}")
    mail = EmailMessage(policy=_WHOLE)
    _head(mail, message)
    _bodies(mail, message)
    return mail.as_bytes()


def _head(mail: EmailMessage, message: Message) -> None:
    mail["From"] = _address(message, message.from_name, message.from_email)
    mail["To"] = _address(message, message.to_name, message.to)
    mail["Subject"] = message.subject
    mail["Date"] = message.at
    mail["Message-ID"] = message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in message.headers:
        mail[name] = value


def _bodies(mail: EmailMessage, message: Message) -> None:
    mail["MIME-Version"] = "1.0"
    if not message.html:
        _fill(mail, message.text, "plain")
        return
    # No quoted-printable body can hold "=_", so the boundary never meets its like.
    mail["Content-Type"] = f'multipart/alternative; boundary="=_{message.key}"'
    for text, kind in ((message.text, "plain"), (message.html, "html")):
        part = EmailMessage(policy=_WHOLE)
        _fill(part, text, kind)
        mail.attach(part)


def _fill(part: EmailMessage, text: str, kind: str) -> None:
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # Half the time of set_content, which encodes in Python.
    part.set_payload(binascii.b2a_qp(lines.encode()).decode("ascii"))


def _address(message: Message, name: str, address: str) -> Address:
    try:
        address.encode("ascii")
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, email.errors.MessageError):
        raise TemplateError("an address is no plain e-mail address", where=f"message {message.key}") from None
