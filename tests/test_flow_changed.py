"""Between the plan and the sending a campaign, or a day of birth, is changed: what was planned does not leave."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from situations import consent, patient

from crmkit import Campaign

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
BACK = Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-11-23")


@pytest.fixture
def planned(exports, open_crm):
    """Return what opens a practice whose campaign is planned, and due now."""

    def opened(campaign):
        exports("patients", [patient("P1")])
        exports("consents", [consent("P1")])
        # No cap comes to the help of the promise that nobody gets the same twice.
        crm = open_crm(caps=[], content="content")
        crm.sync()
        crm.add(campaign)
        crm.plan()
        return crm

    return opened


@pytest.mark.parametrize(
    ("was", "then"),
    [
        (CARD, attrs.evolve(CARD, message="reactivation")),
        (BACK, attrs.evolve(BACK, schedule="on 2026-11-26")),
        (CARD, attrs.evolve(CARD, schedule="3 days after birthday")),
    ],
    ids=["another message", "another day", "days after"],
)
def test_of_a_campaign_that_was_changed_only_what_it_says_now_leaves_and_once(was, then, planned, clock, outbox):
    crm = planned(was)
    crm.add(then)
    early = then.schedule not in (CARD.schedule, BACK.schedule)
    crm.send()
    assert outbox() == [], "it leaves when it is planned for its new occasion"
    for day in range(6):
        crm.plan()
        crm.send()
        assert len(outbox()) == (1 if day >= 3 or not early else 0)
        clock.move(timedelta(days=1))


def test_who_turns_out_to_have_another_birthday_is_not_wished_well_today(planned, exports, clock, outbox):
    crm = planned(CARD)
    exports("patients", [patient("P1", born="1980-11-25")])
    crm.sync()
    crm.send()
    assert outbox() == []
    clock.move(timedelta(days=2))
    crm.plan()
    crm.send()
    assert len(outbox()) == 1


def test_who_has_had_a_message_does_not_get_it_again_when_the_rest_is_put_off(planned, exports, clock, outbox):
    crm = planned(BACK)
    exports("patients", [patient("P1"), patient("P2", email="ola@stone.example")])
    crm.sync()
    crm.plan()
    assert crm.send().sent == 1
    exports("consents", [consent("P1"), consent("P2")])
    crm.sync()
    crm.add(attrs.evolve(BACK, schedule="on 2026-11-27"))
    for _ in range(20):
        crm.plan()
        crm.send()
        clock.move(timedelta(days=1))
    assert [b"mia@stone.example" in one for one in outbox()] == [True, False], "each once"
    told = [answer.words for answer in crm.why("P1")]
    assert "has had it before the campaign was moved to another day (reactivation 2026-11-23)" in told[1]


@pytest.mark.parametrize(
    ("campaign", "again"),
    [(BACK, "on 2026-12-20"), (attrs.evolve(BACK, id="news", message="newsletter"), "on 2026-11-30")],
    ids=["a month later", "another newsletter"],
)
def test_what_is_no_repetition_leaves_on_its_day(campaign, again, planned, tmp_path, clock, outbox):
    texts = tmp_path / "content" / "newsletter"
    texts.mkdir(parents=True)
    for day in ("2026-11-23", "2026-11-30"):
        (texts / f"{day}.md").write_text(f"# News of {day}\n\nWe have news.\n", encoding="utf-8")
    crm = planned(campaign)
    assert crm.send().sent == 1
    crm.add(attrs.evolve(campaign, schedule=again))
    for _ in range(30):
        crm.plan()
        crm.send()
        clock.move(timedelta(days=1))
    assert len(outbox()) == 2
