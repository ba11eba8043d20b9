"""One identical message goes to one address once: the others' touches are carried by it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs


@attrs.frozen
class Copy:
    """A message that would reach an address.

    Attributes:
        key: The touch's key.
        patient: About whom.
        same: What makes two copies the same: message type, occasion, medium and address.
        own: True if the patient reads it, False if a guardian does.
    """

    key: str
    patient: str
    same: tuple[str, ...]
    own: bool


def carriers(copies: Iterable[Copy], sent: Mapping[tuple[str, ...], tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return, for each copy that is not to leave, the key and patient of the touch that carries it.

    Args:
        copies: The messages that would leave, all of types that are identical for all readers.
        sent: What has left already: key and patient by what makes copies the same.
    """
    first = dict(sent)
    carried: dict[str, tuple[str, str]] = {}
    # Whoever reads the message carries it; a guardian's child is carried.
    for copy in sorted(copies, key=lambda one: (not one.own, one.patient)):
        if copy.same in first:
            carried[copy.key] = first[copy.same]
        else:
            first[copy.same] = (copy.key, copy.patient)
    return carried
