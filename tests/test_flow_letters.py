"""Letters: a message by post has an address of several lines, from the export to the print shop."""

from __future__ import annotations

import attrs
import pytest
from greetings import put
from permuted import Bringing, Taking
from records_desk import PRACTICE, row
from situations import consent, patient

from crmkit import Campaign, State
from crmkit.cli.preview import letter
from crmkit.people.medium import Medium, Purpose
from crmkit.people.normal import normalise
from crmkit.plugins import Limits, MessageType, Outcome, Receipt
from crmkit.plugins.calls import Calls
from crmkit.plugins.owned import OwnedChannel
from crmkit.records.contacts import derived_contacts
from crmkit.records.reading import Reading
from crmkit.testing.samples import message_of

HOME = {"address1": "1 High St", "city": "Newtown", "region": "NSW", "postcode": "2042"}


def test_a_letter_goes_to_all_lines_of_the_address(exports, open_crm, tmp_path):
    exports("patients", [patient("P1", **HOME), patient("P2")])
    exports("consents", [consent(one, medium="post") for one in ("P1", "P2")])
    put(
        tmp_path / "acme" / "hello" / "post" / "en",
        body_txt="Dear {{ recipient.greeting }}, hello. {{ practice.name }}",
    )
    kind = MessageType(
        "hello", Purpose.MARKETING, "inform", ("recipient.greeting",), (Medium.POST,), 30, tmp_path / "acme"
    )
    shop = Taking("letters", Medium.POST, Limits())
    crm = open_crm(plugins=["csv", "folder", Bringing("acme", channels=[shop], message_types=[kind])])
    crm.sync()
    hello = {"message": "acme.hello", "segment": "everybody", "schedule": "on 2026-11-23", "media": ["post"]}
    crm.add(Campaign("hello", objective="inform", **hello))
    assert {touch.patient: touch.reason for touch in crm.plan().touches} == {"P1": "ready", "P2": "no_address"}
    assert crm.send().counts() == {State.SENT: 1}
    (taken,) = shop.taken
    assert taken.to == "1 High St\nNewtown NSW 2042"
    assert letter(taken).splitlines()[1] == "To: Mia Stone <1 High St, Newtown NSW 2042>"


@pytest.mark.parametrize(
    ("at_home", "country", "last"),
    [
        (("Zürich", "ZH", "8001"), "CH", "8001 Zürich"),
        (("Lyon", "", "69001"), "FR", "69001 Lyon"),
        (("Sesto", "MI", "20099"), "IT", "20099 Sesto (MI)"),
        (("Madrid", "Madrid", "28013"), "ES", "28013 Madrid"),
        (("Boise", "ID", "83702"), "US", "Boise ID 83702"),
        (("Leeds", "", "LS1 4AP"), "GB", "Leeds\nLS1 4AP"),
        (("Zürich", "", ""), "CH", "Zürich"),
    ],
)
def test_the_postcode_stands_where_its_country_has_it(at_home: tuple[str, ...], country: str, last: str) -> None:
    home = {"address1": "Hof 1", **dict(zip(("city", "region", "postcode"), at_home, strict=True))}
    here = attrs.evolve(PRACTICE, country=country)
    (contact,), _ = derived_contacts(Reading(row("patient", "P1", **home), here.zone), here)
    assert contact["value"] == f"Hof 1\n{last}"
    (contact,), _ = derived_contacts(Reading(row("patient", "P1", country=country, **home), PRACTICE.zone), PRACTICE)
    assert contact["value"] == f"Hof 1\n{last}\n{country}", "from abroad a letter needs the country"


@pytest.mark.parametrize("medium", Medium)
def test_the_kits_people_are_written_to_by_every_medium(medium):
    message = message_of(3, medium)
    assert message.digest != message_of(4, medium).digest


def test_an_address_as_exports_have_it_becomes_plain_lines():
    typed = " 1  High St\r\n\r\nNewtown\tNSW\u2028 2042 \r\n"
    assert normalise(typed, Medium.POST, "AU").value == "1 High St\nNewtown NSW\n2042"


def test_a_receipt_quotes_no_line_of_a_letters_address():
    message = message_of(3, Medium.POST)
    street = message.to.splitlines()[0]
    shop = Taking("letters", Medium.POST, Limits())
    shop.send = lambda messages: [Receipt(one.key, Outcome.SENT, evidence=f"to {street}") for one in messages]
    (receipt,) = OwnedChannel("acme", shop, Calls("acme")).send([message])
    assert street not in receipt.evidence
