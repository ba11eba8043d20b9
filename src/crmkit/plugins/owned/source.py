"""A source under its owner's name; its failure is an error that names it and holds nothing of a patient."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, cast

import attrs

from crmkit.errors import ConfigError, PluginError, SourceError
from crmkit.plugins.calls import Calls, Fault, Line, Nonsense
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.rows import insist_on_text, strangers
from crmkit.plugins.owned.shape import Shape
from crmkit.records.source import Batch, FetchingSource, Row, Source, fetches
from crmkit.records.source import Fault as RowFault

SOURCE = Shape("source", methods=("read",), may_have=("fetch",))

_MOST_EMPTY = 1000
#: What PostgreSQL, or any encoding, refuses in a text.
_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_END = object()
#: What a source may say itself: it cannot be read, or its settings cannot be used.
_SAYS = (SourceError, ConfigError)


@attrs.frozen(eq=False)
class OwnedSource:
    """A source under its owner's name.

    Attributes:
        owner: The plugin that brought it.
        source: The plugin's object.
        name: The full name.
        within: How long all batches of one reading may take together, in seconds; None for no limit.
    """

    owner: str
    source: Source = attrs.field(repr=False)
    calls: Calls = attrs.field(repr=False)
    within: float | None = None
    name: str = attrs.field(init=False)

    @calls.default
    def _calls(self) -> Calls:
        return Calls(self.owner, thing=full_name(self.owner, self.source.name))

    @name.default
    def _name(self) -> str:
        return full_name(self.owner, self.source.name)

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield the source's batches.

        Raises:
            SourceError: As the source raises it, and ConfigError; any other failure becomes a PluginError.
        """
        yield from self._batches(Phase.READ, lambda: self.source.read(since))

    def _batches(self, phase: Phase, ask: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
        start, empty = monotonic(), 0
        with self.calls.line() as line:
            batches: Iterator[Any] = self._ask(line, phase, lambda: iter(ask()))
            try:
                while (batch := self._ask(line, phase, lambda: _checked(next(batches, _END)))) is not None:
                    empty = 0 if batch.rows else empty + 1
                    if empty > _MOST_EMPTY or (self.within and monotonic() - start > self.within):
                        raise self._endless(phase)
                    self._tell_strangers(phase, batch)
                    yield batch
            finally:
                # A generator of the plugin's is closed where it ran, so that it can give back what it holds open.
                line.call(phase, "closing", getattr(batches, "close", _nothing))

    def _ask(self, line: Line, phase: Phase, function: Callable[[], Any]) -> Any:
        answer = line.call(phase, "reading", function, passes=_SAYS)
        if isinstance(answer, Fault):
            raise answer.as_error()
        return answer

    def _tell_strangers(self, phase: Phase, batch: Batch) -> None:
        """Tell which fields nobody reads: a misspelt one would leave all patients without it, and nobody know why."""
        for kind, field, hint in strangers(batch.rows):
            named = f": {field}" if field else ""
            self.calls.note(phase, Kind.MISSPELT, f"yields a field that no {kind} has{named}", mend=hint)

    def _endless(self, phase: Phase) -> PluginError:
        failure = self.calls.note(phase, Kind.ENDLESS, "reading came to no end")
        return PluginError(failure.problem, where=self.name)


@attrs.frozen(eq=False)
class OwnedFetchingSource(OwnedSource):
    """A source that answers the last-second question, under its owner's name."""

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the source's batches about some patients.

        Raises:
            SourceError: As the source raises it, and ConfigError; any other failure becomes a PluginError.
        """
        asked, source = tuple(ids), cast("FetchingSource", self.source)
        yield from self._batches(Phase.FETCH, lambda: source.fetch(asked))


def owned_source(owner: str, source: Source, calls: Calls | None = None, within: float | None = None) -> OwnedSource:
    """Return a source under its owner's name, with a `fetch` only if it has one itself."""
    kind = OwnedFetchingSource if fetches(source) else OwnedSource
    given: dict[str, Any] = {} if calls is None else {"calls": calls}
    return kind(owner, source, within=within, **given)


def _checked(batch: object) -> Batch | None:
    """Return a batch that a sync can take, None at the end."""
    if batch is _END:
        return None
    if type(batch) is not Batch:
        raise Nonsense("yielded something that is no Batch", Kind.WRONG_TYPE)
    if type(batch.rows) is not tuple or not isinstance(batch.cursor, (str, type(None))):
        raise Nonsense("yielded a Batch whose rows are no tuple, or whose cursor is no text", Kind.WRONG_TYPE)
    if batch.cursor and _UNKEPT.search(batch.cursor):
        raise Nonsense("yielded a cursor that no database keeps", Kind.WRONG_TYPE)
    insist_on_text(batch.rows)
    odd = any(map(_is_odd, batch.rows))
    return attrs.evolve(batch, rows=tuple(map(_keepable, batch.rows))) if odd else batch


def _is_odd(row: Row) -> bool:
    words = [row.id, row.file, *row.fields, *row.fields.values(), *row.called.values()]
    if row.faults:
        words += [word for fault in row.faults for word in (fault.field, fault.reason)]
    text = " ".join(words)
    # Nearly every row is told quickly to hold nothing of the kind.
    return not text.isprintable() and _UNKEPT.search(text) is not None


def _keepable(row: Row) -> Row:
    """Return the row with U+FFFD for NUL and halves of a surrogate pair: so it can be kept, and is seen to be odd."""
    fields = {_kept(name): _kept(value) for name, value in row.fields.items()}
    faults = tuple(RowFault(_kept(one.field), _kept(one.reason)) for one in row.faults)
    called = {name: _kept(word) for name, word in row.called.items()}
    return Row(row.kind, _kept(row.id), fields, _kept(row.file), row.line, faults, called)


def _kept(word: str) -> str:
    return _UNKEPT.sub("\N{REPLACEMENT CHARACTER}", word)


def _nothing() -> None:
    pass
