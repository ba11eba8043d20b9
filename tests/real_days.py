"""Days as a practice has them: a plan in the morning, and a sending every half hour while anybody could be awake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from crmkit import CRM, FixedClock
from crmkit.clock import day_start

HALF_HOUR = timedelta(minutes=30)


def real_days(crm: CRM, clock: FixedClock, outbox: Path, days: int) -> list[dict[str, bytes]]:
    """Plan each day at the time of day at which the clock stands, and send; return each day's messages by key."""
    zone = crm.practice.zone
    start = clock.now().astimezone(zone)
    delivered: dict[str, bytes] = {}
    found: list[dict[str, bytes]] = []
    for number in range(days):
        plan_at, day = start + timedelta(days=number), start.date() + timedelta(days=number)
        today: dict[str, bytes] = {}
        while clock.now() < day_start(day + timedelta(days=1), zone):
            local = clock.now().astimezone(zone)
            if local == plan_at:
                crm.plan()
            if 6 <= local.hour < 22 and crm.send().sent:
                new = [file for file in outbox.glob("*.eml") if file.stem not in delivered]
                today |= {file.stem: file.read_bytes() for file in new}
                delivered |= today
            clock.move(HALF_HOUR)
        found.append(today)
    return found
