"""The architecture page against the code: layers, files, functions, and walks that never turn back."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest
from documents import ROOT, rows, text

PAGE = text("docs/architecture.md")
PATH = re.compile(r"`(src/crmkit/[\w/]+\.py)`")
NAME = re.compile(r"`((?:\w+\.)?\w+)\(\)`")
HANDS_OVER = "the host's object hands over"


def layers() -> list[str]:
    contract = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    return contract["layers"]


def height(path: str) -> int:
    """Return how deep a file lies: 0 is the uppermost layer."""
    room = path.removeprefix("src/crmkit/").split("/")[0].removesuffix(".py")
    (found,) = [number for number, layer in enumerate(layers()) if room in re.split(r" \| ", layer)]
    return found


def steps() -> list[tuple[str, int, str]]:
    """Return every step of the walks: its leg, its number and its text."""
    found = []
    for walk in PAGE.split("\n## Walk ")[1:]:
        leg = ""
        for part in re.split(r"\n(?=\*\*|\d+\. )", walk):
            if part.startswith("**"):
                leg = f"{walk[0]}: {part.split('**')[1]}"
            elif number := re.match(r"(\d+)\. ", part):
                body = part.split("\n\n", 1)[0]
                found.append((leg, int(number[1]), " ".join(body.split())))
    return found


STEPS = steps()
IDS = [f"{leg} {number}" for leg, number, _ in STEPS]


def defined(path: str) -> set[str]:
    """Return the names of a file's functions and classes, methods as `Class.method`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


def test_the_layers_are_those_that_the_imports_are_held_to() -> None:
    told = [row[0].replace(", ", " | ") for row in rows(PAGE, "## Layers")]
    assert told == layers()


def test_the_walks_are_long_enough_to_show_the_way() -> None:
    assert len(STEPS) > 30
    assert len({path for _, _, body in STEPS for path in PATH.findall(body)}) > 25


@pytest.mark.parametrize(("leg", "number", "body"), STEPS, ids=IDS)
def test_files_and_functions_of_a_step_exist(leg: str, number: int, body: str) -> None:
    paths = PATH.findall(body)
    assert paths
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    known = set().union(*(defined(path) for path in paths))
    assert [name for name in NAME.findall(body) if name not in known] == []


@pytest.mark.parametrize(("leg", "number", "body"), STEPS, ids=IDS)
def test_a_step_never_turns_back_unless_the_hosts_object_hands_over(leg: str, number: int, body: str) -> None:
    if HANDS_OVER in body:
        return
    own, *asked = [height(path) for path in PATH.findall(body)]
    assert all(one >= own for one in asked), "what a step asks lies at its own height or lower"
    before = [height(PATH.findall(one)[0]) for other, place, one in STEPS if (other, place) == (leg, number - 1)]
    assert number == 1 or own >= before[0], "a step lies no higher than the step before"


def test_every_leg_but_the_first_of_a_campaign_begins_at_the_hosts_object() -> None:
    first = {leg: body for leg, number, body in STEPS if number == 1}
    others = [leg for leg, body in first.items() if HANDS_OVER not in body]
    assert others == ["2: The line."]
