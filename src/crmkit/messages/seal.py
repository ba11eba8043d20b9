"""What a link carries, closed so that nobody but the practice can read, make or change it."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Self

import attrs

#: So many octets prove that the rest is ours.
_PROOF = 16


@attrs.frozen(eq=False, repr=False)
class LinkSeal:
    """Closes and opens what links carry, with one key.

    The proof is an HMAC-SHA-256 over the text, and the text is hidden by what a second HMAC makes of that proof: the
    construction SIV (RFC 5297), which needs no chance and no counter. So the same text always gives the same token.
    """

    _proves: hmac.HMAC
    _hides: hmac.HMAC

    @classmethod
    def of(cls, key: str, purpose: str, practice: str) -> Self:
        """Return the seal of a key, for one purpose and one practice: another's tokens are nonsense to it."""
        return cls(*(keyed(key, purpose, what, practice) for what in ("proves", "hides")))

    def close(self, text: bytes) -> str:
        """Return a token of letters, digits, `-` and `_`."""
        proof = mac(self._proves, text)[:_PROOF]
        return urlsafe_b64encode(proof + self._hidden(text, proof)).rstrip(b"=").decode("ascii")

    def open(self, token: str) -> bytes | None:
        """Return the text of a token; None if this key did not close it."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        proof, hidden = raw[:_PROOF], raw[_PROOF:]
        text = self._hidden(hidden, proof)
        ours = hmac.compare_digest(mac(self._proves, text)[:_PROOF], proof)
        # Base64 has several spellings of one token.
        return text if ours and self.close(text) == token else None

    def _hidden(self, text: bytes, proof: bytes) -> bytes:
        """Return a text with a stream laid over it, or what it was before."""
        size = len(text)
        stream = b"".join(self._stream(proof, size))[:size]
        return (int.from_bytes(text) ^ int.from_bytes(stream)).to_bytes(size)

    def _stream(self, proof: bytes, size: int) -> Iterator[bytes]:
        for number in range(-(-size // hashlib.sha256().digest_size)):
            yield mac(self._hides, proof + number.to_bytes(4))


def keyed(key: str, *what: str) -> hmac.HMAC:
    """Return an HMAC under a key of its own, derived for one use from a practice's key."""
    derived = hmac.digest(key.encode(), json.dumps(what).encode(), "sha256")
    return hmac.new(derived, digestmod=hashlib.sha256)


def mac(keyed: hmac.HMAC, text: bytes) -> bytes:
    """Return the HMAC-SHA-256 of a text."""
    # A copy of what has taken in the key already costs half of a new one.
    one = keyed.copy()
    one.update(text)
    return one.digest()
