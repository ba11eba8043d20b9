"""Whose fault a failed delivery is: the address's, so that no later message can arrive, or anything else's.

A full mailbox, a policy, a spam filter or a server that is down says nothing about the address, whatever the code's
first digit is: such a message failed, the next one may arrive. To suppress an address for it would lose a patient.
"""

from __future__ import annotations

import re

#: Codes of RFC 3463 and its registry whose verdict is about the address: bad mailbox, bad or unroutable domain, bad
#: syntax, ambiguous, moved, null MX (1.10); mailbox disabled (2.1); no such host (4.4, and Exchange's 4.310). Not among
#: them: 1.7 and 1.8 (the sender's address), 2.2 (mailbox full), 2.3 and 3.x (size, system), 4.1 and 4.7 (no answer,
#: expired), 5.x (protocol), 7.x (policy, spam, authentication).
ADDRESS_CODES = frozenset({"1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1", "4.4", "4.310"})

#: Codes about the sender's address.
_SENDER_CODES = frozenset({"1.7", "1.8"})
#: Codes that leave the verdict to the words beside them.
_VAGUE = frozenset({"", "0.0", "1.0", "2.4", "3.0", "4.1"})

_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FAILURE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FULL = re.compile(
    r"(?i)(?:over|exceed\w*|disk|reached) (?:\w+ ){0,2}(?:quota|storage|allocation)|quota (?:is )?(?:exceeded|full)"
    r"|(?:mailbox|inbox) (?:is |size )?(?:full|exceed)|not enough (?:disk|storage)|insufficient (?:disk|storage|system)"
)
_BARRED = re.compile(
    r"(?i)\bspam\b|unsolicited|black ?list|block ?list|\brbl\b|reputation|\bpolic(?:y|ies)\b"
    r"|administrative(?:ly)? prohibit|messages from \S+ weren't sent"
)
#: Gmail says 5.2.1 of a mailbox that is switched off, and of one that gets too much just now.
_BUSY = re.compile(r"(?i)receiving mail (?:at a rate|too quickly)")
#: Outlook.com says 5.5.0 of people whom it does not know.
_UNAVAILABLE = re.compile(r"(?i)requested action not taken: mailbox unavailable")
_ELSE = re.compile(
    r"(?i)too (?:large|many hops)|message size|invalid dns"
    r"|retry time(?:out)?\b|failing for a long time|connection (?:refused|timed out)"
)
_WHO = r"(?:user|recipient|addressee|mailbox|address|account|alias|person|domain)"
_NOBODY = re.compile(
    rf"(?i){_WHO}[^.;]{{0,60}}?(?:unknown|not (?:found|exist|listed|known)|does(?:n't| not) (?:exist|have)|invalid"
    rf"|disabled|inactive|no longer)|(?:unknown|no such|invalid|nonexistent|not a valid) (?:local |virtual )?{_WHO}"
    r"|(?:couldn't be|wasn't|not) found|recipient address rejected: access denied|host unknown"
    r"|unrout(?:e)?able (?:mail )?(?:address|domain)|mailing list expansion problem: <"
)
#: It is the sender's address that is not known: Postfix says so, and Exim, which asks about it, quotes what it heard.
_SENDER = re.compile(
    r"(?i)\bsender (?:address )?(?:rejected|verif|unknown|invalid|denied|is not allowed)|verification failed for"
)
#: Postfix that asked beforehand says 5.1.1 of whatever it heard; the reason follows in words.
_ASKED = re.compile(r"(?is)\bundeliverable address: (.+)")
#: What is only late, and still on its way.
_WAITING = re.compile(
    r"(?i)warning only|(?:still being|will be) retried|not yet been delivered|delivery (?:is|has been) delayed"
    r"|delayed mail|(?:do not|don't) need to resend|no action is required (?:on|from) your"
    r"|(?:will|to) (?:continue|keep)(?: to)? try|noch nicht zugestellt|verz(?:oe|\W+|o)gert"
    r"|pas encore (?:pu )?[^ ]{0,2}(?:tre|t) (?:remis|livr)|nouvelles? tentatives?"
)
_OVER = re.compile(
    r"(?i)giv(?:e|en|ing) up|will not be retried|no (?:further|more) attempts|permanent(?:ly)? (?:error|fail)"
)
#: OpenSMTPD gives up with the words of a delay.
_EXPIRED = re.compile(r"(?i)\benvelope expired\b")


