"""The web app as a host sees it: what each address answers, what it changes, and what it never says."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from anyio import create_task_group, move_on_after, run, sleep
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount
from starlette.testclient import TestClient

from crmkit import Practice
from crmkit.errors import ConfigError, CrmkitError, NotFound, PluginError, StoreError
from crmkit.messages.links import Links, Unsubscribe
from crmkit.people.medium import Medium, Purpose
from crmkit.web import app
from crmkit.web.pages import preferred
from crmkit.web.phrases import PHRASES

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright <Eyes> & Sons",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    public_url="https://brighteyes.example/crm",
    keys=("new-key", "old-key"),
)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@attrs.frozen
class Counts:
    applied: int
    known: int


@attrs.define
class Stub:
    """A CRM that only remembers what it was asked."""

    practice: Practice = PRACTICE
    stopped: list[Unsubscribe] = attrs.Factory(list)
    received: list[tuple[str, bytes, dict[str, str]]] = attrs.Factory(list)
    threads: list[threading.Thread] = attrs.Factory(list)
    fault: Exception | None = None
    held: threading.Event | None = None

    def unsubscribe(self, token: str) -> bool:
        self._work()
        self.stopped.append(Links(self.practice).read(token))
        return True

    def receive(self, parser: str, body: bytes, headers: dict[str, str]) -> Counts:
        self._work()
        self.received.append((parser, body, headers))
        return Counts(2, 1)

    def _work(self) -> None:
        self.threads.append(threading.current_thread())
        if self.held:
            self.held.wait(60)
        if self.fault:
            raise self.fault


@pytest.fixture
def crm() -> Stub:
    return Stub()


@pytest.fixture
def client(crm: Stub) -> TestClient:
    return TestClient(app(crm))


def link(practice: Practice = PRACTICE, purpose: Purpose = Purpose.MARKETING) -> str:
    return "/unsubscribe/" + token(practice, purpose)


def token(practice: Practice = PRACTICE, purpose: Purpose = Purpose.MARKETING) -> str:
    return Links(practice).unsubscribe("P000123", purpose, Medium.EMAIL).rsplit("/", 1)[-1]


# Unsubscribe


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}])
def test_looking_at_a_link_changes_nothing(client: TestClient, crm: Stub, method: str, headers: dict[str, str]) -> None:
    answer = client.request(method, link(), headers=headers)
    assert answer.status_code == 200
    assert crm.stopped == []


def test_the_page_says_who_speaks_and_what_would_end_and_has_a_button_to_the_same_address(client: TestClient) -> None:
    answer = client.get(link())
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Bright &lt;Eyes&gt; &amp; Sons" in answer.text
    assert "News, greetings and offers by e-mail" in answer.text
    assert '<form method="post">' in answer.text
    assert "action=" not in answer.text


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_has_words_of_its_own(client: TestClient, purpose: Purpose) -> None:
    others = [text for one, text in PHRASES["en"].purposes.items() if one is not purpose]
    page = client.get(link(purpose=purpose)).text
    assert PHRASES["en"].purposes[purpose] in page
    assert not any(text in page for text in others)


@pytest.mark.parametrize(
    "form",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
        {"content": b"\xff broken", "headers": {"content-type": "multipart/form-data"}},
    ],
    ids=["urlencoded", "multipart", "no form", "broken form"],
)
def test_a_post_unsubscribes_without_cookie_or_login_whatever_its_form(
    client: TestClient, crm: Stub, form: dict[str, Any]
) -> None:
    answer = client.post(link(), **form)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert crm.stopped == [Unsubscribe("P000123", Purpose.MARKETING, Medium.EMAIL)]
    assert "set-cookie" not in answer.headers


def test_a_post_from_another_site_counts_too(client: TestClient, crm: Stub) -> None:
    headers = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post(link(), data=ONE_CLICK, headers=headers).status_code == 200
    assert len(crm.stopped) == 1


def test_a_token_of_an_older_key_still_works_and_one_of_a_foreign_key_does_not(client: TestClient, crm: Stub) -> None:
    assert client.post(link(attrs.evolve(PRACTICE, keys=("old-key",)))).status_code == 200
    assert client.post(link(attrs.evolve(PRACTICE, keys=("foreign",)))).status_code == 404
    assert len(crm.stopped) == 1


@pytest.mark.parametrize("between", ["%20", "=%20", "%09"])
def test_a_link_that_a_mail_program_broke_is_followed(client: TestClient, crm: Stub, between: str) -> None:
    whole = link()
    assert client.post(whole[:40] + between + whole[40:]).status_code == 200
    assert len(crm.stopped) == 1


@pytest.mark.parametrize("behind", [".", ")", ">", "/", "%3E.", ",", "\u201d", "&gt;", "&amp;x=1", "&data=05", "%20"])
def test_what_stood_behind_a_link_in_running_text_is_no_part_of_it(client: TestClient, crm: Stub, behind: str) -> None:
    assert client.post(link() + behind, data=ONE_CLICK).status_code == 200
    assert [one.patient for one in crm.stopped] == ["P000123"]


def test_a_long_address_of_stops_holds_nobody_up(client: TestClient) -> None:
    began = perf_counter()
    assert client.get(f"/unsubscribe/{'.' * 60_000}A").status_code == 404
    assert perf_counter() - began < 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_token_gets_a_page_that_names_nobody_and_changes_nothing(
    client: TestClient, crm: Stub, method: str
) -> None:
    other = Links(PRACTICE).unsubscribe("P000999", Purpose.MARKETING, Medium.EMAIL).rsplit("/", 1)[-1]
    forged = token()[:30] + other[30:]
    answer = client.request(method, f"/unsubscribe/{forged}")
    assert answer.status_code == 404
    assert "This link does not work" in answer.text
    for hint in ("Bright", "P000", "brighteyes", "<form", forged, "News"):
        assert hint not in answer.text
    assert crm.stopped == []


@given(nonsense=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_nonsense_for_a_token_is_not_found(nonsense: str) -> None:
    crm = Stub()
    assert TestClient(app(crm)).post("/unsubscribe/" + quote(nonsense, safe="")).status_code == 404
    assert crm.stopped == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client: TestClient, crm: Stub, method: str) -> None:
    answer = client.request(method, link())
    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD", "POST"]
    assert crm.stopped == []


@pytest.mark.parametrize("path", ["/", "/unsubscribe", "/unsubscribe/", "/other", "/unsubscribe/a/b", link() + "/b"])
def test_other_addresses_are_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def _in_pieces(size: int) -> Any:
    for _ in range(size // 1000):
        yield b"x" * 1000


@pytest.mark.parametrize("body", [b"x" * 64_001, _in_pieces(70_000)], ids=["told", "not told"])
def test_a_body_that_is_too_large_is_refused_and_changes_nothing(client: TestClient, crm: Stub, body: Any) -> None:
    answer = client.post(link(), content=body)
    assert answer.status_code == 413
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert crm.stopped == []


def test_a_body_of_the_largest_size_is_taken(client: TestClient, crm: Stub) -> None:
    assert client.post(link(), content=b"x" * 64_000).status_code == 200
    assert len(crm.stopped) == 1


def test_a_wish_that_could_not_be_recorded_is_owned_up_to_and_logged_by_type_only(
    client: TestClient, crm: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    crm.fault = RuntimeError("Mia Stone, mia@stone.example")
    answer = client.post(link())
    assert answer.status_code == 500
    assert "That did not work" in answer.text
    assert f'<a href="mailto:{PRACTICE.email}">' in answer.text, "whom to tell it instead"
    assert not re.search("<form|on its way|no longer", answer.text), "nothing that sounds as if it were done"
    assert "Mia" not in answer.text + caplog.text
    assert "P000123" not in caplog.text
    assert token() not in caplog.text
    assert "RuntimeError" in caplog.text


EVERY_ANSWER = [
    ("GET", link(), 200),
    ("POST", link(), 200),
    ("GET", "/unsubscribe/forged", 404),
    ("PUT", link(), 405),
    ("GET", "/elsewhere", 404),
    ("POST", "/events/ses", 202),
    ("GET", "/events/ses", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERY_ANSWER)
def test_every_answer_keeps_to_itself(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert rules.pop("style-src").startswith("'sha256-")
    nothing = dict.fromkeys(["default-src", "base-uri", "frame-ancestors"], "'none'")
    assert rules == nothing | {"form-action": "'self'"}
    for hint in ("P000123", "<script", "http:", "https:", "src=", "style="):
        assert hint not in answer.text


# Languages


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("nl, fr;q=0.5", "fr"),
        ("en;q=0.1, it", "it"),
        ("es-MX", "es"),
        ("de;q=0, fr", "fr"),
        ("nl", "en"),
        ("", "en"),
        ("*", "en"),
        (";;,=,q=1", "en"),
    ],
)
def test_the_reader_gets_their_own_language(client: TestClient, header: str, language: str) -> None:
    page = client.get(link(), headers={"Accept-Language": header}).text
    assert f'<html lang="{language}" dir="ltr">' in page
    assert f"<h1>{PHRASES[language].title}</h1>" in page


def test_without_a_wish_the_practices_own_language_is_spoken() -> None:
    practice = attrs.evolve(PRACTICE, locale="de_CH")
    client = TestClient(app(Stub(practice)))
    assert '<html lang="de"' in client.get(link(practice), headers={"Accept-Language": "nl"}).text
    assert '<html lang="fr"' in client.get(link(practice), headers={"Accept-Language": "fr"}).text
    assert '<html lang="de"' in client.get("/unsubscribe/forged", headers={"Accept-Language": "nl"}).text


@pytest.mark.parametrize("language", PHRASES)
def test_no_language_lacks_a_word_or_shares_one_between_purposes(language: str) -> None:
    said = PHRASES[language]
    assert set(said.purposes) == set(Purpose)
    assert set(said.media) == set(Medium)
    assert len(set(said.purposes.values())) == len(Purpose)
    assert all(attrs.asdict(said).values())


def test_a_host_is_told_why_a_wish_could_not_be_written_down(
    client: TestClient, crm: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    crm.fault = StoreError("the disk is full (SQLITE_FULL)", where="practice.db", mend="make room")
    assert client.post(link()).status_code == 500
    assert "practice.db: the disk is full (SQLITE_FULL). To mend: make room." in caplog.text


@given(st.text())
def test_any_header_gives_languages_or_none(header: str) -> None:
    assert all(tag and ";" not in tag for tag in preferred(header))


# Events


def test_a_payload_reaches_its_parser_byte_for_byte_with_lower_case_headers(client: TestClient, crm: Stub) -> None:
    body = b'{"b": 1,\r\n "a": "\xc3\xa9"}\x00'
    sent = [("X-Signature", "abc"), ("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2")]
    answer = client.post("/events/ses", content=body, headers=sent)
    assert (answer.status_code, answer.json()) == (202, {"applied": 2, "known": 1})
    ((parser, taken, headers),) = crm.received
    assert (parser, taken) == ("ses", body)
    assert (headers["x-signature"], headers["content-type"], headers["x-twice"]) == ("abc", "application/json", "1, 2")
    assert all(name == name.lower() for name in headers)


@pytest.mark.parametrize(
    ("fault", "status", "problem"),
    [
        (NotFound("there is no parser sess"), 404, "there is no parser sess"),
        (CrmkitError("the signature does not fit", where="ses"), 400, "the signature does not fit"),
        (StoreError("the database is locked"), 500, "the events were not taken; try again later"),
        (PluginError("the parser broke"), 500, "the events were not taken; try again later"),
        (ConfigError("there is no key", where="audit_key"), 500, "the events were not taken; try again later"),
        (KeyError("mia@stone.example"), 500, "the events were not taken; try again later"),
    ],
)
def test_a_payload_that_is_not_taken_is_answered_so_that_the_provider_knows_what_to_do(
    client: TestClient, crm: Stub, caplog: pytest.LogCaptureFixture, fault: Exception, status: int, problem: str
) -> None:
    crm.fault = fault
    answer = client.post("/events/ses", content=b"{}")
    assert (answer.status_code, answer.json()) == (status, {"problem": problem})
    assert "mia@stone" not in answer.text + caplog.text
    [told] = caplog.records
    assert told.levelname == ("ERROR" if status == 500 else "WARNING")
    assert told.getMessage().startswith(f"{crm.practice.id}: "), "one process may serve hundreds"


def test_a_call_without_any_header_does_not_pass_for_what_the_host_hands_in(crm: Stub) -> None:
    """Servers that speak HTTP/2 may hand a call on without headers."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    path = "/events/ses"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": [], "root_path": ""}
    asyncio.run(app(crm)({**scope, "query_string": b"", "http_version": "2"}, receive, send))
    assert said[0]["status"] == 400
    assert crm.received == []


