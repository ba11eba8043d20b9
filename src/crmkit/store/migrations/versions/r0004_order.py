"""A state is one state: an empty text, and two of them in one, are refused like every other that there is not."""

from __future__ import annotations

from crmkit.store.migrations.change import Change

revision = "0004"
down_revision = "0003"


def upgrade(change: Change) -> None:
    """Replace the triggers."""
    change.run(
        sqlite=(
            "DROP TRIGGER {p}touch_order",
            "DROP TRIGGER {p}touch_start",
            "CREATE TRIGGER {p}touch_order BEFORE UPDATE OF state ON {p}touch FOR EACH ROW WHEN OLD.state <>"
            " NEW.state AND (instr(CASE OLD.state WHEN 'ready' THEN "
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
            "END, '|' || NEW.state || '|') = 0 OR NEW.state = '' OR instr(NEW.state, '|') > 0) BEGIN SELECT "
            "RAISE(ABORT, 'this state may not follow'); END",
            "CREATE TRIGGER {p}touch_start BEFORE INSERT ON {p}touch FOR EACH ROW WHEN (instr('|held|deferre"
            "d|denied|withheld|carried|ready|claimed|sending|sent|delivered|bounced|complained|refused|retry"
            "|unknown|expired|cancelled|', '|' || NEW.state || '|') = 0 OR NEW.state = '' OR "
            "instr(NEW.state, '|') > 0) BEGIN SELECT RAISE(ABORT, 'this state may not follow'); END",
        ),
        postgresql=(
            "DROP TRIGGER {p}touch_order ON {s}{p}touch",
            "DROP TRIGGER {p}touch_start ON {s}{p}touch",
            "CREATE TRIGGER {p}touch_order BEFORE UPDATE OF state ON {s}{p}touch FOR EACH ROW WHEN "
            "(OLD.state <> NEW.state AND (strpos(CASE OLD.state WHEN 'ready' THEN "
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
            "END, '|' || NEW.state || '|') = 0 OR NEW.state = '' OR strpos(NEW.state, '|') > 0)) EXECUTE "
            "FUNCTION {s}{p}touch_refuse()",
            "CREATE TRIGGER {p}touch_start BEFORE INSERT ON {s}{p}touch FOR EACH ROW WHEN ((strpos('|held|de"
            "ferred|denied|withheld|carried|ready|claimed|sending|sent|delivered|bounced|complained|refused|"
            "retry|unknown|expired|cancelled|', '|' || NEW.state || '|') = 0 OR NEW.state = '' OR "
            "strpos(NEW.state, '|') > 0)) EXECUTE FUNCTION {s}{p}touch_refuse()",
        ),
    )
