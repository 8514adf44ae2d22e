"""How long a request may be, before anybody reads it.

The server below holds every request to the length that it names; one that names none is refused.
Photos have a bound of their own (agent/gateway/photos.py).
"""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.gateway.problems import reply

MAX_BYTES = 32 * 1024
_PHOTOS = "/api/portraits"


class Bounds:
    """Answers too long a request to `app` in its stead."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http" and scope["path"] != _PHOTOS:
            refusal = _refusal(Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)


def _refusal(headers: Headers) -> JSONResponse | None:
    if "transfer-encoding" in headers:
        return reply(411, "The request does not say how long it is: send its Content-Length.")
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BYTES:
        return reply(413, f"The request is too long: send at most {MAX_BYTES // 1024} KB.")
    return None
