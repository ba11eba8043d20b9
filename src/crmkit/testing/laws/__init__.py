"""The laws, a file for each kind."""

from __future__ import annotations

from crmkit.testing.law import Law
from crmkit.testing.laws import channel, guard, provider, source

#: Every law there is.
LAWS: tuple[Law, ...] = (*source.LAWS, *channel.LAWS, *provider.LAWS, *guard.LAWS)
