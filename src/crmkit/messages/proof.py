"""What a Message-ID carries beside the touch's key: whoever names both has seen a message of the practice.

The key alone can be computed by anybody who knows campaign, occasion and patient's id.
"""

from __future__ import annotations

import hmac
from typing import Self

import attrs

from crmkit.messages.seal import keyed, mac
from crmkit.practice import Practice

_PURPOSE = "crmkit.message.v1"
#: So many hexadecimal digits.
_DIGITS = 16


@attrs.frozen(eq=False, repr=False)
class Proofs:
    """The proofs of one practice; the newest of its keys makes them, and older ones still count."""

    _keyed: tuple[hmac.HMAC, ...]

    @classmethod
    def of(cls, practice: Practice) -> Self:
        """Return the proofs of a practice; without keys it has none."""
        return cls(tuple(keyed(key, _PURPOSE, practice.id) for key in practice.keys))

    def word(self, key: str) -> str:
        """Return a touch's key, and behind a full stop its proof, if there is one.

        >>> Proofs(()).word("acee0661dca0cc9062eb88c1d7b554a4")
        'acee0661dca0cc9062eb88c1d7b554a4'
        """
        return f"{key}.{_proof(self._keyed[0], key)}" if self._keyed else key

    def hold(self, key: str, proof: str) -> bool:
        """Tell whether a proof is one of a key's; where the practice has no keys, none is asked for."""
        ours = [hmac.compare_digest(_proof(one, key), proof) for one in self._keyed]
        return any(ours) or not ours


def _proof(keyed: hmac.HMAC, key: str) -> str:
    return mac(keyed, key.encode()).hex()[:_DIGITS]
