"""How much one patient, and one address, may get, across all campaigns. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.campaigns.room import Ask, Asking, Why
from crmkit.errors import ConfigError
from crmkit.people.medium import Purpose


def _purposes(values: Iterable[str]) -> tuple[Purpose, ...]:
    try:
        purposes = tuple(Purpose(value) for value in ([values] if isinstance(values, str) else values))
    except ValueError:
        purposes = ()
    if not purposes:
        # It would hold nothing back, and nobody would notice.
        raise ConfigError(f"a cap for the purposes {values!r} caps nothing", mend=f"known are: {', '.join(Purpose)}")
    return purposes


@attrs.frozen
class Cap:
    """The most that may be sent in any span of days.

    Attributes:
        purposes: To which purposes it applies, counted together.
        most: How many messages one patient gets at most.
        per_address: How many messages one address gets at most; families share addresses.
        days: The length of the span.
    """

    purposes: tuple[Purpose, ...] = attrs.field(default=(Purpose.MARKETING, Purpose.FEEDBACK), converter=_purposes)
    most: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    per_address: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    days: int = attrs.field(default=7, validator=attrs.validators.ge(1))

    @property
    def span(self) -> timedelta:
        """The length of the span."""
        return timedelta(days=self.days)


Past = Mapping[str, Sequence[datetime]]


def _copied(past: Past) -> defaultdict[str, list[datetime]]:
    return defaultdict(list, {who: list(times) for who, times in past.items()})


@attrs.frozen(eq=False)
class Capped:
    """What a cap leaves free: a limit.

    Attributes:
        cap: The most that may be sent.
        taken: When messages of the cap's purposes left or will leave, by `patient:ID` and `address:DIGEST`.
    """

    cap: Cap
    taken: defaultdict[str, list[datetime]] = attrs.field(converter=_copied, repr=False)

    def crowded(self, asking: Sequence[Asking]) -> set[str]:
        """Return the keys of those whose patient or address had something before, or is asked for by another."""
        mine = [one for one in asking if one.purpose in self.cap.purposes]
        patients, addresses = Counter(one.patient for one in mine), Counter(one.address for one in mine)
        if not self.taken and len(patients) == len(addresses) == len(mine):
            return set()  # as in nearly every window
        twice = {who for counted in (patients, addresses) for who, times in counted.items() if times > 1} - {""}
        return {
            one.key
            for one in mine
            if one.patient in twice
            or one.address in twice
            or of_patient(one.patient) in self.taken
            or of_address(one.address) in self.taken
        }

    def free_at(self, ask: Ask, at: datetime) -> datetime:
        """Return the first instant from `at` on at which patient and address may get one more."""
        if ask.purpose not in self.cap.purposes:
            return at
        return max(self._free(who, most, at) for who, most in self._counted(ask))

    def _free(self, who: str, most: int, at: datetime) -> datetime:
        times = self.taken.get(who)
        return _free_at(at, times, most, self.cap.span) if times else at

    def take(self, ask: Ask, at: datetime) -> None:
        """Count a message against patient and address."""
        if ask.purpose in self.cap.purposes:
            for who, _ in self._counted(ask):
                self.taken[who].append(at)

    def why(self, ask: Ask, at: datetime) -> Why:
        """Return what is told of who gets enough, or to whose address enough goes: a home's, a large family's."""
        who, most = max(self._counted(ask), key=lambda counted: self._free(counted[0], counted[1], at))
        told = most if who == of_patient(ask.patient) else f"{most} to one address"
        return Why("cap", "too_much", {"most": told, "days": self.cap.days})

    def _counted(self, ask: Ask) -> tuple[tuple[str, int], ...]:
        patient = of_patient(ask.patient), self.cap.most
        return (patient, (of_address(ask.address), self.cap.per_address)) if ask.address else (patient,)


def of_patient(patient: str) -> str:
    """Return under which name the messages about a patient are counted."""
    return f"patient:{patient}"


def of_address(address: str) -> str:
    """Return under which name the messages to an address are counted, given its digest."""
    return f"address:{address}"


def _free_at(at: datetime, times: Sequence[datetime], most: int, span: timedelta) -> datetime:
    near = sorted(time for time in times if abs(time - at) < span)
    # Counting both sides of the moment is a little stricter than any window, and leaves room for what goes first.
    return at if len(near) < most else near[-most] + span
