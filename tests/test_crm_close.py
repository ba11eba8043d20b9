"""What a `CRM` leaves behind when it is closed: nothing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from situations import consent, patient

from crmkit import CRM, Campaign, Medium
from crmkit.errors import ConfigError, CrmkitError
from crmkit.plugins import CrmkitSpec, Outcome, PluginInfo, Receipt, hookimpl

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

    def __init__(self):
        self.opened = 0

    @hookimpl
    def crmkit_channels(self, ctx):
        self.opened += 1
        return [self]

    def send(self, messages):
        if not self.opened:
            raise RuntimeError("the client is closed")
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
