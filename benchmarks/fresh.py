"""What a new Python pays: to import crmkit, and to admit fifty plugins, the host's own and installed ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import attrs

#: What stays out of a host's memory until it is used.
HEAVY = (
    *("sqlalchemy", "alembic", "jinja2", "babel", "phonenumbers", "pluggy", "lark", "attrs", "click", "rich"),
    *("altair", "starlette", "hypothesis", "pytest"),
)

_IMPORT = """
import json, sys
from time import process_time
before = set(sys.modules)
started = process_time()
import crmkit
spent = process_time() - started
print(json.dumps({"ms": spent * 1e3, "modules": sorted(set(sys.modules) - before)}))
"""
_ADMIT = """
import json
from pathlib import Path
from time import process_time
from crmkit.clock import SystemClock
from crmkit.plugins import ALLOWED, CrmkitSpec, PluginInfo, hookimpl
from crmkit.plugins.door import admit

class Guard:
    name = "guard"

    def judge(self, candidates, now):
        return [ALLOWED] * len(candidates)

def plugin(number):
    class One(CrmkitSpec):
        info = PluginInfo(f"own-{number}")

        @hookimpl
        def crmkit_guards(self, ctx):
            return [Guard()]

    return One()

own = [plugin(number) for number in range(50)]
told = {}
for name, plugins in (("none", []), ("objects", own), ("installed", [f"bench-{number}" for number in range(50)])):
    started = process_time()
    admitted = admit(plugins, {}, SystemClock(), Path())
    told[name] = (process_time() - started) * 1e3
    assert len(admitted.found) == len(plugins) + 1
    admitted.close()
print(json.dumps(told))
"""
_PLUGIN = """
from crmkit.plugins import ALLOWED, CrmkitSpec, PluginInfo, hookimpl

class Guard:
    name = "guard"

    def judge(self, candidates, now):
        return [ALLOWED] * len(candidates)

class One(CrmkitSpec):
    info = PluginInfo("bench-{number}")

    @hookimpl
    def crmkit_guards(self, ctx):
        return [Guard()]

plugin = One()
"""


@attrs.frozen
class Fresh:
    """CPU times in new processes, in milliseconds.

    Attributes:
        imported: Of `import crmkit`.
        heavy: Heavy modules that the import loaded.
        none: Of admitting `core` alone, the first time, with reading what is installed.
        objects: Of admitting fifty objects of the host.
        installed: Of admitting fifty installed plugins, with importing each.
    """

    imported: list[float]
    heavy: frozenset[str]
    none: list[float]
    objects: list[float]
    installed: list[float]

    @classmethod
    def measured(cls, times: int) -> Fresh:
        """Start so many processes of each kind and return what they tell."""
        with tempfile.TemporaryDirectory(prefix="plugins-") as folder:
            _install(Path(folder), 50)
            imports = [_told(_IMPORT, folder) for _ in range(times)]
            admissions = [_told(_ADMIT, folder) for _ in range(times)]
        loaded = {module for one in imports for module in one["modules"]}
        return cls(
            [one["ms"] for one in imports],
            frozenset(HEAVY) & loaded,
            *([one[name] for one in admissions] for name in ("none", "objects", "installed")),
        )

    def __str__(self) -> str:
        light = ", ".join(sorted({*HEAVY} - self.heavy))
        return "\n".join(
            (
                f"a new Python, CPU time, median of {len(self.imported)} [lowest, highest]:",
                f"  import crmkit              {_spread(self.imported)}",
                f"    loads {', '.join(sorted(self.heavy)) or 'nothing heavy'}; not {light}",
                f"  admit core alone           {_spread(self.none)}, the first time",
                f"  admit 50 objects           {_spread(self.objects)}",
                f"  admit 50 installed plugins {_spread(self.installed)}, importing each",
            )
        )


def _spread(found: list[float]) -> str:
    return f"{median(found):7.1f} ms [{min(found):.1f}, {max(found):.1f}]"


def _install(folder: Path, number: int) -> None:
    """Lay plugins into a folder as pip would: a module and the metadata of its distribution."""
    for at in range(number):
        (folder / f"bench_{at}.py").write_text(_PLUGIN.replace("{number}", str(at)), encoding="utf-8")
        about = folder / f"bench_{at}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{at}\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[crmkit.v1]\nbench-{at} = bench_{at}:plugin\n", encoding="utf-8")


def _told(program: str, folder: str) -> dict[str, object]:
    paths = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=300)
    return json.loads(done.stdout)
