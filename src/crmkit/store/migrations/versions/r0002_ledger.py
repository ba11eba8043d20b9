"""The tables of what was done and learnt."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, amount, data, document, flag, instant, number, text, texts

revision = "0002"
down_revision = "0001"


def upgrade(change: Change) -> None:
    """Create them."""
    _campaign(change)
    _touch(change)
    _event(change)
    _attempt(change)
    _pace(change)
    _learnt_consent(change)
    _suppression(change)
    _heard(change)
    _rating(change)
    _payload(change)
    _stop(change)
    _forgotten(change)
    _blanked(change)
    _audit(change)
    _order(change)


def _campaign(change: Change) -> None:
    change.create(
        "campaign",
        *texts("practice id"),
        number("version"),
        document("definition"),
        flag("current"),
        instant("added_at"),
        key=("practice", "id", "version"),
    )


def _touch(change: Change) -> None:
    change.create(
        "touch",
        *texts("practice campaign occasion patient key"),
        number("version"),
        *texts("message purpose medium recipient"),
        text("address", default=""),
        *texts("state reason"),
        document("detail"),
        instant("due"),
        instant("stale"),
        number("priority"),
        *texts("arm household carried_by", default=""),
        amount("cost", empty=True),
        text("owner", default=""),
        instant("lease", empty=True),
        instant("changed_at"),
        instant("sent_at", empty=True),
        number("moves", default="0"),
        number("attempts", default="0"),
        key=("practice", "campaign", "occasion", "patient"),
        rowid=False,
    )
    change.index("touch", "address", ["practice", "address"])
    change.index("touch", "fresh", ["practice", "campaign", "stale"])
    change.index("touch", "key", ["practice", "key"], unique=True)
    change.index("touch", "message", ["practice", "message", "occasion", "patient"])
    change.index(
        "touch",
        "once",
        ["practice", "patient", "message", "occasion"],
        unique=True,
        where="state IN ('sending', 'sent', 'delivered', 'complained', 'bounced', 'refused', 'retry', 'unknown')",
        sqlite_where="instr('|sending|sent|delivered|complained|bounced|refused|retry|unknown|', '|' || state || '|')"
        " > 0",
    )
    change.index("touch", "patient_sent", ["practice", "patient", "sent_at"])
    change.index("touch", "sent", ["practice", "sent_at"], where="sent_at IS NOT NULL")
    change.index(
        "touch", "urgency", ["practice", "state", "priority", "due", "campaign", "occasion", "patient", "owner"]
    )


def _event(change: Change) -> None:
    change.create(
        "event",
        *texts("practice campaign occasion patient"),
        number("number"),
        instant("at"),
        text("was", default=""),
        *texts("state reason"),
        document("detail"),
        text("actor"),
        text("writer", default=""),
        number("link", default="0"),
        key=("practice", "campaign", "occasion", "patient", "number"),
        rowid=False,
    )
    change.index("event", "link", ["practice", "writer", "link"], where="link > 0")


def _attempt(change: Change) -> None:
    change.create(
        "attempt",
        *texts("practice campaign occasion patient"),
        number("number"),
        instant("at"),
        *texts("channel message_id digest"),
        *texts("outcome reference evidence", default=""),
        instant("answered_at", empty=True),
        key=("practice", "campaign", "occasion", "patient", "number"),
        rowid=False,
    )


def _pace(change: Change) -> None:
    change.create("pace", *texts("practice channel"), instant("free_at"), key=("practice", "channel"), rowid=False)


def _learnt_consent(change: Change) -> None:
    change.create(
        "learnt_consent",
        *texts("practice patient purpose medium"),
        instant("at"),
        flag("given"),
        *texts("wording evidence writer", default=""),
        number("link", default="0"),
        key=("practice", "patient", "purpose", "medium", "at"),
        rowid=False,
    )
    change.index("learnt_consent", "link", ["practice", "writer", "link"], where="link > 0")


def _suppression(change: Change) -> None:
    change.create(
        "suppression",
        *texts("practice medium address"),
        number("number"),
        instant("at"),
        *texts("reason actor writer", default=""),
        number("link", default="0"),
        key=("practice", "medium", "address", "number"),
        rowid=False,
    )
    change.index("suppression", "link", ["practice", "writer", "link"], where="link > 0")


def _heard(change: Change) -> None:
    change.create(
        "heard",
        *texts("practice parser id"),
        number("number"),
        *texts("kind medium"),
        *texts("key address", default=""),
        instant("at"),
        instant("heard_at"),
        flag("permanent"),
        *texts("status did", default=""),
        flag("waits"),
        *texts("payload writer", default=""),
        number("link", default="0"),
        key=("practice", "parser", "id", "number"),
        rowid=False,
    )
    change.index("heard", "address", ["practice", "address", "at"], where="address != ''")
    change.index("heard", "link", ["practice", "writer", "link"], where="link > 0")
    change.index("heard", "waits", ["practice"], where="waits")


def _rating(change: Change) -> None:
    change.create(
        "rating",
        *texts("practice parser id patient key"),
        instant("at"),
        number("rating"),
        text("writer", default=""),
        number("link", default="0"),
        key=("practice", "parser", "id"),
        rowid=False,
    )
    change.index("rating", "link", ["practice", "writer", "link"], where="link > 0")


def _payload(change: Change) -> None:
    change.create(
        "payload",
        *texts("practice id parser"),
        instant("received_at"),
        instant("expires_at"),
        text("problem", default=""),
        document("headers"),
        data("body"),
        key=("practice", "id"),
        rowid=False,
    )
    change.index("payload", "expires", ["practice", "expires_at"])


def _stop(change: Change) -> None:
    change.create(
        "stop", *texts("practice campaign"), instant("at"), text("actor"), key=("practice", "campaign"), rowid=False
    )


def _forgotten(change: Change) -> None:
    change.create(
        "forgotten",
        *texts("practice patient"),
        instant("at"),
        text("actor"),
        text("writer", default=""),
        number("link", default="0"),
        key=("practice", "patient"),
        rowid=False,
    )
    change.index("forgotten", "link", ["practice", "writer", "link"], where="link > 0")


def _blanked(change: Change) -> None:
    change.create(
        "blanked",
        *texts("practice of_writer"),
        number("of_link"),
        text("was"),
        text("now", default=""),
        instant("at"),
        text("writer", default=""),
        number("link", default="0"),
        key=("practice", "of_writer", "of_link", "was"),
        rowid=False,
    )
    change.index("blanked", "link", ["practice", "writer", "link"], where="link > 0")


def _audit(change: Change) -> None:
    change.create(
        "audit",
        *texts("practice writer"),
        number("number"),
        instant("at"),
        number("rows"),
        *texts("digest link"),
        key=("practice", "writer", "number"),
        rowid=False,
    )


def _order(change: Change) -> None:
    change.run(
        sqlite=(
            "CREATE TRIGGER {p}touch_order BEFORE UPDATE OF state ON {p}touch FOR EACH ROW WHEN OLD.state <>"
            " NEW.state AND instr(CASE OLD.state WHEN 'ready' THEN "
            "'|held|deferred|denied|withheld|carried|ready|claimed|expired|cancelled|' WHEN 'claimed' THEN "
            "'|held|deferred|denied|withheld|carried|ready|sending|retry|unknown|expired|cancelled|' WHEN "
            "'sending' THEN '|sent|refused|retry|unknown|' WHEN 'held' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'deferred' THEN "
            "'|held|deferred|denied|withheld|carried|ready|claimed|expired|cancelled|' WHEN 'denied' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'withheld' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'carried' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'retry' THEN "
            "'|claimed|refused|unknown|expired|cancelled|' WHEN 'unknown' THEN "
            "'|sent|refused|retry|cancelled|' WHEN 'sent' THEN '|delivered|bounced|complained|' WHEN "
            "'delivered' THEN '|bounced|complained|' WHEN 'bounced' THEN '|delivered|' WHEN 'complained' "
            "THEN '||' WHEN 'refused' THEN '||' WHEN 'expired' THEN '||' WHEN 'cancelled' THEN '||' ELSE '' "
            "END, '|' || NEW.state || '|') = 0 BEGIN SELECT RAISE(ABORT, 'this state may not follow'); END",
            "CREATE TRIGGER {p}touch_start BEFORE INSERT ON {p}touch FOR EACH ROW WHEN instr('|held|deferred"
            "|denied|withheld|carried|ready|claimed|sending|sent|delivered|bounced|complained|refused|retry|"
            "unknown|expired|cancelled|', '|' || NEW.state || '|') = 0 BEGIN SELECT RAISE(ABORT, 'this state"
            " may not follow'); END",
        ),
        postgresql=(
            "CREATE OR REPLACE FUNCTION {s}{p}touch_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'this state may not follow' USING ERRCODE = 'check_violation'; END $$",
            "CREATE TRIGGER {p}touch_order BEFORE UPDATE OF state ON {s}{p}touch FOR EACH ROW WHEN "
            "(OLD.state <> NEW.state AND strpos(CASE OLD.state WHEN 'ready' THEN "
            "'|held|deferred|denied|withheld|carried|ready|claimed|expired|cancelled|' WHEN 'claimed' THEN "
            "'|held|deferred|denied|withheld|carried|ready|sending|retry|unknown|expired|cancelled|' WHEN "
            "'sending' THEN '|sent|refused|retry|unknown|' WHEN 'held' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'deferred' THEN "
            "'|held|deferred|denied|withheld|carried|ready|claimed|expired|cancelled|' WHEN 'denied' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'withheld' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'carried' THEN "
            "'|held|deferred|denied|withheld|carried|ready|expired|cancelled|' WHEN 'retry' THEN "
            "'|claimed|refused|unknown|expired|cancelled|' WHEN 'unknown' THEN "
            "'|sent|refused|retry|cancelled|' WHEN 'sent' THEN '|delivered|bounced|complained|' WHEN "
            "'delivered' THEN '|bounced|complained|' WHEN 'bounced' THEN '|delivered|' WHEN 'complained' "
            "THEN '||' WHEN 'refused' THEN '||' WHEN 'expired' THEN '||' WHEN 'cancelled' THEN '||' ELSE '' "
            "END, '|' || NEW.state || '|') = 0) EXECUTE FUNCTION {s}{p}touch_refuse()",
            "CREATE TRIGGER {p}touch_start BEFORE INSERT ON {s}{p}touch FOR EACH ROW WHEN (strpos('|held|def"
            "erred|denied|withheld|carried|ready|claimed|sending|sent|delivered|bounced|complained|refused|r"
            "etry|unknown|expired|cancelled|', '|' || NEW.state || '|') = 0) EXECUTE FUNCTION "
            "{s}{p}touch_refuse()",
        ),
    )
