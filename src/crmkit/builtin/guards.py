"""The standard guards: each is one rule, judged on values alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import ALLOWED, Verdict, deny, hold
from crmkit.people.medium import Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Status

_TESTING = r"test(?:er|ing|s)?(?:[ _-]?patient)?\d*"
_NOBODY = "unknown|unbekannt|inconnue?|desconocid[oa]|xx+|zz+|no name|do not use"
_PLACEHOLDER = re.compile(rf"(?:NA|(?i:{_TESTING}|{_NOBODY}|none|baby of.*))\W*")
# Test, None and Na are family names.
_FAMILY_PLACEHOLDER = re.compile(rf"(?i)(?:{_NOBODY})\W*")
# What desks write beside a name, or in its place, in the languages of the package's messages.
_GONE = "deceased|decd|duplicate|verstorben|gestorben|décédé|décédée|fallecido|fallecida|deceduto|deceduta"
_REMARK = re.compile(rf"(?i)\b(?:{_GONE}|dec'd|passed away|do not|don'?t)\b")
# Mail programs make a link of it: who fills in another's address on a form would have us send it there.
_WEB = re.compile(
    r"(?i)\bwww\.|\w\w\.(?:com|net|org|info|biz|io|co|xyz|top|shop|site|store|online|club|link|live|app|dev|page|icu"
    r"|me|tv|cc|ly|eu|uk|us|ca|au|nz|de|at|ch|fr|es|it|nl|be|pl|pt|ru|cn|in|br)\b"
)
_ALONE = frozenset(word.title() for word in _GONE.split("|"))
_TITLE = re.compile(r"(?i)(?:mrs?|ms|miss|mx|dr|prof|herr|frau|hr|fr|monsieur|madame|mme|mlle|señora?|sra?)(?:\.|\b)")
# Each sign can be read in one way only: else a name of thirty initials would hold up the plan for hours.
_INITIALS = re.compile(r"\w(?:[ .-]+\w)*\.?")
# Named once: for each candidate, an enumeration takes longer to find its member than a rule takes to judge.
_ACTIVE, _DECEASED, _CARE = Status.ACTIVE, Status.DECEASED, Purpose.CARE
# Beside letters, their marks, blanks and joiners; all else is a digit, a sign or text in a wrong encoding.
_IN_NAMES = frozenset("'’‘`´.-‐‑–·,&")
# Invisible, and they turn round whatever stands behind them: with one in a name, a subject reads backwards.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@attrs.frozen
class RuleGuard:
    """A guard made of one rule for one candidate.

    Attributes:
        name: The guard's name.
        rule: Returns the verdict on one candidate at an instant.
    """

    name: str
    rule: Callable[[Candidate, datetime], Verdict]

    @property
    def help(self) -> str:
        """What it does, in a sentence."""
        return self.rule.__doc__ or ""

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return the rule's verdict for each candidate."""
        return [self.rule(candidate, now) for candidate in candidates]


def standard_guards() -> tuple[Guard, ...]:
    """Return the guards that no host can leave out."""
    return (
        RuleGuard("deceased", deceased),
        RuleGuard("left", left),
        RuleGuard("guardian", guardian),
        RuleGuard("stale", stale),
        RuleGuard("consent", consent),
        RuleGuard("reach", reach),
        RuleGuard("links", links),
        RuleGuard("content", content),
        RuleGuard("fields", fields),
        RuleGuard("name", name),
    )


def deceased(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if the patient or the guardian has died."""
    if candidate.patient.status is _DECEASED:
        return deny("deceased")
    dead = candidate.recipient is not None and candidate.recipient.status is _DECEASED
    return deny("recipient_deceased") if dead else ALLOWED


def left(candidate: Candidate, _: datetime) -> Verdict:
    """Deny all but care to those who have left the practice or never were patients of it."""
    status = candidate.patient.status
    if status is _ACTIVE or candidate.purpose is _CARE:
        return ALLOWED
    return deny("left", status=status.value) if status.gone or status is Status.NON_PATIENT else ALLOWED


def guardian(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if a minor has no guardian on record who could read it."""
    return deny("minor_without_guardian") if candidate.minor and candidate.recipient is None else ALLOWED


def stale(candidate: Candidate, now: datetime) -> Verdict:
    """Deny if the occasion has passed for too long."""
    return deny("stale") if now >= candidate.stale else ALLOWED


def consent(candidate: Candidate, _: datetime) -> Verdict:
    """Deny without the consent that the purpose needs, or against a no of patient or guardian."""
    if candidate.consented:
        return ALLOWED
    detail = {"purpose": candidate.purpose.value, "medium": candidate.medium.value}
    return deny("opted_out" if candidate.opted_out else "no_consent", **detail)


def reach(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if there is no address, or none that can be used."""
    if candidate.contact is not None or candidate.recipient is None:
        return ALLOWED
    points = [point for point in candidate.recipient.contacts if point.medium is candidate.medium]
    if not points:
        return deny("no_address", medium=candidate.medium.value)
    problem = next((point.problem for point in points if point.problem), "no longer valid")
    return deny("bad_address", medium=candidate.medium.value, problem=problem)


def links(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what needs an unsubscribe link that cannot be made."""
    return ALLOWED if candidate.linked else hold("no_links")


def content(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what waits for a content file."""
    return hold("content_missing", path=candidate.awaits) if candidate.awaits else ALLOWED


def fields(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what lacks a field that its template prints."""
    return hold("field_missing", field=candidate.lacks) if candidate.lacks else ALLOWED


def name(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what would greet somebody by a name that looks wrong."""
    patient, recipient = candidate.patient, candidate.recipient
    if problem := doubt(patient.name):
        return hold("doubtful_name", problem=problem)
    if recipient is not None and recipient is not patient and (problem := doubt(recipient.name)):
        # Who looks at the patient's own row finds nothing wrong there.
        return hold("doubtful_guardian", problem=problem, patient=recipient.id)
    return ALLOWED


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
        if not part or (part.isalpha() and part.istitle() and len(part) > 1 and part not in _ALONE):
            continue
        if problem := _letters(part) or _remark(part):
            return problem
    if problem := _beside(person.prefix) or _beside(person.suffix):
        return problem
    if (
        _PLACEHOLDER.fullmatch(called)
        or _FAMILY_PLACEHOLDER.fullmatch(family)
        or _wordless(called)
        or _wordless(family)
    ):
        return "a placeholder"
    # What somebody wants to be called may well begin with a title.
    if _TITLE.fullmatch(called) or _TITLE.match(person.given if not person.preferred else ""):
        return "a title"
    if ", " in called or called.endswith(","):
        return "a comma"
    if family and " " in called and family.casefold() in _ends(called):
        # The whole name in the place of the first: "Guten Tag Anna Berg Berg".
        return "the family name twice"
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
    return (words[0], words[-1]) if words else ()


def _wordless(part: str) -> bool:
    return bool(part) and not any(map(str.isalpha, part))


def _letters(part: str) -> str:
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
