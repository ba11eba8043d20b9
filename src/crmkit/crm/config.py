"""Reading `crm.toml`: the same programme as a file, for the command line and for hosts that like files."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.caps import Cap
from crmkit.crm.hours import OwnHours, read_hours
from crmkit.delivery.events.policy import Policy
from crmkit.errors import ConfigError
from crmkit.people.medium import Medium
from crmkit.plugins.time_limits import TimeLimits
from crmkit.practice import Practice
from crmkit.settings import structure


@attrs.frozen
class Config:
    """What a `crm.toml` says.

    Attributes:
        practice: Who speaks.
        database: A URL; a relative SQLite file lies beside the `crm.toml`.
        plugins: Which plugins are admitted beside `core`.
        settings: Their settings by name.
        campaigns: The whole programme.
        caps: How much a patient and an address may get.
        hours: The practice's own hours and quiet days.
        channels: Which channel delivers a medium, where several could.
        policy: What follows from what comes back.
        templates: The folder of the practice's own templates.
        content: The folder of its content files.
        root: The folder of the `crm.toml`, to which relative paths refer.
        audit_key: Signs the audit trail, empty where none is kept.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie, empty for the one that the database takes by itself.
        required: Plugins that must be there, with a version specifier each.
        strict: Whether a plugin that cannot be admitted keeps everything from opening.
        time_limits: How long plugins may take, in seconds.
    """

    practice: Practice
    database: str
    plugins: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    campaigns: tuple[Campaign, ...]
    caps: tuple[Cap, ...]
    hours: OwnHours
    channels: Mapping[Medium, str]
    policy: Policy
    templates: Path | None
    content: Path | None
    root: Path
    audit_key: str = attrs.field(default="", repr=False)
    prefix: str = "crmkit_"
    schema: str = ""
    required: Mapping[str, str] = attrs.field(factory=dict)
    strict: bool = True
    time_limits: TimeLimits = attrs.field(factory=TimeLimits)


@attrs.frozen
class _File:
    """The shape of the file."""

    practice: dict[str, Any]
    database: str = "sqlite:///crmkit.db"
    plugins: list[str] = attrs.field(factory=list)
    settings: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    campaigns: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    caps: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    hours: dict[str, Any] = attrs.field(factory=dict)
    channels: dict[str, str] = attrs.field(factory=dict)
    events: dict[str, Any] = attrs.field(factory=dict)
    templates: str = ""
    content: str = ""
    audit_key: str = attrs.field(default="", repr=False)
    prefix: str = "crmkit_"
    schema: str = ""
    required: dict[str, str] = attrs.field(factory=dict)
    strict: bool = True
    time_limits: dict[str, float] = attrs.field(factory=dict)


def read_config(path: Path) -> Config:
    """Return what a file says.

    Raises:
        ConfigError: If the file is missing, is no TOML, or says something that cannot be used; with the place.
    """
    path = path.expanduser().absolute()
    name = path.name
    file = structure(_File, _filled(_toml(path), name), where=name)
    root = path.parent
    return Config(
        practice=structure(Practice, file.practice, where=f"{name}: practice"),
        database=_database(file.database, root),
        plugins=tuple(file.plugins),
        settings=file.settings,
        campaigns=tuple(_campaign(id_, given, f"{name}: campaigns.{id_}") for id_, given in file.campaigns.items()),
        caps=tuple(structure(Cap, cap, where=f"{name}: caps.{id_}") for id_, cap in file.caps.items()) or (Cap(),),
        hours=read_hours(file.hours, f"{name}: hours"),
        channels=_channels(file.channels, f"{name}: channels"),
        policy=structure(Policy, file.events, where=f"{name}: events"),
        templates=_folder(file.templates, root, f"{name}: templates"),
        content=root / file.content if file.content else None,
        root=root,
        audit_key=file.audit_key,
        prefix=file.prefix,
        schema=file.schema,
        required=file.required,
        strict=file.strict,
        time_limits=structure(TimeLimits, file.time_limits, where=f"{name}: time_limits"),
    )


def _toml(path: Path) -> dict[str, Any]:
    text = ""
    try:
        # Some editors of Windows put a mark before the first letter that nobody sees.
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        mend = "run crmkit init to write one, or name it with --config"
        raise ConfigError("the file does not exist", where=str(path), mend=mend) from None
    except OSError as problem:
        mend = "let the user who runs crmkit read it"
        raise ConfigError(f"cannot be read ({type(problem).__name__})", where=str(path), mend=mend) from None
    except UnicodeDecodeError:
        raise ConfigError("is not written in UTF-8", where=path.name, mend="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"is no TOML: {problem}", where=path.name, mend=_mend(text, str(problem))) from None


def _mend(text: str, problem: str) -> str:
    """Return what is mostly wrong with a line of a file that was edited as a letter is."""
    place = re.search(r"at line (\d+)", problem)
    line = next(iter(text.splitlines()[int(place[1]) - 1 :]), "") if place else ""
    if set(line) & set("“”„«»"):
        return 'correct that line: write straight quotation marks, as in "this"'
    if "\\" in line:
        return "correct that line: write / in the place of each \\"
    if "a key" in problem:
        return 'correct that line: before =, quote a word that has other letters than a to z, as in "Sí" = "yes"'
    return "correct that line"


def _filled(value: Any, where: str) -> Any:
    """Return a value of the file with each `{ env = "NAME" }` replaced by what the environment holds.

    So a secret can stay out of the file.
    """
    if isinstance(value, list):
        return [_filled(one, where) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"env"}:
        return {key: _filled(one, f"{where}: {key}") for key, one in value.items()}
    variable = str(value["env"])
    if variable not in os.environ:
        raise ConfigError(f"the environment has no {variable}", where=where, mend=f"set {variable} before you start")
    return os.environ[variable]


def _campaign(id_: str, given: Mapping[str, Any], where: str) -> Campaign:
    if "id" in given:
        raise ConfigError("the id is the name of the section", where=where, mend="remove the line id = ...")
    try:
        return structure(Campaign, {**given, "id": id_}, where=where)
    except ConfigError as problem:
        raise problem if problem.where else problem.within(where) from None


def _database(url: str, root: Path) -> str:
    prefix = "sqlite:///"
    file = url.removeprefix(prefix)
    if not url.startswith(prefix) or file.startswith("/") or file in ("", ":memory:"):
        return url
    return f"{prefix}{root / file}"


def _channels(given: Mapping[str, str], where: str) -> dict[Medium, str]:
    try:
        return {Medium(medium): channel for medium, channel in given.items()}
    except ValueError as problem:
        raise ConfigError(str(problem), where=where, mend=f"media are {', '.join(Medium)}") from None


def _folder(text: str, root: Path, where: str) -> Path | None:
    if not text:
        return None
    folder = root / text
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {text}", where=where, mend="create it, or remove the line")
    return folder
