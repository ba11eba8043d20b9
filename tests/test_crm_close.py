"""What a `CRM` leaves behind when it is closed: nothing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from situations import consent, patient

from crmkit import Campaign

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
