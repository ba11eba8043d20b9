"""What breaks the public API since the last tag is told in the changelog, and the comparison sees what breaks it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from api_changes import broken_since, last_tag
from documents import ROOT, text
from test_public_api import PUBLIC

BEFORE = {
    "__init__.py": "",
    "parts.py": """
        def send(messages, now): ...
        def stay(): ...
        def inner(): ...
        class Guard:
            name = "a"
            def judge(self, one): ...
        LIMIT = 7
    """,
    "contract.py": """
        from acme.parts import LIMIT, Guard, send, stay
        __all__ = ["LIMIT", "Guard", "send", "stay"]
    """,
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one version, tagged."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, BEFORE)
    git(tmp_path, "tag", "v0.1.0")
    return tmp_path


def git(repo: Path, *words: str) -> None:
    who = ["-c", "user.name=crmkit", "-c", "user.email=tests@crmkit.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=repo, check=True, capture_output=True)


def write(repo: Path, files: dict[str, str]) -> None:
    folder = repo / "src" / "acme"
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in files.items():
        (folder / name).write_text("\n".join(line[8:] for line in code.splitlines()), encoding="utf-8")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "a version")


def changed(repo: Path, name: str, old: str, new: str) -> list[str]:
    """Return what is broken once a file says something else."""
    assert old in BEFORE[name]
    write(repo, {name: BEFORE[name].replace(old, new)})
    return broken_since(last_tag(repo), repo, ["acme.contract"])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("parts.py", "LIMIT = 7", "LIMIT = 8\n        MORE = 1"),
        ("parts.py", "def inner(): ...", ""),
        ("parts.py", "def send(messages, now): ...", "def send(messages, now, how=None): ..."),
        ("parts.py", "def judge(self, one): ...", "def judge(self, one): ...\n            def more(self): ..."),
        ("contract.py", "import LIMIT,", "import LIMIT, inner,"),
    ],
)
def test_what_is_added_or_not_public_breaks_nothing(repo: Path, name: str, old: str, new: str) -> None:
    assert changed(repo, name, old, new) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("contract.py", ', "stay"]', "]", "acme.contract.stay: Public object was removed"),
        ("parts.py", "(messages, now)", "(messages)", "acme.parts.send: Parameter was removed"),
        ("parts.py", "(messages, now)", "(messages, now, how)", "acme.parts.send: Parameter was added as required"),
        ("parts.py", "def judge(self, one): ...", "pass", "acme.parts.Guard.judge: Public object was removed"),
        (
            "parts.py",
            "def stay(): ...",
            "stay = 1",
            "acme.parts.stay: Public object points to a different kind of object",
        ),
    ],
)
def test_what_breaks_a_vendor_is_seen(repo: Path, name: str, old: str, new: str, told: str) -> None:
    assert changed(repo, name, old, new) == [told]


def test_the_last_tag_is_that_of_a_version_and_there_need_be_none(repo: Path, tmp_path: Path) -> None:
    git(repo, "tag", "beta")
    assert last_tag(repo) == "v0.1.0"
    write(repo, {})
    git(repo, "tag", "v0.2.0")
    assert last_tag(repo) == "v0.2.0"
    git(repo, "tag", "--delete", "v0.1.0", "v0.2.0", "beta")
    assert last_tag(repo) == ""


def test_what_is_broken_since_the_last_tag_is_told_in_the_changelog() -> None:
    tag = last_tag(ROOT)
    if not tag:
        pytest.skip("there is no tag v... yet to compare the public API with")
    broken = broken_since(tag, ROOT, PUBLIC)
    unreleased = text("CHANGELOG.md").split("\n## [")[1]
    names = {one.partition(":")[0].rpartition(".")[2]: one for one in broken}
    assert [one for name, one in names.items() if name not in unreleased] == []
