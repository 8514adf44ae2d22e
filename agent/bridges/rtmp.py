"""`bridge rtmp`: a session of the avatar with streams on both sides, or one."""

import argparse
import asyncio
import contextlib

from agent.bridges.call import BridgedCall
from agent.bridges.command import Reports
from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed
from agent.bridges.rtmp_in import StreamIn
from agent.bridges.rtmp_out import RtmpOut
from agent.bridges.urls import IN_SCHEMES, OUT_SCHEMES, StreamUrl, parse
from agent.config import Settings

IDENTITY = "stream-guest"


async def run(settings: Settings, arguments: argparse.Namespace, reports: Reports) -> int:
    """Until the call is over or this is cancelled. Raises BridgeError."""
    from_url = _chosen(arguments.in_url, settings.rtmp_in, IN_SCHEMES)
    to_url = _chosen(arguments.out_url, settings.rtmp_out, OUT_SCHEMES)
    if from_url is None and to_url is None:
        raise BridgeError("say where to: --out URL, --in URL, or both")
    await asyncio.to_thread(_refuse_internal, settings, arguments, from_url, to_url)
    feed = Feed()
    call = BridgedCall(
        settings,
        identity=IDENTITY,
        name="Stream",
        feeds=[feed] if to_url is not None else [],
        persona=arguments.persona,
        portrait=arguments.portrait,
        room=arguments.room,
    )
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(call)
        reports.say("avatar", "ready", call.room_name)
        if to_url is not None:
            out = RtmpOut(to_url, feed, on_state=lambda state, why: reports.say("out", state, why))
            out.start()
            stack.push_async_callback(asyncio.to_thread, out.close)
        if from_url is not None:
            into = StreamIn(
                from_url, call.guest, on_state=lambda state, why: reports.say("in", state, why)
            )
            into.start()
            stack.push_async_callback(into.aclose)
        reports.say("bridge", "over", await call.wait())
    return 0


def _chosen(given: str | None, setting: object, schemes: tuple[str, ...]) -> StreamUrl | None:
    secret = getattr(setting, "get_secret_value", None)
    text = given or (secret() if secret is not None else None)
    return parse(text, schemes) if text else None


def _refuse_internal(
    settings: Settings, arguments: argparse.Namespace, *urls: StreamUrl | None
) -> None:
    """Whoever types a command may use any address; a session asked for by network may not."""
    if settings.internal_streams is False:
        for url in urls:
            if url is not None:
                url.refuse_internal()
