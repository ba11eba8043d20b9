"""The tables of what the sources say."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, amount, day, document, flag, instant, number, text, texts

revision = "0001"
down_revision = None


def upgrade(change: Change) -> None:
    """Create them."""
    _patient(change)
    _contact(change)
    _consent(change)
    _visit(change)
    _recall(change)
    _invoice(change)
    _payment(change)
    _referral(change)
    _feedback(change)
    _rejected(change)
    _source(change)


def _patient(change: Change) -> None:
    change.create(
        "patient",
        *texts("practice source id"),
        *texts(
            "prefix given preferred middle family suffix full_name language status_reason household guardian"
            " referrer address1 address2 city region postcode country",
            default="",
        ),
        day("born", empty=True),
        number("born_day", empty=True),
        text("status"),
        day("status_date", empty=True),
        text("tags", default="|"),
        document("attributes"),
        text("digest"),
        instant("known_at"),
        key=("practice", "id"),
        rowid=False,
    )
    change.index("patient", "born_day", ["practice", "born_day"])
    change.create(
        "patient_was",
        *texts(
            "practice source id prefix given preferred middle family suffix full_name language status_reason"
            " household guardian referrer address1 address2 city region postcode country"
        ),
        day("born", empty=True),
        number("born_day", empty=True),
        text("status"),
        day("status_date", empty=True),
        text("tags"),
        document("attributes"),
        text("digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("patient_was", "key", ["practice", "id"])


def _contact(change: Change) -> None:
    change.create(
        "contact",
        *texts("practice source id patient medium"),
        number("rank", default="0"),
        *texts("typed value"),
        *texts("line problem", default=""),
        day("until", empty=True),
        text("digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("contact", "patient", ["practice", "patient"])
    change.create(
        "contact_was",
        *texts("practice source id patient medium"),
        number("rank"),
        *texts("typed value line problem"),
        day("until", empty=True),
        text("digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("contact_was", "key", ["practice", "source", "id"])


def _consent(change: Change) -> None:
    change.create(
        "consent",
        *texts("practice source id patient purpose medium"),
        flag("given"),
        instant("at"),
        *texts("wording evidence", default=""),
        text("digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("consent", "patient", ["practice", "patient"])
    change.create(
        "consent_was",
        *texts("practice source id patient purpose medium"),
        flag("given"),
        instant("at"),
        *texts("wording evidence digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("consent_was", "key", ["practice", "source", "id"])


def _visit(change: Change) -> None:
    change.create(
        "visit",
        *texts("practice source id patient status"),
        day("day"),
        instant("starts_at", empty=True),
        *texts("kind practitioner location", default=""),
        text("digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("visit", "patient_status_day", ["practice", "patient", "status", "day"])
    change.index("visit", "status_day_patient", ["practice", "status", "day", "patient"])
    change.create(
        "visit_was",
        *texts("practice source id patient status"),
        day("day"),
        instant("starts_at", empty=True),
        *texts("kind practitioner location digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("visit_was", "key", ["practice", "source", "id"])


def _recall(change: Change) -> None:
    change.create(
        "recall",
        *texts("practice source id patient type"),
        number("interval_months", empty=True),
        day("due"),
        *texts("status digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("recall", "patient_status_due", ["practice", "patient", "status", "due"])
    change.create(
        "recall_was",
        *texts("practice source id patient type"),
        number("interval_months", empty=True),
        day("due"),
        *texts("status digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("recall_was", "key", ["practice", "source", "id"])


def _invoice(change: Change) -> None:
    change.create(
        "invoice",
        *texts("practice source id patient"),
        text("visit", default=""),
        day("day"),
        amount("amount"),
        *texts("currency digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("invoice", "patient_day_amount", ["practice", "patient", "day", "amount"])
    change.create(
        "invoice_was",
        *texts("practice source id patient visit"),
        day("day"),
        amount("amount"),
        *texts("currency digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("invoice_was", "key", ["practice", "source", "id"])


def _payment(change: Change) -> None:
    change.create(
        "payment",
        *texts("practice source id patient"),
        text("invoice", default=""),
        day("day"),
        amount("amount"),
        *texts("currency digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("payment", "patient", ["practice", "patient"])
    change.create(
        "payment_was",
        *texts("practice source id patient invoice"),
        day("day"),
        amount("amount"),
        *texts("currency digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("payment_was", "key", ["practice", "source", "id"])


def _referral(change: Change) -> None:
    change.create(
        "referral",
        *texts("practice source id patient referrer"),
        day("day"),
        text("digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("referral", "patient", ["practice", "patient"])
    change.create(
        "referral_was",
        *texts("practice source id patient referrer"),
        day("day"),
        text("digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("referral_was", "key", ["practice", "source", "id"])


def _feedback(change: Change) -> None:
    change.create(
        "feedback",
        *texts("practice source id patient"),
        day("day"),
        number("score"),
        number("scale"),
        text("comment", default=""),
        text("digest"),
        instant("known_at"),
        key=("practice", "source", "id"),
        rowid=False,
    )
    change.index("feedback", "patient", ["practice", "patient"])
    change.create(
        "feedback_was",
        *texts("practice source id patient"),
        day("day"),
        number("score"),
        number("scale"),
        *texts("comment digest"),
        instant("known_at"),
        instant("known_until"),
    )
    change.index("feedback_was", "key", ["practice", "source", "id"])


def _rejected(change: Change) -> None:
    change.create(
        "rejected",
        *texts("practice source file"),
        number("line"),
        *texts("kind field row_id reason"),
        document("row"),
        instant("rejected_at"),
        instant("expires_at"),
        key=("practice", "source", "file", "line", "kind", "row_id", "field"),
    )


def _source(change: Change) -> None:
    change.create("source", *texts("practice source cursor"), instant("synced_at"), key=("practice", "source"))
