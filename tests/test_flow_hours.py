"""Hours from end to end: `send` is called at any time, and nothing leaves but at an hour that is right everywhere."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from recording_channel import Recorder
from situations import consent, patient
from soak import clock as soak

from crmkit import CRM, Campaign, Medium, Purpose, State, Touch
from crmkit.errors import ConfigError
from crmkit.hours.where import Whereabouts
from crmkit.plugins import CrmkitSpec, MessageType, PluginInfo, hookimpl, keyed

SYDNEY = ZoneInfo("Australia/Sydney")
TICK, A_DAY = timedelta(minutes=20), 72
BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
#: Where the number plan leaves the owner of a number, written down by hand.
NUMBERS = {
    "+61255501234": (("Australia/Sydney",), ("AU",)),
    "+61885501234": (("Australia/Adelaide", "Australia/Darwin", "Australia/Perth"), ("AU",)),
    "+12125550143": (("America/New_York",), ("US",)),
    "+13105550143": (("America/Los_Angeles",), ("US",)),
    "+442079460123": (("Europe/London",), ("GB",)),
    "+33199001234": (("Europe/Paris",), ("FR",)),
    "+6494461234": (("Pacific/Auckland",), ("NZ",)),
}
WEEK, QUIET = "Mon-Sat 08:00-19:00", "2026-10-06"


class Voices(CrmkitSpec):
    """Reminders and offers by telephone and e-mail, as another distribution would bring them."""

    info = PluginInfo("voices")

    def __init__(self, templates):
        self.templates = templates
        for kind in ("reminder", "offer"):
            for medium in ("phone", "email"):
                folder = templates / kind / medium / "en"
                folder.mkdir(parents=True)
                (folder / "body.txt").write_text("Hello {{ recipient.greeting }}", encoding="utf-8")
                (folder / "subject.txt").write_text("Hello", encoding="utf-8")

    @hookimpl
    def crmkit_message_types(self, ctx):
        for name, purpose in (("reminder", Purpose.CARE), ("offer", Purpose.MARKETING)):
            yield MessageType(name, purpose, "recall", (), (Medium.PHONE, Medium.EMAIL), 2, self.templates)


class Telephone(Recorder):
    info = PluginInfo("telephone")
    name = "telephone"
    medium = Medium.PHONE


@pytest.fixture
def practice(practice):
    return attrs.evolve(practice, region="NSW")


@pytest.fixture
def card(exports, open_crm, clock):
    """Open a CRM whose one patient has a card due at nine on the Monday on which the clock stands."""

    def opened(**more):
        exports("patients", [patient("P1")])
        exports("consents", [consent("P1")])
        crm = open_crm(**more)
        crm.sync()
        crm.add(BIRTHDAY)
        return crm

    return opened


def sydney(text):
    return datetime.fromisoformat(text).replace(tzinfo=SYDNEY)


def test_the_plan_shows_when_it_will_leave_and_the_sending_after_that_takes_it(card, clock, outbox):
    crm = card(hours="Mon-Fri 11:00-17:00")
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason, touch.due) == (State.DEFERRED, "hours", sydney("2026-11-23 11:00"))
    assert crm.preview("P1")[0].why == (
        "deferred: outside the hours for it (practice, by the clock of Australia/Sydney)"
    )
    assert crm.plan().changed == 0
    assert crm.send().touches == ()
    clock.set(sydney("2026-11-23 11:00"))
    assert crm.send().sent == len(outbox()) == 1


def test_what_was_ready_by_day_stays_at_night_and_leaves_in_the_morning(card, clock, outbox):
    crm = card()
    assert crm.plan().ready()
    clock.set(sydney("2026-11-23 23:00"))
    assert crm.send(dry=True).counts() == {State.DEFERRED: 1}
    (touch,) = crm.send().touches
    assert (touch.state, touch.reason, touch.due) == (State.DEFERRED, "hours", sydney("2026-11-24 07:00"))
    assert crm.send().touches == (), "it is not taken up again and again"
    clock.set(sydney("2026-11-24 07:00"))
    assert crm.send().sent == len(outbox()) == 1


@pytest.mark.parametrize(("ttl", "state"), [(24, State.SENT), (6, State.UNKNOWN)])
def test_what_is_in_doubt_in_the_evening_is_repeated_in_the_morning_if_that_is_in_time(card, clock, ttl, state):
    recorder = Recorder(guarantee=keyed(timedelta(hours=ttl)))
    recorder.fate = ["silent"]
    crm = card(plugins=["csv", "folder", recorder], channels={"email": "recorder"})
    crm.plan()
    clock.set(sydney("2026-11-23 20:50"))
    assert crm.send().counts() == {State.RETRY: 1}
    clock.set(sydney("2026-11-23 21:05"))
    (touch,) = crm.send().touches
    assert (touch.state, touch.reason, touch.due) == (State.RETRY, "hours", sydney("2026-11-24 07:00"))
    clock.set(sydney("2026-11-24 07:00"))
    assert crm.send().counts() == {state: 1}
    assert len(recorder.handed) == (2 if state is State.SENT else 1)


def test_before_a_long_closure_what_would_be_stale_after_it_is_told_as_such(card):
    crm = card(closed="11-23..11-30")
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason) == (State.DENIED, "no_hour")


def test_a_practice_that_keeps_public_holidays_writes_to_nobody_at_christmas(card, clock):
    crm = card(closed="public holidays")
    crm.add(
        Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-12-25")
    )
    clock.set(sydney("2026-12-24 10:00"))
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason, touch.due) == (State.DEFERRED, "holiday", sydney("2026-12-27 07:00"))
    clock.set(sydney("2026-12-25 10:00"))
    assert crm.send().sent == 0
    # Boxing Day keeps it waiting for longer than what is left of Christmas Day.
    words = "deferred: a public holiday on 2026-12-26 (practice, Australia/Sydney)"
    assert words in [one.words for one in crm.why("P1")]
    clock.set(sydney("2026-12-27 07:00"))
    assert crm.send().sent == 1


def test_a_household_that_gets_nothing_by_lot_waits_for_no_hour(exports, open_crm):
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example") for n in range(30)])
    exports("consents", [consent(f"P{n}") for n in range(30)])
    crm = open_crm(hours="Mon-Fri 11:00-17:00")
    crm.sync()
    crm.add(attrs.evolve(BIRTHDAY, lot="0.5"))
    found = Counter((touch.arm, touch.state) for touch in crm.plan().touches)
    assert set(found) == {("messaged", State.DEFERRED), ("withheld", State.WITHHELD)}


def test_the_hours_of_a_file_are_kept(card, tmp_path, clock):
    card().close()
    (tmp_path / "crm.toml").write_text(
        """
        database = "sqlite:///crm.db"
        plugins = ["csv", "folder"]
        settings = { csv = { folder = "exports" } }
        practice = { id = "bright-eyes", name = "Bright Eyes", country = "AU", region = "NSW", locale = "en_AU",
            timezone = "Australia/Sydney", currency = "AUD", email = "hello@brighteyes.example",
            public_url = "https://brighteyes.example", keys = ["a"] }
        hours = { week = "Tue 12:00-13:00", closed = "2026-11-24" }
        [campaigns.card]
        objective = "celebrate"
        message = "reactivation"
        segment = "everybody"
        schedule = "on 2026-11-23"
        """.replace(",\n", ","),
        encoding="utf-8",
    )
    with CRM.from_file(tmp_path / "crm.toml", clock=clock) as crm:
        (touch,) = crm.plan().touches
    assert touch.due == sydney("2026-12-01 12:00")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('week = "Mon-Fri nine to five"', "crm.toml: hours: 'nine' in 'Mon-Fri nine to five' is no day"),
        ('closed = "24.12."', "crm.toml: hours: the quiet days '24.12.'"),
        ('weeks = "Mon 9-10"', "crm.toml: hours: the key weeks is unknown"),
    ],
)
def test_hours_that_cannot_be_understood_are_told_with_their_place(tmp_path, line, said):
    practice = 'practice = { id = "a", name = "A", country = "AU", timezone = "UTC", locale = "en", currency = "AUD"'
    text = f'{practice}, email = "a@b.example" }}\n[hours]\n{line}\n'
    (tmp_path / "crm.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        CRM.from_file(tmp_path / "crm.toml")


def test_the_state_of_an_address_lets_a_call_leave_in_the_morning_of_that_state(exports, open_crm, tmp_path):
    mobile = {"phone": "0491 570 156", "email": ""}
    exports("patients", [patient("P1", **mobile), patient("P2", **mobile, household="H2", region="QLD", country="AU")])
    crm = open_crm(plugins=["csv", "folder", Voices(tmp_path / "types"), Telephone()], caps=())
    crm.sync()
    reminder = {"message": "voices.reminder", "schedule": "on 2026-11-24", "media": ("phone",)}
    crm.add(Campaign("call", objective="recall", segment="everybody", **reminder))
    due = {touch.patient: touch.due.astimezone(SYDNEY).hour for touch in crm.plan(date(2026, 11, 24)).touches}
    assert due == {"P1": 12, "P2": 9}


def test_a_practice_without_links_may_call_though_its_message_could_go_by_e_mail_too(
    exports, open_crm, practice, tmp_path
):
    exports("patients", [patient("P1", phone="+61255501234")])
    exports("consents", [consent("P1", medium=medium) for medium in ("email", "phone")])
    plugins = ["csv", "folder", Voices(tmp_path / "types"), Telephone()]
    crm = open_crm(practice=attrs.evolve(practice, public_url=""), plugins=plugins, caps=())
    crm.sync()
    for medium in ("phone", "email"):
        offer = {"message": "voices.offer", "segment": "everybody", "schedule": "on 2026-11-23"}
        crm.add(Campaign(medium, objective="recall", media=(medium,), **offer))
    told = {touch.medium: (touch.state, touch.reason) for touch in crm.plan().touches}
    assert told == {Medium.EMAIL: (State.HELD, "no_links"), Medium.PHONE: (State.READY, "ready")}


@pytest.fixture
def week(exports, open_crm, clock, tmp_path):
    """Send every twenty minutes while Sydney's clocks go forward; return the CRM and what was handed over when."""
    rows = [patient(f"T{n}", household=f"T{n}", phone=number, email="") for n, number in enumerate(NUMBERS)]
    rows += [patient(f"E{n}", household=f"E{n}", email=f"e{n}@x.example") for n in range(3)]
    exports("patients", rows)
    exports("consents", [consent(row["id"], medium=medium) for row in rows for medium in ("email", "phone")])
    channels, taken = [Recorder(), Telephone()], []
    for channel in channels:
        channel.between = lambda message: taken.append((clock.now(), message))
    plugins = ["csv", "folder", Voices(tmp_path / "types"), *channels]
    crm = open_crm(plugins=plugins, channels={"email": "recorder"}, caps=(), hours=WEEK, closed=QUIET)
    crm.sync()
    clock.set(datetime(2026, 9, 30, 14, tzinfo=UTC))
    for campaign in campaigns():
        crm.add(campaign)
    for tick in range(9 * A_DAY):
        if tick % A_DAY == 0:
            crm.plan(date(2026, 10, 7))
        crm.send()
        clock.move(TICK)
    return crm, taken


