"""What follows from what comes back: how often an address may fail, and how long a payload is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from crmkit.delivery.events.event import EventKind
from crmkit.ledger.heard import Sign

#: Codes (RFC 3463) of further failures that say nothing of the mailbox: the sender's address is not wanted, or the
#: message is too large or of a form that cannot be taken. 1.90, 2.252 and 4.5 of Google and Microsoft are about the
#: account that sends.
_NOT_THE_MAILBOX = re.compile(r"\d\.(?:1\.(?:[78]|90)|2\.(?:3|252)|3\.4|4\.5|6\.\d+)")


@attrs.frozen
class Policy:
    """The practice's policy.

    Attributes:
        soft_bounces: So many different messages that came back, though the address may be in order, stop it. What a
            policy or a spam filter kept out does not count: that is between the two servers.
        soft_days: Within so many days, and with no message delivered between.
        keep_days: How many days a payload is kept as it arrived.
        clicks: Whether clicks are noted at all; only for practices that track on pages of their own.
    """

    soft_bounces: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    soft_days: int = attrs.field(default=30, validator=[attrs.validators.ge(1), attrs.validators.le(3650)])
    keep_days: int = attrs.field(default=30, validator=[attrs.validators.ge(1), attrs.validators.le(3650)])
    clicks: bool = False

    @property
    def span(self) -> timedelta:
        """Within which time soft bounces are counted together."""
        return timedelta(days=self.soft_days)


def is_kept_out(status: str) -> bool:
    """Tell whether a status code (RFC 3463) is about security and policy: it is the sender who is not wanted.

    >>> is_kept_out("5.7.26"), is_kept_out("5.2.2"), is_kept_out("")
    (True, False, False)
    """
    return status[1:4] == ".7."


def tells_of_mailbox(sign: Sign) -> bool:
    """Tell whether it is a failure that counts against the address, together with others.

    Whoever lacks a signature, or is on a list of senders of spam, is refused for everybody: that must not cost any
    reader the address.
    """
    if sign.kind != EventKind.BOUNCED or sign.permanent:
        return False
    return not (is_kept_out(sign.status) or _NOT_THE_MAILBOX.fullmatch(sign.status))


def worn_out(signs: Iterable[Sign], policy: Policy) -> bool:
    """Tell whether an address failed so often that it is not used any more.

    Args:
        signs: What was heard of the address, in any order.
        policy: How often is too often.
    """
    failed: dict[str, datetime] = {}
    # At one and the same instant the failure is taken for the later, so that it counts.
    for sign in sorted(signs, key=lambda one: (one.at, one.kind != EventKind.DELIVERED)):
        if sign.kind == EventKind.DELIVERED:
            failed.clear()
        elif tells_of_mailbox(sign):
            # When each message came back last: anybody may report one and the same a thousand times.
            failed[sign.key] = sign.at
            if sum(sign.at - at <= policy.span for at in failed.values()) >= policy.soft_bounces:
                return True
    return False
