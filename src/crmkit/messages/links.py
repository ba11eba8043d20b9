"""Links that a reader can follow without logging in, signed by the practice."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from json.encoder import encode_basestring_ascii

import attrs
from itsdangerous import BadData, URLSafeSerializer

from crmkit.errors import ConfigError, NotFound
from crmkit.people.medium import Medium, Purpose
from crmkit.practice import Practice

_SALT = "crmkit.unsubscribe.v1"


@attrs.frozen
class Unsubscribe:
    """What an unsubscribe link asks for: no more messages for this purpose by this medium."""

    patient: str
    purpose: Purpose
    medium: Medium


@attrs.frozen(init=False, eq=False)
class Links:
    """The signed links of one practice.

    A link does not expire, and it holds ids only: whoever reads the token learns no name and no address. The newest
    key signs; older ones stay valid.

    Attributes:
        practice: Who signs.
        start: What every unsubscribe link begins with; empty where the practice can make none.
    """

    practice: Practice
    start: str
    _place: str = attrs.field(repr=False)
    _ours: str = attrs.field(repr=False)
    _serializer: URLSafeSerializer | None = attrs.field(repr=False)
    _keyed: hmac.HMAC | None = attrs.field(repr=False)

    def __init__(self, practice: Practice) -> None:
        serializer = _serializer_of(practice)
        key = serializer.make_signer().derive_key() if serializer else None
        keyed = hmac.new(key, digestmod=hashlib.sha256) if key else None
        place, ours = f"{practice.public_url}/unsubscribe/", f"[{encode_basestring_ascii(practice.id)},"
        start = place + _start(ours) if keyed and practice.public_url else ""
        self.__attrs_init__(practice, start, place, ours, serializer, keyed)

    @property
    def available(self) -> bool:
        """Tell whether the practice can make links at all: it needs a public_url and keys."""
        return bool(self.start)

    def unsubscribe(self, patient_id: str, purpose: Purpose, medium: Medium) -> str:
        """Return the address at which a reader unsubscribes a patient.

        Raises:
            ConfigError: If the practice has no public_url or no keys.
        """
        if self._keyed is None or not self.start:
            raise ConfigError("links need a public_url and keys", where="practice", mend="set both")
        asked = f"{encode_basestring_ascii(patient_id)},{encode_basestring_ascii(purpose)}"
        payload = _url_safe(f"{self._ours}{asked},{encode_basestring_ascii(medium)}]".encode("ascii"))
        # The same token as the serializer's, which would derive the key again and try to compress each claim. A copy
        # of what has taken in the key already costs half of a new one.
        signing = self._keyed.copy()
        signing.update(payload)
        token = payload + b"." + _url_safe(signing.digest())
        return f"{self._place}{token.decode('ascii')}"

    def read(self, token: str) -> Unsubscribe:
        """Return what a token asks for.

        Raises:
            NotFound: If this practice did not sign it.
        """
        try:
            practice, patient, purpose, medium = self._payload(token)
            if practice == self.practice.id:
                return Unsubscribe(patient, Purpose(purpose), Medium(medium))
        except (BadData, ValueError, TypeError):
            pass
        raise NotFound("this link is not one of ours", where="unsubscribe", mend="follow the whole link in the message")

    def _payload(self, token: str) -> list[str]:
        if self._serializer is None:
            raise ValueError("no keys")
        return [str(part) for part in self._serializer.loads(token.encode("ascii"))]


def _start(ours: str) -> str:
    # Three octets of a claim are four letters of a token, so what follows changes none of those that are full.
    alike = f'{ours}"'.encode("ascii")
    return _url_safe(alike[: len(alike) // 3 * 3]).decode("ascii")


def _url_safe(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _serializer_of(practice: Practice) -> URLSafeSerializer | None:
    if not practice.keys:
        return None
    return URLSafeSerializer(
        list(reversed(practice.keys)),
        salt=_SALT,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
