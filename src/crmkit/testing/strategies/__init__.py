"""Hypothesis strategies for everything that a plugin is given: for the kit's laws, and for a vendor's own tests.

>>> from hypothesis import given
>>> from crmkit.testing.strategies import batches
>>> @given(batches())
... def test_my_own_rule(messages):
...     assert len({message.key for message in messages}) == len(messages)
>>> test_my_own_rule()
"""

from crmkit.testing.strategies.events import payloads
from crmkit.testing.strategies.judged import campaigns, candidates, verdicts
from crmkit.testing.strategies.panel import histories, panel_rows
from crmkit.testing.strategies.people import consents, names, patients
from crmkit.testing.strategies.rows import histories_as_rows, rows
from crmkit.testing.strategies.sent import batches, messages
from crmkit.testing.strategies.time import clocks, instants, zones

__all__ = [
    "batches",
    "campaigns",
    "candidates",
    "clocks",
    "consents",
    "histories",
    "histories_as_rows",
    "instants",
    "messages",
    "names",
    "panel_rows",
    "patients",
    "payloads",
    "rows",
    "verdicts",
    "zones",
]
