"""What every guard must keep."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from hypothesis import strategies as st

from crmkit.builtin.guards import standard_guards
from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.reasons import RANK
from crmkit.campaigns.verdict import Ruling, Verdict, strictest
from crmkit.plugins.owned import OwnedGuard
from crmkit.testing.home import NOW
from crmkit.testing.law import Kind, law
from crmkit.testing.strategies.judged import candidates, verdicts
from crmkit.testing.strategies.time import zones
from crmkit.testing.trial import Trial

_CODE = re.compile(r"[a-z][a-z0-9_]*")


def batches(*, min_size: int = 0, max_size: int = 6) -> st.SearchStrategy[tuple[Candidate, ...]]:
    """Return candidates, as a guard is handed them."""
    return st.lists(candidates(), min_size=min_size, max_size=max_size, unique_by=lambda one: one.key).map(tuple)


def moments() -> st.SearchStrategy[datetime]:
    """Return instants around the trials' own, by the hour over half a year."""
    return st.integers(-2000, 2000).map(lambda hours: NOW + timedelta(hours=hours))


def judged(guard: Guard, batch: Sequence[Candidate], now: datetime) -> dict[str, Verdict]:
    """Return a guard's verdicts by key."""
    return {one.key: verdict for one, verdict in zip(batch, guard.judge(tuple(batch), now), strict=True)}


@law(
    Kind.GUARD,
    "It has a name, the same each time.",
    mend='Make name a plain attribute such as "blackout": lower-case letters, digits, hyphens.',
    examples=1,
)
def declares(trial: Trial[Guard]) -> None:
    trial.expect_named()


@law(
    Kind.GUARD,
    "Each candidate gets exactly one verdict, in the order of the batch; an empty batch gets none.",
    mend="Return [self._judge(one, now) for one in candidates]: a list as long as the batch, of Verdict only.",
    safety=True,
)
def one_verdict(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches()), trial.draw(moments())
    said = list(trial.thing.judge(batch, now))
    strange = {type(one).__name__ for one in said if type(one) is not Verdict}
    trial.expect(not strange, f"a {', '.join(sorted(strange))} where a Verdict is wanted")
    trial.expect(len(said) == len(batch), f"{len(said)} verdicts for {len(batch)} candidates")


@law(
    Kind.GUARD,
    "The same candidates at the same instant get the same verdicts, however often it is asked.",
    mend="Judge on the candidate, the instant and the settings alone; keep no memory between calls.",
    safety=True,
)
def same_answer_twice(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    first = judged(trial.thing, batch, now)
    trial.expect(judged(trial.thing, batch, now) == first, "other verdicts when asked once more")
    trial.expect(judged(trial.again(), batch, now) == first, "other verdicts from the guard opened again")


@law(
    Kind.GUARD,
    "Neither the order nor the size of batches changes a verdict.",
    mend="Judge each candidate by itself. Who gets how much is not for a guard: the core's caps count.",
    safety=True,
)
def batches_do_not_matter(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=2)), trial.draw(moments())
    whole, other = judged(trial.thing, batch, now), trial.draw(st.permutations(batch))
    trial.expect(judged(trial.thing, other, now) == whole, "other verdicts in another order")
    alone = {key: said for one in batch for key, said in judged(trial.thing, (one,), now).items()}
    trial.expect(alone == whole, "other verdicts one by one")


@law(
    Kind.GUARD,
    "The same instant written in another time zone gets the same verdict.",
    mend="Turn the instant into the zone that you mean before you look at its hour: now.astimezone(zone).hour.",
)
def any_zone(trial: Trial[Guard]) -> None:
    batch, now, zone = trial.draw(batches(min_size=1)), trial.draw(moments()), trial.draw(zones())
    here, there = judged(trial.thing, batch, now), judged(trial.thing, batch, now.astimezone(zone))
    trial.expect(here == there, f"other verdicts at the same instant in {zone.key}")


