"""The security headers every answer carries.

The page needs no inline script or style, so the policy allows none. The one outside address it may
talk to is livekit-server, over WebSocket and over HTTP (livekit-client asks there why a connection
failed). docs/web.md explains each line.
"""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "microphone=(self), camera=(self), display-capture=(self), autoplay=(self), "
        "picture-in-picture=(self), fullscreen=(self), screen-wake-lock=(self), "
        "geolocation=(), payment=(), usb=()"
    ),
}


def content_security_policy(livekit_url: str) -> str:
    """The policy of the page: everything from here, media connections to livekit-server."""
    parts = urlsplit(livekit_url)
    http = "https" if parts.scheme == "wss" else "http"
    livekit = f"{parts.scheme}://{parts.netloc} {http}://{parts.netloc}"
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
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class SecurityHeaders:
    """Adds the headers to every HTTP answer of `app`, errors and files included."""

    def __init__(self, app: ASGIApp, livekit_url: str) -> None:
        self._app = app
        self._headers = {**_FIXED, "Content-Security-Policy": content_security_policy(livekit_url)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)