def test_looking_at_the_door_for_events_is_refused(client: TestClient, crm: Stub) -> None:
    assert client.get("/events/ses").status_code == 405
    assert crm.received == []


@pytest.mark.parametrize(("size", "status"), [(1000, 202), (1001, 413)])
def test_the_largest_payload_is_a_setting(crm: Stub, size: int, status: int) -> None:
    client = TestClient(app(crm, largest_event=1000))
    assert client.post("/events/ses", content=b"x" * size).status_code == status
    assert len(crm.received) == (status == 202)


def test_the_largest_payload_is_a_megabyte_unless_told(client: TestClient) -> None:
    assert client.post("/events/ses", content=b"x" * 1_000_000).status_code == 202
    assert client.post("/events/ses", content=b"x" * 1_000_001).status_code == 413


# Many practices, and the host's side


def many() -> tuple[dict[str, Stub], TestClient]:
    crms = {id_: Stub(attrs.evolve(PRACTICE, id=id_, name=id_.title())) for id_ in ("bright-eyes", "other-eyes")}
    return crms, TestClient(app(crms.get))


def test_each_practice_answers_below_its_own_id_and_believes_only_its_own_tokens() -> None:
    crms, client = many()
    mine, other = crms["bright-eyes"], crms["other-eyes"]
    assert client.post("/bright-eyes" + link(mine.practice)).status_code == 200
    assert client.post("/other-eyes" + link(mine.practice)).status_code == 404
    assert client.post("/nobody" + link(mine.practice)).status_code == 404
    assert client.post("/other-eyes/events/ses").status_code == 202
    assert client.post("/nobody/events/ses").status_code == 404
    assert client.post(link(mine.practice)).status_code == 404
    assert (len(mine.stopped), len(other.stopped)) == (1, 0)
    assert (len(mine.received), len(other.received)) == (0, 1)