def campaigns():
    """Yield a reminder and an offer for each day from Thursday to Wednesday."""
    for day in range(1, 8):
        for kind in ("reminder", "offer"):
            more = {"message": f"voices.{kind}", "segment": "everybody", "schedule": f"on 2026-10-{day:02}"}
            yield Campaign(f"{kind}-{day}", objective="recall", media=("phone", "email"), **more)


def test_in_a_week_of_sending_every_twenty_minutes_nothing_comes_at_a_wrong_hour(week):
    crm, taken = week
    touches = {touch.key: touch for touch in all_touches(crm)}
    setting = soak.Setting("Australia/Sydney", "AU", "NSW", WEEK, QUIET)
    numbers = {f"T{n}": Whereabouts(*where) for n, where in enumerate(NUMBERS.values())}

    def right(touch, at):
        question = soak.Question(0, numbers.get(touch.patient, Whereabouts()), touch.purpose, touch.medium, at, at)
        return soak.is_open(setting, question, at)

    for at, message in taken:
        touch = touches.pop(message.key)
        assert touch.state is State.SENT
        assert right(touch, at), (at, message.to)
        assert not [one for one in ticks(due(touch), at) if right(touch, one)], "it waited for no longer than it had to"
    for touch in touches.values():
        assert touch.reason == "no_hour"
        assert not [one for one in ticks(due(touch), touch.stale) if right(touch, one)]
    assert (len(taken), len(touches)) == (128, 12)
    # After Sunday's offers to telephones come the clocks' change, a holiday and a quiet day; London and Paris are far.
    assert {touch.purpose for touch in touches.values()} == {Purpose.MARKETING}
    assert {touch.patient for touch in touches.values() if touch.campaign != "offer-4"} == {"T4", "T5"}
    assert {message.to for _, message in taken} >= set(NUMBERS)


def all_touches(crm) -> list[Touch]:
    with crm._store.read() as connection:
        return crm._stages.ledger.touches(connection)


def due(touch):
    return datetime.combine(date(2026, 10, int(touch.campaign[-1])), time(9), tzinfo=SYDNEY).astimezone(UTC)


def ticks(first, end):
    """Return the instants of a sending from one instant until before another."""
    return [first + TICK * number for number in range((end - first) // TICK + 1) if first + TICK * number < end]
