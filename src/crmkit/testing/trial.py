"""One law tried on one object of a plugin: what the law may use."""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Generic, TypeVar, cast

import attrs

from crmkit.plugins.calls import Calls
from crmkit.testing.fakes import Fallible, Mailbox, Provider, Software, Trouble
from crmkit.testing.heard import Heard, listen
from crmkit.testing.home import Home
from crmkit.testing.privacy import leaked, personal
from crmkit.testing.watch import watched

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)?")
T = TypeVar("T")
V = TypeVar("V")


class Broken(AssertionError):  # noqa: N818 - a law is broken, the program is not
    """A law is not kept.

    Args:
        seen: What was seen instead, as one sentence.
    """

    def __init__(self, seen: str) -> None:
        self.seen = seen
        super().__init__(seen)


# Hypothesis passes a SkipTest on at once.
class NotRun(unittest.SkipTest):
    """A law that cannot be tried on this object; the text says why."""


@attrs.define(eq=False)
class Shared:
    """What the trials of all objects of a plugin share while one example lasts: what takes long to set up."""

    _stack: ExitStack = attrs.field(factory=ExitStack)
    _kept: dict[str, Any] = attrs.field(factory=dict)

    def __call__(self, name: str, start: Callable[[], AbstractContextManager[V]]) -> V:
        """Return what was started under a name, starting it if nobody has yet; it ends with the example."""
        if name not in self._kept:
            self._kept[name] = self._stack.enter_context(start())
        return cast("V", self._kept[name])

    def close(self) -> None:
        """End all that was started."""
        self._stack.close()


@attrs.frozen(eq=False)
class Trial(Generic[T]):
    """What a law is given.

    Attributes:
        thing: The object under test, as the plugin registered it, without any wrapper of the core.
        name: Its name.
        home: Where the plugin was opened: the fake, the folder, the clock.
        draw: Draws a value from a hypothesis strategy.
        shared: Keeps what the plugin's other objects may use too.
    """

    thing: T
    name: str
    home: Home = attrs.field(repr=False)
    draw: Callable[[Any], Any] = attrs.field(repr=False)
    shared: Shared = attrs.field(repr=False)
    _kind: str = attrs.field(repr=False, alias="kind")
    _elsewhere: Callable[[], AbstractContextManager[Home]] = attrs.field(repr=False, alias="elsewhere")

    def again(self) -> T:
        """Return the object of the same name from the plugin opened once more in the same place."""
        return cast("T", self.home.open().things(self._kind)[self.name])

    @contextmanager
    def elsewhere(self) -> Iterator[Trial[T]]:
        """Open the plugin in a place of its own: another fake, another folder; yields the same object there."""
        with self._elsewhere() as home:
            thing = self.thing if self._kind == "plugin" else home.open().things(self._kind)[self.name]
            yield attrs.evolve(self, thing=thing, home=home)

    @property
    def provider(self) -> Provider:
        """The fake, if it tells what it took; the law is else not tried. So for the three that follow."""
        if not isinstance(self.home.fake, Provider):
            raise NotRun("the fake does not tell what it took")
        return self.home.fake

    @property
    def software(self) -> Software:
        """The fake, if rows can be put into it."""
        if not isinstance(self.home.fake, Software):
            raise NotRun("no rows can be put into the fake")
        return self.home.fake

    @property
    def mailbox(self) -> Mailbox:
        """The fake, if it has samples of what arrives."""
        if not isinstance(self.home.fake, Mailbox):
            raise NotRun("the fake has no samples of what arrives")
        return self.home.fake

    def fail(self, trouble: Trouble | None) -> None:
        """Make the other end fail in this way from now on; None works again."""
        if not isinstance(self.home.fake, Fallible):
            raise NotRun("the fake cannot fail")
        try:
            self.home.fake.fail(trouble)
        except NotImplementedError:
            raise NotRun(f"the fake cannot play an other end that {trouble}") from None

    def listening(self) -> AbstractContextManager[Heard]:
        """Hear all that is logged, printed or warned of meanwhile."""
        return listen()

    @contextmanager
    def asking_nothing(self) -> Iterator[None]:
        """Say that the law is broken if the plugin's own code asks anything of the machine meanwhile."""
        with watched(self.home.package) as asked:
            yield
        self.expect(not asked, f"asked {', '.join(sorted(set(asked)))}")

    def expect_named(self) -> None:
        """Say that the law is broken unless the object has a name that can be one, and the same when opened again."""
        name = cast("Any", self.thing).name
        self.expect(_NAME.fullmatch(name), f"the name {name!r}")
        self.expect(cast("Any", self.again()).name == name, "another name when opened again")

    def expect_discreet(self, told: str, *people: Any, where: str = "what was told") -> None:
        """Say that the law is broken if a text tells who somebody is, or what was written to them.

        Args:
            told: The text.
            people: Messages, patients, candidates, rows of a source, or texts, as `personal` takes them.
            where: Where the text stood.
        """
        found = leaked(told, personal(*people))
        self.expect(not found, f"{where} says {found!r}")

    def expect_taken(self, calls: Calls) -> None:
        """Say that the law is broken if the core had anything to say against what the object gave it."""
        for failure in calls.failures.told():
            raise Broken(f"{failure.problem} ({failure.place})" if failure.place else failure.problem)

    def expect(self, holds: object, seen: str) -> None:
        """Say that the law is broken unless something holds.

        Args:
            holds: What must be true.
            seen: What was seen instead, as a clause.

        Raises:
            Broken: If it is false.
        """
        if not holds:
            raise Broken(seen)
