"""Answers of readers by e-mail: each becomes an event, and the wish to stop is read from it."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from email.message import Message as Mail
from itertools import takewhile

import attrs

from crmkit.builtin.mail.automatic import is_automatic
from crmkit.builtin.mail.incoming import (
    answered_key,
    bare_address,
    from_mail_system,
    header,
    kind_of,
    named,
    parts,
    read_mail,
    sender,
    subject,
    text_of,
    written_at,
)
from crmkit.delivery.events.event import Event, Payload
from crmkit.delivery.events.reply import reply_event
from crmkit.delivery.events.stopwords import read_stop
from crmkit.messages.footer import reasons
from crmkit.people.medium import Medium

#: Where a reader's own words end: what follows is quoted, signed or a telephone's advertisement of itself.
_QUOTED = re.compile(
    r"(?i)\s*(?:>|-- ?$|_{5,}|-{5,} ?(?!begin pgp signed)[^-]{3,60} ?-{5,}$"
    r"|-{2,} ?(?:original|ursprüngliche|message d'origine|messaggio originale|mensaje original|mensagem original"
    r"|oorspronkelijk|forwarded)|original-?nachricht$"
    r"|begin forwarded message:|on\b.{4,200}\bwrote:|am\b.{4,200}\bschrieb|le\b.{4,200}\ba écrit"
    r"|il\b.{4,200}\bha scritto|el\b.{4,200}\bescribió|em\b.{4,200}\bescreveu|op\b.{4,200}\bschreef"
    r"|.{1,200}\b(?:wrote|schrieb|a écrit|ha scritto|escribió|escreveu|schreef) ?:$"
    r"|\*?(?:from|von|de|da|van):\*? ?.*@|sent from my |get outlook for |von meinem .{1,40} gesendet|gesendet von "
    r"|envoyé de |envoyé depuis |inviato da|enviado (?:desde|do) |(?:verzonden|verstuurd) vanaf |skickat från "
    r"|sendt fra |wysłane z |odesláno z |отправлено с |надіслано з |lähetetty .{1,40}$|.{1,20} gönderildi$"
    r"|.{1,12}から送信|发自我的|從我的 .{1,20} 傳送|나의 .{1,20}에서 보냄"
    r"|sent (?:from|with|via) .{0,3}(?:mail|outlook|yahoo|proton|samsung)"
    r"|outlook für .{1,12} beziehen|télécharger outlook|obtener outlook|ottieni outlook|diese nachricht wurde von mein"
    r"|(?:virus-free|virenfrei)\W"
    r"|.{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>.{0,60}[:：] ?$)"
)
#: How Outlook begins what it quotes, over two lines.
_FROM = re.compile(r"(?i)\*?(?:from|von|de|da|van|från|fra|od|lähettäjä)\s?:")
_SENT = re.compile(r"(?i)\*?(?:sent|date|gesendet|datum|envoyé|inviato|data|enviado|fecha|verzonden|skickat|sendt)\s?:")
_TAG = re.compile(
    r"(?is)<!--.*?(?:-->|\Z)|<(?:script|style|blockquote|head)\b.*?(?:</(?:script|style|blockquote|head)>|\Z)"
    r"|<[^<>]{0,2000}>"
)
#: How mail programs mark in HTML where what they quote begins, whichever language they speak.
_BELOW = re.compile(
    r"(?i)<(?:hr\b|(?:div|blockquote)\b[^<>]{0,300}"
    r"(?:gmail_quote|yahoo_quoted|divrplyfwdmsg|appendonsend|moz-cite-prefix))[^<>]{0,2000}>"
)
_BREAK = re.compile(r"(?i)<(?:br|/p|/div|/tr|/li)\b[^<>]{0,200}>")
_ANSWER = re.compile(r"(?i)\s*(?:re|aw|sv|antw|rif|res|fwd?|wg|tr)\s*:")
_OPENS = re.compile(r"(?i)(?:on|am|le|il|el|em|op)\b.*\d")
_READ = 20_000


@attrs.frozen
class ReplyParser:
    """Reads mails in which people answer, or ask to be left alone."""

    name: str = "replies"
    forgeable: bool = attrs.field(default=True, init=False)

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return the answer's event: if it answers a message of ours, or is a wish to stop; else it is ordinary mail.

        What machines write (bounces, receipts, out of office, lists) is no answer.

        Raises:
            SourceError: If the mail cannot be read.
        """
        mail = read_mail(payload)
        if from_mail_system(mail) or is_automatic(mail) or mail.get("list-id") is not None:
            return ()
        event = reply_event(
            _wish(mail),
            event_id=payload.event_id(1),
            medium=Medium.EMAIL,
            at=written_at(header(mail, "date"), payload),
            key=named(answered_key(mail))["key"],
            address=bare_address(sender(mail)),
        )
        return (event,) if event.stop or event.key else ()


def _wish(mail: Mail) -> str:
    """Return the words that may be a wish to stop: the reader's own, or the subject where the reader wrote it."""
    words, title = own_words(_body(mail)), subject(mail)
    own_title = "" if _ANSWER.match(title) else title
    if own_title and (not words or (read_stop(own_title, Medium.EMAIL) and not read_stop(words, Medium.EMAIL))):
        return own_title
    return words


def own_words(text: str) -> str:
    r"""Return what the reader wrote, without the quoted message and the signature.

    >>> own_words("Stop\n\nOn Mon, 23 Nov 2026 Bright Eyes wrote:\n> Dear Mia")
    'Stop'
    """
    lines = [line.strip() for line in text[:_READ].splitlines()]
    if above := _own(lines):
        return above
    # Some write below what they quote.
    quoted = [number for number, line in enumerate(lines) if line.startswith(">")]
    return _own(lines[quoted[-1] + 1 :]) if quoted else ""


def _own(lines: Sequence[str]) -> str:
    pairs = takewhile(lambda pair: not _ends(*pair), zip(lines, [*lines[1:], ""], strict=False))
    return "\n".join(line for line, _ in pairs).strip()


def _ends(line: str, after: str) -> bool:
    """Tell whether the reader's words end here; "On Monday, ... wrote:" may be broken over two lines."""
    if _QUOTED.match(line) or (_OPENS.match(line) and _QUOTED.match(f"{line} {after}")):
        return True
    # What stands at the foot of our own messages says how to stop them.
    return bool(_FROM.match(line) and _SENT.match(after)) or line.startswith(reasons())


def _body(mail: Mail) -> str:
    leaves = [part for part in parts(mail) if not part.is_multipart() and not _attached(part)]
    for kind in ("text/plain", "text/html"):
        for part in leaves:
            if kind_of(part) == kind and (text := text_of(part)[: 5 * _READ]).strip():
                return _without_tags(text) if kind == "text/html" else text
    return ""


def _attached(part: Mail) -> bool:
    return header(part, "content-disposition").lower().startswith("attachment")


def _without_tags(text: str) -> str:
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", _BELOW.sub("\n_____\n", text))))
