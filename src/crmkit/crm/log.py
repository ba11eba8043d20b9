"""What a host's log hears of a practice's day: the practice's id, counts and dates, never a name or an address."""

from __future__ import annotations

import logging

from crmkit.campaigns.plan import Plan
from crmkit.delivery.order import Dispatched
from crmkit.errors import CrmkitError
from crmkit.ledger.state import State
from crmkit.records.summary import SyncSummary

_log = logging.getLogger("crmkit.crm")
#: The states of messages that a person must look at.
_LOOK = (State.UNKNOWN, State.REFUSED)


def log_sync(practice: str, summary: SyncSummary) -> None:
    """Tell how many rows a sync took over, and which source failed."""
    total = summary.total
    _log.info("%s: sync: %d added, %d changed, %d rejected", practice, total.added, total.changed, total.rejected)
    for failure in summary.failures:
        _log.warning("%s: sync: a source failed: %s", practice, failure)


def log_plan(practice: str, plan: Plan) -> None:
    """Tell how many touches a plan found and wrote, and which campaign it could not plan."""
    _log.info("%s: plan until %s: %d touches, %d changed", practice, plan.through, len(plan.touches), plan.changed)
    for problem in plan.broken.values():
        _log.warning("%s: plan: a campaign was left out: %s", practice, problem)


def log_passing(practice: str, problem: CrmkitError) -> None:
    """Tell of an error after which whoever watches goes on."""
    _log.warning("%s: send: goes on when this has passed: %s", practice, problem)


def log_sent(practice: str, done: Dispatched) -> None:
    """Tell what became of the messages that were due; nothing if none was."""
    counts = done.counts()
    if done.doubted:
        _log.warning("%s: send: %d in doubt, which a sender had on its way when it ended", practice, done.doubted)
    if not counts:
        return
    told = ", ".join(f"{counts[state]} {state.value}" for state in State if counts.get(state))
    # Nothing at all was taken: such as a login that has become wrong.
    nothing = bool(counts.get(State.RETRY)) and not done.sent
    level = logging.WARNING if nothing or any(counts.get(state) for state in _LOOK) else logging.INFO
    _log.log(level, "%s: send: %s", practice, told)
