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
        ConfigError: If two deliver one medium and the host has not chosen, or has chosen one that is not there, or
            delivers another medium.
    """
    for medium, name in chosen.items():
        _insist(medium, name, channels, whole=whole)
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


def _insist(medium: Medium, name: str, channels: Sequence[Channel], *, whole: bool) -> None:
    """Refuse a choice that would choose nothing."""
    where = f"channels.{medium}"
    if medium not in [*Medium]:
        raise ConfigError(f"there is no medium {medium}", where=where, mend=nearest(str(medium), [*Medium]))
    delivers = {channel.name: channel.medium for channel in channels}
    if whole and name not in delivers:
        raise ConfigError(f"there is no channel {name}", where=where, mend=nearest(name, delivers))
    if delivers.get(name, medium) != medium:
        mend = f'write channels.{delivers[name]} = "{name}"'
        raise ConfigError(f"the channel {name} delivers {delivers[name]}", where=where, mend=mend)