def test_a_host_whose_own_function_fails_gets_an_answer_and_no_leak(caplog: pytest.LogCaptureFixture) -> None:
    def find(practice: str) -> None:
        raise LookupError("Mia Stone")

    client = TestClient(app(find))
    assert client.post("/bright-eyes" + link()).status_code == 500
    assert client.post("/bright-eyes/events/ses").status_code == 500
    assert "Mia" not in caplog.text


def test_it_works_below_a_path_of_the_hosts_app(crm: Stub) -> None:
    host = Starlette(routes=[Mount("/a", routes=[Mount("/crm", app(crm))])])
    client = TestClient(host)
    assert "List-Unsubscribe" in client.get("/a/crm" + link()).text
    assert client.post("/a/crm" + link(), data=ONE_CLICK).status_code == 200
    assert client.post("/a/crm/events/ses").status_code == 202
    assert client.put("/a/crm/events/ses").status_code == 405
    assert len(crm.stopped) == 1


def test_the_crm_is_never_called_on_the_event_loop(crm: Stub) -> None:
    loops = []

    async def host(scope: Any, receive: Any, send: Any) -> None:
        loops.append(threading.current_thread())
        await app(crm)(scope, receive, send)

    client = TestClient(host)
    client.post(link())
    client.post("/events/ses")
    assert len(crm.threads) == 2
    assert not set(loops) & set(crm.threads)


