"""What the law wants an e-mail to say of its sender, by the country of the practice.

Only laws that want a postal address in the message itself stand here. One that wants it on the website, or any way to
reach the sender, is fulfilled without: docs/reference/crm-toml.md names those too. Not legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import attrs

from crmkit.people.medium import Medium, Purpose


def _purposes(values: Iterable[Purpose]) -> tuple[Purpose, ...]:
    return tuple(values)


@attrs.frozen
class Imprint:
    """A law that wants the sender's postal address in an e-mail.

    Attributes:
        source: Where it is written.
        purposes: In messages of which purposes.
    """

    source: str
    purposes: tuple[Purpose, ...] = attrs.field(default=(Purpose.MARKETING,), converter=_purposes)


#: By country (ISO 3166).
IMPRINTS = MappingProxyType(
    {
        "AT": Imprint("Mediengesetz, § 24 (3): in each newsletter; a link is not enough"),
        # The form is prescribed for all commercial messages, also those that need no consent (section 6(6)).
        "CA": Imprint(
            "Anti-Spam Law (S.C. 2010, c. 23), section 6(2), and Regulations (CRTC) SOR/2012-36, section 2(1)(d)",
            (Purpose.SERVICE, Purpose.MARKETING, Purpose.FEEDBACK),
        ),
        "IL": Imprint("Communications Law 1982, section 30A(e)"),
        # Transactions and relationships are exempt (7702(17)); asking for a review is neither.
        "US": Imprint("CAN-SPAM Act, 15 U.S.C. 7704(a)(5)(A)(iii)", (Purpose.MARKETING, Purpose.FEEDBACK)),
    }
)


def wants_address(country: str, purpose: Purpose, medium: Medium) -> bool:
    """Tell whether a message may only leave with the practice's postal address.

    >>> wants_address("US", Purpose.MARKETING, Medium.EMAIL), wants_address("US", Purpose.SERVICE, Medium.EMAIL)
    (True, False)
    >>> wants_address("AU", Purpose.MARKETING, Medium.EMAIL)
    False
    """
    law = IMPRINTS.get(country)
    return law is not None and medium is Medium.EMAIL and purpose in law.purposes
