"""The standard message types of `core`: birthday, newsletter and reactivation."""

from __future__ import annotations

from importlib.resources import files

from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium, Purpose


def standard_message_types() -> tuple[MessageType, ...]:
    """Return the message types that every practice has, named without an owner until `core` is admitted.

    >>> [kind.owned_by("core").name for kind in standard_message_types()]
    ['core.birthday', 'core.newsletter', 'core.reactivation']
    """
    templates = files("crmkit.builtin") / "templates"
    birthday = MessageType(
        name="birthday",
        purpose=Purpose.MARKETING,
        objective="celebrate",
        needs=("patient.greeting", "recipient.greeting", "patient.formal", "recipient.formal"),
        media=(Medium.EMAIL,),
        fresh_days=3,
        templates=templates,
    )
    newsletter = MessageType(
        name="newsletter",
        purpose=Purpose.MARKETING,
        objective="inform",
        needs=("content.title", "content.text"),
        media=(Medium.EMAIL,),
        fresh_days=14,
        templates=templates,
        personal=False,
        content=True,
    )
    reactivation = MessageType(
        name="reactivation",
        purpose=Purpose.MARKETING,
        objective="reactivate",
        needs=("recipient.greeting", "patient.greeting", "recipient.formal"),
        media=(Medium.EMAIL,),
        fresh_days=14,
        templates=templates,
    )
    return birthday, newsletter, reactivation
