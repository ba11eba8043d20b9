"""Adapters: whatever a plugin's object does, its Protocol is kept, and it is named where it did not keep it itself."""

from __future__ import annotations

import threading
import time
import traceback
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.campaigns.guard import Candidate
from crmkit.campaigns.verdict import Ruling
from crmkit.delivery.channel import BLIND, QUERYABLE, Guarantee, Limits, Question, keyed
from crmkit.errors import NotSent, PluginError, SourceError
from crmkit.metrics.measure import Figure as Made
from crmkit.metrics.metric import measure
from crmkit.metrics.panel import History, judge
from crmkit.metrics.window import Window
from crmkit.people.contact import ContactPoint
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient
from crmkit.plugins import ALLOWED, Batch, Fault, Medium, Message, Outcome, Purpose, Receipt, Row, Verdict, defer, deny
from crmkit.plugins.calls import Calls, Nonsense
from crmkit.plugins.failure import Failures, Kind, Phase
from crmkit.plugins.owned import OwnedChannel, OwnedGuard, OwnedMetric, owned_source
from crmkit.plugins.owned.rest import REST
from crmkit.plugins.time_limits import TimeLimits

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: For what hangs, and for nothing else: a busy machine may take longer over anything.
QUICK = TimeLimits(guard=0.1, channel=0.1, source=0.1, metric=0.1, ask=0.1)


def limits_for(kind):
    return QUICK if kind is Kind.OVERDUE else None


def calls(thing, limits=None):
    return Calls("acme", "1.2", thing, Failures(), (limits or TimeLimits()).by_phase())


def message(key):
    return Message(
        key=key, practice="p", type="core.birthday", purpose=Purpose.MARKETING, medium=Medium.SMS, to="+61491570156",
        to_name="Mia Stone", from_email="a@b.example", from_name="B", text="Hello", at=NOW, language="en",
        message_id=f"<{key}@b.example>",
    )  # fmt: skip


MESSAGES = [message(key) for key in ("a", "b", "c")]


@attrs.define
class Texts:
    """A channel that answers as it is told."""

    answer: object
    name: str = "texts"
    medium: Medium = Medium.SMS
    guarantee: object = BLIND
    limits: object = Limits()
    seen: list = attrs.field(factory=list)

    def send(self, messages):
        self.seen.append(messages)
        return self.answer(messages) if callable(self.answer) else self.answer

    def ask(self, questions):
        return self.answer(questions) if callable(self.answer) else self.answer


def channel(answer, limits=None, **more):
    return OwnedChannel("acme", Texts(answer, **more), calls("acme.texts", limits))


def kinds(owned):
    return {one.kind for one in owned.calls.failures.told()}


def outcomes(owned):
    return {one.key: one.outcome for one in owned.send(MESSAGES)}


def told(**by_key):
    return [Receipt(key, outcome) for key, outcome in by_key.items()]


SENT, UNKNOWN, RETRY, REFUSED = Outcome.SENT, Outcome.UNKNOWN, Outcome.RETRY, Outcome.REFUSED
ALL_SENT = told(a=SENT, b=SENT, c=SENT)


def raising(problem, *first):
    def answer(messages):
        yield from first
        raise problem

    return answer


