"""What every plugin must keep when it joins: who it is, and what it registers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pluggy

from crmkit.plugins.door import CORE, admit
from crmkit.plugins.owned import full_name
from crmkit.plugins.spec import API_VERSION, CrmkitSpec
from crmkit.testing.home import Opened, hooks_of
from crmkit.testing.imported import imported_alone
from crmkit.testing.law import Kind, law
from crmkit.testing.trial import NotRun, Trial

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_KINDS = tuple(kind for kind in Kind if kind is not Kind.PLUGIN)


def everything(opened: Opened) -> Iterator[tuple[Kind, Any]]:
    """Yield all that a plugin registers, with its kind."""
    for kind in _KINDS:
        yield from ((kind, thing) for thing in opened.registered(kind))


@law(
    Kind.PLUGIN,
    "It says who it is, which version of the contract it needs, and what its settings are: a frozen attrs class.",
    mend='Set info = PluginInfo("acme-sms", requires_api="1.0", settings=AcmeSettings), with @attrs.frozen settings.',
    examples=1,
)
def info(trial: Trial[CrmkitSpec]) -> None:
    said = trial.thing.info
    trial.expect(_NAME.fullmatch(said.name), f"the name {said.name!r}")
    needed, ours = ([int(part) for part in text.split(".")] for text in (said.requires_api, API_VERSION))
    trial.expect(needed[0] == ours[0] and needed <= ours, f"needs {said.requires_api} of the contract")
    trial.expect(attrs.has(said.settings), "settings that are no attrs class")
    settings = trial.home.open().ctx.settings
    for field in attrs.fields(type(settings))[:1]:
        try:
            setattr(settings, field.name, getattr(settings, field.name))
        except attrs.exceptions.FrozenError:
            continue
        trial.expect(False, "settings that can be changed")


@law(
    Kind.PLUGIN,
    "The core admits it.",
    mend="Read what is said: the core names the hook, the setting or the version that does not fit.",
    examples=1,
)
def admitted(trial: Trial[CrmkitSpec]) -> None:
    name, home = trial.thing.info.name, trial.home
    # The core's own plugin is admitted unasked.
    asked = [] if name == CORE else [trial.thing]
    got = admit(asked, {name: home.settings}, home.clock, home.root)
    try:
        trial.expect(name in {one.name for one in got.found}, "not admitted")
    finally:
        got.close()


@law(
    Kind.PLUGIN,
    "Whatever of it is called crmkit_... is a hook of the contract, marked as one, and takes ctx alone.",
    mend="Mark each hook with @hookimpl, without options, and write def crmkit_channels(self, ctx).",
    examples=1,
)
def real_hooks(trial: Trial[CrmkitSpec]) -> None:
    manager = pluggy.PluginManager("crmkit")
    known = [name for name in vars(CrmkitSpec) if name.startswith("crmkit_")]
    own = {name for one in type(trial.thing).__mro__ if one not in (CrmkitSpec, object) for name in vars(one)}
    for name in sorted(found for found in own if found.startswith("crmkit_")):
        trial.expect(name in known, f"{name}, which is no hook")
        options = manager.parse_hookimpl_opts(trial.thing, name)
        trial.expect(options is not None, f"{name} without @hookimpl")
        trial.expect(not any(options.values() if options else ()), f"{name} with options of @hookimpl")
        parameters = list(inspect.signature(getattr(trial.thing, name)).parameters.values())
        plain = [one.name for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
        trial.expect(plain == ["ctx"] and len(parameters) == 1, f"{name} with other parameters than ctx")


@law(
    Kind.PLUGIN,
    "Each of its hooks registers something with these settings.",
    mend="Give the test settings with which all is registered, or leave out a hook that registers nothing.",
    examples=1,
)
def registers(trial: Trial[CrmkitSpec]) -> None:
    opened, hooks = trial.home.open(), hooks_of(trial.thing)
    empty = [kind.hook for kind in _KINDS if kind.hook in hooks and not opened.registered(kind)]
    trial.expect(not empty, f"nothing from {', '.join(empty)}")
    trial.expect(hooks - {"crmkit_close"}, "no hook at all")


@law(
    Kind.PLUGIN,
    "What it registers has names of its own, no two the same within a kind, and the same each time it is opened.",
    mend="Use short names without another plugin's before them; derive them from nothing that changes.",
    examples=1,
)
def own_names(trial: Trial[CrmkitSpec]) -> None:
    mine = trial.thing.info.name
    first, second = (_names(trial.home.open(), mine) for _ in range(2))
    trial.expect(first == second, f"{first} when opened once, {second} when opened again")
    twice = sorted({name for name in first if first.count(name) > 1})
    trial.expect(not twice, f"two of the name {', '.join(twice)}")
    foreign = [name for name in first if name.partition(" ")[2].split(".")[0] != mine]
    trial.expect(not foreign, f"the name of another plugin: {', '.join(foreign)}")


def _names(opened: Opened, plugin: str) -> list[str]:
    return [f"{kind} {_full(plugin, str(thing.name))}" for kind, thing in everything(opened)]


def _full(plugin: str, name: str) -> str:
    return name if "." in name else full_name(plugin, name)


@law(
    Kind.PLUGIN,
    "Importing it does no work: no file is written, nothing is connected or started, nothing printed.",
    mend="Move the work into the hooks; at import there are only definitions.",
    examples=1,
)
def import_does_no_work(trial: Trial[CrmkitSpec]) -> None:
    module = type(trial.thing).__module__
    if module == "__main__":
        raise NotRun("the plugin stands in the program that was started")
    seen = imported_alone(module)
    trial.expect(not seen, f"at import: {', '.join(seen)}")


LAWS = (info, admitted, real_hooks, registers, own_names, import_does_no_work)
