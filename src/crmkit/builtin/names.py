"""What looks wrong about a name: what no message greets anybody by."""

from __future__ import annotations

import re
import unicodedata

from crmkit.people.name import PersonName

_TESTING = r"test(?:er|ing|s)?(?:[ _-]?patient)?\d*"
_NEWBORN = "baby (?:of.*|boy|girl)|neugeborenes|säugling|nouveau[- ]née?|neonat[oa]|reci[eé]n nacid[oa]"
_NOBODY = (
    r"unknown|unbekannt|inconnue?|desconocid[oa]|sconosciut[oa]|n\. ?n|nn|xx+|zz+"
    "|no name|ohne (?:vor)?namen?|sans (?:pré)?nom|sin nombre|do not use"
)
_PLACEHOLDER = re.compile(rf"(?:NA|(?i:{_TESTING}|{_NOBODY}|{_NEWBORN}|none))\W*")
# Test, None and Na are family names.
_FAMILY_PLACEHOLDER = re.compile(rf"(?i)(?:{_NOBODY})\W*")
# What desks write beside a name, or in its place, in the languages of the package's messages.
_GONE = (
    "deceased|decd|duplicate|verstorben|gestorben|décédé|décédée|dcd|défunt|défunte|fallecido|fallecida|exitus"
    "|deceduto|deceduta|defunto|defunta"
)
_REMARK = re.compile(rf"(?i)\b(?:{_GONE}|dec'd|passed away|do not|don'?t|q\.?e\.?p\.?d)\b|\bverst\.")
# Mail programs make a link of it: who fills in another's address on a form would have us send it there.
_WEB = re.compile(
    r"(?i)\bwww\.|\w\w\.(?:com|net|org|info|biz|io|co|xyz|top|shop|site|store|online|club|link|live|app|dev|page|icu"
    r"|me|tv|cc|ly|eu|uk|us|ca|au|nz|de|at|ch|fr|es|it|nl|be|pl|pt|ru|cn|in|br)\b"
)
_ALONE = frozenset(word.title() for word in _GONE.split("|"))
_TITLE = re.compile(
    r"(?i)(?:mrs?|ms|miss|mx|dr|prof|herr|frau|fräulein|hr|fr|frl|familie|monsieur|madame|mme|mlle|famille|señora?|sra?"
    r"|doña|dña|familia|signora?|sig(?=\.)|sig\.ra|dott(?:\.ssa)?|famiglia|fam(?=\.))(?:\.|\b)"
)
# Each sign can be read in one way only: else a name of thirty initials would hold up the plan for hours.
_INITIALS = re.compile(r"\w(?:[ .-]+\w)*\.?")
# Beside letters, their marks, blanks and joiners; all else is a digit, a sign or text in a wrong encoding.
_IN_NAMES = frozenset("'’‘`´.-‐‑–·,&")
# UTF-8 that a program took for cp1252: ü became "Ã¼", and ß, ú and í two letters, of which nothing else is wrong.
_MISREAD = re.compile("[ÂÃÄÅ][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]")
# Invisible, and they turn round whatever stands behind them: with one in a name, a subject reads backwards.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def doubt(person: PersonName) -> str:
    """Return what looks wrong about a name, empty if nothing does.

    Scripts without upper and lower case are never in doubt for their letters, nor are particles ("van der") or
    capitals within a name (McDonald, O'Neill).

    >>> doubt(PersonName(given="MARGARET", family="Stone"))
    'all capitals'
    >>> doubt(PersonName(given="Anna", family="van der Berg"))
    ''
    """
    called, family = person.greeting, person.family
    for part in (called, family, person.middle, person.full):
        # Nearly all names are one capitalised word: a look at the letters one by one costs ten times as much.
        plain = part.isalpha() and part.istitle() and len(part) > 1
        if not part or (plain and part not in _ALONE and part[0] not in "ÂÃÄÅ"):
            continue
        if problem := _letters(part) or _remark(part):
            return problem
    return (
        _beside(person.prefix)
        or _beside(person.suffix)
        or _no_name(called, family)
        # What somebody wants to be called may well begin with a title.
        or ("a title" if _TITLE.fullmatch(called) or (not person.preferred and _TITLE.match(called)) else "")
        or _misplaced(called, family)
        or _small(called, family)
    )


def _no_name(called: str, family: str) -> str:
    """Return what stands in the place of a name, such as "Unknown" or a dash."""
    if _PLACEHOLDER.fullmatch(called) or _FAMILY_PLACEHOLDER.fullmatch(family):
        return "a placeholder"
    return "a placeholder" if _wordless(called) or _wordless(family) else ""


def _misplaced(called: str, family: str) -> str:
    """Return what tells that a whole name stands in the place of the first."""
    if ", " in called or called.endswith(","):
        return "a comma"
    # Else it would read "Guten Tag Anna Berg Berg".
    return "the family name twice" if family and " " in called and family.casefold() in _ends(called) else ""


def _small(called: str, family: str) -> str:
    if any(part and part == part.lower() != part.upper() for part in (called, family)):
        return "all lower case"
    return "only one letter" if len(called) == 1 and called.isascii() else ""


def _beside(part: str) -> str:
    """Return what looks wrong beside a name, where "Dr. (Univ. Rom)", "MRS" and "3rd" are as they should be."""
    if not part:
        return ""
    problem = _letters("".join(letter for letter in part if letter not in "()/" and not letter.isdigit()))
    return problem if problem not in ("", "all capitals") else _remark(part)


def _remark(part: str) -> str:
    if _WEB.search(part):
        return "a web address"
    return "a remark" if _REMARK.search(part) else ""


def _ends(called: str) -> tuple[str, ...]:
    words = called.casefold().split()
    return tuple(words[:1] + words[-1:])


def _wordless(part: str) -> bool:
    return bool(part) and not part.isalpha() and not any(map(str.isalpha, part))


def _letters(part: str) -> str:
    if _MISREAD.search(part):
        return "letters in a wrong encoding"
    if not all(_in_names(letter) for letter in part):
        return "digits or signs"
    if _TURNING.search(part):
        return "an invisible sign that turns the text round"
    letters = [letter for letter in part if letter.isalpha()]
    if len(letters) > 2 and all(unicodedata.category(letter) == "Lu" for letter in letters):
        return "" if _INITIALS.fullmatch(part) else "all capitals"
    # aNNA is what is typed with the capitals locked.
    return "capitals the wrong way round" if len(letters) > 2 and part[:1].islower() and part[1:].isupper() else ""


def _in_names(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] in "LM" or kind in ("Zs", "Cf") or letter in _IN_NAMES
