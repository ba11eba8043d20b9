"""The order of plugins, and the size of the pieces in which things are done, change nothing that anybody would see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import permuted
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from permuted import CAMPAIGNS, DAY
from situations import NOW

from crmkit import CRM, Cap, FixedClock, Practice
from crmkit.campaigns import judge
from crmkit.campaigns.plan import Plan, explain
from crmkit.ledger.ledger import Ledger
from crmkit.people.medium import Medium
from crmkit.plugins import ALLOWED, Verdict, door
from crmkit.plugins.owned import OwnedGuard

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

#: How far the last plan looks ahead.
THROUGH = (NOW + 6 * DAY).date()
#: How a judgement came about says nothing of what was judged.
UNTOLD = {"changed_at", "moves"}


@attrs.frozen
class Arrangement:
    """In which order everything stands, and in which pieces it is done.

    Attributes:
        seed: Shuffles what has no order: the host's list of plugins, what a hook returns, the rows of a source.
        size: How many rows a batch of a source has.
        chunk: How many candidates a guard is given at once.
        before: The plans that are made before the last one: how many days ahead each looks, and whether it is dry.
        limit: How many touches one sending takes up at most.
        batch: How many messages a channel is handed at once.
        behind: Shuffle also what the door has put in order.
    """

    seed: int = 0
    size: int = 1000
    chunk: int = 500
    before: Sequence[tuple[int, bool]] = ()
    limit: int | None = None
    batch: int = 100
    behind: bool = False


ARRANGEMENTS = st.builds(
    Arrangement,
    seed=st.integers(0, 2**32),
    size=st.integers(1, 40),
    chunk=st.integers(1, 30),
    before=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=3),
    limit=st.none() | st.integers(1, 9),
    batch=st.integers(1, 5),
    behind=st.booleans(),
)
#: Some that differ in everything.
OTHERS = [Arrangement(seed, 5, 4, [(3, False)], 2, 3, behind=behind) for seed in (1, 2) for behind in (True, False)]


def opened(practice: Practice, how: Arrangement, folder: Path, database: str) -> CRM:
    """Return the practice put together in one way."""
    chance = Random(how.seed)
    made = permuted.plugins(folder, how.size, how.batch, chance)
    chance.shuffle(made)
    clock, channels, caps = FixedClock(NOW), {Medium.EMAIL: "post"}, [Cap(most=1, per_address=2, days=2)]
    crm = CRM(practice, database, plugins=made, channels=channels, caps=caps, clock=clock)
    if how.behind:
        crm._opened = attrs.evolve(crm._opened, admitted=shuffled(crm.plugins, chance))
        crm._stages = crm._opened.stages(clock)
    return crm


def shuffled(admitted: Any, chance: Random) -> Any:
    def mixed(things: Any) -> Any:
        pairs = chance.sample(list(things.items() if isinstance(things, dict) else things), len(things))
        return dict(pairs) if isinstance(things, dict) else tuple(pairs)

    return attrs.evolve(
        admitted, **{kind: mixed(getattr(admitted, kind)) for kind in ("guards", "metrics", "fields", "message_types")}
    )


def seen(
    practice: Practice, how: Arrangement, *, planned_only: bool = False, database: str = "sqlite://"
) -> dict[str, Any]:
    """Return all that anybody sees of a practice that is put together in one way, as text; or its plan alone."""
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory() as folder:
        patched.setattr(judge, "CHUNK", how.chunk)
        with opened(practice, how, Path(folder), database) as crm:
            crm.sync()
            for campaign in Random(how.seed).sample(CAMPAIGNS, len(CAMPAIGNS)):
                crm.add(campaign)
            for ahead, dry in how.before:
                crm.plan((NOW + ahead * DAY).date(), dry=dry)
            plan = crm.plan(THROUGH)
            if planned_only:
                return {"plan": touches(plan)}
            told = {"plan": touches(plan), "segments": segments(crm), "previews": previews(crm)}
            return told | {"sent": list(sent(crm, how)), "figures": figures(crm), "rejected": rejected(crm)}


def touches(plan: Plan) -> list[dict[str, Any]]:
    return [
        {**{name: repr(value) for name, value in attrs.asdict(one).items() if name not in UNTOLD}, "said": explain(one)}
        for one in plan.touches
    ]


def segments(crm: CRM) -> dict[str, Any]:
    members, now = crm._stages.planner.members, crm.clock.now()
    with crm._store.read() as connection:
        # On PostgreSQL a table is named with the schema that it was found in.
        texts = [str(members._select(one, now)).replace("public.", "") for one in CAMPAIGNS]
        return {one.id: [text, *members_of(connection, crm, one)] for one, text in zip(CAMPAIGNS, texts, strict=True)}


def members_of(connection: Any, crm: CRM, campaign: Any) -> list[str]:
    everybody = [f"P{number}" for number in range(1, permuted.PATIENTS)]
    return sorted(crm._stages.planner.members.among(connection, campaign, everybody, crm.clock.now()))


def previews(crm: CRM) -> list[str]:
    shown = [one for number in range(1, permuted.PATIENTS) for one in crm.preview(f"P{number}", THROUGH)]
    return [f"{one.touch.key} {one.why} {attrs.asdict(one.message) if one.message else ''}" for one in shown]


def sent(crm: CRM, how: Arrangement) -> Iterator[str]:
    """Yield what leaves on three days, message by message in the order of leaving."""
    channels = [channel.channel.taken for channel in crm.plugins.channels]
    for _ in range(3):
        while crm.send(limit=how.limit).touches and how.limit:
            pass
        yield from (f"{one.medium} {one.key} {one.to} {one.subject} {one.text}" for taken in channels for one in taken)
        for taken in channels:
            taken.clear()
        crm.clock.move(DAY)  # type: ignore[attr-defined]
        crm.plan(THROUGH)


def figures(crm: CRM) -> dict[str, str]:
    return {name: repr(one) for name, one in sorted(crm.findings().measures.items())}


def rejected(crm: CRM) -> list[str]:
    return [f"{one.source} {one.kind} {one.row_id} {one.reason}" for one in crm.rejected()]


@pytest.fixture(scope="module")
def house() -> Practice:
    return Practice(
        id="bright-eyes", name="Bright Eyes", country="AU", timezone="Australia/Sydney", locale="en_AU", currency="AUD",
        email="hello@brighteyes.example", phone="+61255501234", address="1 High St, Newtown NSW 2042",
        public_url="https://brighteyes.example/crm", keys=["a key for tests"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual(house: Practice) -> dict[str, Any]:
    return seen(house, Arrangement())


def test_the_practice_has_a_bit_of_everything(usual: dict[str, Any]) -> None:
    reasons = {touch["reason"].strip("'") for touch in usual["plan"]}
    assert {"shut", "odd", "asked", "told", "as_late", "latest", "hours", "opted_out"} <= reasons
    assert {"ready", "withheld", "carried", "cap", "spread"} <= reasons
    assert len(usual["sent"]) > 5
    assert len(usual["rejected"]) == 5
    assert {"sums.all", "sums.visits", "counts.reachable", "core.retention"} <= set(usual["figures"])
    assert all(1 < len(members) < permuted.PATIENTS + 1 for members in usual["segments"].values())


@settings(max_examples=10)
@given(ARRANGEMENTS)
@example(OTHERS[0])
@example(OTHERS[3])
def test_however_it_is_put_together_and_in_whatever_pieces_it_is_done_the_same_comes_of_it(
    house: Practice, usual: dict[str, Any], how: Arrangement
) -> None:
    assert json.dumps(seen(house, how)) == json.dumps(usual)


@pytest.mark.parametrize("how", OTHERS[:2])
def test_on_postgresql_the_same_comes_of_it(
    how: Arrangement, house: Practice, usual: dict[str, Any], postgres_ready: str
) -> None:
    assert json.dumps(seen(house, how, database=postgres_ready)) == json.dumps(usual)


def first(verdicts: Iterable[Verdict], _: Any) -> Verdict:
    return next(iter(verdicts), ALLOWED)


def first_of_the_strictest(verdicts: Iterable[Verdict], _: Any) -> Verdict:
    return max(verdicts, key=lambda one: one.ruling, default=ALLOWED)


def as_it_comes(things: Iterable[Any], key: Any = None) -> list[Any]:
    del key
    return list(things)


def by_the_batch(guard: OwnedGuard, batch: Any, now: Any, *, judged: Any = OwnedGuard._judge) -> list[Verdict]:
    return [max(judged(guard, batch, now), key=lambda one: one.ruling)] * len(batch)


def for_good(ledger: Ledger, connection: Any, campaign: str, now: Any) -> frozenset[tuple[str, str]]:
    return frozenset((one.patient, one.occasion) for one in ledger.open(connection, campaign, now))


@pytest.mark.parametrize(
    ("where", "name", "mutant"),
    [
        (judge, "strictest", first),
        (judge, "strictest", first_of_the_strictest),
        (door, "sorted", as_it_comes),
        (OwnedGuard, "_judge", by_the_batch),
        (Ledger, "decided", for_good),
    ],
    ids=["the first verdict holds", "any deferral holds", "the host's order", "batches", "what is planned stays"],
)
def test_a_core_in_which_order_or_size_matters_is_found_out(
    where: Any, name: str, mutant: Any, house: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, mutant, raising=False)
    plans = (seen(house, how, planned_only=True) for how in (Arrangement(), *OTHERS))
    assert len({json.dumps(plan) for plan in plans}) > 1