@pytest.mark.parametrize(
    ("answer", "expected", "failed"),
    [
        (ALL_SENT, [SENT, SENT, SENT], set()),
        (iter(ALL_SENT), [SENT, SENT, SENT], set()),
        (ALL_SENT[::-1], [SENT, SENT, SENT], set()),
        (ALL_SENT[:2], [SENT, SENT, UNKNOWN], {Kind.COUNT}),
        ([*ALL_SENT, *told(z=SENT)], [SENT, SENT, SENT], {Kind.FOREIGN}),
        ([*ALL_SENT, *told(a=SENT)], [SENT, SENT, SENT], {Kind.REPEATED}),
        ([*ALL_SENT, *told(a=REFUSED)], [UNKNOWN, SENT, SENT], {Kind.REPEATED, Kind.CONTRADICTORY}),
        ([*ALL_SENT[:2], "sent"], [SENT, SENT, UNKNOWN], {Kind.WRONG_TYPE, Kind.COUNT}),
        ([*ALL_SENT[:2], Receipt("c", "sent")], [SENT, SENT, UNKNOWN], {Kind.WRONG_TYPE, Kind.COUNT}),
        ([], [UNKNOWN] * 3, {Kind.COUNT}),
        (None, [UNKNOWN] * 3, {Kind.WRONG_TYPE}),
        ("abc", [UNKNOWN] * 3, {Kind.WRONG_TYPE}),
        (7, [UNKNOWN] * 3, {Kind.WRONG_TYPE}),
        (ALL_SENT * 9, [SENT] * 3, {Kind.ENDLESS, Kind.REPEATED}),
        (raising(KeyError("Mia")), [UNKNOWN] * 3, {Kind.RAISED}),
        (raising(SystemExit()), [UNKNOWN] * 3, {Kind.RAISED}),
        (raising(KeyError("Mia"), *ALL_SENT[:1]), [SENT, UNKNOWN, UNKNOWN], {Kind.RAISED}),
        (raising(NotSent("no connection")), [RETRY] * 3, set()),
        (raising(NotSent("no connection"), *ALL_SENT[:1]), [SENT, RETRY, RETRY], set()),
    ],
)
def test_each_message_gets_one_receipt_and_what_is_not_clear_is_unknown(answer, expected, failed):
    owned = channel(answer)
    receipts = owned.send(MESSAGES)
    assert [one.key for one in receipts] == ["a", "b", "c"]
    assert [one.outcome for one in receipts] == expected
    assert kinds(owned) == failed
    assert all(one.phase is Phase.SEND and one.thing == "acme.texts" for one in owned.calls.failures.told())
    assert "Mia" not in repr(receipts)


@given(
    st.lists(
        st.builds(Receipt, st.sampled_from("abcdxyz"), st.sampled_from(Outcome))
        | st.sampled_from([None, 7, "a", Receipt("a", "sent"), Receipt(7, SENT)]),
        max_size=9,
    )
)
def test_no_answer_whatever_makes_more_of_a_message_than_one_clear_outcome(answer):
    owned = OwnedChannel("acme", Texts(answer), Calls("acme"))
    receipts = owned.send(MESSAGES)
    assert [one.key for one in receipts] == ["a", "b", "c"]
    # More than six receipts for three messages are cut off: by then nothing said is sure to be all.
    heard = [one for one in answer[:7] if type(one) is Receipt and type(one.outcome) is Outcome]
    for receipt in receipts:
        said = {one.outcome for one in heard if one.key == receipt.key}
        assert receipt.outcome is (said.pop() if len(said) == 1 else UNKNOWN)


@pytest.mark.parametrize(
    ("answer", "permanent", "failed"),
    [
        (told(a=REFUSED), [False], set()),
        ([Receipt("a", REFUSED, permanent=True)], [True], set()),
        ([Receipt("a", REFUSED, evidence="one\r\ntwo", permanent=True)], [True], set()),
        ([Receipt("a", REFUSED, permanent=True)] * 2, [True], {Kind.REPEATED}),
        ([Receipt("a", REFUSED, permanent=True), *told(a=REFUSED)], [False], {Kind.REPEATED}),
        ([Receipt("a", RETRY, permanent=True)], [False], {Kind.CONTRADICTORY}),
        ([Receipt("a", SENT, permanent=True)], [False], {Kind.CONTRADICTORY}),
        ([Receipt("a", REFUSED, permanent="yes")], [False], {Kind.WRONG_TYPE}),
    ],
)
def test_an_address_is_at_fault_only_where_a_refusal_clearly_says_so(answer, permanent, failed):
    owned = channel(answer)
    assert [one.permanent for one in owned.send(MESSAGES[:1])] == permanent
    assert kinds(owned) == failed


