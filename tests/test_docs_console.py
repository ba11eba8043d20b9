"""What the pages say that `crmkit` prints, on the shipped practice at the hour that the pages name."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from click.testing import CliRunner
from documents import PAGES, ROOT, blocks, text

from crmkit.cli import main
from crmkit.demo.sample import TODAY, sample

AT = f"{TODAY}T10:00+11:00"
#: Commands of the shell that bring a reader where the test already is.
SHELL = ("cp", "cd")
WITH_COMMANDS = [str(page.relative_to(ROOT)) for page in PAGES if "```console" in page.read_text(encoding="utf-8")]


def commands(page: str) -> list[tuple[str, str]]:
    """Return each command of a page with the output that the page shows, in their order."""
    told = "".join(blocks(page, "console"))
    found = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", told, re.MULTILINE)
    return [(command, output) for command, output in found if command.split()[0] not in SHELL]


def test_some_pages_have_commands() -> None:
    assert len(WITH_COMMANDS) >= 2


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_prints_what_the_page_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    monkeypatch.setenv("COLUMNS", "80")
    for command, output in commands(text(page)):
        program, *arguments = shlex.split(command)
        assert program == "crmkit", command
        result = CliRunner().invoke(main, [*arguments, "--at", AT], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        agree = OutputChecker().check_output(f"{output.rstrip()}\n", f"{result.output.rstrip()}\n", ELLIPSIS)
        assert not output or agree, f"$ {command}\n{result.output}\nThe page says:\n{output}"


@pytest.mark.skipif(not shutil.which("awk"), reason="no awk")
@pytest.mark.parametrize("stamp", ["Nov 30 05:04:17", "2026-11-30T05:04:17.123456+00:00"])
def test_the_line_for_a_mail_log_finds_what_postfix_has_kept(stamp: str) -> None:
    line = next(one for one in blocks(text("docs/reference/command-line.md"), "sh") if "queue active" in one)
    program = shlex.split(line)[1]
    kept, lost = (f"{digit * 32}.{digit * 16}@practice.example" for digit in "ab")
    log = (
        f"{stamp} desk postfix/cleanup[7909]: 22FD02849AB: message-id=<{kept}>\n"
        f"{stamp} desk postfix/cleanup[7910]: 23AB32849AC: message-id=<{lost}>\n"
        f"{stamp} desk postfix/qmgr[7801]: 22FD02849AB: from=<hello@practice.example>, size=743 (queue active)\n"
    )
    told = subprocess.run(["awk", program], input=log, capture_output=True, text=True, check=True).stdout
    assert told == f"22FD02849AB: message-id=<{kept}>\n"
