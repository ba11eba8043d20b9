"""The stages of one practice, put together: each is given what it works with and looks nothing up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import attrs

from crmkit.builtin.hours import HoursGuard
from crmkit.campaigns.caps import Cap
from crmkit.campaigns.judge import Judge
from crmkit.campaigns.members import Members
from crmkit.campaigns.openings import Openings
from crmkit.campaigns.planner import Planner
from crmkit.campaigns.programme import Programme
from crmkit.campaigns.settle import Settlement
from crmkit.clock import Clock
from crmkit.delivery.channel import Channel
from crmkit.delivery.dispatch import Dispatch
from crmkit.delivery.events.arrivals import Arrivals
from crmkit.delivery.events.intake import Intake
from crmkit.delivery.events.policy import Policy
from crmkit.delivery.recheck import Recheck
from crmkit.delivery.record import Record
from crmkit.delivery.refused_addresses import RefusedAddresses
from crmkit.delivery.rescue import Rescue
from crmkit.delivery.window import Preparation
from crmkit.hours.hours import Hours
from crmkit.ledger.claims import Claims
from crmkit.ledger.forget import forgotten_among
from crmkit.ledger.history import History
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.trail.seal import Seal
from crmkit.messages.renderer import Renderer
from crmkit.people.medium import Medium
from crmkit.plugins.door import CORE, Admitted
from crmkit.plugins.owned import OwnedGuard
from crmkit.practice import Practice
from crmkit.records.records import Records
from crmkit.records.tables import RecordTables
from crmkit.records.truth import Truth
from crmkit.store.store import Connection, Store

_T = TypeVar("_T")
_Found = TypeVar("_Found")


@attrs.frozen
class Options:
    """What the host may set beside the practice and the plugins.

    Attributes:
        hours: When the practice's messages may leave.
        templates: The folder of the practice's own templates.
        content: The folder of its content files.
        caps: How much a patient and an address may get.
        channels: Which channel delivers a medium, where several could.
        policy: What follows from what comes back.
        audit_key: The key that signs the audit trail; without one no trail is kept.
    """

    hours: Hours
    templates: Path | None = None
    content: Path | None = None
    caps: tuple[Cap, ...] = attrs.field(factory=lambda: (Cap(),))
    channels: Mapping[Medium, str] = attrs.field(factory=dict)
    policy: Policy = attrs.field(factory=Policy)
    audit_key: str = attrs.field(default="", repr=False)


@attrs.frozen(eq=False)
class Ground:
    """What stages stand on.

    Attributes:
        practice: Who speaks.
        store: The database, or a scratch copy of it.
        records: The canonical tables in it.
        ledger: The ledger's tables in it.
        admitted: What the plugins registered.
        channels: One for each medium.
        renderer: Writes the messages; shared, for it holds the compiled templates.
        options: Caps, hours and the like.
        owner: The name under which this process claims touches.
    """

    practice: Practice
    store: Store
    records: RecordTables
    ledger: LedgerTables
    admitted: Admitted
    channels: tuple[Channel, ...]
    renderer: Renderer
    options: Options
    owner: str

    @property
    def by_medium(self) -> Mapping[Medium, Channel]:
        """The channels by what they deliver."""
        return {channel.medium: channel for channel in self.channels}

    @property
    def source_names(self) -> frozenset[str]:
        """The names of the sources."""
        return frozenset(source.name for source in self.admitted.sources)


@attrs.frozen(eq=False)
class Stages:
    """From segment to channel, over one store and one clock."""

    store: Store
    records: Records
    tables: LedgerTables
    seal: Seal
    ledger: Ledger
    programme: Programme
    history: History
    truth: Truth
    renderer: Renderer
    planner: Planner
    dispatch: Dispatch
    arrivals: Arrivals

    def alone(self, what: str, step: Callable[[Connection], _T]) -> _T:
        """Return what a step comes to that nobody else takes at the same time, for two would add the same rows.

        Raises:
            StoreError: If the database refuses, or others are in the way time and again.
        """
        return self.seal.done(lambda connection: step(self._locked(connection, what)))

    def looked_first(
        self, what: str, look: Callable[[Connection], _Found], write: Callable[[Connection, _Found], _T]
    ) -> _T:
        """Return what it comes to when nobody else takes the same step, of which only the end needs to write.

        On SQLite whoever may write keeps all others from it. So there one looks before, which may take long, and once
        more only if somebody has written meanwhile: then nothing of what was found may be relied on, for SQLite does
        not tell what was written (docs/decisions.md, "Judgement before, history after"). A host's own engine cannot be
        asked that, and there others wait. On PostgreSQL it looks and writes in one transaction.

        Raises:
            StoreError: If the database refuses, or others are in the way time and again.
        """
        if self.store.engine.dialect.name == "postgresql":
            return self.seal.looked(lambda connection: look(self._locked(connection, what)), write)
        if not self.store.tells_changes:
            return self.alone(what, lambda connection: write(connection, look(connection)))
        with self.store.unchanged() as unchanged:
            with self.store.read() as reading:
                found = look(reading)
            return self.alone(what, lambda connection: write(connection, found if unchanged() else look(connection)))

    def lock(self, connection: Connection, what: str) -> None:
        """Let nobody else do the same for this practice until the transaction ends."""
        self.store.lock(connection, f"{what} of {self.programme.practice}")

    def _locked(self, connection: Connection, what: str) -> Connection:
        self.lock(connection, what)
        return connection


def put_together(on: Ground, clock: Clock, *, remember: bool = False) -> Stages:
    """Return the stages of a practice.

    Args:
        on: What they stand on.
        clock: The real one, or a rehearsal's.
        remember: Read each person once only, for rehearsals.
    """
    key = b"" if on.store.temporary else on.options.audit_key.encode()
    seal = Seal(on.store, on.ledger, on.practice.id, clock, on.owner, key)
    ledger = Ledger(on.ledger, on.practice.id, seal)
    programme = Programme(on.ledger, on.practice.id, seal)
    history = History(on.records, on.ledger, on.practice.id, remember=remember)
    records = Records(on.store, on.records, on.practice, forgotten_among(on.ledger, on.practice.id), key)
    # A rehearsal reads the records as they are and asks nobody.
    truth = Truth(records, () if on.store.temporary else on.admitted.sources)
    recheck = _recheck(on, programme, history)
    return Stages(
        store=on.store,
        records=records,
        tables=on.ledger,
        seal=seal,
        ledger=ledger,
        programme=programme,
        history=history,
        truth=truth,
        renderer=on.renderer,
        planner=Planner(on.practice, ledger, programme, recheck.members, recheck.judge, recheck.settlement),
        dispatch=_dispatch(on, clock, seal, ledger, truth, recheck),
        arrivals=Arrivals(Intake(on.practice, ledger, history, seal, on.options.policy), clock),
    )


def _recheck(on: Ground, programme: Programme, history: History) -> Recheck:
    """Return what judges: the plan uses its parts once, and the hand-over all of it again."""
    # The one guard that needs a value of the practice: it is put together here, and no plugin can leave it out.
    openings = Openings(on.options.hours)
    guards = (*on.admitted.guards, OwnedGuard(CORE, HoursGuard(openings)))
    types, media = on.admitted.message_types, frozenset(on.by_medium)
    return Recheck(
        programme,
        Members(on.practice, on.records, on.ledger, on.admitted.fields),
        Judge(on.practice, history, types, on.renderer, guards, media, openings, on.source_names),
        Settlement(on.ledger, on.practice.id, types, on.options.caps, openings),
    )


def _dispatch(on: Ground, clock: Clock, seal: Seal, ledger: Ledger, truth: Truth, recheck: Recheck) -> Dispatch:
    claims, by_medium, at_fault = Claims(ledger), on.by_medium, RefusedAddresses(seal)
    return Dispatch(
        seal,
        claims,
        Preparation(on.store, ledger, truth, recheck, on.renderer, by_medium, clock),
        Record(ledger, claims, by_medium, at_fault),
        Rescue(seal, ledger, claims, by_medium, at_fault, clock),
        by_medium,
        clock,
        on.owner,
    )
