"""Patient relationship marketing for the practice-management software that already exists.

Names are imported when they are first used, so that `import crmkit` stays light in any host.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.campaigns.campaign import Campaign, Objective
    from crmkit.campaigns.caps import Cap
    from crmkit.campaigns.plan import Plan
    from crmkit.campaigns.reasons import in_words
    from crmkit.clock import Clock, FixedClock, SystemClock
    from crmkit.crm.answers import Answer, Preview
    from crmkit.crm.choosing import Matched
    from crmkit.crm.crm import CRM
    from crmkit.crm.database import upgrade_database
    from crmkit.crm.holding import Holding
    from crmkit.crm.origin import Origin
    from crmkit.crm.rehearsal import Rehearsal
    from crmkit.crm.work import run_day
    from crmkit.delivery.carrier import Underway
    from crmkit.delivery.events.intake import Received
    from crmkit.delivery.events.policy import Policy
    from crmkit.delivery.order import Dispatched
    from crmkit.errors import CrmkitError
    from crmkit.ledger.disclose import Disclosed
    from crmkit.ledger.doubt import Doubt, Settled
    from crmkit.ledger.feed import FeedEvent
    from crmkit.ledger.forget import Forgotten
    from crmkit.ledger.learnt import Stop
    from crmkit.ledger.payloads import Kept
    from crmkit.ledger.standing import Standing
    from crmkit.ledger.state import State
    from crmkit.ledger.touch import Touch
    from crmkit.ledger.trail.head import Head
    from crmkit.ledger.trail.verify import Verified
    from crmkit.metrics.gather import Findings
    from crmkit.metrics.window import Window
    from crmkit.people.medium import Medium, Purpose
    from crmkit.plugins.failure import Failure
    from crmkit.plugins.time_limits import TimeLimits
    from crmkit.practice import Practice
    from crmkit.records.rejected import RejectedRow
    from crmkit.records.summary import SyncSummary

__all__ = [
    "CRM",
    "Answer",
    "Campaign",
    "Cap",
    "Clock",
    "CrmkitError",
    "Disclosed",
    "Dispatched",
    "Doubt",
    "Failure",
    "FeedEvent",
    "Findings",
    "FixedClock",
    "Forgotten",
    "Head",
    "Holding",
    "Kept",
    "Matched",
    "Medium",
    "Objective",
    "Origin",
    "Plan",
    "Policy",
    "Practice",
    "Preview",
    "Purpose",
    "Received",
    "Rehearsal",
    "RejectedRow",
    "Settled",
    "Standing",
    "State",
    "Stop",
    "SyncSummary",
    "SystemClock",
    "TimeLimits",
    "Touch",
    "Underway",
    "Verified",
    "Window",
    "__version__",
    "in_words",
    "run_day",
    "upgrade_database",
]

_HOMES = {
    "Answer": "crmkit.crm.answers",
    "CRM": "crmkit.crm.crm",
    "Campaign": "crmkit.campaigns.campaign",
    "Cap": "crmkit.campaigns.caps",
    "Clock": "crmkit.clock",
    "CrmkitError": "crmkit.errors",
    "Disclosed": "crmkit.ledger.disclose",
    "Dispatched": "crmkit.delivery.order",
    "Doubt": "crmkit.ledger.doubt",
    "Failure": "crmkit.plugins.failure",
    "FeedEvent": "crmkit.ledger.feed",
    "Findings": "crmkit.metrics.gather",
    "FixedClock": "crmkit.clock",
    "Forgotten": "crmkit.ledger.forget",
    "Head": "crmkit.ledger.trail.head",
    "Holding": "crmkit.crm.holding",
    "Kept": "crmkit.ledger.payloads",
    "Matched": "crmkit.crm.choosing",
    "Medium": "crmkit.people.medium",
    "Objective": "crmkit.campaigns.campaign",
    "Origin": "crmkit.crm.origin",
    "Plan": "crmkit.campaigns.plan",
    "Policy": "crmkit.delivery.events.policy",
    "Practice": "crmkit.practice",
    "Preview": "crmkit.crm.answers",
    "Purpose": "crmkit.people.medium",
    "Received": "crmkit.delivery.events.intake",
    "Rehearsal": "crmkit.crm.rehearsal",
    "RejectedRow": "crmkit.records.rejected",
    "Settled": "crmkit.ledger.doubt",
    "Standing": "crmkit.ledger.standing",
    "State": "crmkit.ledger.state",
    "Stop": "crmkit.ledger.learnt",
    "SyncSummary": "crmkit.records.summary",
    "SystemClock": "crmkit.clock",
    "TimeLimits": "crmkit.plugins.time_limits",
    "Touch": "crmkit.ledger.touch",
    "Underway": "crmkit.delivery.carrier",
    "Verified": "crmkit.ledger.trail.verify",
    "Window": "crmkit.metrics.window",
    "in_words": "crmkit.campaigns.reasons",
    "run_day": "crmkit.crm.work",
    "upgrade_database": "crmkit.crm.database",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Reading metadata loads what parses e-mail: more than all else of this module.
        return import_module("importlib.metadata").version("crmkit")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crmkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