def test_a_receipt_quotes_no_reader_and_is_one_short_line():
    said = [
        Receipt("a", REFUSED, evidence="550 +61491570156 is unknown"),
        Receipt("b", REFUSED, evidence="no such user: MIA STONE", reference="Q1"),
        Receipt("c", SENT, reference="Q" * 900, evidence="one\r\ntwo"),
    ]
    owned = channel(said)
    first, second, third = owned.send(MESSAGES)
    assert "61491570156" not in first.evidence
    assert "mia" not in second.evidence.lower()
    assert second.reference == "Q1"
    assert (third.evidence, len(third.reference)) == ("one two", 200)
    assert kinds(owned) == {Kind.QUOTED}


@pytest.mark.parametrize("number", ["61491570156", "0491 570 156", "+61 491-570-156", "(0491) 570.156"])
def test_a_receipt_quotes_no_number_however_it_is_written(number):
    (receipt,) = channel([Receipt("a", REFUSED, reference="sms-14915700", evidence=f"no handset at {number}")]).send(
        MESSAGES[:1]
    )
    assert (receipt.reference, receipt.evidence) == ("sms-14915700", "withheld, for it quoted the reader")


def test_a_channel_that_hangs_leaves_its_messages_unknown_and_is_not_called_again():
    free = threading.Event()

    def slow(messages):
        yield Receipt("a", SENT)
        free.wait(60)
        yield Receipt("b", SENT)
        yield Receipt("c", UNKNOWN)

    owned = channel(slow, QUICK)
    assert outcomes(owned) == {"a": SENT, "b": UNKNOWN, "c": UNKNOWN}
    assert outcomes(owned) == {"a": RETRY, "b": RETRY, "c": RETRY}, "nothing is handed over any more"
    assert owned.late.drain() == []
    free.set()
    deadline = time.monotonic() + 60
    while not (late := owned.late.drain()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {one.key: one.outcome for one in late} == {"a": SENT, "b": SENT}
    assert owned.late.drain() == []
    assert len(owned.channel.seen) == 1
    assert kinds(owned) == {Kind.OVERDUE}


def test_a_channel_gets_a_batch_of_its_own():
    owned = channel(lambda messages: [Receipt(one.key, SENT) for one in messages])
    given = list(MESSAGES)
    owned.send(given)
    (seen,) = owned.channel.seen
    assert type(seen) is tuple
    assert list(seen) == given


@pytest.mark.parametrize(("guarantee", "given"), [(BLIND, 5000), (keyed(timedelta(hours=1)), 900), (QUERYABLE, 900)])
def test_only_a_channel_of_which_nothing_is_repeated_may_take_longer_than_its_host_gives_it(guarantee, given):
    texts = Texts(ALL_SENT, guarantee=guarantee, limits=Limits(call_seconds=5000))
    owned = OwnedChannel("acme", texts, calls("acme.texts"))
    assert owned.calls.limits[Phase.SEND] == given
    assert owned.calls.limits[Phase.ASK] == 60


def test_a_channel_that_answers_nothing_at_all_gets_a_rest_and_leaves_few_in_doubt(monkeypatch):
    texts = Texts(["ok"])
    owned = OwnedChannel("acme", texts, calls("acme.texts"))
    seen = [set(outcomes(owned).values()) for _ in range(6)]
    assert (seen, len(texts.seen)) == ([{UNKNOWN}] * 3 + [{RETRY}] * 3, 3)
    assert Kind.SILENT in kinds(owned)
    later = time.monotonic() + REST + 1
    monkeypatch.setattr("crmkit.plugins.owned.rest.monotonic", lambda: later)
    assert [set(outcomes(owned).values()) for _ in range(2)] == [{UNKNOWN}, {RETRY}], "one more call tells"
    later += REST + 1
    texts.answer = ALL_SENT
    assert [set(outcomes(owned).values()) for _ in range(2)] == [{SENT}] * 2
    assert len(texts.seen) == 6


@pytest.mark.parametrize(("asked", "rest"), [(120, 120), (3600, 900)])
def test_a_channel_that_was_told_to_wait_is_not_called_before(monkeypatch, asked, rest):
    wait = timedelta(seconds=asked)
    texts = Texts([Receipt(key, RETRY, retry_after=wait) for key in "abc"])
    owned = OwnedChannel("acme", texts, calls("acme.texts"))
    assert [one.retry_after for one in owned.send(MESSAGES)] == [wait] * 3
    told = owned.send(MESSAGES)
    assert ({one.outcome for one in told}, len(texts.seen)) == ({RETRY}, 1)
    assert all(timedelta(seconds=rest - 5) < one.retry_after <= timedelta(seconds=rest) for one in told)
    later = time.monotonic() + rest + 1
    monkeypatch.setattr("crmkit.plugins.owned.rest.monotonic", lambda: later)
    texts.answer = [*ALL_SENT[:2], Receipt("c", RETRY, retry_after=wait)]
    assert outcomes(owned) == {"a": SENT, "b": SENT, "c": RETRY}
    assert outcomes(owned) == {"a": SENT, "b": SENT, "c": RETRY}, "what one number is told is not told to all"
    assert len(texts.seen) == 3


@pytest.mark.parametrize("wrong", [120, "120", timedelta(seconds=-1)])
def test_a_wait_that_is_no_length_of_time_is_left_out(wrong):
    owned = channel([Receipt(key, RETRY, retry_after=wrong) for key in "abc"])
    assert {(one.outcome, one.retry_after) for one in owned.send(MESSAGES)} == {(RETRY, None)}
    assert kinds(owned) == {Kind.WRONG_TYPE}


def test_a_channel_that_says_each_time_that_nobody_takes_the_call_gets_no_rest():
    def down(_):
        raise NotSent("nobody listens", where="acme")

    owned = OwnedChannel("acme", Texts(down), calls("acme.texts"))
    assert [set(outcomes(owned).values()) for _ in range(5)] == [{RETRY}] * 5
    assert kinds(owned) == set()


def test_what_a_channel_declares_is_read_once_and_checked():
    texts = Texts(ALL_SENT, guarantee=keyed(timedelta(hours=1)), limits=Limits(batch=7))
    owned = OwnedChannel("acme", texts)
    texts.name, texts.guarantee, texts.limits, texts.medium = "other", None, None, None
    assert (owned.name, owned.medium, owned.limits.batch) == ("acme.texts", Medium.SMS, 7)
    assert owned.guarantee == keyed(timedelta(hours=1))
    for wrong in ({"guarantee": "keyed"}, {"limits": 7}):
        with pytest.raises(Nonsense):
            OwnedChannel("acme", Texts(ALL_SENT, **wrong))

    class Deaf:
        name, medium, guarantee = "deaf", Medium.SMS, Guarantee(queryable=True)

    with pytest.raises(Nonsense, match="no method ask"):
        OwnedChannel("acme", Deaf())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (told(a=SENT, b=RETRY), {"a": SENT, "b": RETRY}),
        (told(a=SENT, z=SENT), {"a": SENT}),
        ([*told(a=SENT), *told(a=RETRY)], {"a": UNKNOWN}),
        (None, {}),
        (raising(KeyError("Mia")), {}),
    ],
)
def test_what_a_channel_knows_of_attempts_in_doubt_is_sorted_out_too(answer, expected):
    questions = [Question(key, f"<{key}@b>", "", NOW) for key in "ab"]
    assert {one.key: one.outcome for one in channel(answer).ask(questions)} == expected


