"""What of the public API is broken since the last tag: `python tests/api_changes.py`, or `make api`.

The public modules are those of `tests/test_public_api.py`. Code is read, never run. Values of constants do not count,
and neither does whatever was added.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import griffe
from test_public_api import PUBLIC

ROOT = Path(__file__).parents[1]
_NO_MATTER = (griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE,)


def last_tag(repo: Path) -> str:
    """Return the newest version's tag that the checked-out commit descends from, empty if there is none, or no git."""
    if shutil.which("git") is None:
        return ""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    done = subprocess.run(command, cwd=repo, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def broken_since(tag: str, repo: Path, modules: Iterable[str]) -> list[str]:
    """Return what of some modules' public names is broken since a tag, each as `path: what happened`."""
    package = next(iter(modules)).partition(".")[0]
    before = griffe.load_git(package, ref=tag, repo=repo, search_paths=["src"], resolve_aliases=True)
    now = griffe.load(package, search_paths=[repo / "src"], resolve_aliases=True)
    removed = [f"{name}: {griffe.BreakageKind.OBJECT_REMOVED.value}" for name in _removed(before, now, modules)]
    public = {path for name in modules for path in _paths(before, name)}
    changed = [
        f"{one.obj.canonical_path}: {one.kind.value}"
        for one in griffe.find_breaking_changes(before, now)
        if one.kind not in _NO_MATTER and _within(one.obj.canonical_path, public)
    ]
    return sorted({*removed, *changed})


def _removed(before: Any, now: Any, modules: Iterable[str]) -> Iterator[str]:
    for name in modules:
        offered = set(_names(now, name))
        yield from (f"{name}.{one}" for one in _names(before, name) if one not in offered)


def _names(package: Any, module: str) -> list[str]:
    found = _module(package, module)
    return [] if found is None else [str(one) for one in found.exports or ()]


def _module(package: Any, name: str) -> Any:
    _, _, below = name.partition(".")
    try:
        return package[below] if below else package
    except KeyError:
        return None


def _paths(package: Any, module: str) -> Iterator[str]:
    """Yield where the public names of a module are defined."""
    for name in _names(package, module):
        found = _module(package, module).members.get(name)
        if found is not None:
            yield found.canonical_path


def _within(path: str, public: set[str]) -> bool:
    parts = path.split("(")[0].split(".")
    return any(".".join(parts[:length]) in public for length in range(1, len(parts) + 1))


def main() -> int:
    """Print what is broken; return 1 if anything is."""
    tag = last_tag(ROOT)
    if not tag:
        print("There is no tag v... yet, so there is nothing to compare the public API with.")
        return 0
    broken = broken_since(tag, ROOT, PUBLIC)
    print("\n".join(broken) or f"Nothing public is broken since {tag}.")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
