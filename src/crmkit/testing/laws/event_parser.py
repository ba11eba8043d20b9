"""What every event parser must keep."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import attrs
from hypothesis import strategies as st

from crmkit.delivery.events.event import Event, EventParser, Payload, verifies
from crmkit.errors import CrmkitError
from crmkit.plugins.owned import OwnedParser
from crmkit.testing.fakes import Mailbox
from crmkit.testing.home import NOW
from crmkit.testing.law import Kind, law
from crmkit.testing.samples import NAMES
from crmkit.testing.strategies.events import payloads
from crmkit.testing.trial import NotRun, Trial

#: A name that is put into payloads, to see where it comes out again.
MARK = NAMES[4][2]
#: Seconds of processor time for one large payload.
MOST_SECONDS = 2.0
_LARGE = 200_000


def arriving(trial: Trial[EventParser]) -> Payload:
    """Return something that arrives: a sample, one that was tampered with and signed anew, or any bytes at all."""
    if not isinstance(trial.home.fake, Mailbox):
        return _drawn(trial, ())
    payload = _drawn(trial, trial.mailbox.payloads)
    return trial.mailbox.sign(payload) if trial.draw(st.booleans()) else payload


def _drawn(trial: Trial[EventParser], samples: Sequence[Payload]) -> Payload:
    drawn: Payload = trial.draw(payloads(samples))
    return drawn


def parsed(parser: EventParser, payload: Payload) -> Sequence[Event]:
    """Return a payload's events, none where the parser refuses it."""
    try:
        return list(parser.parse(payload))
    except CrmkitError:
        return []


@law(
    Kind.EVENT_PARSER,
    "It has a name, the same each time, and says whether it verifies who sent a payload.",
    mend='Make name a plain attribute such as "callbacks"; a parser that checks signatures says verifies = True.',
    examples=1,
)
def declares(trial: Trial[EventParser]) -> None:
    trial.expect_named()
    signed = isinstance(trial.home.fake, Mailbox) and trial.home.fake.signed
    trial.expect(verifies(trial.thing) or not signed, "payloads that are signed, and no verifies = True")


@law(
    Kind.EVENT_PARSER,
    "Some sample of what arrives is read by it: it gives events, and nothing but events.",
    mend="Return a list of Event; give the fake samples as your provider sends them, signed where it signs "
    "them, and in its settings the secret that they are signed with.",
    wants=(Mailbox,),
    examples=1,
)
def reads_samples(trial: Trial[EventParser]) -> None:
    found = [event for sample in trial.mailbox.payloads for event in trial.thing.parse(sample)]
    trial.expect(found, "no event in any sample")
    strange = {type(one).__name__ for one in found if not isinstance(one, Event)}
    trial.expect(not strange, f"a {', '.join(sorted(strange))} where an Event is wanted")


@law(
    Kind.EVENT_PARSER,
    "Any bytes give events or an error of crmkit, and nothing else.",
    mend="Catch what decoding and reading can raise (ValueError, KeyError, TypeError, RecursionError), and raise "
    "SourceError instead.",
    safety=True,
)
def any_bytes(trial: Trial[EventParser]) -> None:
    payload = arriving(trial)
    try:
        found = list(trial.thing.parse(payload))
    except CrmkitError:
        return
    trial.expect(all(isinstance(event, Event) for event in found), "something that is no Event")


@law(
    Kind.EVENT_PARSER,
    "The same payload gives the same events, however often and however late it arrives.",
    mend="Take Event.id from the provider, or Payload.event_id(number), and Event.at from the payload, or leave "
    "it out; no counter, no clock, no random part.",
    safety=True,
)
def same_ids(trial: Trial[EventParser]) -> None:
    payload = arriving(trial)
    late = attrs.evolve(payload, received_at=payload.received_at + _A_MOMENT)
    first = parsed(trial.thing, payload)
    for parser, again in ((trial.thing, payload), (trial.again(), payload), (trial.again(), late)):
        other = parsed(parser, again)
        if again is late:
            # What does not say when it happened may be said to have happened when it arrived.
            first, other = ([attrs.evolve(event, at=None) for event in some] for some in (first, other))
        trial.expect(other == first, f"{_listed(other)} instead of {_listed(first)}")


def _listed(events: Sequence[Event]) -> str:
    return str([(event.id, str(event.kind), event.key or event.reference, str(event.at)) for event in events])


_A_MOMENT = NOW.replace(second=20) - NOW.replace(second=0)


@law(
    Kind.EVENT_PARSER,
    "Different events have different ids.",
    mend="Number the events of one payload; an id that comes back is taken for the same event and dropped.",
    safety=True,
    wants=(Mailbox,),
    examples=1,
)
def different_ids(trial: Trial[EventParser]) -> None:
    ids = [event.id for sample in _different(trial.mailbox.payloads) for event in trial.thing.parse(sample)]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
    trial.expect(not twice, f"more than one event with the id {', '.join(twice)}")


def _different(samples: Sequence[Payload]) -> list[Payload]:
    return list({sample.body: sample for sample in samples}.values())