MIA = Patient(
    "P1",
    PersonName(given="Mia", family="Stone"),
    contacts=(
        ContactPoint(Medium.EMAIL, "mia@stone.example", "mia@stone.example", "P1"),
        ContactPoint(Medium.SMS, "0491 570 156", "+61491570156", "P1"),
    ),
)


def candidate(key):
    return Candidate(
        key, "card", "core.birthday", Purpose.MARKETING, Medium.EMAIL, "birthday 2026", NOW, NOW + timedelta(days=3),
        MIA, MIA, MIA.contacts[0],
    )  # fmt: skip


CANDIDATES = [candidate("a"), candidate("b")]


@attrs.define
class Rule:
    """A guard that answers as it is told."""

    answer: object
    name: str = "rule"

    def judge(self, candidates, now):
        return self.answer(candidates) if callable(self.answer) else self.answer


def guard(answer, limits=None):
    return OwnedGuard("acme", Rule(answer), calls("acme.rule", limits))


def hang(_):
    time.sleep(60)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (raising(KeyError("Mia")), Kind.RAISED),
        (raising(SystemExit()), Kind.RAISED),
        (hang, Kind.OVERDUE),
        (None, Kind.WRONG_TYPE),
        ("ab", Kind.WRONG_TYPE),
        ([ALLOWED], Kind.COUNT),
        ([ALLOWED] * 3, Kind.COUNT),
        ([ALLOWED] * 4, Kind.ENDLESS),
        ([ALLOWED, None], Kind.WRONG_TYPE),
        ([ALLOWED, True], Kind.WRONG_TYPE),
        ([ALLOWED, Verdict(0)], Kind.WRONG_TYPE),
        ([ALLOWED, Verdict("allow")], Kind.WRONG_TYPE),
        ([ALLOWED, deny("")], Kind.NONSENSE),
        ([ALLOWED, deny("Mia Stone is on holiday")], Kind.NONSENSE),
        ([ALLOWED, deny("x", of=object())], Kind.WRONG_TYPE),
        ([ALLOWED, deny("x", of="y" * 900)], Kind.WRONG_TYPE),
        ([ALLOWED, deny("x", **{f"k{number}": 1 for number in range(20)})], Kind.WRONG_TYPE),
        ([ALLOWED, deny("x", who="Mia Stone")], Kind.QUOTED),
        ([ALLOWED, deny("x", where="to mia@stone.example")], Kind.QUOTED),
        ([ALLOWED, deny("x", number=61491570156)], Kind.QUOTED),
        ([ALLOWED, deny("x", **{"Mia Stone": 1})], Kind.NONSENSE),
        ([ALLOWED, deny("x", of="\x00")], Kind.NONSENSE),
        ([ALLOWED, deny("x", of=float("nan"))], Kind.NONSENSE),
        ([ALLOWED, defer(datetime(9999, 12, 31, tzinfo=UTC), "x")], Kind.NONSENSE),
    ],
)
def test_a_guard_that_fails_denies(answer, kind):
    owned = guard(answer, limits_for(kind))
    verdicts = owned.judge(CANDIDATES, NOW)
    assert [(one.ruling, one.reason) for one in verdicts] == [(Ruling.DENY, "guard_failed")] * 2
    assert verdicts[0].detail == {"guard": "acme.rule"}
    assert kinds(owned) == {kind}
    assert "Mia" not in f"{verdicts} {owned.calls.failures.told()}"


