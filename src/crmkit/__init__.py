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
    from crmkit.clock import Clock, FixedClock, SystemClock
    from crmkit.crm.crm import CRM
    from crmkit.crm.database import upgrade_database
    from crmkit.crm.origin import Origin
    from crmkit.crm.work import run_day
    from crmkit.delivery.policy import Policy
    from crmkit.errors import CrmkitError
    from crmkit.ledger.state import State
    from crmkit.ledger.touch import Touch
    from crmkit.people.medium import Medium, Purpose
    from crmkit.plugins.time_limits import TimeLimits
    from crmkit.practice import Practice

__all__ = [
    "CRM",
    "Campaign",
    "Cap",
    "Clock",
    "CrmkitError",
    "FixedClock",
    "Medium",
    "Objective",
    "Origin",
    "Plan",
    "Policy",
    "Practice",
    "Purpose",
    "State",
    "SystemClock",
    "TimeLimits",
    "Touch",
    "__version__",
    "run_day",
    "upgrade_database",
]

_HOMES = {
    "CRM": "crmkit.crm.crm",
    "Campaign": "crmkit.campaigns.campaign",
    "Cap": "crmkit.campaigns.caps",
    "Clock": "crmkit.clock",
    "CrmkitError": "crmkit.errors",
    "FixedClock": "crmkit.clock",
    "Medium": "crmkit.people.medium",
    "Objective": "crmkit.campaigns.campaign",
    "Origin": "crmkit.crm.origin",
    "Plan": "crmkit.campaigns.plan",
    "Policy": "crmkit.delivery.policy",
    "Practice": "crmkit.practice",
    "Purpose": "crmkit.people.medium",
    "State": "crmkit.ledger.state",
    "SystemClock": "crmkit.clock",
    "TimeLimits": "crmkit.plugins.time_limits",
    "Touch": "crmkit.ledger.touch",
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
