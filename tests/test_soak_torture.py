"""A small run of `make torture`: senders are killed, and nobody gets anything twice or nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TORTURE = Path(__file__).parent / "soak" / "torture.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_killed_senders_break_no_promise():
    asked = ("--touches", "200", "--workers", "3", "--kills", "4", "--engines", "sqlite", "--windows", "0")
    command = [sys.executable, str(TORTURE), *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every promise held" in done.stdout
