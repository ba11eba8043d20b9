"""The pages of the hooks, written from the contract: `python tests/hook_pages.py --write`.

Each holds the hook as the spec class declares it, what is registered by it, the values that it deals in, the laws that
apply, and a whole example: what `crmkit plugins new` writes.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import attrs
from contract_values import first_sentence, is_protocol, prose, reachable, signature_of, value

import crmkit.plugins
from crmkit.builtin.email import EmailPlugin
from crmkit.plugins import FIELDS
from crmkit.plugins.look import HOOKS
from crmkit.plugins.spec import API_VERSION, GROUP, Context, CrmkitSpec, PluginInfo
from crmkit.testing.law import Kind
from crmkit.testing.page import law_table
from crmkit.testing.start import answers, render

FOLDER = Path(__file__).parents[1] / "docs/reference/hooks"
INDEX = FOLDER / "index.md"

_INDEX = f"""# Hooks

A plugin is an instance of a subclass of `CrmkitSpec` that an entry point of the group `{GROUP}` names. The number in
the group is the major version of the contract; this is version {API_VERSION} (`API_VERSION`).
[Your first plugin](../../how-to/your-first-plugin.md) makes one from nothing;
[Versions and deprecation](../versions.md) says what it can rely on.

"""
_LAWS = """`conformance(plugin, ...)` of `crmkit.testing` makes a test of each. To them come those of
[a plugin as a whole](index.md#laws-of-a-plugin-as-a-whole)."""
_FIELDS = """`FIELDS` of `crmkit.plugins` holds the fields of each kind, `plural` gives the name of its file or query,
and `unknown_field` a hint for a field that is none. A patient may also have free values, `attributes.NAME`."""
_NOTHING = "Nothing is registered: the hook returns None."


def page_of(hook: str) -> Path:
    """Return the file of a hook's page."""
    return FOLDER / f"{hook.removeprefix('crmkit_')}.md"


@cache
def pages() -> dict[Path, str]:
    """Return the text of each page, by its file."""
    written = {page_of(hook): _page(hook) for hook in HOOKS}
    return {INDEX: _index("".join(written.values())), **written}


def since(hook: str) -> str:
    """Return the version of the contract that brought a hook, as its docstring says."""
    (found,) = re.findall(r"^Since (\d+\.\d+)\.$", inspect.getdoc(getattr(CrmkitSpec, hook)) or "", re.MULTILINE)
    return str(found)


def _index(pages: str) -> str:
    head = "## The hooks\n\n| hook | what it does | since |\n|---|---|---|\n"
    rows = [_row(hook, hook.removeprefix("crmkit_")) for hook in HOOKS]
    spec = f"## CrmkitSpec\n\n{prose(CrmkitSpec)}\n"
    laws = f"## Laws of a plugin as a whole\n\n{law_table(Kind.PLUGIN)}"
    parts = [_INDEX + head + "".join(rows), spec, value(PluginInfo, 2), value(Context, 2)]
    return "\n".join([*parts, _others(pages + "".join(parts)), laws])


def _row(hook: str, page: str) -> str:
    return f"| [`{hook}`]({page}.md) | {first_sentence(getattr(CrmkitSpec, hook))} | {since(hook)} |\n"


def _others(told: str) -> str:
    """Return what the contract has beside what its hooks deal in."""
    others = [name for name in crmkit.plugins.__all__ if not re.search(rf"\b{name}\b", told)]
    lines = [f"* `{name}`: {first_sentence(getattr(crmkit.plugins, name))}\n" for name in others]
    return f"## Also in crmkit.plugins\n\n{''.join(lines)}"


def _page(hook: str) -> str:
    function = getattr(CrmkitSpec, hook)
    head = f"# {hook}\n\n```py\n@hookimpl\n{signature_of(hook, function)}\n```\n\n{prose(function)}\n"
    return "\n".join([head, *_registered(hook), *_rows_of_sources(hook), *_laws(hook), *_example(hook)])


def _registered(hook: str) -> Iterator[str]:
    returned = get_type_hints(getattr(CrmkitSpec, hook))["return"]
    if returned is type(None):
        yield f"## What is registered\n\n{_NOTHING}\n"
        return
    (thing,) = get_args(returned)
    thing = get_origin(thing) or thing
    protocols = [thing, *_more_of(thing)] if is_protocol(thing) else []
    for protocol in protocols:
        what = "What is registered" if protocol is thing else f"With more than a {thing.__name__} must have"
        yield f"## {what}: {protocol.__name__}\n\n{prose(protocol)}\n\n{_members(protocol)}"
    if not protocols:
        yield f"## What is registered: {value(thing, 0)}"
    yield from (f"## Ready made: {value(one, 0)}" for one in _ready_made(thing))
    values = [one for one in reachable(protocols or [thing]) if one not in (thing, *protocols)]
    if values:
        yield "## Values\n\nAll are immutable. What a plugin makes of them is imported from `crmkit.plugins`.\n"
    yield from (value(one, 3) for one in values)


def _more_of(protocol: type) -> list[type]:
    """Return the contract's protocols that ask for more than this one."""
    return [one for one in vars(crmkit.plugins).values() if is_protocol(one) and protocol in one.__bases__]


def _ready_made(protocol: type) -> list[type]:
    """Return the contract's classes that have all that a protocol asks for."""
    wanted = {name for name, member in vars(protocol).items() if inspect.isfunction(member) and name[0] != "_"}
    offered = [one for one in vars(crmkit.plugins).values() if isinstance(one, type) and attrs.has(one)]
    return [one for one in offered if is_protocol(protocol) and all(hasattr(one, name) for name in wanted)]


def _members(protocol: type) -> str:
    told = []
    for name, member in vars(protocol).items():
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        if isinstance(member, property):
            told.append(f"**`{name}: {inspect.signature(member.fget).return_annotation}`** {prose(member)}\n")
        else:
            told.append(f"```py\n{signature_of(name, member)}\n```\n\n{prose(member)}\n")
    return "\n".join(told)


def _rows_of_sources(hook: str) -> Iterator[str]:
    if hook == "crmkit_sources":
        rows = "".join(f"| `{kind}` | {', '.join(f'`{one}`' for one in fields)} |\n" for kind, fields in FIELDS.items())
        yield f"## What a row may say\n\n{_FIELDS}\n\n| kind | fields beside `id` |\n|---|---|\n{rows}"


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
