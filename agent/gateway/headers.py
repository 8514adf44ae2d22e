"""The security headers every answer carries.

The page needs no inline script or style, so the policy allows none. The one outside address it may
talk to is livekit-server, over WebSocket and over HTTP (livekit-client asks there why a connection
failed). Sites that the operator names may show a call in a frame. docs/web.md explains each line.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "microphone=(self), camera=(self), display-capture=(self), autoplay=(self), "
        "picture-in-picture=(self), fullscreen=(self), screen-wake-lock=(self), "
        "geolocation=(), payment=(), usb=()"
    ),
}
_FOR_OTHER_SITES = ("/embed.js", "/api/personas")
"""What a page that embeds a call reads of ours, beside the posters."""


def content_security_policy(livekit_url: str, embed_origins: tuple[str, ...] = ()) -> str:
    """The policy of the page: everything from here, media connections to livekit-server."""
    parts = urlsplit(livekit_url)
    http = "https" if parts.scheme == "wss" else "http"
    livekit = f"{parts.scheme}://{parts.netloc} {http}://{parts.netloc}"
    framed = f"'self' {' '.join(embed_origins)}" if embed_origins else "'none'"
    rules = {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "connect-src": f"'self' {livekit}",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": framed,
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class SecurityHeaders:
    """Adds the headers to every HTTP answer of `app`, errors and files included."""

    def __init__(self, app: ASGIApp, livekit_url: str, embed_origins: tuple[str, ...] = ()) -> None:
        self._app = app
        self._origins = embed_origins
        policy = content_security_policy(livekit_url, embed_origins)
        self._headers = {**_FIXED, "Content-Security-Policy": policy}
        if not embed_origins:  # it knows no list of sites; the policy above does
            self._headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = {**self._headers, **self._sharing(scope)}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)

    def _sharing(self, scope: Scope) -> dict[str, str]:
        """Who else may read this answer: nobody, or a page that embeds a call."""
        path = scope["path"]
        shared = path in _FOR_OTHER_SITES or path.endswith("/poster")
        if not self._origins or not shared:
            return {"Cross-Origin-Resource-Policy": "same-origin"}
        given = {"Cross-Origin-Resource-Policy": "cross-origin", "Vary": "Origin"}
        origin = Headers(scope=scope).get("origin")
        if origin in self._origins and not path.endswith("/poster"):
            given["Access-Control-Allow-Origin"] = origin
        return given
