"""Setting up a practice: a few questions, one commented file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from crmkit.cli import show
from crmkit.cli.countries import SEVERAL_ZONES
from crmkit.cli.options import DONE, Given, common
from crmkit.cli.questions import QUESTIONS, Question, checked, slug, usual
from crmkit.cli.settings_file import settings_file
from crmkit.errors import ConfigError


def _with_questions(function: Callable[..., Any]) -> Callable[..., Any]:
    for question in reversed(QUESTIONS):
        function = click.option(f"--{question.key}", metavar="TEXT", help=f"{question.text}.")(function)
    return function


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing: take what is usual where no answer is given.")
@click.option("--public-url", default="", metavar="URL", help="Where patients reach you, for unsubscribe links.")
@_with_questions
@common()
def init(given: Given, yes: bool, public_url: str, **options: str | None) -> int:
    """Ask a few questions and write a crm.toml."""
    if given.config.exists():
        mend = "move it away, or name another file with --config"
        raise ConfigError("the file exists already and is not overwritten", where=str(given.config), mend=mend)
    answers = _answers(options, ask=not (yes or given.as_json))
    text = settings_file(
        answers, id_=slug(answers["name"]), key=secrets.token_urlsafe(32), public_url=public_url.strip()
    )
    _write(given.config, text)
    made = _make_folders(given.config.parent, answers["exports"])
    if given.as_json:
        show.say_json({"config": given.config.absolute(), "practice": slug(answers["name"]), "folders": made})
    else:
        _say(given.config, answers, linked=bool(public_url))
    return DONE


def _answers(options: dict[str, str | None], *, ask: bool) -> dict[str, str]:
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        answer = options[question.key]
        if answer is not None:
            answers[question.key] = _option(question, answer, answers)
        elif ask:
            answers[question.key] = _asked(question, answers)
        else:
            answers[question.key] = _usual(question, answers)
    return answers


def _option(question: Question, answer: str, answers: dict[str, str]) -> str:
    try:
        return checked(question, answer, answers)
    except click.UsageError as problem:
        raise click.BadParameter(problem.message, param_hint=f"--{question.key}") from None


def _asked(question: Question, answers: dict[str, str]) -> str:
    offered = usual(question, answers)
    answer: str = click.prompt(
        question.text,
        default=offered,
        show_default=bool(offered),
        value_proc=lambda answer: checked(question, answer, answers),
        err=True,
    )
    return answer


def _usual(question: Question, answers: dict[str, str]) -> str:
    answer = usual(question, answers)
    if question.key == "timezone" and answers.get("country") in SEVERAL_ZONES:
        raise click.UsageError(f"--timezone is needed, for {answers['country']} has several, such as {answer}")
    if answer is None:
        raise click.UsageError(f"--{question.key} is needed, for there is no usual answer")
    return answer


def _write(path: Path, text: str) -> None:
    """Write the file, readable for its owner alone because of the key in it, and read it back."""
    from crmkit.crm.config import read_config

    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        read_config(path)
    except ConfigError:
        path.unlink()
        raise


def _make_folders(root: Path, exports: str) -> list[str]:
    # A folder elsewhere that does not exist is more likely misspelt than wanted.
    wanted = ["content/newsletter", *([] if Path(exports).is_absolute() else [exports])]
    made = [folder for folder in wanted if not (root / folder).is_dir()]
    for folder in made:
        (root / folder).mkdir(parents=True)
        if folder == exports:
            # Every patient will stand there: for nobody else on the machine.
            (root / folder).chmod((root / folder).stat().st_mode & ~0o007)
    return made


def _say(path: Path, answers: dict[str, str], *, linked: bool) -> None:
    option = "" if path == Path("crm.toml") else f" --config {path}"
    show.say(f"\n{path} is written. Read it: every part has a note. It holds a secret key.")
    show.say(f"Put the files of your practice software into {answers['exports']}, then try:\n")
    for command in ("sync", "rejected", "plan"):
        show.say(f"  crmkit {command}{option}")
    if not linked:
        show.say("\nNews by e-mail is held back until public_url is filled in, for patients must be")
        show.say("able to unsubscribe.")
