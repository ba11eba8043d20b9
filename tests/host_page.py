"""The page of the host's object, written from its docstrings: `python tests/host_page.py --write`."""

from __future__ import annotations

import inspect
import re
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
from contract_values import first_sentence, prose, signature_of

import crmkit
from crmkit import CRM
from crmkit.plugins.described import attributes_told

PAGE = Path(__file__).parents[1] / "docs/reference/host.md"

#: What a host asks for, in the order of a day; whatever a `CRM` has stands in exactly one.
CHAPTERS = {
    "Open and close": ("from_file", "made_by", "origin", "close", "place", "failures"),
    "Data": ("sync", "rejected", "take_over"),
    "The programme": ("add", "retire", "programme", "matched", "segment_fields", "segment_of", "query_of"),
    "Look ahead": ("plan", "preview", "rehearse", "broken"),
    "Send": ("send", "watch", "try_again", "underway", "in_hand", "unwritten"),
    "One patient": ("knows", "why", "holds", "history", "opt_out", "opt_in", "disclose", "forget"),
    "What comes back": ("unsubscribe", "receive", "receive_again", "unread", "unsuppress", "unsuppress_since"),
    "What a person decides": ("stop", "resume", "stopped", "cancel", "unknowns", "settle"),
    "Look back": ("status", "feed", "findings", "report", "audit", "head"),
}
#: What the admitted plugins registered, and what of it delivers, is for crmkit's own commands.
LEFT_OUT = {"plugins", "channels"}
_WIDTH = 110
_HEAD = """# The host's object

Everything that `crmkit` offers a host, as its docstrings say it. [Embed crmkit](../tutorial/embed.md) shows it at work.
All names on this page are imported from `crmkit`, and [stay what they are](versions.md). A `CRM` serves any number of
threads; what it returns is immutable, and holds no name of a patient but in a message and in what `disclose` returns.

"""


def page() -> str:
    """Return the text of the page."""
    opened = f"## CRM\n\n```py\n{_signature('CRM', CRM)}\n```\n\n{prose(CRM)}\n"
    chapters = [f"## {name}\n\n" + "\n".join(_member(one) for one in names) for name, names in CHAPTERS.items()]
    functions = [one for one in _public() if inspect.isfunction(one)]
    told = [f"```py\n{signature_of(one.__name__, one)}\n```\n\n{prose(one)}\n" for one in functions]
    values = [_value(one) for one in _public() if isinstance(one, type) and one is not CRM]
    return _HEAD + "\n".join([opened, *chapters, "## Beside the CRM\n", *told, "## Values\n", *values])


def _public() -> list[Any]:
    names = [name for name in crmkit.__all__ if not name.startswith("_")]
    return [getattr(crmkit, name) for name in sorted(names, key=str.lower)]


def _member(name: str) -> str:
    member = inspect.getattr_static(CRM, name)
    if isinstance(member, property):
        return f"### {name}\n\n{prose(member)}\n"
    if name == "origin":
        return f"### {name}\n\n{attributes_told(inspect.getdoc(CRM.__mro__[2]) or '')[name]}\n"
    return f"### {name}\n\n```py\n{_signature(name, getattr(CRM, name))}\n```\n\n{prose(member)}\n"


def _signature(name: str, function: Any) -> str:
    """Return how it is called, one parameter on a line where they would not fit into one."""
    told = signature_of(name, function).removeprefix("def ").replace("(self, ", "(").replace("(self)", "()")
    whole = re.sub(r" -> None$", "", told).replace("answers.", "").replace("'", '"')
    if len(whole) <= _WIDTH:
        return whole
    given = [str(one) for one in inspect.signature(function).parameters if one != "self"]
    parts = re.split(rf", (?=\*,|(?:{'|'.join(given)}):)", whole)
    inner, _, returned = parts.pop().rpartition(")")
    first = parts.pop(0).replace("(", "(\n    ", 1)
    return ",\n    ".join([first, *parts, inner]) + f",\n){returned}"


def _value(one: type) -> str:
    head = f"### {one.__name__}\n\n{prose(one)}\n"
    if issubclass(one, Enum):
        return f"{head}\n{', '.join(f'`{member.name}`' for member in one)}\n"
    return "\n".join(part for part in (head, _attributes(one), _more(one)) if part)


def _attributes(one: type) -> str:
    if not attrs.has(one):
        return ""
    told = attributes_told(inspect.getdoc(one) or "")
    rows = [
        f"| `{field.name}` | `{_type(one, field.name).replace('|', chr(92) + '|')}` | {told.get(field.name, '')} |\n"
        for field in attrs.fields(one)
        if not field.name.startswith("_")
    ]
    return "| attribute | type | meaning |\n|---|---|---|\n" + "".join(rows)


def _type(one: type, attribute: str) -> str:
    """Return a type as it is written: what attrs knows of it changes once somebody has asked what it means."""
    written = (vars(base).get("__annotations__", {}) for base in one.__mro__)
    return next(str(types[attribute]) for types in written if attribute in types)


def _more(one: type) -> str:
    """Return what a value tells beside its attributes."""
    found = [(name, member) for name, member in vars(one).items() if not name.startswith("_")]
    told = [
        (f"{name}()" if not isinstance(member, property) else name, member)
        for name, member in found
        if isinstance(member, property | classmethod) or inspect.isfunction(member)
    ]
    return "".join(f"* `{name}`: {first_sentence(member)}\n" for name, member in told)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
