"""The pages of the hooks, written from the contract: `python tests/hook_pages.py --write`.

Each holds the hook as the spec class declares it, what is registered by it, the values that it deals in, the laws that
apply, and a whole example: what `crmkit plugins new` writes.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import attrs

import crmkit.plugins
from crmkit.builtin.email import EmailPlugin
from crmkit.plugins.described import attributes_told
from crmkit.plugins.look import HOOKS
from crmkit.plugins.spec import API_VERSION, GROUP, Context, CrmkitSpec, PluginInfo
from crmkit.testing.law import Kind
from crmkit.testing.page import law_table
from crmkit.testing.start import answers, render

FOLDER = Path(__file__).parents[1] / "docs/reference/hooks"

_INDEX = f"""# Hooks

A plugin is an instance of a subclass of `CrmkitSpec` that an entry point of the group `{GROUP}` names. The number in
the group is the major version of the contract; this is version {API_VERSION} (`API_VERSION`).
[Your first plugin](../../how-to/your-first-plugin.md) makes one from nothing.

"""
_LAWS = """`conformance(plugin, ...)` of `crmkit.testing` makes a test of each. To them come those of
[a plugin as a whole](index.md#laws-of-a-plugin-as-a-whole)."""
_NOTHING = "Nothing is registered: the hook returns None."


def pages() -> dict[Path, str]:
    """Return the text of each page, by its file."""
    written = {FOLDER / f"{hook.removeprefix('crmkit_')}.md": _page(hook) for hook in HOOKS}
    return {FOLDER / "index.md": _index("".join(written.values())), **written}


def since(hook: str) -> str:
    """Return the version of the contract that brought a hook, as its docstring says."""
    (found,) = re.findall(r"^Since (\d+\.\d+)\.$", inspect.getdoc(getattr(CrmkitSpec, hook)) or "", re.MULTILINE)
    return str(found)


def _index(pages: str) -> str:
    head = "## The hooks\n\n| hook | what it does | since |\n|---|---|---|\n"
    rows = [
        f"| [`{hook}`]({hook.removeprefix('crmkit_')}.md) | {_first(getattr(CrmkitSpec, hook))} | {since(hook)} |\n"
        for hook in HOOKS
    ]
    spec = f"## CrmkitSpec\n\n{_prose(CrmkitSpec)}\n"
    laws = f"## Laws of a plugin as a whole\n\n{law_table(Kind.PLUGIN)}"
    parts = [_INDEX + head + "".join(rows), spec, _value(PluginInfo, 2), _value(Context, 2)]
    return "\n".join([*parts, _others(pages + "".join(parts)), laws])


def _others(told: str) -> str:
    """Return what the contract has beside what its hooks deal in."""
    others = [name for name in crmkit.plugins.__all__ if not re.search(rf"\b{name}\b", told)]
    lines = [f"* `{name}`: {_first(getattr(crmkit.plugins, name))}\n" for name in others]
    return f"## Also in crmkit.plugins\n\n{''.join(lines)}"


def _page(hook: str) -> str:
    function = getattr(CrmkitSpec, hook)
    head = f"# {hook}\n\n```py\n@hookimpl\n{_signature(hook, function)}\n```\n\n{_prose(function)}\n"
    return "\n".join([head, *_registered(hook), *_laws(hook), *_example(hook)])


def _registered(hook: str) -> Iterator[str]:
    returned = get_type_hints(getattr(CrmkitSpec, hook))["return"]
    if returned is type(None):
        yield f"## What is registered\n\n{_NOTHING}\n"
        return
    (thing,) = get_args(returned)
    thing = get_origin(thing) or thing
    protocols = [thing, *_more_of(thing)] if _is_protocol(thing) else []
    for protocol in protocols:
        what = "What is registered" if protocol is thing else f"With more than a {thing.__name__} must have"
        yield f"## {what}: {protocol.__name__}\n\n{_prose(protocol)}\n\n{_members(protocol)}"
    if not protocols:
        yield f"## What is registered: {_value(thing, 0)}"
    yield from (f"## Ready made: {_value(one, 0)}" for one in _ready_made(thing))
    values = [one for one in _reachable(protocols or [thing]) if one not in (thing, *protocols)]
    if values:
        yield "## Values\n\nAll are immutable. What a plugin makes of them is imported from `crmkit.plugins`.\n"
    yield from (_value(one, 3) for one in values)


def _is_protocol(one: type) -> bool:
    return getattr(one, "_is_protocol", False)


def _more_of(protocol: type) -> list[type]:
    """Return the contract's protocols that ask for more than this one."""
    return [one for one in vars(crmkit.plugins).values() if _is_protocol(one) and protocol in one.__bases__]


def _ready_made(protocol: type) -> list[type]:
    """Return the contract's classes that have all that a protocol asks for."""
    wanted = {name for name, member in vars(protocol).items() if inspect.isfunction(member) and name[0] != "_"}
    offered = [one for one in vars(crmkit.plugins).values() if isinstance(one, type) and attrs.has(one)]
    return [one for one in offered if _is_protocol(protocol) and all(hasattr(one, name) for name in wanted)]


def _members(protocol: type) -> str:
    told = []
    for name, member in vars(protocol).items():
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        if isinstance(member, property):
            told.append(f"**`{name}: {inspect.signature(member.fget).return_annotation}`** {_prose(member)}\n")
        else:
            told.append(f"```py\n{_signature(name, member)}\n```\n\n{_prose(member)}\n")
    return "\n".join(told)


@attrs.frozen(repr=False)
class _AsWritten:
    """Shows itself as it stands in the code."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [_as_written(one) for one in signature.parameters.values()]
    returned = _AsWritten(signature.return_annotation)
    return f"def {name}{signature.replace(parameters=parameters, return_annotation=returned)}"


def _as_written(one: inspect.Parameter) -> inspect.Parameter:
    kind, default = one.annotation, one.default
    if kind is not one.empty:
        one = one.replace(annotation=_AsWritten(kind))
    short = default is one.empty or default is None or isinstance(default, (str, int))
    return one if short else one.replace(default=_AsWritten("..."))


def _first(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _prose(thing: Any) -> str:
    """Return a docstring as Markdown, without its attributes and examples: they have places of their own."""
    parts = [
        part for part in (inspect.getdoc(thing) or "").split("\n\n") if not part.startswith(("Attributes:", ">>>"))
    ]
    return "\n\n".join(_part(part) for part in parts)


def _part(part: str) -> str:
    section = re.fullmatch(r"(Args|Raises|Returns):\n(.*)", part, re.DOTALL)
    if section is None:
        return re.sub(r"^Since (.*)\.$", r"*Since version \1 of the contract.*", part)
    entries = re.split(r"^ {4}(?=\S)", section[2], flags=re.MULTILINE)[1:]
    lines = [re.sub(r"^([\w.]+):", r"* `\1`:", " ".join(entry.split())) for entry in entries]
    return f"{section[1]}:\n\n" + "\n".join(lines)


def _reachable(start: list[type]) -> list[type]:
    """Return the values of the contract that a type leads to, the nearest first."""
    found: list[type] = []
    waiting = list(start)
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found.append(one)
        waiting += [other for other in _mentioned(one) if _is_told(other)]
    return [one for one in found if _is_told(one)]


def _mentioned(one: type) -> Iterator[type]:
    if _is_protocol(one):
        yield from _named(_doc(one))
        members = [getattr(member, "fget", member) for member in vars(one).values()]
        hints = [hint for member in members if inspect.isfunction(member) for hint in get_type_hints(member).values()]
    else:
        hints = list(get_type_hints(one).values()) if attrs.has(one) else []
    for hint in hints:
        yield from _classes(hint)


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for part in hint if isinstance(hint, list) else get_args(hint):
        yield from _classes(part)


def _named(doc: str) -> Iterator[type]:
    """Yield the values that a docstring names."""
    for name in re.findall(r"`(\w+)(?:\(\))?`", doc):
        if name in crmkit.plugins.__all__:
            named = getattr(crmkit.plugins, name)
            yield named if isinstance(named, type) else type(named)


def _is_told(one: type) -> bool:
    named = one.__name__ in crmkit.plugins.__all__ or one.__module__.startswith("crmkit.people.") or bool(_ready(one))
    return named and (attrs.has(one) or issubclass(one, Enum))


def _value(one: type, rank: int) -> str:
    head = f"{'#' * rank}{' ' if rank else ''}{one.__name__}\n\n{_prose(one)}\n"
    if issubclass(one, Enum):
        return f"{head}\n{', '.join(f'`{member.name}`' for member in one)}\n"
    ready = f"Ready made: {', '.join(_ready(one))}.\n" if _ready(one) else ""
    parts = [
        head,
        _attributes(one) if one.__name__ in crmkit.plugins.__all__ or not ready else "",
        ready,
        _made_by(one),
    ]
    return "\n".join(part for part in parts if part)


def _attributes(one: type) -> str:
    told = {name: said for base in one.__mro__[::-1] for name, said in attributes_told(_doc(base)).items()}
    fields = [field for field in attrs.fields(one) if field.init and not field.name.startswith("_")]
    if not fields:
        return ""
    types = {name: kind for base in one.__mro__ for name, kind in inspect.get_annotations(base).items()}
    rows = [
        f"| `{field.name}` | `{_cell(str(types[field.name]))}` | {'' if _required(field) else 'optional'} "
        f"| {_cell(told.get(field.name, ''))} |\n"
        for field in fields
    ]
    return "| attribute | type | | meaning |\n|---|---|---|---|\n" + "".join(rows)


def _doc(one: type) -> str:
    return inspect.cleandoc(one.__doc__ or "")


def _required(field: attrs.Attribute[Any]) -> bool:
    return field.default is attrs.NOTHING


def _ready(one: type) -> list[str]:
    """Return the contract's constants of a class."""
    names = [name for name in crmkit.plugins.__all__ if type(getattr(crmkit.plugins, name)) is one]
    return [] if issubclass(one, (str, Enum)) else [f"`{name}`" for name in names]


def _made_by(one: type) -> str:
    told = []
    for name in crmkit.plugins.__all__:
        function = getattr(crmkit.plugins, name)
        if inspect.isfunction(function) and get_type_hints(function).get("return") is one:
            told.append(
                f"* `{_signature(name, function).removeprefix('def ')}`: {(function.__doc__ or '').splitlines()[0]}\n"
            )
    return f"Made by:\n\n{''.join(told)}" if told else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _laws(hook: str) -> Iterator[str]:
    for kind in Kind:
        if kind.hook == hook:
            yield f"## Laws\n\n{_LAWS}\n\n{law_table(kind)}"


def _example(hook: str) -> Iterator[str]:
    kind = hook.removeprefix("crmkit_").removesuffix("s").replace("_", "-")
    if hook == "crmkit_close":
        yield f"## Example\n\nFrom crmkit's own plugin `email`:\n\n```py\n{inspect.getsource(EmailPlugin)}```\n"
        return
    files = render(answers("acme", kind))
    yield f"## Example\n\nThis is what `crmkit plugins new acme --kind {kind}` writes; it keeps every law.\n"
    for path, text in files.items():
        if re.fullmatch(r"src/acme/[a-z]+\.py", path) and text:
            yield f"`{path}`:\n\n```py\n{text.strip()}\n```\n"


if __name__ == "__main__":
    for file, text in pages().items():
        if "--write" in sys.argv:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        else:
            print(f"<!-- {file} -->\n{text}")
