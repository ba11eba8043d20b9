"""Which channel delivers which medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmkit.delivery.channel import Channel
from crmkit.errors import ConfigError, nearest
from crmkit.people.medium import Medium


def one_for_each_medium(
    channels: Sequence[Channel], chosen: Mapping[Medium, str], *, whole: bool = True
) -> list[Channel]:
    """Return one channel for each medium.

    Args:
        channels: All that the plugins registered.
        chosen: By medium, the channel that the host wants.
        whole: Whether all plugins are there: else the one that is wanted may be missing with its plugin.

    Raises:
        ConfigError: If two deliver one medium and the host has not chosen, or has chosen one that is not there.
    """
    names = [channel.name for channel in channels]
    for medium, name in chosen.items():
        if whole and name not in names:
            raise ConfigError(f"there is no channel {name}", where=f"channels.{medium}", mend=nearest(name, names))
    found: dict[Medium, Channel] = {}
    for channel in channels:
        wanted = chosen.get(channel.medium, channel.name)
        other = found.get(channel.medium)
        if other and channel.medium not in chosen:
            mend = f'choose one, such as channels.{channel.medium} = "{channel.name}"'
            raise ConfigError(
                f"both {other.name} and {channel.name} deliver {channel.medium}", where="channels", mend=mend
            )
        if channel.name == wanted:
            found[channel.medium] = channel
    return list(found.values())
