"""The few questions that a new practice answers, each checked as it is answered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import click

from crmkit.cli.countries import USUAL

#: Letters that are no others with a sign above them, and would be left out.
_SPELT = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"})
#: A practice that is right in all its parts, so that one answer can be checked at a time.
_SPECIMEN = MappingProxyType(
    {
        "id": "specimen",
        "name": "Specimen",
        "country": "AU",
        "timezone": "UTC",
        "locale": "en",
        "currency": "AUD",
        "email": "hello@practice.example",
    }
)


@attrs.frozen
class Question:
    """One question.

    Attributes:
        key: The setting that it fills, and its option: `timezone` is `--timezone`.
        text: What is asked.
        needed: Whether there must be an answer.
    """

    key: str
    text: str
    needed: bool = True


QUESTIONS = (
    Question("name", "Name of the practice, as patients know it"),
    Question("country", "Country (two letters, such as AU)"),
    Question("timezone", "Time zone (such as Australia/Sydney)"),
    Question("locale", "Language and country for dates and amounts (such as en_AU)"),
    Question("currency", "Currency (three letters, such as AUD)"),
    Question("email", "E-mail address that messages come from"),
    Question("phone", "Telephone number (may stay empty)", needed=False),
    Question("address", "Postal address on one line (the law wants it in every newsletter)", needed=False),
    Question("exports", "Folder with the CSV files that your practice software exports"),
)


def usual(question: Question, answers: Mapping[str, str]) -> str | None:
    """Return the answer to offer, given the answers so far; None if there is none to offer."""
    if question.key == "exports":
        return "exports"
    if not question.needed:
        return ""
    known = USUAL.get(answers.get("country", ""))
    return getattr(known, question.key, None)


def checked(question: Question, answer: str, answers: Mapping[str, str]) -> str:
    """Return an answer as it will be written.

    Raises:
        UsageError: If it cannot be right; click asks again.
    """
    answer = answer.strip()
    if question.key == "country":
        answer = _country(answer)
    if question.key == "currency":
        answer = answer.upper()
    if not answer and question.needed:
        raise click.UsageError("an answer is needed")
    if not answer.isprintable():
        raise click.UsageError("use one line, without control characters")
    if question.key != "exports":
        _check_setting(question.key, answer, answers)
    return answer


def slug(name: str) -> str:
    """Return a practice's id made from its name.

    >>> slug("Bright Eyes Optometry, Zürich")
    'bright-eyes-optometry-zurich'
    >>> slug("Praxis Dr. Weiß")
    'praxis-dr-weiss'
    >>> slug("明るい眼科")
    'practice'
    """
    plain = unicodedata.normalize("NFKD", name.translate(_SPELT)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-") or "practice"


def _country(answer: str) -> str:
    """Return the two letters that a person means who writes a name, or what the British call themselves."""
    from crmkit.words import territory_called

    letters = territory_called(answer) or answer.upper()
    return "GB" if letters == "UK" else letters


def _check_setting(key: str, answer: str, answers: Mapping[str, str]) -> None:
    from crmkit.practice import Practice

    country = answers.get("country", _SPECIMEN["country"])
    values: dict[str, Any] = {**_SPECIMEN, "country": country, key: answer}
    try:
        Practice(**values)
    except ValueError as problem:
        raise click.UsageError(str(problem).removeprefix("practice ")) from None
