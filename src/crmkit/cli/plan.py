"""The plan: who gets what in the coming days, and who does not, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from crmkit.campaigns.reasons import in_words
from crmkit.cli import show
from crmkit.cli.options import DONE, LOOK, Given, common, day_option
from crmkit.errors import ConfigError
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch

if TYPE_CHECKING:
    from crmkit.campaigns.plan import Plan
    from crmkit.crm.crm import CRM

#: What stands for one patient's detail where many patients are counted together.
_ANOTHER = {"patient": "…"}
#: What is said as long as there is nobody to write to.
NOTHING_READ = "No data was read yet: crmkit sync reads what the practice software exports."
#: The states that a plan's touches can have.
_STATES = [state.value for state in State if state.is_judgement and state is not State.CLAIMED] + [State.EXPIRED.value]


@click.command()
@day_option
@click.option("--dry", is_flag=True, help="Only show the plan: write nothing to the ledger.")
@click.option("--who", type=click.Choice(_STATES), metavar="STATE", help="List a state's patients too: --who held.")
@common()
def plan(given: Given, through: date | None, dry: bool, who: str | None) -> int:
    """Judge who gets what until a date. Nothing is sent."""
    return judge(given, through, dry=dry, who=who)


def judge(
    given: Given, through: date | None = None, *, dry: bool = False, who: str | None = None, alone: bool = True
) -> int:
    """Plan, print the plan, and return the exit code.

    Args:
        given: What every command is given.
        through: The last due date to look at; None for the usual one.
        dry: Write nothing to the ledger.
        who: The state whose patients are listed; None for none.
        alone: Whether nothing else is done by the same command, so that the next one is named.
    """
    with given.crm() as crm:
        today = crm.practice.today(crm.clock.now())
        if through and through < today:
            raise ConfigError(f"{through} is past", where="--through", mend=f"name {today} or a later day")
        campaigns = [campaign.id for campaign in crm.programme()]
        with show.progress("Judging", len(campaigns), quiet=given.as_json) as step:
            made = crm.plan(through, dry=dry, progress=lambda _: step(1))
        unread = not made.touches and nothing_read(crm)
    if given.as_json:
        show.say_json(_document(made, campaigns, dry, who))
    else:
        _say(made, campaigns)
        if who:
            _say_who([touch for touch in made.touches if touch.state == who], who)
        held = " ".join(("crmkit plan --who held", *([f"--through {through}"] if through else []), *(["--dry"] * dry)))
        asked = _asked(made, "" if who == State.HELD else held)
        show.say(f"\n{NOTHING_READ if unread else _next(made, campaigns, asked, dry=dry, alone=alone)}")
    return LOOK if made.broken else DONE


def reasons_in_words(touches: Sequence[Touch]) -> Mapping[tuple[State, str], int]:
    """Return how many touches have each state and reason in words, those of most touches first within a state."""
    found = Counter((touch.state, in_words(touch.reason, {**touch.detail, **_ANOTHER})) for touch in touches)
    order = list(State)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])))


def _document(made: Plan, campaigns: Sequence[str], dry: bool, who: str | None) -> dict[str, object]:
    counts = made.counts()
    by_campaign = {
        campaign: {state.value: counts[campaign, state] for state in State if counts.get((campaign, state))}
        for campaign in _all(made, campaigns)
    }
    reasons = [
        {"state": state.value, "words": words, "touches": number}
        for (state, words), number in reasons_in_words(made.touches).items()
    ]
    listed = [_line(touch) for touch in made.touches if touch.state == who]
    return {
        "through": made.through,
        "dry": dry,
        "touches": len(made.touches),
        "changed": made.changed,
        "campaigns": by_campaign,
        "broken": dict(made.broken),
        "reasons": reasons,
    } | ({"who": listed} if who else {})


def _line(touch: Touch) -> dict[str, object]:
    return {
        "patient": touch.patient,
        "campaign": touch.campaign,
        "occasion": touch.occasion,
        "due": touch.due.isoformat(),
        "reason": touch.reason,
        "words": in_words(touch.reason, touch.detail),
    }


def _say_who(touches: Sequence[Touch], state: str) -> None:
    show.say()
    if touches:
        rows = [(touch.patient, touch.campaign, in_words(touch.reason, touch.detail)) for touch in touches]
        show.say_table(("patient", "campaign", f"why {state}"), rows)
    else:
        show.say(f"Nobody is {state}.")


def _say(made: Plan, campaigns: Sequence[str]) -> None:
    counts = made.counts()
    states = [state for state in State if any(state is found for _, found in counts)]
    show.say(f"Due until {made.through:%A}, {made.through.day} {made.through:%B %Y}:\n")
    rows = [(name, *(counts.get((name, state), 0) for state in states)) for name in _all(made, campaigns)]
    show.say_table(("campaign", *(state.value for state in states)), rows)
    for problem in made.broken.values():
        show.say(f"\nThis one cannot be planned: {problem}")
    if made.touches:
        show.say()
        reasons = reasons_in_words(made.touches).items()
        show.say_table(("state", "reason", "touches"), [(*key, number) for key, number in reasons])


def _all(made: Plan, campaigns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*campaigns, *(touch.campaign for touch in made.touches))))


def nothing_read(crm: CRM) -> bool:
    """Tell whether no source was ever read, so that there is nobody to write to."""
    return bool(crm.plugins.sources) and crm.status().last_sync is None


def _asked(made: Plan, held: str) -> str:
    """Return by which commands one asks further."""
    asked = "crmkit why PATIENT tells what holds for one patient."
    waits = held and any(touch.state is State.HELD for touch in made.touches)
    return f"{held} lists what waits for a person.\n{asked}" if waits else asked


def _next(made: Plan, campaigns: Sequence[str], asked: str, *, dry: bool, alone: bool) -> str:
    if not campaigns:
        return "There is no campaign: add one to the crm.toml."
    if not made.touches:
        return "Nothing is due: look further with --through, or read new data with crmkit sync."
    if dry:
        return f"Nothing was written: leave out --dry to keep this plan.\n{asked}"
    if not alone:
        return asked
    return f"Nothing was sent: crmkit send shows what would leave now.\n{asked}"
