"""How long a plugin may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crmkit.plugins.failure import Phase


def _seconds(default: float) -> Any:
    optional: Any = attrs.converters.optional(float)
    return attrs.field(default=default, validator=_above_zero, converter=optional)


def _above_zero(_: Any, limit: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not value > 0:
        raise ValueError(f"the time limit {limit.name} is not above zero")


@attrs.frozen(kw_only=True)
class TimeLimits:
    """How long one call to a plugin's object may take, in seconds, by kind.

    A call past its time is given up, and the object is not called again before the `CRM` is opened anew. None means
    no limit: then the object is called in the caller's own thread, which is what a plugin needs that shares a database
    session or the like with its host. `core` is always called so.

    Attributes:
        hook: Importing a plugin, reading its settings, one of its hooks, and closing it.
        source: The next batch of a source.
        sync: All batches of one reading together.
        fetch: The answer to the last-second question; every window of messages waits for it.
        guard: A verdict on a batch of candidates; the plan, or the window of messages, waits for it.
        channel: One hand-over of at most 100 messages.
        ask: The answer about attempts in doubt.
        parser: One payload.
        metric: One batch of the panel, or the value.
        field: A field's expression.
        statement: The database's answer to one statement with a field's SQL, on SQLite and PostgreSQL.

    Raises:
        ValueError: If a limit is not above zero.
    """

    hook: float | None = _seconds(30)
    source: float | None = _seconds(600)
    sync: float | None = _seconds(6 * 3600)
    fetch: float | None = _seconds(10)
    guard: float | None = _seconds(10)
    channel: float | None = _seconds(900)
    ask: float | None = _seconds(60)
    parser: float | None = _seconds(30)
    metric: float | None = _seconds(60)
    field: float | None = _seconds(10)
    statement: float | None = _seconds(300)

    def by_phase(self) -> Mapping[Phase, float | None]:
        """Return the limit of a single call, by what the object is doing."""
        return {
            Phase.IMPORT: self.hook,
            Phase.SETTINGS: self.hook,
            Phase.SETTINGS: self.hook,
            Phase.REGISTER: self.hook,
            Phase.CLOSE: self.hook,
            Phase.READ: self.source,
            Phase.FETCH: self.fetch,
            Phase.SELECT: self.field,
            Phase.JUDGE: self.guard,
            Phase.SEND: self.channel,
            Phase.ASK: self.ask,
            Phase.PARSE: self.parser,
            Phase.MEASURE: self.metric,
        }
