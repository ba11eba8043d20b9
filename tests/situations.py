"""Rows for tests: one patient in one situation."""

from __future__ import annotations

from datetime import UTC, datetime

#: Monday, 10 in the morning in Sydney.
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)

PATIENT = {"given": "Mia", "family": "Stone", "born": "1980-11-23", "household": "H1", "email": "mia@stone.example"}
YES = {"purpose": "marketing", "medium": "email", "given": "yes", "at": "2025-03-01T09:00:00+11:00", "evidence": "form"}


def patient(id_: str, **fields: str) -> dict[str, str]:
    return {"id": id_, **PATIENT, **fields}


def consent(patient_id: str, **fields: str) -> dict[str, str]:
    given = {**YES, **fields}
    return {"id": f"{patient_id}:{given['purpose']}:{given['medium']}:{given['at']}", "patient": patient_id, **given}
