"""A source under its owner's name; its failure is an error that names it and holds nothing of a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, cast

import attrs

from crmkit.errors import ConfigError, PluginError, SourceError
from crmkit.plugins.calls import Calls, Fault, Line, Nonsense
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.shape import Shape
from crmkit.records.source import Batch, FetchingSource, Row, Source, fetches
from crmkit.records.source import Fault as RowFault

SOURCE = Shape("source", methods=("read",))

_MOST_EMPTY = 1000
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
                    yield batch
            finally:
                # A generator of the plugin's is closed where it ran, so that it can give back what it holds open.
                line.call(phase, "closing", getattr(batches, "close", _nothing))

    def _ask(self, line: Line, phase: Phase, function: Callable[[], Any]) -> Any:
        answer = line.call(phase, "reading", function, passes=_SAYS)
        if isinstance(answer, Fault):
            raise answer.as_error()
        return answer

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
    for row in batch.rows:
        if type(row) is not Row or not _is_text(row):
            raise Nonsense("yielded a row that is not of text", Kind.WRONG_TYPE)
    return batch


def _is_text(row: Row) -> bool:
    """Tell whether a row is made of what it should be: a sync reads text."""
    fields = row.fields
    if not isinstance(fields, Mapping) or type(row.faults) is not tuple or type(row.line) is not int:
        return False
    texts = {*map(type, fields), *map(type, fields.values()), type(row.kind), type(row.id), type(row.file)}
    return texts == {str} and all(type(one) is RowFault for one in row.faults)


def _nothing() -> None:
    pass