def test_a_guard_that_hung_once_denies_at_once_from_then_on():
    asked = []
    owned = guard(lambda candidates: asked.append(candidates) or hang(candidates), QUICK)
    owned.judge(CANDIDATES, NOW)
    for _ in range(3):
        assert [one.ruling for one in owned.judge(CANDIDATES, NOW)] == [Ruling.DENY] * 2
    assert len(asked) == 1, "it is not called again"


def test_verdicts_pass_as_they_are():
    said = [deny("night_shift", until="2027-01-02", hours=3), defer(NOW + timedelta(days=1), "later")]
    owned = guard(iter(said))
    assert list(owned.judge(CANDIDATES, NOW)) == said
    assert kinds(owned) == set()


def test_the_dates_and_exact_numbers_that_a_guard_gives_as_its_reason_are_kept_as_text():
    said = [deny("closed", day=date(2026, 12, 24), since=NOW, owed=Decimal("12.50"), share=0.5), ALLOWED]
    owned = guard(said)
    first, second = owned.judge(CANDIDATES, NOW)
    kept = {"day": "2026-12-24", "since": NOW.isoformat(), "owed": "12.50", "share": 0.5}
    assert (first, second, kinds(owned)) == (deny("closed", **kept), ALLOWED, set())


def test_what_a_guard_does_to_its_candidates_nobody_else_sees():
    def forge(candidates):
        for one in candidates:
            object.__setattr__(one, "contact", None)
            object.__setattr__(one, "minor", True)
        return [ALLOWED] * len(candidates)

    before = [candidate("a"), candidate("b")]
    guard(forge).judge(before, NOW)
    assert before == CANDIDATES


