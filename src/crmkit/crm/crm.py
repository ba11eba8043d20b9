"""One practice's programme, as the host holds it in its hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.caps import Cap
from crmkit.campaigns.programme import Version
from crmkit.clock import Clock, SystemClock
from crmkit.crm.choosing import Choosing
from crmkit.crm.config import read_config
from crmkit.crm.database import Database
from crmkit.crm.ending import Ending
from crmkit.crm.given import a_clock, of_kind, text
from crmkit.crm.hours import practice_hours
from crmkit.crm.opened import open_practice
from crmkit.crm.origin import Origin
from crmkit.crm.planning import Planning
from crmkit.crm.reading import Reading
from crmkit.crm.receiving import Receiving
from crmkit.crm.sending import Sending
from crmkit.crm.stages import Options
from crmkit.crm.telling import Telling
from crmkit.crm.wanted import Wanted
from crmkit.delivery.events.policy import Policy
from crmkit.errors import CrmkitError
from crmkit.people.medium import Medium
from crmkit.plugins.spec import CrmkitSpec
from crmkit.plugins.time_limits import TimeLimits
from crmkit.practice import Practice


class CRM(Planning, Sending, Receiving, Telling, Choosing, Reading):
    """A practice, its database and its plugins, with the programme that runs on them.

    Args:
        practice: Who speaks.
        database: A SQLAlchemy URL, or the host's own `Engine` (which stays the host's).
        plugins: The plugins to admit beside `core`, by name or as objects of the host; nothing else is loaded.
        settings: Settings by plugin name.
        templates: A folder of the practice's own templates.
        content: A folder of content files, such as `newsletter/2026-q4.md`.
        caps: How much a patient and an address may get; by default one marketing message in seven days.
        hours: The practice's own, such as `Mon-Fri 09:00-17:00`; by default law and courtesy alone restrict them.
        closed: The quiet days on which nothing leaves, such as `12-24..01-02`.
        channels: Which channel delivers a medium, by medium, where several could.
        policy: What follows from what comes back, such as how often an address may fail.
        clock: Tells the time.
        root: The folder to which relative paths in settings refer; by default the current one.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie, on PostgreSQL; by default the one that the database takes by itself.
        audit_key: Signs the audit trail; without one no trail is kept. It never enters the database.
        required: Plugins that must be there, with a version specifier each, such as `{"acme-sms": ">=1.2"}`.
        strict: If false, a plugin that cannot be admitted is left out and stands in `failures()`; where it may have
            brought a guard, or what campaigns rest on, `plan` and `send` refuse to run.
        time_limits: How long plugins may take.

    Raises:
        ConfigError: If something given here cannot be used; the error says where and how to mend it.
        PluginError: If a plugin cannot be admitted; its `failures` tell of each.
        TemplateError: If a template cannot be used.
        StoreError: If the database was made for another version of crmkit, or does not answer.
    """

    def __init__(
        self,
        practice: Practice,
        database: str | sa.Engine = "sqlite:///crmkit.db",
        *,
        plugins: Sequence[str | CrmkitSpec] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        templates: str | Path | None = None,
        content: str | Path | None = None,
        caps: Sequence[Cap] | None = None,
        hours: str = "",
        closed: str = "",
        channels: Mapping[Medium, str] | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        root: str | Path = ".",
        prefix: str = "crmkit_",
        schema: str = "",
        audit_key: str = "",
        required: Mapping[str, str] | None = None,
        strict: bool = True,
        time_limits: TimeLimits | None = None,
    ) -> None:
        self.practice = of_kind(Practice, practice, "practice")
        self.clock = a_clock(clock or SystemClock())
        here = Path(root).absolute()
        options = Options(
            practice_hours(practice, text(hours, "hours"), text(closed, "closed")),
            here / templates if templates else None,
            here / content if content else None,
            tuple(of_kind(Cap, cap, "caps") for cap in ([Cap()] if caps is None else caps)),
            dict(channels or {}),
            of_kind(Policy, policy or Policy(), "policy"),
            text(audit_key, "audit_key"),
        )
        limits = of_kind(TimeLimits, time_limits or TimeLimits(), "time_limits")
        wanted = Wanted(plugins, settings or {}, required or {}, strict, limits)
        tables = Database(database, text(prefix, "prefix"), text(schema, "schema"))
        self._opened = open_practice(practice, tables, wanted, options, self.clock, here)
        self._stages = self._opened.stages(self.clock)
        self._store, self._ending = self._stages.store, Ending()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a CRM holds connections and is not pickled: hand on crm.origin, and let the worker open it")

    @classmethod
    def from_file(
        cls, path: str | Path = "crm.toml", *, database: sa.Engine | None = None, clock: Clock | None = None
    ) -> CRM:
        """Return the CRM that a `crm.toml` describes; its campaigns become the whole programme.

        Args:
            path: The file.
            database: The host's own `Engine`, in the place of the address in the file: so many practices on one server
                share a few connections. The CRM has no `origin` then, for a worker would not have that engine.
            clock: Tells the time.

        Raises:
            ConfigError: If the file cannot be used.
        """
        config = read_config(Path(path))
        crm = cls(
            config.practice,
            config.database if database is None else of_kind(sa.Engine, database, "database"),
            plugins=config.plugins,
            settings=config.settings,
            templates=config.templates,
            content=config.content,
            caps=config.caps,
            hours=config.hours.week,
            closed=config.hours.closed,
            channels=config.channels,
            policy=config.policy,
            clock=clock,
            root=config.root,
            prefix=config.prefix,
            schema=config.schema,
            audit_key=config.audit_key,
            required=config.required,
            strict=config.strict,
            time_limits=config.time_limits,
        )
        crm._replace(config.campaigns)
        if database is None:
            crm.origin = Origin("crmkit.crm.origin:from_file", str(Path(path).expanduser().absolute()))
        return crm

    @classmethod
    def made_by(cls, factory: str, practice: str = "") -> CRM:
        """Return the CRM that an importable function of the host makes, such as `myapp.crm:make`.

        Workers on other machines then build theirs in the same way.

        Args:
            factory: `module:function`.
            practice: What the function is given, if anything.

        Raises:
            ConfigError: If there is no such function, it fails, or it returns something else.
        """
        return Origin(factory, practice).open()

    def add(self, campaign: Campaign) -> None:
        """Add a campaign to the programme, or change the one of the same id.

        Raises:
            ConfigError: If the message type is unknown or the campaign makes no sense.
            SegmentError: If the segment cannot be understood.
            ScheduleError: If the schedule cannot be understood.
        """
        self._check(of_kind(Campaign, campaign, "campaign"))
        self._stages.alone("programme", lambda one: self._stages.programme.add(one, campaign, self.clock.now()))

    def retire(self, campaign: str) -> None:
        """Take a campaign out of the programme; what is still waiting is denied at the next plan."""
        self._stages.alone("programme", lambda one: self._stages.programme.retire(one, campaign, self.clock.now()))

    def programme(self) -> list[Campaign]:
        """Return the campaigns in force, most urgent first, but for any that only a later version of crmkit can read.

        Such a one stands in `broken`.
        """
        with self._store.read() as connection:
            return [version.campaign for version in self._stages.programme.versions(connection)]

    def _replace(self, campaigns: Sequence[Campaign]) -> None:
        for campaign in campaigns:
            self._check(campaign)
        with self._store.read() as connection:
            if self._stages.programme.stands(connection, campaigns):
                # Who only asks need not wait for one who writes, such as a sync that takes minutes.
                return
        self._stages.alone("programme", lambda one: self._stages.programme.replace(one, campaigns, self.clock.now()))

    def _check(self, campaign: Campaign) -> None:
        try:
            self._stages.planner.check(Version(campaign, 0))
        except CrmkitError:
            # What it rests on may be missing with a plugin; then nothing is planned before that is mended.
            if not self.plugins.missing:
                raise
