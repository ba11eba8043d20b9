"""Addresses that belong to nobody: reserved domains, telephone numbers kept for fiction, invented streets."""

from __future__ import annotations

import attrs

from crmkit.demo.chance import Chance
from crmkit.demo.names import plain

#: All mobile numbers that the Australian regulator keeps for works of fiction: so few that patients share them.
MOBILES = (
    "0491570006", "0491570156", "0491570157", "0491570158", "0491570159", "0491570110", "0491570313", "0491570737",
    "0491571266", "0491571491", "0491571804", "0491572549", "0491572665", "0491572983", "0491573770", "0491573087",
    "0491574118", "0491574632", "0491575254", "0491575789", "0491576398", "0491576801", "0491577426", "0491577644",
    "0491578957", "0491578148", "0491578888", "0491579212", "0491579760", "0491579455",
)  # fmt: skip
DOMAINS = ("post.example", "mailbox.example", "innerwest.example", "swiftmail.example", "homeline.example")
SUBURBS = (
    (46, ("Newtown", "2042")),
    (14, ("Enmore", "2042")),
    (12, ("Erskineville", "2043")),
    (9, ("Marrickville", "2204")),
    (8, ("Stanmore", "2048")),
    (6, ("Camperdown", "2050")),
    (5, ("St Peters", "2044")),
)
STREETS = (
    "Wattlebird Lane", "Tramshed Street", "Lanternmaker Street", "Old Kiln Road", "Fernwren Avenue", "Ropewalk Lane",
    "Little Saddler Street", "Bluegum Parade", "Cooperage Street", "Paperbark Crescent", "Signalbox Lane",
    "Clothworker Street", "Magpie Terrace", "Brickpit Road", "Silverprincess Street", "Terrace End", "Quoll Street",
    "Tinsmith Lane", "Banksia Rise", "Currawong Place",
)  # fmt: skip


@attrs.frozen(repr=False)
class Home:
    """Where a household lives, with the landline that its members share."""

    address1: str
    address2: str
    city: str
    postcode: str
    phone: str


def home(chance: Chance) -> Home:
    """Return an invented home in the practice's quarter."""
    city, postcode = chance.weighted(SUBURBS)
    street = f"{chance.between(1, 180)} {chance.pick(STREETS)}"
    unit = f"Unit {chance.between(1, 24)}" if chance.share(0.22) else ""
    return Home(unit or street, street if unit else "", city, postcode, landline(chance))


def landline(chance: Chance) -> str:
    """Return a Sydney landline out of the two ranges kept for fiction."""
    return f"(02) {chance.pick(('5550', '7010'))} {chance.below(10_000):04d}"


def mobile(chance: Chance) -> str:
    """Return a mobile number kept for fiction, written in one of the ways that people write it."""
    number = chance.pick(MOBILES)
    spaced = f"{number[:4]} {number[4:7]} {number[7:]}"
    ways = ((70, spaced), (20, number), (6, f"+61 {spaced[1:]}"), (4, spaced.replace(" ", "-")))
    return chance.weighted(ways)


def email(chance: Chance, given: str, family: str, born: int, used: set[str], number: int) -> str:
    """Return an e-mail address of the person's own that nobody has yet, and add it to the used ones.

    Args:
        chance: Decides the form and the domain.
        given: The given name.
        family: The family name.
        born: The year of birth, which some put into their address.
        used: The addresses given out so far.
        number: The household's number, which sets apart two people of the same name.
    """
    first, last = plain(given), plain(family)
    ways = ((60, f"{first}.{last}"), (20, f"{first}{born % 100:02d}"), (20, f"{first[:1]}{last}"))
    local, domain = chance.weighted(ways), chance.pick(DOMAINS)
    address = f"{local}@{domain}"
    while address in used:
        local = f"{local}{number}"
        address = f"{local}@{domain}"
    used.add(address)
    return address
