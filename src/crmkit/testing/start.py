"""Starting a plugin: a folder with everything in it, rendered from the template that ships with the kit."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from jinja2 import Environment, StrictUndefined

from crmkit.errors import ConfigError

#: What a plugin can be started for.
KINDS = ("source", "channel", "message-type", "guard", "metric", "field", "event-parser")

#: What crmkit itself brings.
_TAKEN = ("core", "csv", "email", "folder", "hook")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RENDERED = ".jinja"


def start(name: str, kind: str, into: Path) -> list[str]:
    """Write a new plugin into a folder of its name.

    Args:
        name: The plugin's name, such as `acme-sms`.
        kind: One of `KINDS`.
        into: Where the folder is made.

    Returns:
        The files that were written, below `into`.

    Raises:
        ConfigError: If the name cannot be one, or there is such a folder already.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"the name {name!r} cannot be used", mend="lower-case letters, digits, hyphens: acme-sms")
    package = name.replace("-", "_")
    if name in _TAKEN or package in (*sys.stdlib_module_names, "crmkit"):
        raise ConfigError(f"the name {name} is taken", mend="choose another, such as acme-sms")
    if (into / name).exists():
        raise ConfigError("there is such a folder already", where=str(into / name), mend="choose another name")
    rendered = render(answers(name, kind))
    for path, text in rendered.items():
        file = into / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return [f"{name}/{path}" for path in rendered]


def answers(name: str, kind: str) -> Mapping[str, str]:
    """Return what the template asks, as copier.yml has it."""
    prefix = "".join(part.title() for part in name.split("-"))
    return {"name": name, "kind": kind, "package": name.replace("-", "_"), "prefix": prefix, "crmkit": ">=0.1,<1"}


def render(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a new plugin by path; a path with an empty part belongs to another kind."""
    written = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no page of the web
    found: dict[str, str] = {}
    for path, file in _files(files("crmkit.testing") / "template" / "project", PurePosixPath()):
        parts = [written.from_string(part.removesuffix(_RENDERED)).render(answers) for part in path.parts]
        if all(parts):
            text = file.read_text(encoding="utf-8")
            is_template = path.name.endswith(_RENDERED)
            found["/".join(parts)] = written.from_string(text).render(answers) if is_template else text
    return dict(sorted(found.items()))


def _files(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, path / entry.name)
        elif entry.name != "__pycache__":
            yield path / entry.name, entry
