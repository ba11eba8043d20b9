"""What the law wants a marketing e-mail to say of its sender, by the country of the practice."""

from __future__ import annotations

from types import MappingProxyType

from crmkit.people.medium import Medium, Purpose

#: Where the postal address must stand in it, and where that is written.
POSTAL_ADDRESS = MappingProxyType(
    {
        "CA": "Electronic Commerce Protection Regulations (CRTC), SOR/2012-36, section 2(1)(d)",
        "US": "CAN-SPAM Act, 15 U.S.C. 7704(a)(5)(A)(iii)",
    }
)


def wants_address(country: str, purpose: Purpose, medium: Medium) -> bool:
    """Tell whether a message may only leave with the practice's postal address.

    >>> wants_address("US", Purpose.MARKETING, Medium.EMAIL)
    True
    >>> wants_address("US", Purpose.CARE, Medium.EMAIL)
    False
    """
    return country in POSTAL_ADDRESS and purpose is not Purpose.CARE and medium is Medium.EMAIL
