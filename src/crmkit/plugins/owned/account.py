"""With which account of a provider's a channel hands over: another one never heard of what this one was given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

#: Enough to tell one account from the next, and too little to find a token again from what is kept of it.
_DIGITS = 6


def account_digest(owner: str, account: str, settings: Any) -> str:
    """Return what is kept of an account: of its name as the channel gives it, or else of the plugin's settings.

    >>> account_digest("acme", "practice-7", None), account_digest("acme", "practice-8", None)
    ('618fc9', 'dd4e83')
    """
    told = json.dumps([owner, account or _plain(settings)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    """Return a settings value in plain lists and tables, the same in every process."""
    if attrs.has(type(value)):
        return [[field.name, _plain(getattr(value, field.name))] for field in attrs.fields(type(value)) if field.init]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return sorted(([str(key), _plain(one)] for key, one in value.items()), key=str)
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(one) for one in value), key=str)
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
