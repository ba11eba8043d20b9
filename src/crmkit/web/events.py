"""The door for events: what a provider reports goes to the parser that understands it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmkit.errors import ConfigError, CrmkitError, NotFound, PluginError, StoreError
from crmkit.web.served import Find, plain
from crmkit.web.threads import Threads

_log = logging.getLogger("crmkit.web")

#: Failures that are no fault of the payload: the provider is to try again when they are mended.
_OUR_FAULT = (ConfigError, PluginError, StoreError)


@attrs.frozen
class Events:
    """Takes events from providers.

    Who may report is for the parser to say: it gets the body byte for byte as it came, and the headers, so that it can
    check a signature over them.
    """

    find: Find
    threads: Threads

    async def answer(self, request: Request) -> Response:
        """Answer 202 with counts; 404 for an unknown parser, 400 for a payload that it refuses, 500 for any fault.

        A provider that gets 500 tries again, and a repeated event is counted as known.
        """
        body = await request.body()
        place = request.path_params
        return await self.threads.run(
            self._take, place.get("practice", ""), place["parser"], body, _headers_of(request)
        )

    def _take(self, practice: str, parser: str, body: bytes, headers: Mapping[str, str]) -> Response:
        if not headers:
            # Without headers it would pass for something that the host itself hands in.
            return _problem(400, "a call has headers")
        named, called = plain(practice), plain(parser)
        try:
            crm = self.find(practice)
            if crm is None:
                return _problem(404, "there is no such practice")
            named = crm.practice.id
            counts = crm.receive(parser, body, headers)
        except NotFound as problem:
            # A secret or a name that was changed on one side only: nothing else here would tell of it.
            _log.warning("%s: a call to events/%s was refused: %s", named, called, problem.problem)
            return _problem(404, problem.problem)
        except _OUR_FAULT as problem:
            return _failed(named, str(problem))
        except CrmkitError as problem:
            _log.warning("%s: a call to events/%s could not be read: crm.unread() tells why", named, called)
            return _problem(400, problem.problem)
        except Exception as problem:  # noqa: BLE001 - its text may hold a patient's data
            return _failed(named, type(problem).__name__)
        return JSONResponse({"applied": counts.applied, "known": counts.known}, 202)


def _headers_of(request: Request) -> dict[str, str]:
    """Return the headers under lower-case names; one that was sent twice is joined by a comma (RFC 9110, 5.3)."""
    return {name: ", ".join(request.headers.getlist(name)) for name in request.headers}


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"problem": text}, status)


def _failed(practice: str, why: str) -> Response:
    _log.error("%s: events were not taken: %s", practice, why)
    return _problem(500, "the events were not taken; try again later")
