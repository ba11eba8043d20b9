"""Names that a software writes in capitals alone, in the letters in which people write them."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType

# Which of their letters are large differs from person to person: of these nobody can tell.
_PARTICLE = re.compile(
    "a[flmnpv]?|auf|bint?|ben|d[aeiou]|das|dei|del|della|de[nrs]|dos|e[ln]?|het|i|in|l[aeo]s?|o[fp]|"
    "ten?|ter|und|v|v[ao][mn]|y|zu[mr]?"
)
_OWN_WAY = re.compile(r"mac|mc|fitz|ij|x[ivxl]+$|[iv]{2,4}$|(?!ng)[^aeiouyàáâãäåæéèêëìíîïòóôõöøœùúûüý\W]{2}$")
# Turkish has a small letter for I of its own.
_TURKISH = frozenset("ŞĞİ")
_BETWEEN = re.compile("([ -])")
_PIECES = re.compile("([ '’-])")
#: By language, which words of a name are written small there: "de La Tour", but "De Luca". What ends a name is large.
_SMALL = MappingProxyType(
    {
        "de": re.compile("auf|de[nr]|und|v[ao]n|vom|zu[mr]?"),
        "es": re.compile("del?|de l[ao]s?|[iy]"),
        "fr": re.compile("de|d['’]|née?"),
        "it": re.compile("(?!)"),
        "nl": re.compile("de[nr]?|het|in|op|te[nr]?|van"),
        "pt": re.compile("d[aeo]|d[ao]s|e"),
    }
)
#: Of which languages the way is known.
LANGUAGES = tuple(_SMALL)


def from_capitals(text: str, language: str = "") -> str:
    """Return a name in capitals with large first letters alone; any other, and whatever is not sure, as it is.

    Args:
        text: The name.
        language: In whose way particles are written, one of `LANGUAGES`; without one a name that has any is not sure.

    >>> from_capitals("ANNA-MARIA"), from_capitals("MÜLLER-LÜDENSCHEIDT"), from_capitals("Anna")
    ('Anna-Maria', 'Müller-Lüdenscheidt', 'Anna')
    >>> from_capitals("MCDONALD"), from_capitals("VAN DER BERG"), from_capitals("O'NEILL")
    ('MCDONALD', 'VAN DER BERG', "O'NEILL")
    >>> from_capitals("DE LA TOUR D'ARC", "fr"), from_capitals("DE LA FUENTE", "es"), from_capitals("DE LUCA", "it")
    ("de La Tour d'Arc", 'de la Fuente', 'De Luca')
    """
    parts = _BETWEEN.split(unicodedata.normalize("NFC", text))
    names = parts[::2]
    if language:
        return _in_the_way_of(language, _PIECES.split("".join(parts))) or text
    sure = all(map(_plain, names)) and not (len(names) > 1 and any(map(_PARTICLE.fullmatch, map(str.lower, names))))
    if not sure or sum(map(len, names)) < 2:
        return text
    return "".join(part[:1] + part[1:].replace("İ", "i").lower() for part in parts)


def _plain(part: str) -> bool:
    """Tell whether a word in capitals has one large letter, the first; an initial is such a word too."""
    if not (part.isalpha() and part.isupper()) or ("I" in part[1:] and _TURKISH & set(part)):
        return False
    return not _OWN_WAY.match(part.lower())


def _in_the_way_of(language: str, pieces: list[str]) -> str:
    """Return a name of which each piece is followed by what stands behind it; empty if one is not sure."""
    if not all(map(_plain, pieces[::2])):
        return ""
    written, before = [], ""
    for piece, after in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        word = piece.replace("İ", "i").lower()
        behind = after.strip(" ")
        is_small = after and any(map(_SMALL[language].fullmatch, (f"{word}{behind}", f"{before} {word}{behind}")))
        written.append((word if is_small else piece[0] + word[1:]) + after)
        before = word
    return "".join(written)
