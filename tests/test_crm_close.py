"""What a `CRM` leaves behind when it is closed: nothing."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from situations import consent, patient

from crmkit import CRM, Campaign, Medium
from crmkit.errors import ConfigError, CrmkitError
from crmkit.plugins import CrmkitSpec, Limits, Outcome, PluginInfo, Receipt, hookimpl

OPEN = Path("/proc/self/fd")
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


def held(folder):
    """Return the names of the open files of a folder, as often as they are open."""
    found = []
    for one in OPEN.iterdir():
        try:
            place = Path(os.readlink(one))
        except OSError:
            # It was that of the listing itself.
            continue
        found += [place.name] if place.parent == folder else []
    return found


@pytest.mark.no_cover
@pytest.mark.skipif(not OPEN.is_dir(), reason="only Linux tells which files a process holds")
def test_a_crm_that_is_closed_holds_no_file_open_whichever_thread_used_it(exports, open_crm, tmp_path):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(CARD)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: crm.plan(), range(8)))
    assert crm.send().sent == 1
    crm.status()
    assert "crm.db" in held(tmp_path)
    crm.close()
    assert held(tmp_path) == []


class Held(CrmkitSpec):
    """A host's channel over a client that takes nothing more once it was closed."""

    info = PluginInfo("held")
    name = "held"
    medium = Medium.EMAIL

    limits = Limits(batch=5)

    def __init__(self):
        self.opened = 0
        self.begun = Event()

    @hookimpl
    def crmkit_channels(self, ctx):
        self.opened += 1
        return [self]

    def send(self, messages):
        if not self.opened:
            raise RuntimeError("the client is closed")
        self.begun.set()
        time.sleep(0.05)
        return [Receipt(one.key, Outcome.SENT) for one in messages]

    @hookimpl
    def crmkit_close(self, ctx):
        self.opened -= 1


@pytest.mark.parametrize("wrong", [{"templates": "nowhere"}, {"channels": {"email": "else"}}, {}])
def test_a_crm_that_cannot_be_opened_gives_back_what_its_plugins_hold(wrong, practice, tmp_path):
    # As where a host tries again every minute until its database is back.
    held = Held()
    with pytest.raises(CrmkitError):
        CRM(practice, f"sqlite:///{tmp_path}/nowhere/crm.db", plugins=[held], **wrong)
    assert held.opened == 0


def test_a_crm_that_was_closed_calls_no_plugin_and_leaves_nothing_in_doubt(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    held = Held()
    crm = open_crm(plugins=["csv", "folder", held], channels={"email": "held"})
    crm.sync()
    crm.add(CARD)
    crm.plan()
    crm.close()
    for ask in (crm.send, crm.plan, crm.sync, lambda: crm.preview("P1"), crm.rehearse):
        with pytest.raises(ConfigError, match="it is closed"):
            ask()
    again = open_crm(plugins=["csv", "folder", held], channels={"email": "held"})
    assert (again.unknowns(), again.send().sent) == ([], 1)


@pytest.mark.parametrize("sends", ["send", "watch"])
def test_what_another_thread_is_sending_ends_in_order_before_the_channel_is_closed_under_it(sends, exports, open_crm):
    # As when an application is shut down, or loads itself anew, while its scheduler has a sending at work.
    everybody = [f"P{n}" for n in range(60)]
    exports("patients", [patient(one, household=one, email=f"{one}@x.example") for one in everybody])
    exports("consents", [consent(one) for one in everybody])
    held, given = Held(), {"channels": {"email": "held"}}
    crm = open_crm(plugins=["csv", "folder", held], **given)
    crm.sync()
    crm.add(CARD)
    crm.plan()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(getattr(crm, sends))
        assert held.begun.wait(30)
        crm.close()
        done.result(timeout=30)
    again = open_crm(plugins=["csv", "folder", held], **given)
    left = again.send().sent
    assert 0 < left < 60, "it was ended half-way"
    assert (again.unknowns(), again.send().sent) == ([], 0)
