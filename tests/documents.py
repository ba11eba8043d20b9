"""The documents as tests see them: their pages, their blocks, the tables in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SOURCE = ROOT / "src" / "crmkit"


def text(name: str) -> str:
    """Return a page, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without the head; cells without backticks."""
    below = page.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its rank."""
    rank = heading.split(" ", 1)[0]
    return page.split(f"\n{heading}\n", 1)[1].split(f"\n{rank} ", 1)[0]