def test_however_long_the_database_takes_the_hosts_own_threads_stay_free(crm: Stub) -> None:
    mounted, held, answers = app(crm), threading.Event(), list[int]()
    crm.held = held

    async def press() -> None:
        async with AsyncClient(transport=ASGITransport(mounted), base_url="https://x.example") as client:
            answers.append((await client.post(link())).status_code)

    async def host() -> None:
        async with create_task_group() as group:
            for _ in range(60):
                group.start_soon(press)
            while len(crm.threads) < 40:
                await sleep(0.01)
            with move_on_after(10):
                answers.append(await run_in_threadpool(lambda: 1))
            held.set()

    run(host)
    assert answers == [1, *[200] * 60], "a page of the host's own comes first"


def test_a_client_that_goes_away_is_no_failure(crm: Stub, caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/events/ses",
        "root_path": "",
        "headers": [],
        "query_string": b"",
        "app": None,
    }
    asyncio.run(app(crm)(scope, receive, send))
    assert crm.received == []
    assert caplog.records == []


@pytest.mark.parametrize("given", [object(), None, "bright-eyes"])
def test_what_is_neither_a_crm_nor_a_function_is_refused_at_once(given: Any) -> None:
    with pytest.raises(ConfigError, match="neither"):
        app(given)


def test_a_limit_below_one_is_refused(crm: Stub) -> None:
    with pytest.raises(ConfigError, match="positive"):
        app(crm, largest_event=0)


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["starlette"] = None
from crmkit.errors import ConfigError
try:
    import crmkit.web
except ConfigError as problem:
    print(problem)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert "pip install 'crmkit[web]'" in run.stdout


def test_crmkit_itself_does_not_load_the_web_framework(tmp_path: Path) -> None:
    code = "import sys, crmkit; crmkit.CRM; print('starlette' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert run.stdout.strip() == "False"


def test_nothing_is_logged_when_all_is_well(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "crmkit"):
        client.get(link())
        client.post(link())
        client.post("/events/ses")
    assert [record for record in caplog.records if record.name.startswith("crmkit")] == []