@attrs.define
class Rows:
    """A source that yields as it is told."""

    answer: object
    name: str = "rows"
    closed: bool = False

    def read(self, since):
        try:
            yield from self.answer() if callable(self.answer) else self.answer
        finally:
            self.closed = True


def row(**fields):
    return Row("patient", "P1", {"given": "Mia", **fields}, "people.csv", 1)


def source(answer, limits=None):
    return owned_source("acme", Rows(answer), calls("acme.rows", limits), (limits or TimeLimits()).sync)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: raising(KeyError("Mia"))(0), Kind.RAISED),
        (lambda: raising(SystemExit())(0), Kind.RAISED),
        (["rows"], Kind.WRONG_TYPE),
        ([Batch([7])], Kind.WRONG_TYPE),
        ([Batch((row(born=1980),))], Kind.WRONG_TYPE),
        ([Batch((Row("patient", 7, {}),))], Kind.WRONG_TYPE),
        ([Batch((Row("patient", "P1", [("given", "Mia")]),))], Kind.WRONG_TYPE),
        ([Batch((("patient", "P1"),))], Kind.WRONG_TYPE),
        ([Batch((), cursor=7)], Kind.WRONG_TYPE),
        ([Batch((), cursor="7\x00")], Kind.WRONG_TYPE),
        ([Batch((Row("pet", "P1", {"given": "Mia"}),))], Kind.WRONG_TYPE),
        ([Batch((Row("patient", "P1", {}, "people.csv", 2**31),))], Kind.WRONG_TYPE),
        ([Batch((Row("patient", "P1", {}, faults=(Fault("born", None),)),))], Kind.WRONG_TYPE),
        (lambda: iter(lambda: Batch(()), None), Kind.ENDLESS),
        (lambda: iter(lambda: time.sleep(60), None), Kind.OVERDUE),
    ],
)
def test_a_source_that_fails_is_named_and_what_it_said_before_stays(answer, kind):
    good = Batch((row(),))

    def first():
        yield good
        yield from answer() if callable(answer) else answer

    owned, read = source(first, limits_for(kind)), []
    with pytest.raises(PluginError, match=r"acme\.rows") as failed:
        read.extend(owned.read(None))
    assert read[:1] == [] or read[0] == good
    assert kinds(owned) == {kind}
    assert "Mia" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            Row("patient", "1", {"given": "Mia", "born": date(1980, 1, 1)}),
            "the kind patient whose born is no text (date)",
        ),
        (Row("patient", "1", {"Mia Stone": None}), "whose one field is no text (NoneType): write str(value), and"),
        (Row("visit", 17, {}), "a row of the kind visit whose id is no text (int)"),
        (Row("patients", "1", {}), "of no kind that there is (known are: patient, contact"),
        (Row("patient", "1", {}, line=-1), "from no line"),
        ({"kind": "patient"}, "no Row (dict)"),
    ],
)
def test_of_a_row_that_no_sync_can_read_it_is_told_what_is_wrong_with_it(given, told):
    with pytest.raises(PluginError) as caught:
        list(source([Batch((given,))]).read(None))
    assert told in caught.value.problem
    assert "Mia" not in str(caught.value)


def test_a_field_that_no_kind_has_is_told_once_and_the_rows_are_taken():
    rows = tuple(
        row(given="Mia", first_name="Mia", **{"Mia Stone": "x", "attributes.frame": "round"}) for _ in range(3)
    )
    odd = source([Batch(rows), Batch(rows)])
    assert [batch.rows for batch in odd.read(None)] == [rows, rows]
    told = {(one.kind, one.problem) for one in odd.calls.failures.told()}
    said = "yields a field that no patient has"
    assert told == {(Kind.MISSPELT, said), (Kind.MISSPELT, f"{said}: first_name")}


