"""The practice that is shipped with the package: small enough to read, with every case in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

#: How the sample was made: `write_practice(folder, today=TODAY, patients=PATIENTS, seed=SEED)` gives the same bytes.
TODAY = date(2026, 11, 23)
PATIENTS = 40
SEED = "bright-eyes-66435"


def sample() -> Path:
    """Return the folder of the shipped practice: `exports`, `content` and a `crm.toml`.

    It is meant to be read. Copy it before you run it, so that the database comes to lie elsewhere.

    >>> (sample() / "crm.toml").is_file()
    True
    """
    return Path(__file__).parent / "sample"
