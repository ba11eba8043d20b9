"""A real CRM behind a real server, over real HTTP: a link in a message, followed, pressed, and kept for good."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from situations import consent, patient
from web_server import served

from crmkit import CRM, Campaign, FixedClock, Medium, Practice, State
from crmkit.builtin.webhook import HookParser
from crmkit.web import app

ONE_CLICK = b"List-Unsubscribe=One-Click"
NEWS = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


def call(address: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(address, data=body, method=method, headers=headers)  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@pytest.fixture
def crm(exports: Callable[..., None], open_crm: Callable[..., CRM]) -> CRM:
    """Two patients who agreed, each with a card that is planned and not yet sent."""
    exports("patients", [patient("P1"), patient("P2", household="H2", email="p2@x.example")])
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm()
    crm.sync()
    crm.add(NEWS)
    assert {touch.state for touch in crm.plan().touches} == {State.READY}
    return crm


@pytest.fixture
def site(crm: CRM) -> Iterator[str]:
    with served(app(crm)) as address:
        yield address


def link(crm: CRM, site: str) -> str:
    """Return the link of P1's card as the mail program reads it, on the test's server."""
    (raw,) = [one.raw for one in crm.preview("P1")]
    found = re.search(rb"List-Unsubscribe:\s*<([^>]+)>", raw)
    assert found
    return found[1].decode().replace(crm.practice.public_url, site)


def everything(tmp_path: Path) -> list[str]:
    """Return every row of every table as text."""
    with contextlib.closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        return list(connection.iterdump())


def judged(crm: CRM) -> dict[str, str]:
    """Return each patient's reason as it is judged now."""
    return {touch.patient: touch.reason for touch in crm.plan(dry=True).touches}


@pytest.mark.no_cover
def test_looking_at_the_link_leaves_every_row_as_it_was(crm: CRM, site: str, tmp_path: Path) -> None:
    before = everything(tmp_path)
    assert any("P1" in row for row in before)
    for method in ("GET", "HEAD"):
        assert call(link(crm, site), method)[0] == 200
    assert call(link(crm, site), "PUT", b"")[0] == 405
    assert call(link(crm, site) + "x", "POST", ONE_CLICK)[0] == 404
    assert everything(tmp_path) == before
    assert call(link(crm, site), "POST", ONE_CLICK)[0] == 200
    assert everything(tmp_path) != before


def test_one_click_ends_also_what_was_planned_before_and_no_sync_undoes_it(
    crm: CRM, site: str, clock: FixedClock, outbox: Callable[[], list[bytes]]
) -> None:
    address = link(crm, site)
    assert judged(crm) == {"P1": "ready", "P2": "ready"}
    status, page = call(address, "POST", ONE_CLICK, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, "You are unsubscribed" in page) == (200, True)
    assert judged(crm) == {"P1": "opted_out", "P2": "ready"}
    assert crm.send().counts() == {State.SENT: 1, State.DENIED: 1}, "sent without a plan in between"
    assert [b"p2@x.example" in raw for raw in outbox()] == [True]
    for _ in range(2):
        (answer,) = crm.why("P1")
        assert answer.words == "denied: has said no to marketing by email"
        clock.move(timedelta(hours=1))
        crm.sync()
        crm.plan()
    assert crm.send().touches == ()


def test_pressing_again_and_again_and_at_once_is_the_same_as_once(crm: CRM, site: str, tmp_path: Path) -> None:
    address = link(crm, site)
    assert call(address, "POST", ONE_CLICK)[0] == 200
    once = everything(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(address, "POST", ONE_CLICK)[0], range(16)))
    assert answers == [200] * 16
    assert everything(tmp_path) == once


def test_pressed_again_later_it_is_the_same_wish_and_a_new_one_after_a_yes(
    crm: CRM, site: str, clock: FixedClock, tmp_path: Path, exports: Callable[..., None]
) -> None:
    address = link(crm, site)
    assert call(address, "POST", ONE_CLICK)[0] == 200
    once = everything(tmp_path)
    clock.move(timedelta(minutes=59))
    assert call(address, "POST", ONE_CLICK)[0] == 200
    assert everything(tmp_path) == once
    exports("consents", [consent("P1", at=clock.now().isoformat(), evidence="form 7"), consent("P2")])
    crm.sync()
    assert judged(crm)["P1"] == "ready", "a later yes with proof"
    clock.move(timedelta(seconds=1))
    assert call(address, "POST", ONE_CLICK)[0] == 200
    crm.sync()
    assert judged(crm)["P1"] == "opted_out"


@pytest.mark.no_cover
def test_a_link_outlives_its_key_until_the_key_is_given_up(
    open_crm: Callable[..., CRM], practice: Practice, crm: CRM
) -> None:
    old, public = link(crm, ""), practice.public_url

    def keyed(*keys: str) -> CRM:
        return open_crm(practice=attrs.evolve(practice, keys=keys))

    rotated, given_up = keyed("a new key", "a key for tests"), keyed("a new key")
    new = link(rotated, "")
    assert new != old
    with served(app(rotated)) as site:
        assert call(site + old)[0] == 200
        assert judged(rotated)["P1"] == "ready"
        assert call(site + old, "POST", ONE_CLICK)[0] == 200
        assert judged(rotated)["P1"] == "opted_out"
        assert call(site + new, "POST", ONE_CLICK)[0] == 200
    with served(app(given_up)) as site:
        assert call(site + old, "POST", ONE_CLICK)[0] == 404
        assert call(site + new, "POST", ONE_CLICK)[0] == 200
    assert public not in old


