"""The dirt of real life: what tired hands, old imports and family life do to a practice's files.

Every kind is counted, so that a test can ask for it. Rows that a sync must reject are added behind the good ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from crmkit.clock import age_on
from crmkit.demo.chance import Chance
from crmkit.demo.consents import TAKE_OFF
from crmkit.demo.rows import HEADERS, Row, Tables, row

#: Ways to write an address or a number that cannot be used.
NO_EMAIL = ("none", "n/a", "no email", "{}(at)innerwest.example", "{}@@post.example", "{} at mailbox.example")
NO_NUMBER = ("none", "n/a", "see daughter", "0491 57", "disconnected", "0000 000 000")
AFTER = (" mum", " (mother)", " - wife", " dad's", " work, after five", " pls text only")
#: Numbers that other countries' regulators keep for works of fiction.
ABROAD = ("+44 7700 900{:03d}", "+49 171 39200 {:02d}", "+33 6 39 98 {:02d} 42", "+1 415 555 01{:02d}")
NOBODY = "P999999"


def test_patient(number: int) -> Row:
    """Return the patient whom somebody made up to try the software, and who was never removed."""
    made_up = {
        "id": f"P{number:06d}",
        "given": "TEST",
        "family": "TEST",
        "born": "1980-01-01",
        "status": "active",
        "household": "H99999",
        "email": "test@brighteyes.example",
        "country": "AU",
    }
    return {name: made_up.get(name, "") for name in HEADERS["patients"]}


def soil(tables: Tables, seed: str, today: date) -> dict[str, int]:
    """Dirty the tables in place and return how many rows there are of each kind of dirt.

    Args:
        tables: The clean rows, by table.
        seed: The seed of the practice.
        today: The day on which a minor is a minor.
    """
    patients = tables["patients"]
    planted = _names(patients, Chance(seed, "dirty names"))
    planted |= _ways(patients, Chance(seed, "dirty contacts"))
    planted |= _orphans(patients, Chance(seed, "dirty guardians"), today)
    found = _found(tables, today)
    return planted | found | _broken(tables)


def _spoil(rows: list[Row], share: float, chance: Chance, change: Callable[[Row, Chance], None]) -> int:
    """Change a share of the rows, at least one where there are any, take them off the list and count them."""
    count = min(len(rows), max(1, round(share)))
    for _ in range(count):
        change(rows.pop(chance.below(len(rows))), chance)
    return count


def _names(patients: list[Row], chance: Chance) -> dict[str, int]:
    """Dirty names; no name twice."""
    clean, all_ = list(patients), len(patients)
    return {
        "test patients": _spoil_last(patients, clean),
        "capitals": _spoil(clean, 0.015 * all_, chance, _capitals),
        "lower case": _spoil(clean, 0.005 * all_, chance, _lower_case),
        "blank given names": _spoil(clean, 0.005 * all_, chance, _blank_given),
        "full name only": _spoil(clean, 0.01 * all_, chance, _full_name),
        "trailing spaces": _spoil(clean, 0.007 * all_, chance, _spaces),
    }


def _spoil_last(patients: list[Row], clean: list[Row]) -> int:
    """Leave the test patient as it is, and count it."""
    clean.remove(patients[-1])
    return 1


def _capitals(patient: Row, _: Chance) -> None:
    patient.update(given=patient["given"].upper(), family=patient["family"].upper())


def _lower_case(patient: Row, _: Chance) -> None:
    patient.update(given=patient["given"].lower(), family=patient["family"].lower())


def _blank_given(patient: Row, _: Chance) -> None:
    patient.update(given="", preferred="", middle="")


def _full_name(patient: Row, _: Chance) -> None:
    full = " ".join(patient[part] for part in ("given", "family"))
    patient.update(full_name=full, prefix="", given="", preferred="", middle="", family="", suffix="")


def _spaces(patient: Row, chance: Chance) -> None:
    other = chance.pick([name for name in ("family", "email", "city") if patient[name]])
    for name in ("given", other):
        patient[name] += " " * chance.between(1, 2)


def _ways(patients: list[Row], chance: Chance) -> dict[str, int]:
    """Dirty telephone numbers and e-mail addresses; none twice."""
    mobiles = [patient for patient in patients if patient["mobile"]]
    emails = [patient for patient in patients[:-1] if "@" in patient["email"]]
    all_ = len(patients)
    return {
        "foreign numbers": _spoil(mobiles, 0.006 * all_, chance, _abroad),
        "numbers with text": _spoil(mobiles, 0.012 * all_, chance, _text_after),
        "unusable numbers": _spoil(mobiles, 0.006 * all_, chance, _no_number),
        "unusable e-mails": _spoil(emails, 0.006 * all_, chance, _no_email),
    }


def _abroad(patient: Row, chance: Chance) -> None:
    patient["mobile"] = chance.pick(ABROAD).format(chance.below(100))


def _text_after(patient: Row, chance: Chance) -> None:
    patient["mobile"] += chance.pick(AFTER)


def _no_number(patient: Row, chance: Chance) -> None:
    patient["mobile"] = chance.pick(NO_NUMBER)


def _no_email(patient: Row, chance: Chance) -> None:
    patient["email"] = chance.pick(NO_EMAIL).format(patient["email"].split("@")[0])


def _orphans(patients: list[Row], chance: Chance, today: date) -> dict[str, int]:
    minors = [patient for patient in patients if patient["guardian"] and _minor(patient, today)]
    return {"minors without guardian": _spoil(minors, 0.04 * len(minors), chance, _no_guardian)}


def _no_guardian(patient: Row, _: Chance) -> None:
    patient["guardian"] = ""


def _minor(patient: Row, today: date) -> bool:
    return age_on(date.fromisoformat(patient["born"]), today) < 18


def _found(tables: Tables, today: date) -> dict[str, int]:
    """Count what came of itself: families, deaths, departures, second thoughts, languages."""
    patients = tables["patients"]
    inboxes = Counter(patient["email"].strip() for patient in patients if "@" in patient["email"])
    booked = {visit["patient"] for visit in tables["visits"] if visit["status"] == "booked"}
    statuses = Counter(patient["status"] for patient in patients)
    return {
        "shared e-mails": sum(inboxes[patient["email"].strip()] > 1 for patient in patients),
        **{status: statuses[status] for status in ("deceased", "moved", "transferred", "prospective", "non-patient")},
        "deceased with booking": sum(one["status"] == "deceased" and one["id"] in booked for one in patients),
        "minors with guardian": sum(bool(one["guardian"]) and _minor(one, today) for one in patients),
        "opt-outs": sum(said["wording"] == TAKE_OFF for said in tables["consents"]),
        "other languages": sum(one["language"] not in ("", "en") for one in patients),
    }


def _broken(tables: Tables) -> dict[str, int]:
    """Add rows that no sync can accept: an impossible date, an unknown patient, letters in money, an id twice."""
    patients, visits, invoices = tables["patients"], tables["visits"], tables["invoices"]
    some, last = patients[len(patients) // 2], patients[-1]
    beyond = f"P{int(last['id'][1:]) + 1:06d}"
    patients.append({**some, "id": beyond, "given": "Odd", "family": "Birthday", "email": "", "born": "31/02/1980"})
    patients.append({**some, "given": "Second", "family": "Entry", "email": "second.entry@post.example"})
    start = visits[len(visits) // 2]["starts_at"]
    visits.append(row("visits", f"V{len(visits) + 1:07d}", NOBODY, start, "completed", "eye test", "", ""))
    number, day = f"I{len(invoices) + 1:07d}", start[:10]
    invoices.append(row("invoices", number, some["id"], "", day, "12.O0", "AUD"))
    return dict.fromkeys(("broken birth dates", "visits of nobody", "broken amounts", "ids twice"), 1)
