"""Whose fault it is that a mail server refuses a message: ours, the address's, or this message's alone."""

from __future__ import annotations

import re

from crmkit.builtin.mail.fault import ADDRESS_CODES, is_about_address, is_about_sender, is_barred, is_full, status_of
from crmkit.builtin.smtp.advice import FULL, NOT_ALLOWED, NOT_FOR_US, NOT_FROM_US, NOT_THIS_ACCOUNT
from crmkit.builtin.smtp.session import Reply
from crmkit.delivery.channel import Outcome

_REFUSED = 5
#: Answers to a recipient that are about us: log in, secure the line; so is every status on policy (RFC 3463, X.7.X).
_ABOUT_US = (530, 534, 535, 538)
#: Old servers say it in words only.
_RELAY = re.compile(rb"(?i)\brelay(?:ing)?\b|authenticat|not logged in")
#: What is held against this machine is kept, too, until a recipient is told.
_MACHINE = re.compile(rb"(?i)\b(?:helo|ehlo|spf|dmarc)\b|client host rejected")
#: That we could not prove who we are (RFC 7372, Gmail: DKIM, SPF, reverse DNS, DMARC), or are barred: mended, it would
#: pass.
_UNPROVEN = re.compile(r"5\.7\.(?:2\d|3[0-2]|40|[5-7]\d\d)")
#: That the account may not send in the practice's name (Microsoft 365, Amazon, SendGrid, Fastmail), or has sent as much
#: as it may (Google, Microsoft 365): said of each message at its end, whoever it is for.
_ACCOUNT_CODES = frozenset({"5.7.60", "5.2.252", "5.4.5", "5.1.90"})
_ACCOUNT = re.compile(
    r"(?i)send ?as ?denied|to send (?:from|as) th(?:is|at)\b|address (?:is )?not verified|verified sender"
    r"|not (?:one of your|authori[sz]ed to send from this)|\bsending (?:limit|quota|is paused|paused)|submission ?quota"
    r"|(?:daily|hourly|monthly) (?:\w+ ){0,3}(?:limit|quota)|credits exceeded"
)


def outcome_of(reply: Reply) -> Outcome:
    """Return what a refusal of the message itself comes to."""
    return Outcome.REFUSED if reply.first == _REFUSED else Outcome.RETRY


def is_about_us(reply: Reply) -> bool:
    """Tell whether a server that refuses a recipient means us: whoever it was to, it would have said the same."""
    ours = reply.code in _ABOUT_US or _is_policy(reply) or is_relay(reply) or _is_account(reply)
    return ours or is_unwanted_sender(reply) or _is_machine(reply)


def is_unwanted_sender(reply: Reply) -> bool:
    """Tell whether it does not want mail from the practice's address, and says so only when it is told a recipient.

    >>> is_unwanted_sender(Reply(550, b"5.1.8 <hello@brighteyes.example>: Sender address rejected: Domain not found"))
    True
    """
    return is_about_sender(reply.status, _words(reply))


def barred_by(reply: Reply) -> str:
    """Return what to do about a refusal that means us; empty where nothing can be said."""
    if _is_account(reply):
        return NOT_THIS_ACCOUNT
    if is_relay(reply):
        return NOT_FOR_US
    if is_unwanted_sender(reply):
        return NOT_FROM_US
    if _is_policy(reply) or _is_machine(reply):
        return NOT_ALLOWED
    return FULL if is_full(_words(reply)) else ""


def is_relay(reply: Reply) -> bool:
    """Tell whether it does not send for us to others."""
    return bool(_RELAY.search(reply.text))


def is_unproven(reply: Reply) -> bool:
    """Tell whether the receiver cannot see whose the mail is, bars the sender for now, or lets the account not send it.

    >>> is_unproven(Reply(550, b"5.4.5 Daily user sending limit exceeded")), is_unproven(Reply(550, b"5.7.1 spam"))
    (True, False)
    """
    return bool(_UNPROVEN.fullmatch(reply.status)) or _is_account(reply)


def is_nobody_there(reply: Reply) -> bool:
    """Tell whether a refusal condemns the address: by the same table as a bounce that says so.

    >>> is_nobody_there(Reply(550, b"5.1.1 User unknown")), is_nobody_there(Reply(552, b"5.2.2 Mailbox full"))
    (True, False)
    """
    words = _words(reply)
    return is_about_address(status_of(reply.status, words), words)


def is_nobody_in_the_end(reply: Reply) -> bool:
    """Tell whether a refusal of the whole message condemns the address: by its code, for words may be of the content.

    >>> is_nobody_in_the_end(Reply(550, b"5.1.1 User unknown")), is_nobody_in_the_end(Reply(550, b"no such user"))
    (True, False)
    """
    return reply.status[2:] in ADDRESS_CODES and is_nobody_there(reply)


def _is_account(reply: Reply) -> bool:
    return reply.status in _ACCOUNT_CODES or bool(_ACCOUNT.search(_words(reply)))


def _is_policy(reply: Reply) -> bool:
    return is_barred(reply.status, _words(reply))


def _is_machine(reply: Reply) -> bool:
    return bool(_MACHINE.search(reply.text)) and not is_nobody_there(reply)


def _words(reply: Reply) -> str:
    return reply.text.decode("ascii", "replace")
