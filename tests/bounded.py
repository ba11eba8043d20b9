"""A program in a process of its own that may not work for long: its processor time is counted, not the clock's."""

from __future__ import annotations

import subprocess
import sys

#: Many times what any of the programs needs, and far less than work that grows with the square of its input.
SECONDS = 6

_LIMIT = f"""
try:
    import resource
except ImportError:  # Windows counts nothing; there the process ends by the clock.
    pass
else:
    resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
"""


def run_bounded(program: str, given: bytes) -> str:
    """Run a Python program that reads `given` from its stdin; return what it printed."""
    command = [sys.executable, "-c", _LIMIT + program]
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=30 * SECONDS)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}"
    return done.stdout.decode()
