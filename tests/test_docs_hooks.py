"""The pages of the hooks against the contract, the laws and the settings: nothing is left out, nothing left over."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import attrs
import hook_pages
import pytest
from documents import DOCS, ROOT, text

import crmkit.plugins
from crmkit.plugins.door import discover
from crmkit.plugins.look import HOOKS
from crmkit.plugins.spec import API_VERSION, CrmkitSpec
from crmkit.testing.laws import LAWS

PAGES = [hook_pages.INDEX, *map(hook_pages.page_of, HOOKS)]
#: Where the settings of a distribution's plugins are told.
SETTINGS = {
    "crmkit": "docs/reference/crm-toml.md",
    "crmkit-sql": "plugins/crmkit-sql/README.md",
    "crmkit-webhook": "plugins/crmkit-webhook/README.md",
}


def version(written: str) -> tuple[int, ...]:
    return tuple(int(part) for part in written.split("."))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_says_what_the_contract_says(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == hook_pages.pages()[page], "run python tests/hook_pages.py --write"


def test_no_page_is_left_of_a_hook_that_is_gone() -> None:
    assert sorted((DOCS / "reference/hooks").iterdir()) == sorted(PAGES) == sorted(hook_pages.pages())


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_what_it_does_and_since_when(hook: str) -> None:
    said = inspect.getdoc(getattr(CrmkitSpec, hook)) or ""
    assert len(said.split("\n\n")) >= 3
    assert version("1.0") <= version(hook_pages.since(hook)) <= version(API_VERSION)


def test_every_law_stands_on_the_page_of_its_hook() -> None:
    for law in LAWS:
        name = law.kind.hook.removeprefix("crmkit_") or "index"
        page = hook_pages.pages()[hook_pages.FOLDER / f"{name}.md"]
        assert f"| `{law.id}` | " in page
        assert law.says.endswith(".")
        assert law.mend.endswith(".")
        assert version("1.0") <= version(law.since) <= version(API_VERSION)


def test_every_attribute_and_every_member_has_its_meaning() -> None:
    for page, written in hook_pages.pages().items():
        empty = re.findall(r"^\| `(\w+)` \| `.*` \| (?:optional)? \|  \|$", written, re.MULTILINE)
        assert (page.name, empty) == (page.name, [])
        assert not re.search(r"^\*\*`.*`\*\* *$", written, re.MULTILINE)
        assert not re.search(r"^def .*\n```\n\n\n", written, re.MULTILINE)


def test_every_name_of_the_contract_stands_on_some_page() -> None:
    pages = "".join(hook_pages.pages().values())
    assert [name for name in crmkit.plugins.__all__ if not re.search(rf"\b{name}\b", pages)] == []


@pytest.mark.parametrize("name", sorted(one.name for one in discover().values() if one.distribution in SETTINGS))
def test_every_setting_of_a_plugin_is_told_where_its_distribution_tells_them(name: str) -> None:
    found = discover()[name]
    page = text(SETTINGS[found.distribution])
    keys = [field.name for field in attrs.fields(found.entry.load().info.settings)]
    assert [key for key in keys if not re.search(rf"\b{key}\b", page)] == []


def test_every_plugin_of_this_repository_has_a_place_for_its_settings() -> None:
    folders = {folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").is_file()}
    assert folders - {"crmkit-hostile"} == set(SETTINGS) - {"crmkit"}