def is_expired(words: str) -> bool:
    """Tell whether the words are of a message that is not tried any more, whatever action stands beside them."""
    return bool(_EXPIRED.search(words))


def is_waiting(words: str) -> bool:
    """Tell whether the words are of a message that is late and is still tried.

    >>> is_waiting("This is a warning only. You do not need to resend."), is_waiting("Retried for 5 days; giving up")
    (True, False)
    """
    return bool(_WAITING.search(words)) and not _OVER.search(words)


def is_about_address(status: str, words: str = "") -> bool:
    """Tell whether a failure with this status code, and this diagnostic text, condemns the address.

    Old servers say 5.0.0 of everything, Exchange Online says 5.4.1 and OpenSMTPD 5.2.4 of unknown people: there the
    words decide. A full or a busy mailbox overrules any code, and so does a sender who is unknown.

    >>> is_about_address("5.1.1"), is_about_address("5.2.2"), is_about_address("5.7.1")
    (True, False, False)
    >>> is_about_address("5.0.0", "550 unknown user"), is_about_address("5.1.1", "550 5.1.1 mailbox is full")
    (True, False)
    """
    if status[:1] == "4" or _FULL.search(words) or _BUSY.search(words) or is_about_sender(status, words):
        return False
    if asked := _ASKED.search(words):
        return is_about_address(failure_code(asked[1]), asked[1])
    if status[2:] in _VAGUE:
        return bool(_NOBODY.search(words)) and not (_BARRED.search(words) or _ELSE.search(words))
    return status[2:] in ADDRESS_CODES or (status == "5.5.0" and bool(_UNAVAILABLE.search(words)))


def is_full(words: str) -> bool:
    """Tell whether the words are of a full mailbox."""
    return bool(_FULL.search(words))


def is_barred(status: str, words: str) -> bool:
    """Tell whether a policy or a list keeps the sender out, as Exim says it without any status code.

    >>> is_barred("", "rejected because 192.0.2.1 is in a black list at zen.example"), is_barred("5.1.1", "policy")
    (True, False)
    """
    return status[2:3] == "7" or (status[2:] in _VAGUE and bool(_BARRED.search(words)))


def is_about_sender(status: str, words: str) -> bool:
    """Tell whether it is the sender's address that the server does not want, whomever it was asked about.

    >>> is_about_sender("5.1.0", "<hello@brighteyes.example>: Sender address rejected: User unknown")
    True
    """
    return status[2:] in _SENDER_CODES or bool(_SENDER.search(words))


def says_why(words: str) -> bool:
    """Tell whether the words name another reason than the address."""
    return any(pattern.search(words) for pattern in (_FULL, _BARRED, _ELSE))


def failure_code(words: str) -> str:
    """Return the first status code of a failure in a text, empty if there is none.

    >>> failure_code("550 5.1.1 User unknown")
    '5.1.1'
    """
    found = _FAILURE.search(words)
    return found[1] if found else ""


def status_of(field: str, diagnostic: str) -> str:
    """Return the status code of a report's Status field; a vague one gives way to what the diagnosis says."""
    stated, told = _CODE.search(field), failure_code(diagnostic.replace("#", " "))
    if told and (not stated or stated[1][2:] == "0.0"):
        return told
    return stated[1] if stated else ""


def in_words(status: str, words: str) -> str:
    """Return a status code; where it is vague, the code of what the words say is wrong with the sender.

    >>> in_words("5.0.0", "554 Email rejected due to security policies"), in_words("", "550 Sender verify failed")
    ('5.7.0', '5.1.8')
    >>> in_words("5.0.0", "550 User unknown")
    '5.0.0'
    """
    if status[2:] not in _VAGUE or _FULL.search(words):
        return status
    code = "7.0" if _BARRED.search(words) else "1.8" if is_about_sender("", words) else ""
    return f"{status[:1] or 5}.{code}" if code else status
