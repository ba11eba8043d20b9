"""A good plugin with a channel and a closing hook, and plugins that each break one law as a whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from urllib.request import urlopen

import attrs

from crmkit.plugins import CrmkitSpec, PluginInfo, hookimpl, secret
from mutants.sms import Sms, SmsSettings

#: Where one mutant keeps what it should not keep.
KEPT = {}


class Closing(Sms):
    """A channel that can be closed."""

    closed = False

    def send(self, messages):
        return [] if self.closed else super().send(messages)


class Good(CrmkitSpec):
    """A good plugin."""

    info = PluginInfo("acme", settings=SmsSettings)

    def __init__(self):
        self.open = {}

    def made(self, ctx):
        return Closing(ctx)

    @hookimpl
    def crmkit_channels(self, ctx):
        """Return the channel."""
        channel = self.open[id(ctx)] = self.made(ctx)
        return [channel]

    @hookimpl
    def crmkit_close(self, ctx):
        """Close the channel of this context."""
        channel = self.open.pop(id(ctx), None)
        if channel is not None:
            channel.closed = True


class HasABlankName(Good):
    info = PluginInfo("Acme SMS", settings=SmsSettings)


class ComesFromTheFuture(Good):
    info = PluginInfo("acme", requires_api="1.99", settings=SmsSettings)


@attrs.define
class Changeable:
    """Settings that anybody may change."""

    url: str
    token: str = secret("of the gateway", default="t0ken")


class ChangesItsSettings(Good):
    info = PluginInfo("acme", settings=Changeable)


class Misspells(Good):
    @hookimpl
    def crmkit_channel(self, ctx):
        return []


class Undecorated(Good):
    def crmkit_guards(self, ctx):
        return []


class HasADefault(CrmkitSpec):
    info = PluginInfo("acme", settings=SmsSettings)

    @hookimpl
    def crmkit_channels(self, ctx=None):
        return []


class PushesForward(CrmkitSpec):
    info = PluginInfo("acme", settings=SmsSettings)

    @hookimpl(tryfirst=True)
    def crmkit_channels(self, ctx):
        return []


class RegistersNothing(Good):
    @hookimpl
    def crmkit_channels(self, ctx):
        return []


class TwoOfOneName(Good):
    @hookimpl
    def crmkit_channels(self, ctx):
        return [Sms(ctx), Sms(ctx)]


class PosesAsCore(Good):
    def made(self, ctx):
        channel = super().made(ctx)
        channel.name = "core.sms"
        return channel


class CountsItsNames(Good):
    def made(self, ctx):
        channel = super().made(ctx)
        channel.name = f"sms-{len(self.open)}"
        return channel


class KeepsAModule(Good):
    def made(self, ctx):
        KEPT[ctx.settings.url] = ctx
        return super().made(ctx)


class KeepsAClass(Good):
    last = None

    def made(self, ctx):
        type(self).last = ctx
        return super().made(ctx)


class HasOneGateway(Good):
    """Sends through the gateway of whoever was opened last."""

    def made(self, ctx):
        self.ctx = ctx
        plugin = self

        class Late(Closing):
            def post(self, body, key):
                self.settings = plugin.ctx.settings
                return super().post(body, key)

        return Late(ctx)


class HasOneChannel(Good):
    channel = None

    def made(self, ctx):
        self.channel = self.channel or Sms(ctx)
        return self.channel


class ClosesOnce(Good):
    @hookimpl
    def crmkit_close(self, ctx):
        self.open.pop(id(ctx)).closed = True


class ClosesAll(Good):
    @hookimpl
    def crmkit_close(self, ctx):
        for channel in self.open.values():
            channel.closed = True


class ConnectsAtOnce(Good):
    def made(self, ctx):
        urlopen(ctx.settings.url + "/hello", timeout=5).close()  # noqa: S310 - a machine of the test
        return super().made(ctx)


class ReadsTheEnvironment(Good):
    def made(self, ctx):
        os.environ.get("ACME_TOKEN")
        return super().made(ctx)


class LooksAtTheClock(Good):
    def made(self, ctx):
        self.since = datetime.now(UTC)
        return super().made(ctx)


@attrs.frozen
class Open:
    """Settings that anybody may read."""

    url: str
    token: str = "t0ken"


class ShowsItsToken(Good):
    info = PluginInfo("acme", settings=Open)


class ReprsItsToken(Good):
    def made(self, ctx):
        class Shown(Closing):
            def __repr__(self):
                return f"Sms(token={ctx.settings.token!r})"

        return Shown(ctx)


class LogsItsToken(Good):
    def made(self, ctx):
        class Chatty(Closing):
            def post(self, body, key):
                self.log.debug("authorization: Bearer %s", self.settings.token)
                return super().post(body, key)

        return Chatty(ctx)


def noisy():
    """Return the plugin that works while it is imported; what is imported here would be seen by all others."""
    from mutants.noisy import Noisy

    return Noisy()


def plugin(made=Good):
    """Return the plugin."""
    return made()


MUTANTS = {
    "plugin.info": (HasABlankName, ComesFromTheFuture, ChangesItsSettings),
    "plugin.admitted": (Misspells, ComesFromTheFuture),
    "plugin.real_hooks": (Misspells, Undecorated, HasADefault, PushesForward),
    "plugin.registers": (RegistersNothing,),
    "plugin.own_names": (TwoOfOneName, PosesAsCore, CountsItsNames),
    "plugin.import_does_no_work": (noisy,),
    "plugin.no_module_state": (KeepsAModule, KeepsAClass),
    "plugin.two_practices": (HasOneGateway, HasOneChannel),
    "plugin.closes_twice": (ClosesOnce, ClosesAll),
    "plugin.opens_quietly": (ConnectsAtOnce, ReadsTheEnvironment, LooksAtTheClock),
    "plugin.declares_secrets": (ShowsItsToken,),
    "plugin.keeps_secrets": (ReprsItsToken, LogsItsToken),
}