@law(
    Kind.GUARD,
    "It judges by what it is given, and asks neither clock nor chance, environment or network.",
    mend="Use the instant that judge is handed; read settings when the plugin is opened. A guard that asks a register "
    "waives this with that as the reason: it asks once for a batch, gives up in seconds, and then holds or denies.",
)
def asks_nothing_else(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    with trial.asking_nothing():
        trial.thing.judge(batch, now)


@law(
    Kind.GUARD,
    "It changes neither the batch nor any candidate in it.",
    mend="Copy what you want to change. A consent written into a candidate would loosen what other guards say.",
    safety=True,
)
def changes_nothing(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    before, handed = [_plain(one) for one in batch], list(batch)
    trial.thing.judge(handed, now)
    same = len(handed) == len(batch) and all(one is other for one, other in zip(handed, batch, strict=True))
    trial.expect(same, "another batch than was handed in")
    trial.expect([_plain(one) for one in batch] == before, "a candidate that says something else afterwards")


def _plain(value: Any) -> Any:
    """Return a copy of a value down to what cannot be changed."""
    if attrs.has(type(value)):
        return [_plain(getattr(value, field.name)) for field in attrs.fields(type(value))]
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


@law(
    Kind.GUARD,
    "With it, no touch is judged more mildly than without it.",
    mend="Answer with ALLOWED, deny, hold or defer of crmkit.plugins only, and leave the candidates alone.",
    safety=True,
)
def loosens_nothing(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    other = trial.draw(verdicts())
    before = _standard(batch, now)
    said = list(trial.thing.judge(batch, now))
    after = _standard(batch, now)
    trial.expect(all(isinstance(one.ruling, Ruling) for one in said), "a verdict whose ruling is none of the four")
    trial.expect(before == after, "the standard guards judge otherwise after this one has seen the candidates")
    for one, rest in zip(said, before, strict=True):
        together = strictest([one, rest, other], RANK)
        trial.expect(together.ruling >= max(rest.ruling, other.ruling), "together milder than without it")


def _standard(batch: Sequence[Candidate], now: datetime) -> list[Verdict]:
    said = [guard.judge(batch, now) for guard in standard_guards()]
    return [strictest(verdicts, RANK) for verdicts in zip(*said, strict=True)]


@law(
    Kind.GUARD,
    "A deferral ends after the instant at which it is given.",
    mend="Compute the next instant that is allowed; one that has passed would be judged again at once, without end.",
)
def defers_forward(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    for verdict in trial.thing.judge(batch, now):
        until = verdict.until
        trial.expect(verdict.ruling is not Ruling.DEFER or (until and until > now), f"deferred until {until} at {now}")


@law(
    Kind.GUARD,
    "Each verdict but an allowance says why: a code, with details that are plain values.",
    mend='Write the reason as a code such as "closed_for_holidays", and details as text, numbers or dates.',
)
def says_why(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    for verdict in trial.thing.judge(batch, now):
        wanted = verdict.ruling is not Ruling.ALLOW
        trial.expect(not wanted or _CODE.fullmatch(verdict.reason), f"the reason {verdict.reason!r}")
        strange = [name for name, value in verdict.detail.items() if not _is_plain(value)]
        trial.expect(not strange, f"details that are no plain values: {', '.join(strange)}")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, Decimal, date))


@law(
    Kind.GUARD,
    "No verdict holds a name, an address or a number.",
    mend="Give ids, codes and dates as details: they are stored with the touch and shown.",
    safety=True,
)
def no_patient_in_verdicts(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    for candidate, verdict in zip(batch, trial.thing.judge(batch, now), strict=True):
        trial.expect_discreet(f"{verdict.reason} {dict(verdict.detail)}", candidate, where="a verdict")


@law(
    Kind.GUARD,
    "Nothing that it logs, prints, warns of or shows in its repr holds a name, an address or a number.",
    mend="Log the key of the touch or the patient's id; keep no candidates.",
    safety=True,
)
def no_patient_in_logs(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    with trial.listening() as heard:
        trial.thing.judge(batch, now)
    trial.expect_discreet(f"{heard.text} {trial.thing!r}", *batch, where="the log or the repr")


@law(
    Kind.GUARD,
    "It answers on every day: when clocks change, on 29 February, at the end of the year.",
    mend="Use timedelta or crmkit.clock.add_months; replace(year=...) and replace(hour=...) fail on such days.",
    examples=3,
)
def difficult_days(trial: Trial[Guard]) -> None:
    batch = trial.draw(batches(min_size=1))
    for day in ("2026-10-04", "2027-04-04", "2027-03-28", "2028-02-29", "2026-12-31"):
        start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Australia/Sydney"))
        for hour in range(0, 48, 3):
            said = trial.thing.judge(batch, start.astimezone(NOW.tzinfo) + timedelta(hours=hour, minutes=30))
            trial.expect(len(said) == len(batch), f"{len(said)} verdicts for {len(batch)} on {day}")


@law(
    Kind.GUARD,
    "The core takes its verdicts as they are: one that the ledger cannot keep is a failure, and denies everything.",
    mend="Write reason and the names of details as short lower-case codes (next_day); give at most ten details of at "
    "most 200 characters in one line each.",
    safety=True,
)
def core_takes_it(trial: Trial[Guard]) -> None:
    batch, now = trial.draw(batches(min_size=1)), trial.draw(moments())
    owned = OwnedGuard(trial.home.plugin.info.name, trial.thing)
    owned.judge(batch, now)
    trial.expect_taken(owned.calls)


LAWS = (
    *(declares, one_verdict, same_answer_twice, batches_do_not_matter, any_zone, asks_nothing_else),
    *(changes_nothing, loosens_nothing, defers_forward, says_why, no_patient_in_verdicts, no_patient_in_logs),
    *(difficult_days, core_takes_it),
)
