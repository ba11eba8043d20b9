"""A practice that other processes can make by the name of a function, with cards that are due.

This module's name is one that no page gives to a module of the reader: a process has one module of each name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from situations import consent, patient

from crmkit import CRM, Campaign


def clinic_of(
    module: str,
    card: Campaign,
    folder: Path,
    exports: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    in_household: int = 1,
) -> str:
    """Write a module whose `make` opens a practice with 40 cards that are due, and return its name.

    Args:
        module: Its text.
        card: What is due.
        folder: Where it is written; Python finds it there until the test ends.
        exports: Writes the practice's data.
        monkeypatch: Forgets the folder at the end of the test.
        in_household: How many patients live together.
    """
    name = f"clinic_{os.getpid()}_{abs(hash(str(folder)))}"
    (folder / f"{name}.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    rows = [patient(f"P{one}", household=f"H{one // in_household}", email=f"p{one}@x.example") for one in range(40)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    with CRM.made_by(f"{name}:make") as crm:
        crm.sync()
        crm.add(card)
        crm.plan()
    return name