def test_no_letter_of_a_token_can_be_altered(crm: CRM, site: str, tmp_path: Path) -> None:
    address = link(crm, site)
    before = everything(tmp_path)
    token = address.rpartition("/")[2]
    for place in range(0, len(token), 5):
        # The last letter of base64 has bits to spare, and another letter may mean the same.
        other = "A" if token[place] != "A" else "B"
        altered = token[:place] + other + token[place + 1 :]
        assert call(f"{site}/unsubscribe/{altered}", "POST", ONE_CLICK)[0] == 404
    assert everything(tmp_path) == before


SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()


@pytest.fixture
def provider(open_crm: Callable[..., CRM], crm: CRM) -> CRM:
    """The same practice with a door for a provider, and both cards sent."""
    found = open_crm(
        plugins=["csv", "folder", "hook", "email"],
        settings={"hook": {"secrets": [SECRET]}, "email": {"host": "mx.example"}},
        channels={Medium.EMAIL: "folder"},
    )
    assert found.send().sent == 2
    return found


def told(crm: CRM, **parts: Any) -> tuple[bytes, dict[str, str]]:
    """Return a provider's call about P1's card, signed now."""
    (key,) = {event.key for event in crm.feed() if event.patient == "P1"}
    event = {"id": "e-1", "kind": "bounced", "medium": "email", "key": key, "permanent": True}
    body = json.dumps({"events": [event | parts]}).encode()
    return body, dict(HookParser([SECRET]).sign("call-1", crm.clock.now(), body))


@pytest.mark.no_cover
def test_a_signed_call_is_applied_and_then_known_and_ends_what_was_planned(provider: CRM, clock: FixedClock) -> None:
    body, headers = told(provider)
    with served(app(provider)) as site:
        answers = [call(f"{site}/events/hook", "POST", body, **headers) for _ in range(2)]
    assert [(status, json.loads(text)) for status, text in answers] == [
        (202, {"applied": 1, "known": 0}),
        (202, {"applied": 0, "known": 1}),
    ]
    assert provider.why("P1")[0].words == "bounced: came back: nobody is at this address (no code)"
    clock.set(clock.now().replace(year=2027))
    assert judged(provider) == {"P1": "bad_address", "P2": "ready"}


@pytest.mark.no_cover
def test_a_call_that_comes_many_times_at_once_is_applied_once(provider: CRM) -> None:
    body, headers = told(provider)
    with served(app(provider)) as site, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(f"{site}/events/hook", "POST", body, **headers), range(16)))
    assert {status for status, _ in answers} == {202}
    assert sum(json.loads(text)["applied"] for _, text in answers) == 1


def test_a_forged_call_is_not_found_is_logged_and_changes_nothing(
    provider: CRM, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body, headers = told(provider)
    late = dict(HookParser([SECRET]).sign("call-1", provider.clock.now() - timedelta(minutes=6), body))
    foreign = dict(HookParser(["whsec_" + "A" * 32]).sign("call-1", provider.clock.now(), body))
    before = everything(tmp_path)
    with served(app(provider)) as site:
        forged = [(body + b" ", headers), (body, {}), (body, late), (body, foreign)]
        assert [call(f"{site}/events/hook", "POST", sent, **signed)[0] for sent, signed in forged] == [404] * 4
        # Nobody outside can say that a mail came back, or that a reader wrote.
        assert call(f"{site}/events/email.bounces", "POST", body)[0] == 404
        assert call(f"{site}/events/email.replies", "POST", b"From: a@b.example\n\nSTOP")[0] == 404
        assert call(f"{site}/events/nobody", "POST", body)[0] == 404
        assert call(f"{site}/events/no%0Abody", "POST", body)[0] == 404
    assert everything(tmp_path) == before
    told_of = [one.getMessage() for one in caplog.records if one.name == "crmkit.web"]
    assert (
        f"{provider.practice.id}: a call to events/hook was refused: the call is not signed with one of our secrets"
        in told_of
    )
    assert not [one for one in told_of if "\n" in one], "whoever calls writes no lines of the log"


def test_a_call_that_cannot_be_read_is_told_why_and_kept(provider: CRM) -> None:
    body, headers = told(provider, kind="exploded")
    with served(app(provider)) as site:
        status, text = call(f"{site}/events/hook", "POST", body, **headers)
    assert (status, json.loads(text)) == (400, {"problem": "kind is not of the documented form"})
    assert [one.problem for one in provider.unread()] == ["kind is not of the documented form"]


def test_a_multipart_form_over_the_wire_counts(crm: CRM, site: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert call(link(crm, site), "POST", form, **headers)[0] == 200
    assert judged(crm)["P1"] == "opted_out"


def test_no_answer_and_no_log_names_a_patient(crm: CRM, site: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "crmkit")
    pages = [call(link(crm, site), method)[1] for method in ("GET", "POST")] + [call(f"{site}/unsubscribe/x")[1]]
    said = "".join([*pages, *(record.getMessage() for record in caplog.records if record.name.startswith("crmkit"))])
    assert [hint for hint in ("Mia", "Stone", "stone.example", "P1", "1980") if hint in said] == []


@pytest.mark.no_cover
def test_a_slow_crm_does_not_hold_up_another_readers_page(crm: CRM) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow:
        practice = crm.practice

        def receive(self, parser: str, body: bytes, headers: Any) -> Any:
            entered.set()
            leave.wait(20)
            return type("Counts", (), {"applied": 1, "known": 0})

    with served(app(Slow())) as site, ThreadPoolExecutor(1) as pool:
        events = pool.submit(call, f"{site}/events/ses", "POST", b"{}")
        assert entered.wait(20)
        assert call(link(crm, site))[0] == 200
        assert not events.done()
        leave.set()
        assert events.result(20) == (202, json.dumps({"applied": 1, "known": 0}, separators=(",", ":")))
