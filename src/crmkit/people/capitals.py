"""Names that a software writes in capitals alone, in the letters in which people write them."""

from __future__ import annotations

import re
import unicodedata

# Which of their letters are large differs from person to person: of these nobody can tell.
_PARTICLE = re.compile(
    "a[flmnpv]?|auf|bint?|ben|d[aeiou]|das|dei|del|della|de[nrs]|dos|e[ln]?|het|i|in|l[aeo]s?|o[fp]|"
    "ten?|ter|und|v|v[ao][mn]|y|zu[mr]?"
)
_OWN_WAY = re.compile(r"mac|mc|fitz|ij|x[ivxl]+$|[iv]{2,4}$|(?!ng)[^aeiouyàâäåæéèêëíîïóôöøœúûü\W]{2}$")
# Turkish has a small letter for I of its own.
_TURKISH = frozenset("ŞĞİ")
_BETWEEN = re.compile("([ -])")


def from_capitals(text: str) -> str:
    """Return a name in capitals with large first letters alone; any other, and whatever is not sure, as it is.

    >>> from_capitals("ANNA-MARIA"), from_capitals("MÜLLER-LÜDENSCHEIDT"), from_capitals("Anna")
    ('Anna-Maria', 'Müller-Lüdenscheidt', 'Anna')
    >>> from_capitals("MCDONALD"), from_capitals("VAN DER BERG"), from_capitals("O'NEILL")
    ('MCDONALD', 'VAN DER BERG', "O'NEILL")
    """
    parts = _BETWEEN.split(unicodedata.normalize("NFC", text))
    names = parts[::2]
    sure = all(map(_plain, names)) and not (len(names) > 1 and any(map(_PARTICLE.fullmatch, map(str.lower, names))))
    if not sure or sum(map(len, names)) < 2:
        return text
    return "".join(part[:1] + part[1:].replace("İ", "i").lower() for part in parts)


def _plain(part: str) -> bool:
    """Tell whether a word in capitals has one large letter, the first; an initial is such a word too."""
    if not (part.isalpha() and part.isupper()) or ("I" in part[1:] and _TURKISH & set(part)):
        return False
    return not _OWN_WAY.match(part.lower())
