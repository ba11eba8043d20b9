"""Prints the table of laws and mutants: `make mutants`."""

from __future__ import annotations

import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO

from crmkit.testing.law import Kind
from crmkit.testing.laws import LAWS
from mutants.table import MUTANTS, killed


def mutants_of(kind: Kind) -> list[type]:
    """Return every mutant of a kind once."""
    found = [one for law in LAWS if law.kind is kind for one in MUTANTS.get(law.id, ())]
    return list(dict.fromkeys(found))


def main() -> int:
    """Try every law on every mutant of its kind; tell which law lets one pass that it must catch."""
    print(f"{'law':38} {'must catch':>10} {'caught':>7} {'of all':>7}  mutants that it must catch")
    passed = 0
    for law in LAWS:
        own, every = MUTANTS.get(law.id, ()), mutants_of(law.kind)
        with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
            caught = {one for one in every if killed(law, one, 20 if one in own else 8)}
        alive = [one.__name__ for one in own if one not in caught]
        passed += len(alive) or not own
        names = ", ".join(one.__name__ for one in own)
        told = f"  NOT CAUGHT: {', '.join(alive)}" if alive else ""
        print(f"{law.id:38} {len(own):>10} {len(own) - len(alive):>7} {len(caught):>3}/{len(every):<3}  {names}{told}")
    print(
        f"\n{len(LAWS)} laws, {sum(map(len, MUTANTS.values()))} pairs of a law and a mutant that it must catch, ",
        end="",
    )
    print("all caught" if not passed else f"{passed} laws or mutants NOT CAUGHT")
    return int(bool(passed))


if __name__ == "__main__":
    sys.exit(main())
