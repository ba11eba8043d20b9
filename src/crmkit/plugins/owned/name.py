"""How an object of a plugin is called."""

from __future__ import annotations


def full_name(owner: str, name: str) -> str:
    """Return `owner.name`; a name that says its owner already stays as it is.

    >>> full_name("acme", "sms"), full_name("folder", "folder")
    ('acme.sms', 'folder')
    """
    return name if name == owner or name.startswith(f"{owner}.") else f"{owner}.{name}"
