"""Which plugins are there: read from the metadata of what is installed, without importing anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, EntryPoint, entry_points

import attrs

from crmkit.errors import ConfigError
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.look import Refused, said_of
from crmkit.plugins.spec import GROUP

#: Always admitted, by the same door: guards, message types, fields and metrics. Safety is never opt-in.
CORE = "core"
#: What an entry point leads to that leads nowhere.
NOWHERE = object()


@attrs.frozen
class Found:
    """A plugin that is installed, as its metadata says, or that the host hands in; nothing has been imported.

    Attributes:
        name: Under which it is admitted.
        distribution: What it came with, or "the host's ..." with the class of its object.
        version: The distribution's; empty for an object of the host.
        rivals: Other distributions that offer the same name: then none of them is admitted.
    """

    name: str
    distribution: str
    version: str
    entry: EntryPoint | None = attrs.field(default=None, repr=False)
    plugin: object = attrs.field(default=None, repr=False)
    rivals: tuple[str, ...] = ()

    @classmethod
    def of_host(cls, plugin: object) -> Found:
        """Return a plugin that the host hands in; one that does not say its name goes by its class."""
        info = said_of(plugin)
        kind = plugin if isinstance(plugin, type) else type(plugin)
        return cls(str(info.name) if info else kind.__name__, f"the host's {kind.__name__}", "", plugin=plugin)

    def beside(self, other: Found) -> Found:
        """Return this plugin with another of the same name beside it; the same one twice is no other."""
        if other.plugin is self.plugin and other.entry is self.entry:
            return self
        return attrs.evolve(self, rivals=(*self.rivals, other.distribution))

    def check(self, wanted: str) -> None:
        """Refuse a plugin that several distributions offer, or of another version than is wanted.

        Args:
            wanted: A version specifier such as ">=1.2,<2"; empty for any version.

        Raises:
            Refused: With what is wrong.
        """
        if self.rivals:
            both = " and ".join(sorted((self.distribution, *self.rivals)))
            raise Refused(Phase.FIND, Kind.DUPLICATE, f"is offered by {both}", "keep one of them")
        if wanted and not _fits(self.version, wanted, self.name):
            raise Refused(Phase.FIND, Kind.VERSION, f"is of version {self.version or 'none'}, and {wanted} is required")


def discover() -> dict[str, Found]:
    """Return the installed plugins by name, without importing any."""
    found: dict[str, Found] = {}
    # Reading metadata is what takes longest: of a distribution with several plugins it is read once.
    about: dict[int, tuple[str, str]] = {}
    for entry in entry_points(group=GROUP):
        name, version = about.get(id(entry.dist)) or about.setdefault(id(entry.dist), _about(entry.dist))
        other = found.get(entry.name)
        if other is None:
            found[entry.name] = Found(entry.name, name, version, entry)
        elif name not in (other.distribution, *other.rivals):
            found[entry.name] = attrs.evolve(other, rivals=(*other.rivals, name))
    return found


def load(entry: EntryPoint) -> object:
    """Return what an entry point leads to, and `NOWHERE` if there is no such module or no such name in it."""
    try:
        return entry.load()
    except ModuleNotFoundError as problem:
        if not f"{entry.module}.".startswith(f"{problem.name}."):
            raise
    except AttributeError:
        # Raised by the module's own code, it is a fault of that.
        if entry.module not in sys.modules or hasattr(sys.modules[entry.module], entry.attr):
            raise
    return NOWHERE


def check_required(required: Mapping[str, str]) -> None:
    """Refuse version specifiers that are none.

    Raises:
        ConfigError: At the first one.
    """
    if not isinstance(required, Mapping):
        mend = 'write a specifier for each: {"acme-sms": ">=1.2"}, or "" for any version'
        raise ConfigError("is no mapping", where="required", mend=mend)
    for name, wanted in required.items():
        if wanted:
            _fits("1", wanted, name)


def _fits(version: str, wanted: str, name: str) -> bool:
    # Only who requires a version pays for what reads them.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidVersion:
        return False
    except InvalidSpecifier:
        mend = 'write it as ">=1.2,<2"'
        raise ConfigError("is no version specifier", where=f"required.{name}", mend=mend) from None


def _about(distribution: Distribution | None) -> tuple[str, str]:
    """Return the name and the version of a distribution."""
    if distribution is None:
        return "unknown", ""
    told = distribution.metadata
    name, version = (str(told[key] or "") if key in told else "" for key in ("Name", "Version"))
    return name or "unknown", version
