"""What is deprecated: told in time, told everywhere, and gone when it was said to go."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pytest
from documents import rows, section, text
from packaging.version import Version

import crmkit
import crmkit.deprecations
from crmkit.clock import FixedClock
from crmkit.deprecations import DEPRECATIONS, Deprecation, deprecation_of, warn_of
from crmkit.plugins import CrmkitSpec, PluginInfo, hookimpl
from crmkit.plugins.door import admit

PAGE = text("docs/reference/versions.md")
EXAMPLE = Deprecation("crmkit.plugins.Thing", "0.4.0", "0.6.0", "use crmkit.plugins.Object")
HEAD = "| name | since | goes with | instead |\n|---|---|---|---|\n"


def overdue(known: Sequence[Deprecation], version: str) -> list[str]:
    """Return the names that ought to be gone in a version."""
    return [one.name for one in known if Version(one.removal) <= Version(version)]


def too_soon(known: Sequence[Deprecation]) -> list[str]:
    """Return the names that would go earlier than the promise allows."""
    return [one.name for one in known if Version(one.removal) < _earliest(Version(one.since))]


def _earliest(since: Version) -> Version:
    return Version(f"0.{since.minor + 2}") if since.major == 0 else Version(f"{since.major + 1}.0")


def told(page: str) -> list[Deprecation]:
    """Return the list as a page tells it."""
    if section(page, "## Deprecated now").strip() == "Nothing.":
        return []
    return [Deprecation(*row) for row in rows(page, "## Deprecated now")]


def page_of(known: Sequence[Deprecation]) -> str:
    lines = "".join(f"| `{one.name}` | {one.since} | {one.removal} | {one.instead} |\n" for one in known)
    return f"# Versions\n\n## Deprecated now\n\n{HEAD}{lines}" if known else "# V\n\n## Deprecated now\n\nNothing.\n"


def test_nothing_is_still_here_that_was_to_be_gone_by_now() -> None:
    assert overdue(DEPRECATIONS, crmkit.__version__) == []


def test_nothing_is_to_go_sooner_than_was_promised() -> None:
    assert too_soon(DEPRECATIONS) == []
    assert [one.name for one in DEPRECATIONS if Version(one.since) > Version(crmkit.__version__)] == []


def test_the_page_and_the_changelog_tell_the_list_and_nothing_else() -> None:
    assert told(PAGE) == list(DEPRECATIONS)
    changes = text("CHANGELOG.md")
    assert [one.name for one in DEPRECATIONS if one.name not in changes] == []


def test_every_name_is_listed_once_and_says_what_to_do_instead() -> None:
    assert len({one.name for one in DEPRECATIONS}) == len(DEPRECATIONS)
    assert [one.name for one in DEPRECATIONS if not one.instead] == []


@pytest.mark.parametrize(("version", "gone"), [("0.5.9", []), ("0.6.0", [EXAMPLE.name]), ("1.0", [EXAMPLE.name])])
def test_a_name_is_overdue_from_its_version_on(version: str, gone: list[str]) -> None:
    assert overdue([EXAMPLE], version) == gone


@pytest.mark.parametrize(
    ("since", "removal", "soon"),
    [
        ("0.4.0", "0.5.0", True),
        ("0.4.3", "0.6.0", False),
        ("0.9.0", "0.10.0", True),
        ("0.9.0", "1.0.0", False),
        ("1.2.0", "1.4.0", True),
        ("1.2.0", "2.0.0", False),
    ],
)
def test_two_minor_versions_pass_and_after_one_a_major_one(since: str, removal: str, soon: bool) -> None:
    assert bool(too_soon([Deprecation("a", since, removal, "use b")])) == soon


@pytest.mark.parametrize("known", [[], [EXAMPLE], [EXAMPLE, Deprecation("CrmkitSpec.crmkit_things", "1", "2", "x")]])
def test_a_page_that_tells_another_list_is_noticed(known: list[Deprecation]) -> None:
    assert told(page_of(known)) == known
    assert told(page_of([*known, EXAMPLE])) != known


def old_function(known: Sequence[Deprecation]) -> int:
    warn_of("crmkit.plugins.Thing", known=known)
    return 7


def test_a_use_warns_where_the_name_is_used_and_goes_on_working() -> None:
    with pytest.warns(DeprecationWarning, match=r"crmkit\.plugins\.Thing") as caught:
        assert old_function([EXAMPLE]) == 7
    (warning,) = caught
    assert str(warning.message) == str(EXAMPLE)
    assert all(part in str(warning.message) for part in ("0.4.0", "0.6.0", "use crmkit.plugins.Object"))
    assert warning.filename == __file__


def test_what_is_not_deprecated_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert old_function([]) == 7
    assert deprecation_of("crmkit.CRM") is None
    assert deprecation_of(EXAMPLE.name, [EXAMPLE]) is EXAMPLE


class Acme(CrmkitSpec):
    info = PluginInfo("acme")

    @hookimpl
    def crmkit_sources(self, ctx):
        return []


def test_a_hook_that_will_go_warns_when_a_plugin_with_it_is_admitted(
    tmp_path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Deprecation("CrmkitSpec.crmkit_sources", "0.4.0", "0.6.0", "use crmkit_readers")
    admit([Acme()], {}, clock, tmp_path).close()
    monkeypatch.setattr(crmkit.deprecations, "DEPRECATIONS", (listed,))
    with pytest.warns(DeprecationWarning, match="use crmkit_readers"):
        admitted = admit([Acme()], {}, clock, tmp_path)
    assert [one.name for one in admitted.found] == ["core", "acme"]
    admitted.close()
