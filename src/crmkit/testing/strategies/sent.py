"""Finished messages, alone and in batches."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.testing.samples import message_of
from crmkit.testing.strategies.people import NUMBERS

USUAL_WORDS = (
    *("We look forward to seeing you.", "Wir freuen uns auf Sie. Grüße!", "お待ちしております。", "See you soon 🎂"),
    *("A first line.\n\nAnd a second one.", "Call us: +61 2 5550 1234"),
)
#: What breaks senders: ends of mail, wrong line ends, markup of all sorts, more than fits, and nothing.
ODD_WORDS = (
    *("", " ", "\n.\n", "\r\n.\r\nQUIT\r\n", "\r", "%s %(x)s {0} {{ x }}", "<script>alert('x')</script> &amp;"),
    '"; --',
    *("long " * 2000, "x" * 1200, "\x00\x07", "שלום 𝕊 \u202e", "half a pair \ud83d", "=?utf-8?b?SGk=?=", "null"),
)


def messages(medium: Medium = Medium.EMAIL, *, odd: bool = False) -> st.SearchStrategy[Message]:
    """Return finished messages; odd ones hold what breaks senders, but always one plain address."""
    words = st.sampled_from(USUAL_WORDS) | (st.sampled_from(ODD_WORDS) | st.text(max_size=60) if odd else st.nothing())
    usual = st.builds(message_of, NUMBERS, st.just(medium), words)
    return usual.flatmap(_bared) if odd else usual


def batches(
    medium: Medium = Medium.EMAIL, *, min_size: int = 0, max_size: int = 6, odd: bool = False
) -> st.SearchStrategy[tuple[Message, ...]]:
    """Return messages to different people, each with its own key, as a channel is handed them."""
    return st.lists(
        messages(medium, odd=odd), min_size=min_size, max_size=max_size, unique_by=lambda message: message.key
    ).map(tuple)


def _bared(message: Message) -> st.SearchStrategy[Message]:
    """Return the message, or one without what a message may lack."""
    without = attrs.evolve(message, to_name="", subject="", headers=(), language="und")
    with_html = attrs.evolve(message, html=f"<!doctype html><p>{message.text}</p>")
    return st.sampled_from((message, without, with_html))
