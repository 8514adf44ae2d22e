"""livekit-server's WebSocket, passed on under the page's own address.

For `--lan`: a page that came over https may open no plain WebSocket, and livekit-server speaks no
TLS. Only the signalling goes this way; sound and picture travel between browser and server as
always. It needs a token like the server itself, which checks it.
"""

import asyncio
import contextlib
import logging

import aiohttp
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import Response

from agent.config import Settings

logger = logging.getLogger(__name__)

_MOST_BYTES = 1 << 20
_CONNECT_S = 5.0
_AWAY = 1013
"""WebSocket close code "try again later"."""


def add_signalling(app: FastAPI, settings: Settings) -> None:
    """/rtc and /rtc/v1 as livekit-server has them, and the address that says why a join failed."""

    @app.websocket("/rtc")
    @app.websocket("/rtc/v1")
    async def signal_route(caller: WebSocket) -> None:
        await _pass_on(caller, settings.livekit_url)

    @app.get("/rtc/validate")
    @app.get("/rtc/v1/validate")
    async def validate_route(access_token: str = "") -> Response:
        """Why livekit-server refuses a token."""
        timeout = aiohttp.ClientTimeout(total=_CONNECT_S)
        address = f"{settings.http_url}/rtc/validate"
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, params={"access_token": access_token}) as answer,
        ):
            return Response(await answer.read(), answer.status, media_type="text/plain")


async def _pass_on(caller: WebSocket, livekit_url: str) -> None:
    address = f"{livekit_url}{caller.url.path}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
    headers = {"User-Agent": caller.headers.get("user-agent", "")}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(
                address, params=caller.query_params, headers=headers, max_msg_size=_MOST_BYTES
            ) as server,
        ):
            await caller.accept()
            await _both_ways(caller, server)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        logger.warning("signalling not passed on", extra={"reason": type(error).__name__})
        with contextlib.suppress(RuntimeError):  # the caller has gone meanwhile
            await caller.close(_AWAY)


async def _both_ways(caller: WebSocket, server: aiohttp.ClientWebSocketResponse) -> None:
    """Until either side ends; then the other one is ended too."""
    ways = [
        asyncio.create_task(_to_server(caller, server), name="signal-to-server"),
        asyncio.create_task(_to_caller(server, caller), name="signal-to-caller"),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    with contextlib.suppress(RuntimeError):
        await caller.close()


async def _to_server(caller: WebSocket, server: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(WebSocketDisconnect, ConnectionError):
        while True:
            message = await caller.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                await server.send_bytes(data)
            elif (text := message.get("text")) is not None:
                await server.send_str(text)


async def _to_caller(server: aiohttp.ClientWebSocketResponse, caller: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        async for message in server:
            if message.type is aiohttp.WSMsgType.BINARY:
                await caller.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await caller.send_text(message.data)
