"""One-click unsubscribe (RFC 8058): GET shows, POST acts."""

from __future__ import annotations

import logging
import re

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from crmkit.errors import NotFound, StoreError
from crmkit.messages.links import Links
from crmkit.web.pages import Pages, preferred
from crmkit.web.served import Find, Served, plain
from crmkit.web.threads import Threads

#: A token ends with one of these. Looked for from the end: from every sign on, a long address would hold up all others.
_TOKEN = re.compile(r"(?s).*[A-Za-z0-9_-]")
#: Where mail programs broke a long link, among them those that left a soft break of quoted-printable standing.
_BREAK = re.compile(r"=?\s")

_log = logging.getLogger("crmkit.web")


@attrs.frozen
class Unsubscribing:
    """Answers the link in a message.

    Scanners and previews follow links, so that GET and HEAD change nothing. A POST acts whatever its form says: the
    `List-Unsubscribe=One-Click` of RFC 8058 and of the page's own button is the usual thing, and nobody must stay
    subscribed because a mail program says it in another way. The token, which nobody else can make, is the proof; a
    cookie, a login or a CSRF token would only stand in a mail provider's way.
    """

    find: Find
    pages: Pages
    threads: Threads

    async def answer(self, request: Request) -> Response:
        """Answer 200 with a page; 404 if the practice did not make the token, 500 if the wish was not recorded."""
        acts = request.method == "POST"
        if acts:
            await request.body()
        wanted = preferred(request.headers.get("accept-language", ""))
        place = request.path_params
        token = _token_in(place["token"])
        return await self.threads.run(self._answer, place.get("practice", ""), token, wanted, acts=acts)

    def _answer(self, practice: str, token: str, wanted: list[str], *, acts: bool) -> Response:
        named, known = plain(practice), None
        try:
            crm = self.find(practice)
            if crm is None:
                return HTMLResponse(self.pages.missing(wanted), 404)
            known = crm.practice
            named = known.id
            return self._page(crm, token, wanted, acts=acts)
        except StoreError as problem:
            # Its text holds no value of any row, and tells the host what to mend.
            _log.error("%s: an unsubscribe page failed: %s", named, problem)
        except Exception as problem:  # noqa: BLE001 - its text may hold a patient's data
            _log.error("%s: an unsubscribe page failed: %s", named, type(problem).__name__)
        return HTMLResponse(self.pages.failed(wanted, known), 500)

    def _page(self, crm: Served, token: str, wanted: list[str], *, acts: bool) -> Response:
        wanted = [*wanted, crm.practice.locale]
        try:
            asked = Links(crm.practice).read(token)
            if acts:
                crm.unsubscribe(token)
        except NotFound:
            return HTMLResponse(self.pages.missing(wanted), 404)
        page = self.pages.done if acts else self.pages.ask
        return HTMLResponse(page(crm.practice, asked, wanted))


def _token_in(text: str) -> str:
    """Return the token of a link as mail programs hand it on: broken, or with what stood behind it in running text."""
    whole = _BREAK.sub("", text.partition("&")[0].lstrip("<\"'"))
    return found[0] if (found := _TOKEN.match(whole)) else ""
