"""Whatever the order and repetition of sync, plan, send, rename, copy and crash: nobody gets an occasion twice."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, Practice
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import CrmkitSpec, Outcome, PluginInfo, Receipt, hookimpl

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

PATIENTS = tuple(f"P{number}" for number in range(6))
#: Two of them share an address, one is a child of the first, birthdays lie around the start.
PEOPLE = {
    "P0": patient("P0", born="1980-11-23", email="home@stone.example"),
    "P1": patient("P1", born="1982-11-24", given="Sam", email="home@stone.example"),
    "P2": patient("P2", born="2018-11-25", given="Leo", guardian="P0", email=""),
    "P3": patient("P3", born="1970-11-26", given="Ada", household="H3", email="ada@x.example"),
    "P4": patient("P4", born="1960-02-29", given="Ben", household="H4", email="ben@x.example"),
    "P5": patient("P5", born="", given="Eva", household="H5", email="eva@x.example"),
}
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    public_url="https://brighteyes.example/crm",
    keys=["a key for tests"],
)


class Crash(KeyboardInterrupt):
    """The process dies."""


class Recorder(CrmkitSpec):
    """A channel that remembers what it was handed, fails as told, and can take the process down."""

    info = PluginInfo("recorder")
    name = "recorder"
    medium = Medium.EMAIL

    def __init__(self):
        self.handed = []
        self.fate = []

    @hookimpl
    def crmkit_channels(self, ctx):
        del ctx
        return [self]

    def send(self, messages):
        receipts = []
        for message in messages:
            fate = self.fate.pop(0) if self.fate else "sent"
            if fate == "crash before":
                raise Crash
            if fate in ("refused", "retry"):
                receipts.append(Receipt(message.key, Outcome(fate)))
                continue
            self.handed.append(message)
            if fate == "crash after":
                raise Crash
            if fate == "raise":
                raise RuntimeError(message.to)
            receipts.append(Receipt(message.key, Outcome.SENT))
        return receipts


class Programme(RuleBasedStateMachine):
    """A host that does everything in any order."""

    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        (self.root / "exports").mkdir()
        news = self.root / "content" / "newsletter"
        news.mkdir(parents=True)
        for period in ("2026-q4", "2027-q1"):
            (news / f"{period}.md").write_text("# News\n\nWe are open on Saturdays.\n", encoding="utf-8")
        self.clock = FixedClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
        self.recorder = Recorder()
        self.said = {one: [consent(one)] for one in PATIENTS}
        self.people = {one: dict(row) for one, row in PEOPLE.items()}
        self.out = set()
        self.late = []
        self.campaigns = 0
        self.crm = None
        self.reopen()
        self.export()
        self.crm.sync()
        for message in ("birthday", "newsletter"):
            self.add_or_copy(message, "one", "0")
        self.crm.plan()

    def reopen(self):
        if self.crm is not None:
            self.crm.close()
        self.crm = CRM(
            PRACTICE,
            f"sqlite:///{self.root}/crm.db",
            plugins=["csv", self.recorder],
            settings={"csv": {"folder": "exports"}},
            content="content",
            clock=self.clock,
            root=self.root,
        )

    def export(self):
        self.write("patients", list(self.people.values()))
        self.write("consents", [one for said in self.said.values() for one in said])

    def write(self, kind, rows):
        with (self.root / "exports" / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)

    @rule()
    def sync(self):
        self.crm.sync()

    @rule()
    def a_day_of_work(self):
        self.crm.sync()
        self.crm.plan()
        self.send(None)

    @rule(who=st.sampled_from(PATIENTS), hours=st.integers(1, 30))
    def opts_out_and_the_source_knows_better(self, who, hours):
        self.opts_out(who)
        self.said[who].append(consent(who, at=(self.clock.now() + timedelta(hours=hours)).isoformat(), evidence=""))
        self.export()
        self.a_day_of_work()

    @rule(message=st.sampled_from(["birthday", "newsletter"]), name=st.sampled_from(["two", "three"]))
    def rename(self, message, name):
        self.add_or_copy(message, name, "0")
        mine = [one.id for one in self.crm.programme() if one.message == message and not one.id.endswith(name)]
        for campaign in mine:
            self.crm.retire(campaign)
        self.crm.plan()

    @rule(fates=st.lists(st.sampled_from(["raise", "crash after", "crash before", "retry"]), min_size=1, max_size=3))
    def a_bad_day_and_the_next(self, fates):
        self.crm.plan()
        self.send_badly(fates)
        self.clock.move(timedelta(minutes=20))
        self.crm.plan()
        self.send(None)

    @rule(who=st.sampled_from(PATIENTS), given=st.sampled_from(["yes", "no"]), days=st.integers(0, 3))
    def the_source_says(self, who, given, days):
        at = (self.clock.now() + timedelta(days=days)).isoformat()
        self.said[who].append(consent(who, given=given, at=at, evidence=""))
        self.export()

    @rule(who=st.sampled_from(PATIENTS), field=st.sampled_from(["deceased_on", "given", "email"]))
    def the_record_changes(self, who, field):
        value = {"deceased_on": "2026-11-01", "given": "Kim", "email": "other@x.example"}[field]
        self.people[who][field] = "" if self.people[who].get(field) == value else value
        self.export()

    @rule(
        message=st.sampled_from(["birthday", "newsletter", "reactivation"]),
        name=st.sampled_from(["one", "two", "three"]),
        lot=st.sampled_from(["0", "0.5"]),
    )
    def add_or_copy(self, message, name, lot):
        schedule = {"birthday": "on birthday", "newsletter": "quarterly on day 23", "reactivation": "on 2026-11-24"}
        schedule["newsletter"] = "yearly on 23 November"
        period = self.root / "content" / "newsletter" / "2026.md"
        period.write_text("# News\n\nHello again.\n", encoding="utf-8")
        objective = {"birthday": "celebrate", "newsletter": "inform", "reactivation": "reactivate"}[message]
        self.crm.add(
            Campaign(
                f"{message}-{name}",
                objective=objective,
                message=message,
                segment="everybody",
                schedule=schedule[message],
                lot=lot,
            )
        )

    @rule(data=st.data())
    def retire(self, data):
        campaigns = self.crm.programme()
        if campaigns:
            self.crm.retire(data.draw(st.sampled_from(campaigns)).id)

    @rule(ahead=st.integers(0, 9))
    def plan(self, ahead):
        self.crm.plan(PRACTICE.today(self.clock.now()) + timedelta(days=ahead))

    @rule(limit=st.sampled_from([None, 1, 2]))
    def send(self, limit):
        before = len(self.recorder.handed)
        self.crm.send(limit=limit)
        self.late += [message for message in self.recorder.handed[before:] if self.subject(message) in self.out]

    @rule(
        fates=st.lists(
            st.sampled_from(["sent", "refused", "retry", "raise", "crash before", "crash after"]), max_size=4
        )
    )
    def send_badly(self, fates):
        self.recorder.fate = list(fates)
        before = len(self.recorder.handed)
        try:
            self.crm.send()
        except Crash:
            self.reopen()
        self.recorder.fate = []
        self.late += [message for message in self.recorder.handed[before:] if self.subject(message) in self.out]

    @rule(who=st.sampled_from(PATIENTS))
    def opts_out(self, who):
        self.crm.opt_out(who, Purpose.MARKETING, Medium.EMAIL)
        self.out.add(who)

    @rule(hours=st.sampled_from([1, 24, 24 * 8]))
    def time_passes(self, hours):
        self.clock.move(timedelta(hours=hours))

    def subject(self, message):
        return next(touch.patient for touch in self.touches() if touch.key == message.key)

    def touches(self):
        return self.crm.feed()

    @invariant()
    def nobody_has_an_occasion_twice(self):
        if not hasattr(self, "crm"):
            return
        about = {event.key: (event.patient, event.occasion) for event in self.touches()}
        handed = Counter(about[message.key] for message in self.recorder.handed)
        assert all(number == 1 for number in handed.values()), handed

    @invariant()
    def nobody_who_opted_out_is_contacted(self):
        assert not getattr(self, "late", [])

    @invariant()
    def an_opt_out_outlives_every_sync(self):
        for who in getattr(self, "out", ()):
            for preview in self.crm.preview(who, date(2026, 12, 1)):
                assert not preview.goes, who

    def teardown(self):
        if hasattr(self, "crm"):
            self.crm.close()
            self.folder.cleanup()


TestProgramme = Programme.TestCase
TestProgramme.settings = settings(
    # A failure is told as it was found: making it smaller would take minutes.
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
