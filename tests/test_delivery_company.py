"""A message that spoils each batch it is in: those that were with it go in smaller company, and come out of doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from recording_channel import Recorder
from situations import consent, patient

from crmkit import Campaign, State
from crmkit.people.medium import Medium
from crmkit.plugins import keyed

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
PEOPLE = [f"P{number:02d}" for number in range(60)]


class Stumbling(Recorder):
    """Fails as a whole at one reader, before anything has left."""

    def send(self, messages):
        if any(message.to.startswith("p30@") for message in messages):
            self.sizes.append(len(messages))
            raise KeyError("no such country")
        return super().send(messages)


@pytest.fixture
def crm(exports, open_crm):
    exports("patients", [patient(one, household=one, email=f"{one.lower()}@stone.example") for one in PEOPLE])
    exports("consents", [consent(one) for one in PEOPLE])
    channel = Stumbling(guarantee=keyed(timedelta(hours=24)))
    crm = open_crm(plugins=["csv", "folder", channel], channels={Medium.EMAIL: "recorder"}, caps=[])
    crm.channel = channel
    crm.sync()
    crm.add(CARD)
    crm.plan()
    return crm


@pytest.mark.no_cover
def test_at_the_third_try_only_the_message_that_spoils_it_is_left(crm, clock):
    left = []
    for _ in range(3):
        crm.channel.sizes.clear()
        left.append(crm.send().counts().get(State.RETRY, 0))
        sizes = list(crm.channel.sizes)
        clock.move(timedelta(minutes=31))
    assert left[0] > 10 >= left[1] > left[2] == 1
    assert set(sizes) == {1}
    assert len(crm.channel.handed) == len(set(crm.channel.keys)) == len(PEOPLE) - 1


@pytest.mark.no_cover
def test_what_provably_had_no_effect_goes_in_whole_batches_again(crm, clock):
    crm.channel.fate = ["retry"] * len(PEOPLE)
    crm.send()
    clock.move(timedelta(minutes=16))
    crm.channel.sizes.clear()
    crm.send()
    assert max(crm.channel.sizes) > 10
