"""Every reason that a touch can have, in words that a receptionist understands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Code to sentence, in the order in which a reason is told where several hold. Braces take the touch's detail.
REASONS = MappingProxyType(
    {
        "deceased": "the patient has died",
        "recipient_deceased": "the guardian has died",
        "left": "no longer a patient here ({status})",
        "opted_out": "has said no to {purpose} by {medium}",
        "minor_without_guardian": "a minor without a guardian on record",
        "stale": "too late for this occasion",
        "sent_before": "has had this message for this occasion already (campaign {campaign})",
        "moved": "has had it before the campaign was moved to another day ({occasion})",
        "same_message": "gets this message for this occasion from the campaign {campaign}",
        "no_consent": "has not agreed to {purpose} by {medium}",
        "no_address": "has no {medium} address on record",
        "bad_address": "the {medium} address on record cannot be used: {problem}",
        "left_segment": "no longer belongs to the segment",
        "campaign_gone": "the campaign is no longer in the programme",
        "stopped": "all sending is stopped",
        "paused": "the campaign is paused",
        "cancelled": "called off",
        "forgotten": "the patient was erased on request",
        "guard_failed": "the guard {guard} failed, and so nothing is sent",
        "too_much": "would get too much before this occasion is over: at most {most} in {days} days",
        "too_many": "no day is left before this occasion is over: at most {per_day} of this campaign leave on one day",
        "no_hour": "no hour suits all before this occasion is over ({rule}, by the clock of {zone})",
        "unread_row": "a row about patient {patient} cannot be read: crmkit rejected tells what to mend",
        "no_links": "an unsubscribe link cannot be made: the practice needs public_url and keys",
        "content_missing": "waits for the file {path}",
        "field_missing": "a needed field is empty: {field}",
        "doubtful_name": "the name looks wrong ({problem}): mend it in the practice software",
        "doubtful_guardian": "the name of guardian {patient} looks wrong ({problem}): mend it in the practice software",
        "template_failed": "the template could not be filled in ({problem})",
        "no_message_type": "no plugin brings the message type {message}",
        "no_field": "no plugin brings what the segment asks: {problem}",
        "campaign_broken": "the campaign cannot be planned: {problem}",
        "no_channel": "no channel delivers {medium}",
        "source_silent": "the practice software gave no answer about this patient just now",
        "closed": "a quiet day of the practice ({day})",
        "holiday": "a public holiday on {day} ({rule}, {zone})",
        "hours": "outside the hours for it ({rule}, by the clock of {zone})",
        "cap": "gets enough for now: at most {most} in {days} days",
        "spread": "leaves on another day, so that the replies can be answered: at most {per_day} on one day",
        "withheld": "left out by lot, so that the effect can be measured",
        "carried": "one copy goes to this address: that of patient {patient}",
        "ready": "ready to go",
        "claimed": "is being sent",
        "released": "was claimed but not handed over: ready again",
        "handing_over": "handed to the channel {channel}",
        "sent": "sent through the channel {channel}",
        "left_after_all": "left after all: something came back",
        "delivered": "arrived",
        "bounced": "came back: nobody is at this address ({status})",
        "bounced_soft": "came back, though the address may be in order ({status})",
        "kept_out": "came back from a spam filter or a rule of the receiver ({status})",
        "complained": "was reported as unwanted",
        "refused_address": "refused by the channel {channel}: nobody is at this address ({told})",
        "refused": "refused by the channel {channel} ({told})",
        "retry": "not taken by the channel {channel} for now ({told})",
        "unknown": "handed to the channel {channel}, which gave no clear answer ({told})",
        "settled_sent": "{by} says that it arrived",
        "settled_not_sent": "{by} says that it never left",
        "settled_again": "{by} wants it sent once more",
    }
)

#: What a receptionist calls the fields that templates print.
_FIELDS = MappingProxyType(
    {
        "patient.greeting": "the patient's first name",
        "patient.formal": "the patient's first name",
        "patient.given": "the patient's first name",
        "patient.preferred": "the patient's preferred name",
        "patient.family": "the patient's family name",
        "patient.prefix": "the patient's title",
        "patient.name": "the patient's name",
        "recipient.greeting": "the first name of whoever reads it, the patient or the guardian",
        "recipient.formal": "the first name of whoever reads it, the patient or the guardian",
        "recipient.name": "the name of whoever reads it, the patient or the guardian",
        "practice.phone": "the practice's telephone number",
        "practice.address": "the practice's postal address, which the law wants in such an e-mail",
        "practice.url": "the practice's public_url",
    }
)

#: The rank of each reason: a lower one is told first.
RANK = MappingProxyType({code: number for number, code in enumerate(REASONS)})


def in_words(reason: str, detail: Mapping[str, Any]) -> str:
    """Return a reason in words; a plugin's own code is shown as it is, and what the detail lacks as three dots.

    Args:
        reason: The code, as a touch, an event of the feed or a step of a touch's history has it.
        detail: What stands beside it.

    >>> in_words("no_consent", {"purpose": "marketing", "medium": "email"})
    'has not agreed to marketing by email'
    >>> in_words("field_missing", {"field": "patient.greeting"})
    "a needed field is empty: the patient's first name (patient.greeting)"
    """
    sentence = REASONS.get(reason)
    if sentence is None:
        return reason.replace("_", " ")
    # A channel need not say why.
    return (sentence if detail.get("told") else sentence.replace(" ({told})", "")).format_map(_Told(detail))


class _Told(dict[str, Any]):
    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return f"{_FIELDS[value]} ({value})" if name == "field" and value in _FIELDS else value

    def __missing__(self, _: str) -> str:
        return "…"