@law(
    Kind.EVENT_PARSER,
    "Neither errors nor evidence, logs or reprs quote what arrived.",
    mend="Name the field, never its value; give evidence in words of your own; raise errors from None.",
    safety=True,
)
def quotes_nothing(trial: Trial[EventParser]) -> None:
    for payload in _marked(trial):
        with trial.listening() as heard:
            told = _told(trial.thing, payload)
        addresses = [event.address for event in parsed(trial.thing, payload)]
        trial.expect_discreet(f"{told} {heard.text} {trial.thing!r}", MARK, *addresses)


def _marked(trial: Trial[EventParser]) -> Iterator[Payload]:
    """Yield a payload as it is, and the same with a name written into it at several places."""
    box = trial.home.fake if isinstance(trial.home.fake, Mailbox) else None
    payload: Payload = trial.draw(st.sampled_from(list(box.payloads))) if box else _drawn(trial, ())
    yield payload
    places = trial.draw(st.lists(st.integers(0, len(payload.body)), min_size=4, max_size=4))
    for at in places:
        marked = attrs.evolve(payload, body=payload.body[:at] + MARK.encode() + payload.body[at:])
        yield box.sign(marked) if box else marked


def _told(parser: EventParser, payload: Payload) -> str:
    try:
        # An id is the provider's own word.
        return " ".join(f"{event.evidence} {attrs.evolve(event, id='-')!r}" for event in parser.parse(payload))
    except CrmkitError as problem:
        return str(problem)


@law(
    Kind.EVENT_PARSER,
    "A payload that was altered after it was signed is refused.",
    mend="Check the signature over Payload.body as it came, with hmac.compare_digest, before anything else is read.",
    safety=True,
    wants=(Mailbox,),
)
def refuses_altered(trial: Trial[EventParser]) -> None:
    if not verifies(trial.thing):
        raise NotRun("the parser does not say that it verifies")
    sample: Payload = trial.draw(st.sampled_from(list(trial.mailbox.payloads)))
    at = trial.draw(st.integers(0, len(sample.body) - 1))
    changed = sample.body[:at] + _other(sample.body[at : at + 1]) + sample.body[at + 1 :]
    for body, headers in ((changed, sample.headers), (sample.body + b"\n", sample.headers), (sample.body, {})):
        got = parsed(trial.thing, attrs.evolve(sample, body=body, headers=headers))
        trial.expect(not got, f"{len(got)} events from a payload that nobody signed")


def _other(byte: bytes) -> bytes:
    """Return another byte of the same sort, so that what was altered can still be read."""
    if byte.isdigit():
        return b"1" if byte != b"1" else b"2"
    return (b"e" if byte != b"e" else b"a") if byte.isalpha() else b"?" if byte != b"?" else b"!"


@law(
    Kind.EVENT_PARSER,
    "It reads what it is given, and asks neither clock nor chance, environment or network; it changes nothing.",
    mend="Use Payload.received_at for the present; copy the headers before you change them.",
)
def asks_nothing_else(trial: Trial[EventParser]) -> None:
    payload = arriving(trial)
    headers = dict(payload.headers)
    with trial.asking_nothing():
        for one in (payload, *(trial.mailbox.payloads if isinstance(trial.home.fake, Mailbox) else ())):
            parsed(trial.thing, one)
    trial.expect(dict(payload.headers) == headers, "other headers than before")


@law(
    Kind.EVENT_PARSER,
    f"A payload of {_LARGE // 1000:,} kilobytes is read in a few seconds, whatever stands in it.",
    mend="Bound what you read (the first million bytes, so many parts), and write patterns that cannot backtrack.",
    examples=1,
)
def bounded_work(trial: Trial[EventParser]) -> None:
    samples = trial.mailbox.payloads if isinstance(trial.home.fake, Mailbox) else ()
    bodies = [b"a" * _LARGE, b"<" * _LARGE, b"\n" * _LARGE, *(_long(sample.body) for sample in samples)]
    for body in bodies:
        payload = Payload(body, headers=samples[0].headers if samples else {}, received_at=NOW)
        begun = time.thread_time()
        parsed(trial.thing, trial.mailbox.sign(payload) if samples else payload)
        took = time.thread_time() - begun
        trial.expect(took < MOST_SECONDS, f"{took:.0f} seconds for {len(body):,} bytes")


def _long(body: bytes) -> bytes:
    return (body * (_LARGE // max(len(body), 1) + 1))[:_LARGE]


@law(
    Kind.EVENT_PARSER,
    "The core takes what it gives as it is: events, or the two errors by which a payload is refused.",
    mend="Return Event itself; raise NotFound for what is not from your provider, else SourceError: both of "
    "crmkit.errors, no class of your own. At anything else a payload is kept and tried again, forged or not.",
    safety=True,
)
def core_takes_it(trial: Trial[EventParser]) -> None:
    owned = OwnedParser(trial.home.plugin.info.name, trial.thing)
    payload = arriving(trial)
    for one in (payload, attrs.evolve(payload, body=payload.body + b"\n"), attrs.evolve(payload, headers={})):
        parsed(owned, one)
    trial.expect_taken(owned.calls)


LAWS = (
    *(declares, reads_samples, any_bytes, same_ids, different_ids, quotes_nothing, refuses_altered),
    *(asks_nothing_else, bounded_work, core_takes_it),
)
