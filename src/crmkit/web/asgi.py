"""The app that a host mounts, and the shield around it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeGuard

import attrs
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crmkit.errors import ConfigError
from crmkit.web.events import Events
from crmkit.web.pages import Pages
from crmkit.web.served import Find, Served
from crmkit.web.threads import Threads
from crmkit.web.unsubscribe import Unsubscribing

#: A mail provider's one-click POST has 26 bytes; some wrap it in a multipart form.
LARGEST_FORM = 64_000

_log = logging.getLogger("crmkit.web")


def app(crms: Served | Find, *, largest_event: int = 1_000_000) -> ASGIApp:
    """Return the ASGI app: `GET` and `POST /unsubscribe/{token}`, `POST /events/{parser}`.

    Mount it where the practice's `public_url` points. It needs no start-up, no session and no cookie, and its calls
    of the CRM run in threads of its own, so that they hold up neither the host's event loop nor its own threads.

    Args:
        crms: One practice's `CRM`; or, for many, a function from the practice's id to its CRM or None, which may be
            called in any thread. Then every path begins with that id: `/{practice}/unsubscribe/{token}`.
        largest_event: How many bytes a provider's payload may have; a larger one is answered with 413.

    Raises:
        ConfigError: If a limit is no positive number, or `crms` is neither.
    """
    if largest_event < 1:
        raise ConfigError("the largest event is no positive number of bytes", where="largest_event", mend="say 1000000")
    start, find = ("", _always(crms)) if _is_one(crms) else ("/{practice}", _finder(crms))
    pages, threads = Pages(), Threads()
    unsubscribing, events = Unsubscribing(find, pages, threads), Events(find, threads)
    routes = [
        Route(
            f"{start}/unsubscribe/{{token:path}}",
            unsubscribing.answer,
            methods=["GET", "POST"],
            max_body_size=LARGEST_FORM,
        ),
        Route(f"{start}/events/{{parser}}", events.answer, methods=["POST"], max_body_size=largest_event),
    ]
    inner = Starlette(routes=routes)
    inner.router.redirect_slashes = False
    return _Shield(inner, _headers(pages.style_hash))


def _is_one(crms: Served | Find) -> TypeGuard[Served]:
    return hasattr(crms, "practice")


def _always(crm: Served) -> Find:
    return lambda _: crm


def _finder(crms: object) -> Find:
    if not callable(crms):
        raise ConfigError("this is neither a CRM nor a function that finds one", where="app", mend="hand in a CRM")
    return crms


def _headers(style_hash: str) -> Mapping[str, str]:
    policy = (
        f"default-src 'none'; style-src '{style_hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        # The address of an unsubscribe page is a key; it must not travel on to where a link leads.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


@attrs.frozen
class _Shield:
    """Puts the protecting headers on every answer, and lets no exception's text out into a server's log."""

    app: ASGIApp
    headers: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def covered(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        try:
            await self.app(scope, receive, covered)
        except ClientDisconnect:
            pass
        except Exception as problem:  # noqa: BLE001 - its text may hold a patient's data; the 500 is on its way already
            _log.error("a request failed: %s", type(problem).__name__)
