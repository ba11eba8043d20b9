"""The stages of one practice, put together: each is given what it works with and looks nothing up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

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
from crmkit.delivery.again import Again
from crmkit.delivery.arrivals import Arrivals
from crmkit.delivery.channel import Channel
from crmkit.delivery.dispatch import Dispatch
from crmkit.delivery.intake import Intake
from crmkit.delivery.policy import Policy
from crmkit.delivery.record import Record
from crmkit.delivery.rescue import Rescue
from crmkit.delivery.window import Preparation
from crmkit.hours.hours import Hours
from crmkit.ledger.audit import Seal
from crmkit.ledger.claims import Claims
from crmkit.ledger.forget import forgotten_among
from crmkit.ledger.history import History
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.tables import LedgerTables
from crmkit.messages.renderer import Renderer
from crmkit.people.medium import Medium
from crmkit.plugins.door import CORE, Admitted
from crmkit.plugins.owned import OwnedGuard
from crmkit.practice import Practice
from crmkit.records.tables import RecordTables
from crmkit.records.truth import Truth
from crmkit.store.store import Store


@attrs.frozen
class Wishes:
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
class Stages:
    """From segment to channel, over one store and one clock."""

    store: Store
    records: RecordTables
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


def put_together(
    practice: Practice,
    store: Store,
    tables: tuple[RecordTables, LedgerTables],
    admitted: Admitted,
    channels: Sequence[Channel],
    renderer: Renderer,
    wishes: Wishes,
    clock: Clock,
    owner: str,
    *,
    remember: bool = False,
) -> Stages:
    """Return the stages of a practice.

    Args:
        practice: Who speaks.
        store: The database, or a scratch copy of it.
        tables: The records' and the ledger's tables in that store.
        admitted: What the plugins registered.
        channels: One for each medium.
        renderer: Writes the messages; shared, for it holds the compiled templates.
        wishes: Caps, hours and the like.
        clock: The real one, or a rehearsal's.
        owner: The name under which touches are claimed.
        remember: Read each person once only, for rehearsals.
    """
    records, ledger_tables = tables
    by_medium = {channel.medium: channel for channel in channels}
    key = b"" if store.temporary else wishes.audit_key.encode()
    seal = Seal(store, ledger_tables, practice.id, clock, owner, key)
    ledger = Ledger(ledger_tables, practice.id, seal)
    programme = Programme(ledger_tables, practice.id)
    history = History(records, ledger_tables, practice.id, remember=remember)
    members = Members(practice, records, ledger_tables, admitted.fields)
    # The one guard that needs a value of the practice: it is put together here, and no plugin can leave it out.
    openings = Openings(wishes.hours)
    guards = (*admitted.guards, OwnedGuard(CORE, HoursGuard(openings)))
    judge = Judge(practice, history, admitted.message_types, renderer, guards, frozenset(by_medium), openings)
    settlement = Settlement(ledger_tables, practice.id, admitted.message_types, wishes.caps, openings)
    claims = Claims(ledger)
    asked = () if store.temporary else admitted.sources
    truth = Truth(store, records, practice, asked, forgotten_among(ledger_tables, practice.id))
    again = Again(programme, members, judge, settlement)
    return Stages(
        store=store,
        records=records,
        tables=ledger_tables,
        seal=seal,
        ledger=ledger,
        programme=programme,
        history=history,
        # A rehearsal reads the records as they are and asks nobody.
        truth=truth,
        renderer=renderer,
        planner=Planner(practice, ledger, programme, members, judge, settlement),
        dispatch=Dispatch(
            seal,
            claims,
            Preparation(store, ledger, truth, again, renderer, by_medium, clock),
            Record(ledger, claims, by_medium),
            Rescue(seal, ledger, claims, by_medium, clock),
            by_medium,
            clock,
            owner,
        ),
        arrivals=Arrivals(Intake(practice, ledger, history, seal, wishes.policy), clock),
    )
