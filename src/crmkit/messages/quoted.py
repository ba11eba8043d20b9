"""A text with gaps as a part of an e-mail: what is the same for all readers is written in quoted-printable only once.

Quoted-printable looks at one line at a time. So only the lines that have a gap are written anew for each reader, and
of these only what stands behind the last break before the gap.
"""

from __future__ import annotations

from binascii import a2b_qp, b2a_qp
from collections.abc import Iterator, Sequence

import attrs

from crmkit.messages.gapped import GappedText


def in_quoted_printable(raw: bytes) -> bytes:
    """Return octets whose lines end in LF as quoted-printable with CRLF."""
    return b2a_qp(raw).replace(b"\n", b"\r\n")


def wants_base64(octets: int, characters: int) -> bool:
    """Tell which coding is the shorter one for a text of so many octets and characters.

    Each further octet of a character adds four to quoted-printable, where base64 adds a third of all.
    """
    return octets - characters > octets // 10


@attrs.frozen(eq=False)
class Quoted:
    """A text in quoted-printable, with gaps.

    Attributes:
        pieces: What is written already, with nothing in the place of each line that has a gap.
        lines: The lines that have a gap, each with its place among the pieces.
        octets: How many octets the text has without its values.
        characters: How many characters.
    """

    pieces: tuple[bytes, ...]
    lines: tuple[tuple[int, GappedText], ...]
    octets: int
    characters: int
    _gaps: tuple[int, ...]

    @classmethod
    def of(cls, gapped: GappedText) -> Quoted | None:
        """Write a text; None if it has line ends that would first have to be changed."""
        fixed = "".join(gapped.pieces)
        if "\r" in fixed:
            return None
        pieces: list[bytes] = [b""]
        lines = []
        for line in _runs(gapped):
            if line.gaps:
                ahead, line = _written_ahead(line)  # noqa: PLW2901 - the rest of it
                pieces[-1] += ahead
                lines.append((len(pieces), line))
                pieces += [b"", b""]
            else:
                pieces[-1] += in_quoted_printable(line.pieces[0].encode("utf-8"))
        gaps = tuple(number for _, number in gapped.gaps)
        return cls(tuple(pieces), tuple(lines), len(fixed.encode("utf-8")), len(fixed), gaps)

    def fill(self, values: Sequence[str]) -> bytes | None:
        """Return the text with the values in its gaps; None if it is one that base64 writes shorter."""
        if self._wants_base64("".join([values[number] for number in self._gaps])):
            return None
        pieces = list(self.pieces)
        for place, line in self.lines:
            pieces[place] = in_quoted_printable(line.fill(values).encode("utf-8"))
        return b"".join(pieces)

    def _wants_base64(self, filled: str) -> bool:
        octets = len(filled) if filled.isascii() else len(filled.encode("utf-8"))
        return wants_base64(self.octets + octets, self.characters + len(filled))


def _written_ahead(line: GappedText) -> tuple[bytes, GappedText]:
    """Return what of a line is the same whatever comes into its gaps, and the rest of the line.

    Coding begins afresh behind each break, and a break depends on one character behind it at most: so the last one
    before the gap counts as unknown here.
    """
    head = line.pieces[0]
    if not head.isascii():
        return b"", line
    ahead, soft, _ = b2a_qp(head[:-1].encode("ascii") + b"x").rpartition(b"=\n")
    rest = head[len(a2b_qp(ahead + soft)) :]
    return (ahead + soft).replace(b"\n", b"\r\n"), attrs.evolve(line, pieces=(rest, *line.pieces[1:]))


def _runs(gapped: GappedText) -> Iterator[GappedText]:
    """Yield the text in order: each line that has a gap by itself, and what stands between such lines."""
    gaps = dict(gapped.gaps)
    line: list[str] = []
    numbers: list[tuple[int, int]] = []
    for place, piece in enumerate(gapped.pieces):
        if place in gaps:
            numbers.append((len(line), gaps[place]))
            line.append("")
            continue
        head, end, rest = piece.rpartition("\n")
        if not numbers:
            yield GappedText((head + end,))
            line = [rest]
        elif not end:
            line.append(piece)
        else:
            first, _, between = (head + end).partition("\n")
            yield GappedText((*line, first + "\n"), tuple(numbers))
            yield GappedText((between,))
            line, numbers = [rest], []
    yield GappedText(tuple(line), tuple(numbers))
