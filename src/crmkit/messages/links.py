"""Links that a reader can follow without logging in, sealed by the practice."""

from __future__ import annotations

import hashlib
import json
from json.encoder import encode_basestring_ascii

import attrs
from itsdangerous import BadData, URLSafeSerializer

from crmkit.errors import ConfigError, NotFound
from crmkit.messages.seal import LinkSeal
from crmkit.people.medium import Medium, Purpose
from crmkit.practice import Practice

_WHAT = "crmkit.unsubscribe.v2"
_SALT_BEFORE = "crmkit.unsubscribe.v1"


@attrs.frozen
class Unsubscribe:
    """What an unsubscribe link asks for: no more messages for this purpose by this medium."""

    patient: str
    purpose: Purpose
    medium: Medium


@attrs.frozen(init=False, eq=False)
class Links:
    """The links of one practice.

    A link does not expire. Nobody but the practice can read what it asks for, or make one: the newest key seals, and
    older ones still open. Links of the first form, which were signed and could be read, stay valid too.

    Attributes:
        practice: Who seals.
        start: What every unsubscribe link begins with; empty where the practice can make none.
    """

    practice: Practice
    start: str
    _seals: tuple[LinkSeal, ...] = attrs.field(repr=False)
    _before: URLSafeSerializer | None = attrs.field(repr=False)

    def __init__(self, practice: Practice) -> None:
        seals = tuple(LinkSeal.of(key, _WHAT, practice.id) for key in practice.keys)
        start = f"{practice.public_url}/unsubscribe/" if seals and practice.public_url else ""
        self.__attrs_init__(practice, start, seals, _serializer_of(practice))

    @property
    def available(self) -> bool:
        """Tell whether the practice can make links at all: it needs a public_url and keys."""
        return bool(self.start)

    def unsubscribe(self, patient_id: str, purpose: Purpose, medium: Medium) -> str:
        """Return the address at which a reader unsubscribes a patient.

        Raises:
            ConfigError: If the practice has no public_url or no keys.
        """
        if not self.start:
            raise ConfigError("links need a public_url and keys", where="practice", mend="set both")
        asked = ",".join(map(encode_basestring_ascii, (patient_id, purpose, medium)))
        return f"{self.start}{self._seals[0].close(f'[{asked}]'.encode('ascii'))}"

    def read(self, token: str) -> Unsubscribe:
        """Return what a token asks for.

        Raises:
            NotFound: If this practice did not make it.
        """
        try:
            # What is sealed has no full stop in it, and what was signed has one before the signature.
            patient, purpose, medium = self._signed(token) if "." in token else self._sealed(token)
            return Unsubscribe(patient, Purpose(purpose), Medium(medium))
        except (BadData, ValueError, TypeError):
            pass
        raise NotFound("this link is not one of ours", where="unsubscribe", mend="follow the whole link in the message")

    def _sealed(self, token: str) -> list[str]:
        opened = (seal.open(token) for seal in self._seals)
        found: list[str] = json.loads(next(text for text in (*opened, b"null") if text))
        return found

    def _signed(self, token: str) -> list[str]:
        if self._before is None:
            raise ValueError("no keys")
        practice, *asked = (str(part) for part in self._before.loads(token.encode("ascii")))
        if practice != self.practice.id:
            raise ValueError("another practice's")
        return asked


def _serializer_of(practice: Practice) -> URLSafeSerializer | None:
    if not practice.keys:
        return None
    return URLSafeSerializer(
        list(reversed(practice.keys)),
        salt=_SALT_BEFORE,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
