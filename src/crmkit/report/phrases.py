"""The words for what has no number: why somebody is left out, what became of a touch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from crmkit.ledger.state import State

_LEFT_OUT = MappingProxyType(
    {
        "non_patient": "on file, but not a patient",
        "prospective": "enquired, never a patient",
        "deceased": "deceased",
        "moved": "moved away",
        "transferred": "transferred to another practice",
        "lapsed": "last visit too long ago",
        "never_seen": "no completed visit",
        "not_active": "not active at the end",
        "not_active_at_start": "not active at the start",
        "not_lapsed_at_start": "not lapsed at the start",
        "not_new": "first visit at another time",
    }
)

#: What became of a touch, in the order in which a page tells it, with the states that it stands for.
FATES = MappingProxyType(
    {
        "Reached the patient": (State.SENT, State.DELIVERED, State.COMPLAINED),
        "In the household's copy": (State.CARRIED,),
        "Waiting": (State.READY, State.CLAIMED, State.RETRY, State.DEFERRED),
        "In doubt: may have left": (State.SENDING, State.UNKNOWN),
        "Held for a person": (State.HELD,),
        "Withheld by lot": (State.WITHHELD,),
        "Not allowed": (State.DENIED,),
        "Came back or was refused": (State.BOUNCED, State.REFUSED),
        "Too late or cancelled": (State.EXPIRED, State.CANCELLED),
    }
)

_FATE = MappingProxyType({state: fate for fate, states in FATES.items() for state in states})


def fate(state: State) -> str:
    """Return what became of a touch in this state."""
    return _FATE[state]


def left_out(excluded: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return why patients are left out of a measure and how many; a plugin's own code is shown as it is.

    >>> left_out({"too_shy": 2, "moved": 1, "deceased": 3})
    (('deceased', 3), ('moved away', 1), ('too shy', 2))
    """
    known = [reason for reason in _LEFT_OUT if reason in excluded]
    own = sorted(reason for reason in excluded if reason not in _LEFT_OUT)
    return tuple((_LEFT_OUT.get(reason, reason.replace("_", " ")), excluded[reason]) for reason in (*known, *own))


def reason_in_words(code: str, reasons: Mapping[str, str], **detail: str) -> str:
    """Return a reason in words for many touches at once: what differs from one to the next is left out.

    >>> sentences = {"no_consent": "has not agreed to {purpose}", "cap": "gets enough: at most {most} in {days} days"}
    >>> reason_in_words("no_consent", sentences, purpose="marketing")
    'has not agreed to marketing'
    >>> reason_in_words("cap", sentences), reason_in_words("too_loud", sentences)
    ('gets enough', 'too loud')
    """
    sentence = reasons.get(code, code.replace("_", " "))
    for name, word in detail.items():
        sentence = sentence.replace("{" + name + "}", word)
    sentence = re.sub(r"\s*\([^()]*\{[^()]*\)", "", sentence)
    sentence = re.sub(r":[^:]*\{[^:]*$", "", sentence)
    sentence = re.sub(r" (?:by|to|through|from) (?:the )?\w+ \{\w+\}", "", sentence)
    return re.sub(r"\{\w+\}", "…", sentence)