def test_what_no_database_keeps_is_replaced_and_the_row_is_there():
    odd = Row("patient", "P\x001", {"given": "M\ud800ia", "b\x00": "x"}, "a\x00.csv", 3, (Fault("born\udfff", "\x00"),))
    good = row(family="Stöne\nJr")
    ((first, second),) = [batch.rows for batch in source([Batch((good, odd), cursor="7")]).read(None)]
    assert first == good
    assert (second.id, dict(second.fields), second.file) == (
        "P\ufffd1",
        {"given": "M\ufffdia", "b\ufffd": "x"},
        "a\ufffd.csv",
    )
    assert (second.line, second.faults) == (3, (Fault("born\ufffd", "\ufffd"),))


def test_a_reading_that_is_left_is_closed_in_the_thread_where_it_ran():
    owned = source([Batch((row(),)), Batch(())])
    reading = owned.read(None)
    next(reading)
    reading.close()
    assert owned.source.closed
    assert kinds(owned) == set()


def test_all_of_a_reading_happens_in_one_thread():
    idents = []

    def answer():
        for _ in range(3):
            idents.append(threading.get_ident())
            yield Batch((row(),))

    assert len(list(source(answer).read(None))) == 3
    assert len(set(idents)) == 1
    assert idents[0] != threading.get_ident()


def test_a_reading_without_an_end_is_given_up():
    owned = source(lambda: iter(lambda: Batch((row(),)), None), TimeLimits(sync=0.1))
    with pytest.raises(PluginError, match="no end"):
        for _ in owned.read(None):
            pass


def test_what_a_source_says_itself_is_told_as_it_says_it():
    def refuse():
        raise SourceError("the folder does not exist", where="exports")
        yield

    owned = source(refuse)
    with pytest.raises(SourceError, match="exports: the folder does not exist"):
        list(owned.read(None))
    assert kinds(owned) == set()


WINDOW = Window.year(2025)
PANEL = [judge(History("p1", visits=2), WINDOW), judge(History("p2"), WINDOW)]


@attrs.define
class Count:
    """A metric that answers as it is told."""

    made: object = Made(Decimal(2), Decimal(2))
    step: object = lambda state, rows: state + len(rows)
    name: str = "count"
    version: int = 1
    unit: str = "patients"
    help: str = "how many there are"

    def start(self):
        return 0

    def add(self, state, rows):
        return self.step(state, rows)

    def value(self, state):
        return self.made(state) if callable(self.made) else self.made


def metric(limits=None, **more):
    return OwnedMetric("acme", Count(**more), calls("acme.count", limits))


def fail(*_):
    raise KeyError("Mia")


@pytest.mark.parametrize(
    ("more", "kind", "note"),
    [
        ({"step": fail}, Kind.RAISED, "the metric failed (measuring failed (KeyError))"),
        ({"made": fail}, Kind.RAISED, "the metric failed (measuring failed (KeyError))"),
        ({"step": lambda *_: time.sleep(60)}, Kind.OVERDUE, "took longer than 0.1 s"),
        ({"made": None}, Kind.WRONG_TYPE, "gave something that is no outcome"),
        ({"made": Made(2.5, Decimal(1))}, Kind.WRONG_TYPE, "no finite Decimals"),
        ({"made": Made(Decimal("NaN"), Decimal(1))}, Kind.WRONG_TYPE, "no finite Decimals"),
        ({"made": Made(None, Decimal(1), note=7)}, Kind.WRONG_TYPE, "note is no sentence"),
        ({"made": Made(None, Decimal(1), excluded={"gone": "two"})}, Kind.WRONG_TYPE, "no counts by reason"),
    ],
)
def test_a_metric_that_fails_is_absent_with_its_reason_and_harms_no_other(more, kind, note):
    bad, good = metric(limits_for(kind), **more), OwnedMetric("core", Count())
    found = measure([bad, good], [PANEL], WINDOW, NOW)
    assert found["acme.count"].value is None
    assert note in found["acme.count"].note
    assert found["core.count"].value == 2
    assert kinds(bad) == {kind}


def test_what_a_metric_does_to_its_rows_no_other_sees():
    def forge(state, rows):
        for one in rows:
            object.__setattr__(one, "visits", 99)
        return state

    measure([metric(step=forge)], [PANEL], WINDOW, NOW)
    assert [one.visits for one in PANEL] == [2, 0]
