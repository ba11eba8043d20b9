"""Taking in what came back: each event is heard once, told to its touch, and heeded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.delivery.events.case import Case, event_of, kept_waiting
from crmkit.delivery.events.event import Event, EventKind
from crmkit.delivery.events.matching import Matching
from crmkit.delivery.events.meaning import (
    PROVES,
    as_proven,
    may_wait,
    moved,
    way,
    why_not,
    why_suppressed,
    wish,
    wish_of_reader,
)
from crmkit.delivery.events.policy import Policy, tells_of_mailbox, worn_out
from crmkit.ledger.heard import Did, Heard, Sign, hear, kept_id, known, rate, signs, waiting
from crmkit.ledger.history import History
from crmkit.ledger.learnt import suppress
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.opt_outs import refuse
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.messages.proof import Proofs
from crmkit.people.medium import Purpose
from crmkit.practice import Practice
from crmkit.store.store import Connection

#: So long an event waits for what names its message to be known: a receipt that is late, or a repetition.
_EARLY = timedelta(days=1)


@attrs.frozen
class Received:
    """What came of a payload.

    Attributes:
        heard: The events that were new, each with what it did.
        known: How many were heard before, or are of a kind that the practice does not note.
    """

    heard: tuple[Heard, ...] = ()
    known: int = 0

    @property
    def applied(self) -> int:
        """How many events were new and were written down."""
        return len(self.heard)

    def __add__(self, other: Received) -> Received:
        return Received(self.heard + other.heard, self.known + other.known)


@attrs.frozen(eq=False)
class Intake:
    """Takes in the events of one practice. Every method works inside the caller's transaction.

    Attributes:
        practice: Whose messages they are about.
        ledger: The touches.
        history: The people as they are now.
        seal: Seals what is written.
        policy: What follows from failures.
        proofs: Tell a message of ours that is named from one that was made up.
    """

    practice: Practice
    ledger: Ledger
    history: History
    seal: Seal
    policy: Policy
    proofs: Proofs = attrs.field(init=False, repr=False)
    _matching: Matching = attrs.field(init=False, repr=False)

    @_matching.default
    def _to_its_touches(self) -> Matching:
        return Matching(self.practice, self.ledger)

    @proofs.default
    def _of_the_practice(self) -> Proofs:
        return Proofs.of(self.practice)

    def take(
        self,
        connection: Connection,
        parser: str,
        payload: str,
        events: Sequence[Event],
        *,
        received_at: datetime,
        now: datetime,
        forgeable: bool = False,
    ) -> Received:
        """Write down the events that are new, and do what follows from each.

        Args:
            connection: A transaction that may write.
            parser: The full name of the parser that read them.
            payload: The id of the payload that they were read from.
            events: The events.
            received_at: When the payload arrived: when an event happened that does not say so.
            now: The present instant.
            forgeable: Whether anybody may have written the payload.
        """
        once = {kept_id(event.id): event for event in reversed(events) if self._noted(event)}
        before = known(connection, self.ledger.tables, self.practice.id, parser, list(once))
        heard = []
        for id_, said in reversed(once.items()):
            if id_ not in before:
                unproven = forgeable and not (said.key and self.proofs.hold(said.key, said.proof))
                event = as_proven(said, unproven=unproven)
                match = self._matching.find(connection, event, parser, now)
                early = may_wait(event, match.touch, unproven=unproven)
                doubt = Did.WAITS if early else why_not(event, match.touch, match.address, unproven=unproven)
                at = min(event.at or received_at, now)
                case = Case(event, at, match.value, match.touch, doubt, f"{parser} {id_}")
                one = self._heard(case, parser, id_, payload)
                one = kept_waiting(one, event, match.address) if early else one
                heard.append(attrs.evolve(one, did=self._done(connection, case, one, now)))
                hear(connection, self.seal, heard[-1], now)
        return Received(tuple(heard), len(events) - len(heard))

    def catch_up(self, connection: Connection, now: datetime) -> list[Heard]:
        """Tell touches what was heard of them when it could not be told yet; return the events that did so.

        A sender held the touch, or nobody knew yet which message it is that the provider calls so.
        """
        told = []
        waited = waiting(connection, self.ledger.tables, self.practice.id)
        found = self._matching.find_again(connection, [one for one, _ in waited])
        for (one, since), touch in zip(waited, found, strict=True):
            if one.key and touch:
                done = attrs.evolve(one, did=self._move(connection, touch, event_of(one), one.at, one.parser, now))
            elif one.key:
                done = attrs.evolve(one, did=(Did.NO_TOUCH,))
            else:
                done = self._named(connection, one, touch, since, now)
            if Did.WAITS not in done.did:
                told.append(done)
                hear(connection, self.seal, done, now, number=2)
        return told

    def _named(self, connection: Connection, one: Heard, touch: Touch | None, since: datetime, now: datetime) -> Heard:
        """Do what follows from an event, now that it may be known which message its provider meant."""
        if touch is None:
            return attrs.evolve(one, did=(Did.WAITS if now - since < _EARLY else Did.NO_TOUCH,))
        event = event_of(one)
        doubt = why_not(event, touch, one.named)
        case = Case(event, one.at, "", touch, doubt, f"{one.parser} {one.id}")
        known = attrs.evolve(one, key=touch.key, address="" if doubt else touch.address)
        return attrs.evolve(known, did=self._done(connection, case, known, now))

    def _noted(self, event: Event) -> bool:
        return self.policy.clicks or event.kind is not EventKind.CLICKED

    def _heard(self, case: Case, parser: str, id_: str, payload: str) -> Heard:
        event, touch = case.event, case.touch
        return Heard(
            parser,
            id_,
            event.kind.value,
            event.medium,
            case.at,
            key=touch.key if touch else "",
            address=touch.address if touch and not case.doubt else "",
            permanent=event.permanent,
            status=event.status,
            payload=payload,
        )

    def _done(self, connection: Connection, case: Case, one: Heard, now: datetime) -> tuple[Did, ...]:
        """Do what follows from an event, and return what that was."""
        touch, event = case.believed, case.event
        did: list[Did] = [case.doubt] if case.doubt else []
        if touch:
            did += self._move(connection, touch, event, case.at, one.parser, now)
            did += self._suppress(connection, touch, event, one, now)
        did += self._heed(connection, case, now)
        if touch and event.rating is not None:
            rate(connection, self.seal, one, touch.patient, event.rating)
            did.append(Did.RATED)
        return tuple(did)

    def _move(
        self, connection: Connection, touch: Touch, event: Event, at: datetime, actor: str, now: datetime
    ) -> tuple[Did, ...]:
        """Move a touch to what an event proves of it, through every state between."""
        if event.kind not in PROVES:
            return ()
        through = way(touch.state, PROVES[event.kind])
        if not through:
            return (Did.WAITS,) if through is None else (Did.STANDS,)
        for state in through:
            gone = self.ledger.move(connection, [(touch, moved(touch, state, event, at, now))], actor)
            if not gone:
                # Somebody else moved it in this very moment.
                return (Did.WAITS,)
            touch = gone[0]
        return (Did.MOVED,)

    def _suppress(
        self, connection: Connection, touch: Touch, event: Event, one: Heard, now: datetime
    ) -> tuple[Did, ...]:
        reason = why_suppressed(event, worn_out=self._worn_out(connection, one))
        if not (reason and touch.address):
            return ()
        new = suppress(connection, self.seal, touch.medium, touch.address, reason, now)
        return (Did.SUPPRESSED,) if new else ()

    def _worn_out(self, connection: Connection, one: Heard) -> bool:
        sign = Sign(one.kind, one.at, one.key, one.permanent, one.status)
        if not tells_of_mailbox(sign):
            return False
        since = one.at - self.policy.span
        before = signs(connection, self.ledger.tables, self.practice.id, one.address, since)
        return worn_out([*before, sign], self.policy)

    def _heed(self, connection: Connection, case: Case, now: datetime) -> tuple[Did, ...]:
        """Write down a wish to be left alone for those whom it is about.

        A message that is answered proves by its name alone who is meant: readers answer from other addresses too, and
        a no is always believed. Without such a name, or with one that is not known, or not any more, as after a backup
        was restored, everybody whose address it is is meant.
        """
        said = wish(case.event)
        if said is None:
            return ()
        wishes: list[tuple[str, Purpose]] = []
        if case.touch and (own := wish_of_reader(case.event, case.touch)):
            spoken_for = [case.touch, *self._carried(connection, case.touch)]
            wishes += [(touch.patient, purpose) for touch in spoken_for for purpose in own.purposes]
        if case.value and not (case.event.names and case.touch):
            patients = self.history.at_address(connection, case.event.medium, case.value, self.practice.of_age(now))
            wishes += [(patient, purpose) for patient in patients for purpose in said.purposes]
        # An answer cannot be older than the message.
        at = max(case.at, case.touch.sent_at) if case.touch and case.touch.sent_at else case.at
        evidence = f"{case.event.kind} ({case.source})"
        new = refuse(connection, self.history, self.seal, wishes, case.event.medium, min(at, now), evidence)
        return (Did.STOPPED,) if new else ()

    def _carried(self, connection: Connection, touch: Touch) -> list[Touch]:
        """Return the touches of those whom the same copy spoke for."""
        table = self.ledger.tables.touch
        same = (table.c.campaign == touch.campaign, table.c.occasion == touch.occasion)
        return self.ledger.touches(connection, *same, table.c.carried_by == touch.key)
