"""Where templates lie: those of a message type, and those that the practice puts in their place.

A part's path is `<stem>/<medium>/<language>/<part>`. The practice's folder is looked into first, file by file; what it
words in `de` stands before what is shipped in `de-CH` too. A practice that rewords `body.txt` alone sends text alone:
most readers would see the shipped `body.html` otherwise, and not its words. Its folder may also hold `_layout/`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import attrs

from crmkit import words
from crmkit.errors import TemplateError, nearest
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium

SUBJECT, TEXT, HTML = "subject.txt", "body.txt", "body.html"
PARTS = (SUBJECT, TEXT, HTML)
LAYOUT = "_layout"


@attrs.frozen
class Found:
    """One template's text, the file it stands in, and whether that is the practice's own."""

    where: str
    text: str = attrs.field(repr=False)
    own: bool = False


@attrs.frozen(eq=False)
class Shelf:
    """The templates of some message types, as one practice has them.

    Attributes:
        types: By full name.
        own: The practice's own folder, if it has one.
    """

    types: Mapping[str, MessageType]
    own: Path | None = None

    def languages(self, kind: MessageType, medium: Medium) -> tuple[str, ...]:
        """Return the languages in which a message type can be said by a medium.

        Raises:
            TemplateError: If there is none, or a folder is named after no language.
        """
        folders = [root / medium.value for root in self._roots(kind)]
        found = [entry for folder in folders for entry in _entries(folder) if entry.is_dir()]
        if not found:
            raise TemplateError(
                f"the message type {kind.name} has no template by {medium}",
                where=str(folders[-1]),
                mend=f"add {kind.stem}/{medium}/en/{TEXT}",
            )
        for entry in found:
            _usual(entry)
        return tuple(sorted({entry.name for entry in found}))

    def part(self, kind: MessageType, medium: Medium, language: str, name: str) -> Found | None:
        """Return one part, the practice's own before the message type's, or None without any.

        What a language of one country lacks is that of the bare language: `de-CH` has only what differs from `de`.

        Raises:
            TemplateError: If a part that the medium needs is missing, or a file is not UTF-8.
        """
        found = None
        *own, shipped = self._roots(kind)
        for root in (*own, shipped):
            folders = [root / medium.value / tag for tag in words.with_bare(language)]
            found = next(filter(None, (_read(folder / name) for folder in folders)), None)
            if found or (name == HTML and any((folder / TEXT).is_file() for folder in folders)):
                break
        if found is None and (name == TEXT or (name == SUBJECT and medium is Medium.EMAIL)):
            place = f"{kind.stem}/{medium}/{language}"
            raise TemplateError(f"the part {name} is missing", where=place, mend=f"add {place}/{name}")
        return attrs.evolve(found, own=root is not shipped) if found else None

    def layout(self, medium: Medium, ending: str) -> Found | None:
        """Return what wraps every body of a medium, or None where nothing does; the ending is txt or html."""
        name = f"{medium}.{ending}"
        own = _read(self.own / LAYOUT / name) if self.own else None
        return own or _read(files("crmkit.messages") / LAYOUT / name)

    def check_names(self) -> None:
        """Refuse a file or folder of the practice that would never be used.

        Raises:
            TemplateError: With the path and what was probably meant.
        """
        if self.own is None:
            return
        if not self.own.is_dir():
            raise TemplateError("no such folder of templates", where=str(self.own), mend="create it")
        by_folder, of_stem = self._by_folder(), self._of_stem()
        for folder in _entries(self.own):
            if folder.name not in by_folder and folder.name in of_stem:
                names = " or ".join(sorted(kind.name for kind in of_stem[folder.name]))
                raise TemplateError("several plugins have this message", where=str(folder), mend=f"call it {names}")
            _one_of(folder, (LAYOUT, *by_folder))
            if folder.name == LAYOUT:
                _check_layouts(folder)
            else:
                _check_overrides(folder, by_folder[folder.name])

    def _by_folder(self) -> dict[str, MessageType]:
        """Return which type a folder's name means: a bare name that of core, or of the only plugin that has one."""
        bare = {stem: kinds[0] for stem, kinds in self._of_stem().items() if len(kinds) == 1}
        return bare | {kind.name: kind for kind in self.types.values()}

    def _of_stem(self) -> dict[str, list[MessageType]]:
        """Return the types that a bare name may mean; that of core before all others."""
        found: dict[str, list[MessageType]] = defaultdict(list)
        for kind in self.types.values():
            found[kind.stem].append(kind)
        return {stem: [one for one in kinds if one.owner == "core"] or kinds for stem, kinds in found.items()}

    def _roots(self, kind: MessageType) -> Iterator[Traversable]:
        if self.own is not None:
            yield self.own / kind.name
            if self._by_folder().get(kind.stem) is kind:
                yield self.own / kind.stem
        yield kind.templates / kind.stem


def _check_layouts(folder: Traversable) -> None:
    for file in _entries(folder):
        _one_of(file, [f"{medium}.{ending}" for medium in Medium for ending in ("txt", "html")])


def _check_overrides(folder: Traversable, kind: MessageType) -> None:
    for medium in _entries(folder):
        _one_of(medium, kind.media)
        for language in _entries(medium):
            _check_language(language)
            for part in _entries(language):
                _one_of(part, PARTS)


def _usual(folder: Traversable) -> str:
    """Return how the language is usually spelt after which a folder is named."""
    try:
        return words.language_tag(folder.name)
    except ValueError:
        raise TemplateError("the folder is named after no language", where=str(folder), mend="such as en") from None


def _check_language(folder: Traversable) -> None:
    usual = _usual(folder)
    if usual != folder.name:
        raise TemplateError("the language is not spelt as usual", where=str(folder), mend=f"rename it to {usual}")


def _one_of(entry: Traversable, known: tuple[str, ...] | list[str]) -> None:
    if entry.name not in known:
        raise TemplateError("nothing would use this", where=str(entry), mend=nearest(entry.name, known))


def _entries(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((entry for entry in folder.iterdir() if not entry.name.startswith((".", "__"))), key=lambda e: e.name)


def _read(file: Traversable) -> Found | None:
    if not file.is_file():
        return None
    try:
        return Found(str(file), file.read_text(encoding="utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise TemplateError("the file is not UTF-8", where=str(file), mend="save it as UTF-8") from None
    except OSError as problem:
        raise unreadable(problem, file) from None


def unreadable(problem: OSError, file: object) -> TemplateError:
    """Return what is told of a file that is there and cannot be read."""
    mend = "let the user who runs crmkit read it"
    return TemplateError(f"cannot be read ({type(problem).__name__})", where=str(file), mend=mend)
