"""What people decide while the programme runs: stop, go on, call off, and settle what is in doubt."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

import attrs

from crmkit.clock import Clock, utc
from crmkit.crm.given import patient_id
from crmkit.crm.stages import Stages
from crmkit.errors import ConfigError, NotFound, nearest
from crmkit.ledger.decided import Decided, Decision, are_stamped, decide
from crmkit.ledger.doubt import Doubt, Settled, doubts, settle
from crmkit.ledger.forget import Forgotten, forget
from crmkit.ledger.learnt import Stop, resume, stop, stopped
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.head import Head, note_head, settled
from crmkit.ledger.trail.verify import Verified, verify
from crmkit.practice import Practice
from crmkit.records.intact import not_as_given
from crmkit.store.store import Connection

#: More faults than these tell a reader nothing new.
_MOST = 100


class Decisions:
    """The part of a `CRM` that waits for a person."""

    practice: Practice
    clock: Clock
    _stages: Stages

    def stop(self, campaign: str = "", *, by: str) -> bool:
        """Stop a campaign, or everything: what is not yet handed over stays, also in a sending that runs just now.

        Args:
            campaign: Its id; empty for everything.
            by: Who decided it.

        Returns:
            False if it was stopped before.

        Raises:
            ConfigError: If nobody is named.
            NotFound: If there is no such campaign.
        """
        insist(by)
        stages = self._stages

        def step(connection: Connection) -> bool:
            if campaign:
                stages.programme.insist_on(connection, campaign)
            return stop(connection, stages.seal, campaign, by, self.clock.now())

        return stages.alone("programme", step)

    def resume(self, campaign: str = "", *, by: str = "resume") -> bool:
        """Let a campaign, or everything, go on with the next sending; what has become stale meanwhile expires then.

        Args:
            campaign: Its id; empty for everything, but for campaigns that were stopped by themselves.
            by: Who decided it.

        Returns:
            False if nothing stood.

        Raises:
            NotFound: If nothing stood, and there is no such campaign either: it may be misspelt.
        """
        stages = self._stages

        def step(connection: Connection) -> bool:
            now = self.clock.now()
            stood = resume(connection, stages.seal, campaign, by, now)
            if stood:
                # A plan made meanwhile holds them, and no sender takes up what is held.
                reason = "paused" if campaign else "stopped"
                stages.ledger.released(connection, campaign, reason, now, by)
            elif campaign:
                stages.programme.insist_on(connection, campaign)
            return stood

        return stages.alone("programme", step)

    def stopped(self) -> list[Stop]:
        """Return what is stopped just now, since when, and by whom: all sending first, then campaigns by id."""
        with self._stages.store.read() as connection:
            return stopped(connection, self._stages.tables, self.practice.id)

    def cancel(self, campaign: str = "", *, by: str) -> int:
        """Call off for good what is planned of a campaign, or of all, and not handed over; return how many touches.

        What is on its way just then is not tried again, if it turns out not to have left.

        Raises:
            ConfigError: If nobody is named.
            NotFound: If nothing of such a campaign is planned, and there is none.
        """
        insist(by)
        stages = self._stages

        def step(connection: Connection) -> int:
            now = self.clock.now()
            found = stages.ledger.cancel(connection, campaign, now, by)
            if campaign and not found:
                stages.programme.insist_on(connection, campaign)
            decide(connection, stages.seal, Decision(Decided.CANCELLED, campaign, now, by))
            return len(found)

        return stages.alone("programme", step)

    def unknowns(self) -> list[Doubt]:
        """Return the messages of which nobody knows whether they left, with the evidence, for a person to settle."""
        with self._stages.store.read() as connection:
            return doubts(connection, self._stages.ledger)

    def settle(self, key: str, said: Settled, *, by: str) -> Touch:
        """Write down what a person found out about a message in doubt.

        Raises:
            ConfigError: If nobody is named, or that is nothing that can be found out.
            NotFound: If no message of this key is in doubt.
        """
        insist(by)
        if said not in [*Settled]:
            raise ConfigError(f"{said!r} settles nothing", where="said", mend=nearest(str(said), [*Settled]))
        stages, what = self._stages, Settled(said)
        return stages.seal.done(lambda connection: settle(connection, stages.ledger, key, what, by, self.clock.now()))

    def history(self, key: str) -> list[dict[str, Any]]:
        """Return what happened to the touch of a key, oldest first: at, was, state, reason, detail, actor.

        Raises:
            NotFound: If there is no touch of this key.
        """
        with self._stages.store.read() as connection:
            steps = self._stages.ledger.history(connection, key)
        if not steps:
            mend = "take a key from crmkit send --json, crmkit unknowns or crm.feed"
            raise NotFound("there is no touch of this key", where=key, mend=mend)
        return steps

    def forget(self, patient: str, *, by: str) -> Forgotten:
        """Erase a patient for good: all records and their past, and every text that the ledger has of the person.

        What stays are ids, states and digests: so nobody is written to twice, an opt-out holds, and the audit trail
        still fits. What has not been handed over is called off, and no later sync brings the patient back.

        Args:
            patient: The patient's id.
            by: Who decided it; it is kept.

        Returns:
            What was erased, by table, and what may still lie in the database's files.

        Raises:
            NotFound: If nothing is known of such a patient.
            ConfigError: If there is an audit trail and its key was not given, or nobody is named.
        """
        insist(by)
        stages, whom = self._stages, patient_id(patient)

        def step(connection: Connection) -> Forgotten:
            stages.records.lock(connection)
            return forget(connection, stages.records.tables, stages.ledger, stages.seal, whom, by, self.clock.now())

        return attrs.evolve(stages.seal.done(step), traces=stages.store.scrub())

    def head(self) -> Head | None:
        """Return the head of the audit trail, to be noted elsewhere; None without a trail."""
        return note_head(self._stages.seal, self.clock.now())

    def audit(self, until: datetime | None = None, *, noted: str = "") -> Verified:
        """Verify the audit trail and return what does not fit.

        Args:
            until: Return the head as it stood at this instant; by default as it stands now.
            noted: The head that was noted at that instant, such as the one in a report: if it is another, something
                was cut off.

        Raises:
            ConfigError: If no audit key was given.
            ValueError: If the instant has no time zone.
        """
        stages, asked = self._stages, utc(until) if until else None
        if not stages.seal.key:
            raise ConfigError(
                "there is no audit key",
                where="audit_key",
                mend='give one, in crm.toml as audit_key = { env = "NAME" }, and keep it out of the database',
            )
        now = self.head()
        with stages.store.read() as connection:
            # As long as there is no head to note, none is shown that would not stand.
            at = asked or (now.at if now else settled(connection, self.clock.now()))
            found = verify(connection, stages.seal, at, noted)
            stamped = are_stamped(connection, stages.seal)
            stamp = stages.records.stamp if stamped else None
            beside = islice(not_as_given(connection, stages.records.tables, self.practice.id, stamp), _MOST)
            return attrs.evolve(found, faults=(*found.faults, *beside))


def insist(by: str) -> None:
    """Refuse a decision that nobody is named for."""
    if not by.strip():
        raise ConfigError("nobody is named who decided it", where="by", mend="give a name")
