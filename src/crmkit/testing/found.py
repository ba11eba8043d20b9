"""The subject that a vendor's own test file makes, found by the plugin's name."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from crmkit.errors import ConfigError, CrmkitError, nearest
from crmkit.testing.subject import Subject


def subject_of(name: str, file: Path) -> Subject:
    """Return what a test file tries a plugin with.

    Args:
        name: The plugin's name.
        file: A test file in which `conformance()` is called.

    Raises:
        ConfigError: If there is no such file, it cannot be run, or it tries no plugin of that name.
    """
    if not file.is_file():
        mend = "write it: TestPlugin = conformance(plugin, ...); or name another with --suite"
        raise ConfigError("there is no such test file", where=str(file), mend=mend)
    found = _subjects(file)
    if name not in found:
        mend = nearest(name, found) if found else "call conformance() of crmkit.testing in it"
        raise ConfigError(f"the plugin {name} is not tried here", where=str(file), mend=mend)
    return found[name]


def _subjects(file: Path) -> dict[str, Subject]:
    # As pytest does, so that the test file finds the fake that lies beside it.
    sys.path.insert(0, str(file.resolve().parent))
    try:
        made = runpy.run_path(str(file), run_name=file.stem)
    except CrmkitError:
        raise
    except Exception as problem:
        raise ConfigError(f"the file cannot be run ({type(problem).__name__}: {problem})", where=str(file)) from problem
    subjects = [getattr(value, "subject", None) for value in made.values() if isinstance(value, type)]
    return {one.plugin.info.name: one for one in subjects if isinstance(one, Subject)}
