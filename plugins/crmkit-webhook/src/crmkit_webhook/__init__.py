"""A channel that posts each message as a signed call, and the parser of what is posted back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

import attrs

from crmkit.errors import ConfigError
from crmkit.plugins import (
    Channel,
    Context,
    CrmkitSpec,
    EventParser,
    Guarantee,
    HookParser,
    Limits,
    Medium,
    Message,
    NotSent,
    Outcome,
    PluginInfo,
    Receipt,
    hookimpl,
    keyed,
    secret,
    setting,
)
from crmkit_webhook.post import Line, body_of, receipt_of

_LOCAL = ("localhost", "127.0.0.1", "::1")


@attrs.frozen
class WebhookSettings:
    """Where messages go, and how both sides know each other."""

    url: str = setting("where messages are posted to, with https://")
    key: str = secret("what messages are signed with: whsec_ and base64")
    medium: Medium = setting("the medium by which the other side delivers", default=Medium.SMS)
    remembers: int = setting(
        "for how many hours the other side passes over a second call of the same webhook-id; 0 if it does not",
        default=24,
        validator=attrs.validators.ge(0),
    )
    timeout: int = setting(
        "how many seconds to wait for an answer",
        default=30,
        validator=[attrs.validators.ge(1), attrs.validators.le(300)],
    )
    events: tuple[str, ...] = secret("what the other side signs its events with; several while they change", default=())


@attrs.frozen(eq=False)
class WebhookChannel:
    """Posts messages one by one over one connection, each under its key."""

    address: SplitResult
    signer: HookParser = attrs.field(repr=False)
    medium: Medium
    guarantee: Guarantee
    context: Context = attrs.field(repr=False)
    name: str = "webhook"
    limits: Limits = Limits(batch=20)

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Yield one receipt for each message, as the answers come.

        Raises:
            NotSent: If nobody takes the call: what has not been posted by then has not left.
        """
        with Line(self.address, self.context.settings.timeout) as line:
            for message in messages:
                try:
                    line.open()
                except OSError as problem:
                    raise NotSent(f"no connection ({type(problem).__name__})", where="webhook") from None
                try:
                    body = body_of(message)
                except UnicodeEncodeError:
                    yield Receipt(message.key, Outcome.REFUSED, evidence="holds half of a character")
                    continue
                headers = self.signer.sign(message.key, self.context.clock.now(), body)
                yield receipt_of(message.key, line.post(body, headers))


class WebhookPlugin(CrmkitSpec):
    """Registers the channel, and the parser if the other side has a secret."""

    info = PluginInfo("webhook", settings=WebhookSettings)

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return the channel."""
        promised = keyed(timedelta(hours=ctx.settings.remembers))
        signer = _with_place("key", (ctx.settings.key,))
        return [WebhookChannel(_address(ctx.settings.url), signer, ctx.settings.medium, promised, ctx)]

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return the parser; without a secret nobody's word would be worth anything."""
        return [_with_place("events", ctx.settings.events)] if ctx.settings.events else []


def _with_place(key: str, secrets: tuple[str, ...]) -> HookParser:
    try:
        return HookParser(secrets, name="webhook")
    except ConfigError as problem:
        raise ConfigError(problem.problem, where=f"settings.webhook.{key}", mend=problem.mend) from None


def _address(url: str) -> SplitResult:
    address, where = urlsplit(url), "settings.webhook.url"
    if address.scheme not in ("https", "http") or not address.hostname or address.username:
        raise ConfigError("is no address", where=where, mend="write it as https://bridge.example/messages")
    if address.scheme == "http" and address.hostname not in _LOCAL:
        raise ConfigError("is not encrypted", where=where, mend="use https: patients' addresses travel there")
    return address


plugin = WebhookPlugin()
