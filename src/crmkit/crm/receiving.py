"""What comes back to a practice: events, answers, wishes to be left alone; each is taken in once and heeded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from crmkit.clock import Clock, utc
from crmkit.crm.answers import known
from crmkit.crm.decisions import insist
from crmkit.crm.given import patient_id
from crmkit.crm.opened import Opened
from crmkit.crm.stages import Stages
from crmkit.delivery.events.event import Payload, verifies
from crmkit.delivery.events.intake import Received
from crmkit.delivery.events.meaning import UNWANTED
from crmkit.errors import ConfigError, CrmkitError, NotFound
from crmkit.ledger.learnt import address_digest, learn_consent, suppressed_since, use_again
from crmkit.ledger.opt_outs import refuse
from crmkit.ledger.payloads import Kept
from crmkit.ledger.spoken_for import spoken_for
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium, Purpose
from crmkit.people.normal import normalise
from crmkit.practice import Practice


class Receiving:
    """The part of a `CRM` that listens."""

    practice: Practice
    clock: Clock
    _stages: Stages
    _opened: Opened

    def receive(self, parser: str, body: bytes, headers: Mapping[str, str] | None = None) -> Received:
        """Take in what arrived: one mail, or one call of a provider. The same events again change nothing.

        Args:
            parser: The event parser's full name, such as `email.bounces`; or its plugin's, if that has no other.
            body: The bytes as they came.
            headers: The call's headers; leave them out for a mail, for which you vouch by handing it in.

        Raises:
            NotFound: If there is no such parser, or what arrived is not from whom it claims to be: then nothing of it
                is kept. Nor does a parser that cannot tell take a call.
            CrmkitError: If it cannot be read. It is kept with the reason, and `receive_again` tries once more.
        """
        found = self._opened.admitted.event_parser(parser)
        if headers and not verifies(found):
            raise NotFound(
                "this event parser takes no calls, for it cannot tell who makes them",
                where=found.name,
                mend="hand mails in with crmkit receive",
            )
        return self._stages.arrivals.read(found, Payload(body, headers or {}, received_at=self.clock.now()))

    def receive_again(self) -> Received:
        """Try once more to read what could not be read; what still cannot stays, as `unread` tells."""
        total = Received()
        for one in self.unread():
            try:
                parser = self._opened.admitted.event_parser(one.parser)
                payload = Payload(one.body, one.headers, received_at=one.received_at)
                total += self._stages.arrivals.read(parser, payload)
            except CrmkitError:
                continue
        return total

    def unread(self) -> Iterator[Kept]:
        """Return what has arrived so far and could not be read, each with the reason, oldest first.

        A few are read at a time, for each may be as large as a mail: `itertools.islice(crm.unread(), 50)` is enough
        for a page. How many there are tells `status().unread`.
        """
        return self._stages.arrivals.unread()

    def unsubscribe(self, token: str) -> bool:
        """Act on an unsubscribe link's token, on POST only, for scanners GET links; NotFound if it is forged.

        The wish is also of those for whom the same copy speaks: else the next one would come to the same address.

        Returns:
            False if the same wish was written down within the hour: a button is pressed twice.
        """
        said, now = self._stages.renderer.links.read(token), self.clock.now()
        with self._stages.arrivals.listening() as connection:
            history, seal = self._stages.history, self._stages.seal
            others = spoken_for(connection, self._stages.ledger, said.patient, said.purpose, said.medium)
            wishes = [(patient, said.purpose) for patient in (said.patient, *others)]
            return bool(refuse(connection, history, seal, wishes, said.medium, now, "unsubscribe link"))

    def opt_out(
        self,
        patient: str,
        purpose: Purpose | Iterable[Purpose],
        medium: Medium | Iterable[Medium],
        *,
        evidence: str = "",
    ) -> bool:
        """Write down that a patient said no; no sync undoes it.

        A no is never refused: whether there is such a patient is not asked, for the patient's row may come later. Who
        types the id asks `knows` first.

        Args:
            patient: The patient's id.
            purpose: What is not wanted; of several each, and then all is written or nothing.
            medium: By which way; of several by each.
            evidence: Where the proof lies.

        Returns:
            False if the same was written at this instant.

        Raises:
            ConfigError: If the id is blank or no text, or nothing is named that is not wanted.
            ValueError: If there is no such purpose or medium.
        """
        whom, now = patient_id(patient), self.clock.now()
        # A purpose is a text too, and no list of letters.
        purposes = [purpose] if isinstance(purpose, str) else purpose
        media = [medium] if isinstance(medium, str) else [*medium]
        ways = [(Purpose(what), Medium(way)) for what in purposes for way in media]
        if not ways:
            raise ConfigError(
                "nothing is named that is not wanted", where="opt_out", mend="give a purpose and a medium"
            )
        return self._learn(*(Consent(whom, *way, False, now, "", evidence, learnt=True) for way in ways))

    def knows(self, patient: str) -> bool:
        """Tell whether there is such a patient, or was: an id that is misspelt names nobody."""
        with self._stages.store.read() as connection:
            return known(self._stages, connection, patient_id(patient))

    def opt_in(self, patient: str, purpose: Purpose, medium: Medium, *, wording: str, evidence: str) -> bool:
        """Write down that a patient said yes, to which words, and where the proof lies.

        Raises:
            ConfigError: If the id, the words or the proof are blank: such a yes would undo a no and prove nothing.
            ValueError: If there is no such purpose or medium.
        """
        for where, what in (("wording", wording), ("evidence", evidence)):
            if not (isinstance(what, str) and what.strip()):
                raise ConfigError(
                    "a yes without it proves nothing", where=where, mend="say to what, and where it stands"
                )
        said = (patient_id(patient), Purpose(purpose), Medium(medium), True, self.clock.now(), wording, evidence)
        return self._learn(Consent(*said, learnt=True))

    def unsuppress(self, medium: Medium, address: str, *, by: str) -> bool:
        """Let an address be used again that is not used any more, since its mailbox has been mended.

        Args:
            medium: The medium.
            address: The address, as it stands in the practice software.
            by: Who decided it: no event and no sync does.

        Returns:
            False if it is in use.

        Raises:
            ConfigError: If nobody is named.
        """
        insist(by)
        medium = Medium(medium)
        value = normalise(address, medium, self.practice.country).value or address
        digest = address_digest(self.practice.id, medium, value)
        with self._stages.arrivals.listening() as connection:
            return use_again(connection, self._stages.seal, medium, digest, by, self.clock.now())

    def unsuppress_since(self, since: datetime, *, by: str) -> int:
        """Let all addresses be used again that were stopped since an instant, but those whose owners complained.

        For a mail server that said of everybody that nobody is there. What is really dead comes back once more.

        Args:
            since: When it began, aware.
            by: Who decided it.

        Returns:
            How many addresses.

        Raises:
            ConfigError: If nobody is named.
            ValueError: If the instant has no time zone.
        """
        insist(by)
        seal, now = self._stages.seal, self.clock.now()
        with self._stages.arrivals.listening() as connection:
            found = suppressed_since(connection, seal.tables, seal.practice, utc(since))
            again = [(medium, address) for medium, address, reason in found if reason != UNWANTED]
            return sum(use_again(connection, seal, *one, by, now) for one in again)

    def _learn(self, *said: Consent) -> bool:
        seal = self._stages.seal
        with seal.begin() as connection:
            new = [learn_consent(connection, seal, one) for one in said]
        return any(new)
