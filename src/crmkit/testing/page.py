"""The page of all laws, made from the laws: `python -m crmkit.testing.page > docs/reference/laws.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from crmkit.testing.law import Kind, Law
from crmkit.testing.laws import LAWS

_INTRO = """# Laws

What every plugin must keep, and how to mend one that does not. `conformance(plugin, ...)` of `crmkit.testing` makes one
test of each law; this page is made from them.

* **Safety** laws protect patients: they cannot be waived. Any other law can, with a reason, which is printed.
* Some laws are tried only if the fake can do what they need: tell what it took, fail, hold rows, or hand out samples.
* A law that is newer than the version of the contract that the plugin states is told, and fails nothing.
"""

_NEEDS = {"Provider": "tells what it took", "Fallible": "can fail", "Software": "holds rows", "Mailbox": "has samples"}


def laws_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_INTRO, *(_section(kind) for kind in Kind if any(law.kind is kind for law in LAWS))])


def law_table(kind: Kind) -> str:
    """Return the laws of a kind as a table in Markdown."""
    head = "| law | what it says | to mend | |\n|---|---|---|---|\n"
    return head + "".join(_row(law) for law in LAWS if law.kind is kind)


def _section(kind: Kind) -> str:
    return f"## {kind.words.capitalize()}\n\n{law_table(kind)}"


def _row(law: Law) -> str:
    return f"| `{law.id}` | {_cell(law.says)} | {_cell(law.mend)} | {'; '.join(_notes(law))} |\n"


def _notes(law: Law) -> Iterator[str]:
    if law.safety:
        yield "**safety**"
    if law.wants:
        yield f"a fake that {' and '.join(_NEEDS[able.__name__] for able in law.wants)}"
    if law.since != "1.0":
        yield f"since {law.since}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(laws_page())
