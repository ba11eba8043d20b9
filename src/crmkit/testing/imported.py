"""What happens when a module is imported, seen in a Python of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

#: Run in the other Python: it prints what the import did as one line of JSON, behind whatever the module prints.
_PROGRAM = """
import contextlib, importlib, io, json, sys, threading
import crmkit.plugins
seen = []

def look(event, given):
    if event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+"):
        seen.append("a file is written")
    elif event in WORK:
        seen.append(WORK[event])

WORK = {
    "socket.connect": "something is connected", "socket.getaddrinfo": "a name is looked up",
    "socket.bind": "something listens", "subprocess.Popen": "a program is started", "os.system": "a program is started",
    "sqlite3.connect": "a database is opened", "os.mkdir": "a folder is made", "os.remove": "a file is removed",
    "os.rename": "a file is renamed", "os.putenv": "the environment is changed",
}
printed = io.StringIO()
with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    sys.addaudithook(look)
    importlib.import_module(sys.argv[1])
    done = list(seen)
done += ["something is printed"] if printed.getvalue() else []
done += ["a thread is started"] if threading.active_count() > 1 else []
print(json.dumps(sorted(set(done))))
"""


def imported_alone(module: str) -> list[str]:
    """Return what importing a module does beside defining things.

    Args:
        module: Its full name; it is looked for where this Python looks.

    Raises:
        ImportError: If it cannot be imported by itself.
    """
    path = os.pathsep.join(one or os.getcwd() for one in sys.path)
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _PROGRAM, module]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        raise ImportError(f"{module} cannot be imported by itself: {' '.join(said)}")
    return [str(one) for one in json.loads(done.stdout.strip().splitlines()[-1])]
