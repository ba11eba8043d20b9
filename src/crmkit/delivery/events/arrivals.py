"""What arrives: kept as it is, read by its parser, and taken in; what cannot be read waits with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import attrs

from crmkit.clock import Clock
from crmkit.delivery.events.event import Event, EventParser, Payload, forgeable
from crmkit.delivery.events.intake import Intake, Received
from crmkit.delivery.refused_addresses import listen_alone
from crmkit.errors import CrmkitError, NotFound
from crmkit.ledger.heard import waiting
from crmkit.ledger.payloads import Kept, drop, expire, has_expired, keep, payload_id, payloads, unread
from crmkit.ledger.tables import LedgerTables
from crmkit.store.store import Connection

_AT_ONCE = 100
#: Each may be as large as a mail.
_BODIES = 20
#: So many bytes are kept of what anybody may send: else a few mails with films in them would fill the database.
_MOST_FORGEABLE = 1_000_000
#: What is said of a payload while some of its events are still to be taken in.
_UNFINISHED = "not all of its events were taken in"


@attrs.frozen(eq=False)
class Arrivals:
    """Sees to it that nothing that arrives is lost, and that nothing is kept for longer than needed.

    Attributes:
        intake: Takes the events in.
        clock: Tells the time.
    """

    intake: Intake
    clock: Clock

    def read(self, parser: EventParser, payload: Payload) -> Received:
        """Read a payload and take its events in; what cannot be read is kept with the reason.

        Raises:
            NotFound: If the payload is not from whom it claims to be: then nothing of it is kept.
            Exception: As parser or database raise it.
        """
        if forgeable(parser):
            payload = attrs.evolve(payload, body=payload.body[:_MOST_FORGEABLE])
        id_ = payload_id(parser.name, payload.body)
        arrived = Kept(id_, parser.name, payload.received_at, payload.body, payload.headers)
        try:
            return self._take(arrived, parser.parse(payload), forgeable=forgeable(parser))
        except NotFound:
            raise
        except Exception as problem:
            why = problem.problem if isinstance(problem, CrmkitError) else f"failed ({type(problem).__name__})"
            with self.listening() as connection:
                self._keep(connection, attrs.evolve(arrived, problem=why))
            raise

    def unread(self) -> Iterator[Kept]:
        """Yield what could not be read until now, oldest first; a few are held in memory at once."""
        with self.intake.seal.store.read() as connection:
            ids = unread(connection, *self._place)
        return self._payloads(ids)

    def _payloads(self, ids: Sequence[str]) -> Iterator[Kept]:
        for start in range(0, len(ids), _BODIES):
            # Closed before anything is yielded: whoever asks may take long, and may write.
            with self.intake.seal.store.read() as connection:
                found = payloads(connection, *self._place, ids[start : start + _BODIES])
            yield from found

    @property
    def _place(self) -> tuple[LedgerTables, str]:
        return self.intake.ledger.tables, self.intake.practice.id

    def catch_up(self) -> None:
        """Tell touches what was heard of them while they were being sent, and delete payloads whose time is over."""
        intake = self.intake
        with intake.seal.store.read() as connection:
            if not (waiting(connection, *self._place) or has_expired(connection, *self._place, self.clock.now())):
                return
        with self.listening() as connection:
            intake.catch_up(connection, self.clock.now())

    @contextmanager
    def listening(self) -> Iterator[Connection]:
        """Open a transaction in which nobody else listens, so that nothing is heard twice at once."""
        with self.intake.seal.begin() as connection:
            listen_alone(connection, self.intake.seal)
            expire(connection, self.intake.ledger.tables, self.intake.practice.id, self.clock.now())
            yield connection

    def _take(self, arrived: Kept, events: Sequence[Event], *, forgeable: bool) -> Received:
        """Take the events in, some at a time, so that nobody who sends has to wait for long."""
        received = Received()
        for start in range(0, max(len(events), 1), _AT_ONCE):
            some, left = events[start : start + _AT_ONCE], len(events) - start - _AT_ONCE
            part = attrs.evolve(arrived, problem=_UNFINISHED if left > 0 else "")
            received += self._take_some(part, some, forgeable=forgeable)
        return received

    def _take_some(self, arrived: Kept, events: Sequence[Event], *, forgeable: bool) -> Received:
        now, intake = self.clock.now(), self.intake
        more = {"received_at": arrived.received_at, "now": now}
        with self.listening() as connection:
            received = intake.take(connection, arrived.parser, arrived.id, events, **more, forgeable=forgeable)
            intake.catch_up(connection, now)
            if events:
                self._keep(connection, arrived)
            else:
                # An ordinary letter is nobody's event, and none of the kit's business.
                drop(connection, intake.ledger.tables, intake.practice.id, arrived.id)
        return received

    def _keep(self, connection: Connection, arrived: Kept) -> None:
        expires_at = arrived.received_at + timedelta(days=self.intake.policy.keep_days)
        keep(connection, self.intake.ledger.tables, self.intake.practice.id, arrived, expires_at)
