"""What arrives from outside: payloads that were tampered with, cut off, or are nothing at all."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from hypothesis import strategies as st

from crmkit.delivery.events.event import Payload
from crmkit.testing.home import NOW

_HEADERS = st.dictionaries(
    st.sampled_from(("content-type", "x-signature", "webhook-id", "webhook-timestamp", "authorization")),
    st.text(max_size=40),
    max_size=3,
)
_BYTES = (
    *(b"", b"\x00" * 64, b"{}", b"[]", b"null", b'{"events": {}}', b"From: \n\n", b"\xff\xfe{", b"[" * 5000),
    b"a=1&b=2",
)


def payloads(samples: Sequence[Payload] = ()) -> st.SearchStrategy[Payload]:
    """Return payloads of any bytes, and samples that were cut off, repeated, or changed in places."""
    anything = st.builds(
        Payload, st.sampled_from(_BYTES) | st.binary(max_size=300), headers=_HEADERS, received_at=st.just(NOW)
    )
    return anything | st.sampled_from(list(samples)).flatmap(_changed) if samples else anything


def _changed(sample: Payload) -> st.SearchStrategy[Payload]:
    body = sample.body
    cut = st.integers(0, len(body)).map(lambda at: body[:at])
    twice = st.just(body + body)
    other = st.tuples(st.integers(0, max(len(body) - 1, 0)), st.binary(max_size=3)).map(
        lambda change: body[: change[0]] + change[1] + body[change[0] + 1 :]
    )
    bodies = st.just(body) | cut | twice | other
    headers = st.sampled_from((dict(sample.headers), {}))
    return st.builds(lambda body, headers: attrs.evolve(sample, body=body, headers=headers), bodies, headers)
