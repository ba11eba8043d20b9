"""A practice with its database open and its plugins admitted, from which stages are put together."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from crmkit.clock import Clock
from crmkit.crm.channels import one_for_each_medium
from crmkit.crm.database import Database
from crmkit.crm.stages import Ground, Options, Stages, put_together
from crmkit.crm.wanted import Wanted
from crmkit.delivery.channel import Channel
from crmkit.errors import TemplateError
from crmkit.ledger.tables import LedgerTables
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.plugins.door import Look
from crmkit.practice import Practice
from crmkit.store.store import Store


@attrs.frozen(eq=False)
class Opened(Ground):
    """What a `CRM` holds open."""

    def stages(self, clock: Clock) -> Stages:
        """Return the stages over the real ledger and the real channels."""
        return put_together(self, clock)

    def rehearsing(self, store: Store, ledger: LedgerTables, channels: Sequence[Channel], clock: Clock) -> Stages:
        """Return the same stages over a scratch ledger and other channels; the records stay the real ones."""
        scratch = attrs.evolve(self, store=store, ledger=ledger, channels=tuple(channels))
        return put_together(scratch, clock, remember=True)

    def close(self) -> None:
        """Close the plugins, and the database unless it is the host's engine; in a fork all is left to the parent."""
        if self.store.inherited:
            return
        self.admitted.close()
        self.store.close()


def open_practice(
    practice: Practice,
    database: Database,
    wanted: Wanted,
    options: Options,
    clock: Clock,
    root: Path,
) -> Opened:
    """Admit the plugins, check all templates and open the database; an empty one is set up.

    Raises:
        ConfigError: If something given here cannot be used.
        TemplateError: If a template cannot be used.
        StoreError: If the database is of another revision, or does not answer.
    """
    admitted = wanted.admit(clock, root, looking(practice, options.templates, options.content), practice.id)
    try:
        # Without a plugin nothing is planned or sent: what the practice wants of it is only looked at when it is there.
        whole = not admitted.missing
        channels = one_for_each_medium(admitted.channels, options.channels, whole=whole)
        renderer = Renderer(practice, admitted.message_types, options.templates, options.content)
        renderer.check(names=whole)
        tables = database.open()
    except BaseException:
        # Whoever tries again every minute until the database is back would have each of them open the same anew.
        admitted.close()
        raise
    owner = f"send-{secrets.token_hex(4)}"
    found = (tables.store, tables.records, tables.ledger)
    return Opened(practice, *found, admitted, tuple(channels), renderer, options, owner)


def looking(practice: Practice, templates: Path | None, content: Path | None) -> Look:
    """Return what looks at the templates of a plugin, as this practice would use them."""

    def look(types: Mapping[str, MessageType]) -> None:
        try:
            Renderer(practice, types, templates, content).check(names=False)
        except TemplateError as problem:
            # What the practice wrote itself is no fault of the plugin.
            if not (templates and problem.where.startswith(str(templates))):
                raise

    return look
