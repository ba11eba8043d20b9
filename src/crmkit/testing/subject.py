"""What is under test: a plugin with settings, a fake at the other end, and the laws that it does not keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from crmkit.errors import ConfigError, nearest
from crmkit.plugins.spec import CrmkitSpec, PluginInfo
from crmkit.testing.fakes import Fake, MakesFake, NoFake
from crmkit.testing.home import Home, hooks_of
from crmkit.testing.law import Kind, Law
from crmkit.testing.laws import LAWS


def _waivers(subject: Subject, _: Any, waive: Mapping[str, str]) -> None:
    laws = {law.id: law for law in subject.laws}
    for id_, reason in waive.items():
        where = f"waive: {id_}"
        if id_ not in laws:
            raise ConfigError("the plugin has no such law to keep", where=where, mend=nearest(id_, laws))
        if laws[id_].safety:
            raise ConfigError("a safety law cannot be waived", where=where, mend=laws[id_].mend)
        if not (isinstance(reason, str) and reason.strip()):
            raise ConfigError("a waiver has no reason", where=where, mend="say in a sentence why the law is not kept")


def _plugin(_: Any, __: Any, plugin: CrmkitSpec) -> None:
    if not isinstance(plugin, CrmkitSpec) or not isinstance(getattr(plugin, "info", None), PluginInfo):
        mend = "hand in an instance of a subclass of CrmkitSpec whose class sets info"
        raise ConfigError("this is no plugin", where="conformance", mend=mend)


@attrs.frozen(eq=False)
class Subject:
    """What is under test.

    Attributes:
        plugin: The plugin.
        settings: Its settings, as a host would write them.
        fake: Starts what stands in for the other end, or None.
        waive: Laws that it does not keep, by id, with the reason.
        examples: How many examples each law is tried on at most.

    Raises:
        ConfigError: If it is no plugin, or a waiver cannot be.
    """

    plugin: CrmkitSpec = attrs.field(validator=_plugin)
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    fake: MakesFake | None = None
    waive: Mapping[str, str] = attrs.field(factory=dict, validator=_waivers)
    examples: int = attrs.field(default=20, validator=attrs.validators.ge(1))

    @property
    def kinds(self) -> frozenset[Kind]:
        """What the plugin registers, and the plugin as a whole."""
        hooks = hooks_of(self.plugin)
        return frozenset(kind for kind in Kind if kind is Kind.PLUGIN or kind.hook in hooks)

    @property
    def laws(self) -> tuple[Law, ...]:
        """The laws of a plugin as a whole and of each kind that it registers."""
        kinds = self.kinds
        return tuple(law for law in LAWS if law.kind in kinds)

    @contextmanager
    def home(self, make: Callable[[], AbstractContextManager[Fake]] | None = None) -> Iterator[Home]:
        """Start a fake and open a place in which the plugin can be tried; all is closed at the end."""
        start: MakesFake = make or self.fake or (lambda: nullcontext(NoFake()))
        with ExitStack() as stack:
            fake = stack.enter_context(start())
            root = Path(stack.enter_context(TemporaryDirectory(prefix="crmkit-")))
            home = Home(self.plugin, {**self.settings, **fake.settings}, fake, root)
            stack.callback(home.close)
            yield home
