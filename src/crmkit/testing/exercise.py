"""A little work for whatever a plugin registers, so that what it does while at work can be watched."""

from __future__ import annotations

from contextlib import suppress

from crmkit.delivery.channel import Outcome
from crmkit.errors import CrmkitError
from crmkit.records.source import Row
from crmkit.testing.fakes import Fake, Mailbox, Provider, Software
from crmkit.testing.handed import handed_over
from crmkit.testing.home import NOW, Opened
from crmkit.testing.samples import candidate_of, message_of, name_of
from crmkit.testing.strategies.panel import SOME_ROWS


def exercise(opened: Opened, fake: Fake, number: int = 1) -> None:
    """Let each object of a plugin do a piece of its work once; errors of crmkit are no matter here.

    Args:
        opened: The plugin.
        fake: What stands at the other end.
        number: Whose messages are sent, and whose touches judged.
    """
    for work in (_send, _judge, _read, _fold):
        with suppress(CrmkitError):
            work(opened, number)
    for parser in opened.registered("event_parser"):
        for payload in fake.payloads if isinstance(fake, Mailbox) else ():
            with suppress(CrmkitError):
                parser.parse(payload)


def works(opened: Opened, fake: Fake) -> str:
    """Tell what no longer works: a channel that sends nothing, a source that cannot be read; empty if all does."""
    for channel in opened.registered("channel"):
        told = {receipt.outcome for receipt in handed_over(channel, (message_of(9, channel.medium),))}
        if isinstance(fake, Provider) and told != {Outcome.SENT}:
            return f"the channel {channel.name} says {', '.join(sorted(told))}"
    for source in opened.registered("source"):
        try:
            list(source.read(None))
        except Exception as problem:  # noqa: BLE001 - whatever it raises, it does not work
            return f"the source {source.name} raises {type(problem).__name__}"
    return ""


def row_of(number: int) -> Row:
    """Return a patient's row."""
    name = name_of(number)
    return Row("patient", f"P{number:06d}", {"given": name.given, "family": name.family})


def put_row(fake: Fake, number: int) -> None:
    """Let the practice's software hold a patient, where there is such a software."""
    if isinstance(fake, Software):
        with suppress(NotImplementedError):
            fake.put((row_of(number),))


def _send(opened: Opened, number: int) -> None:
    for channel in opened.registered("channel"):
        handed_over(channel, (message_of(number, channel.medium),))


def _judge(opened: Opened, number: int) -> None:
    for guard in opened.registered("guard"):
        guard.judge((candidate_of(number),), NOW)


def _read(opened: Opened, _: int) -> None:
    for source in opened.registered("source"):
        list(source.read(None))


def _fold(opened: Opened, _: int) -> None:
    for metric in opened.registered("metric"):
        metric.value(metric.add(metric.start(), SOME_ROWS))
