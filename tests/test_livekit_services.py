"""What we ask LiveKit's SIP and Egress services for, against a stub of their wire protocol."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from google.protobuf.message import Message
from livekit import api
from livekit.protocol import sip as sip_protocol

from agent.bridges import services
from agent.bridges.errors import BridgeError
from agent.bridges.urls import OUT_SCHEMES, parse
from agent.config import Settings

Answer = Message | tuple[int, dict[str, object]]


@asynccontextmanager
async def twirp(answer: Callable[[str, bytes], Answer]) -> AsyncIterator[api.LiveKitAPI]:
    """A server of Twirp over protobuf, and a client of ours at it."""

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Bearer ")
        assert request.content_type == "application/protobuf"
        found = answer(request.path, await request.read())
        if isinstance(found, tuple):
            return web.json_response(found[1], status=found[0])
        return web.Response(body=found.SerializeToString(), content_type="application/protobuf")

    app = web.Application()
    app.router.add_post("/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client = services.client(Settings(livekit_url=f"ws://127.0.0.1:{port}"))
    try:
        yield client
    finally:
        await client.aclose()
        await runner.cleanup()


async def dial(client: api.LiveKitAPI) -> str:
    return await services.dial(
        client,
        trunk_id="ST_1",
        number="85123456789.123456",
        room="r",
        identity="sip-guest",
        digits="ww1#",
        encryption="required",
    )


async def test_a_meeting_is_dialled_with_its_string_unchanged_and_hidden() -> None:
    seen: list[api.CreateSIPParticipantRequest] = []

    def answer(path: str, body: bytes) -> Answer:
        assert path == "/twirp/livekit.SIP/CreateSIPParticipant"
        seen.append(api.CreateSIPParticipantRequest.FromString(body))
        return api.SIPParticipantInfo(sip_call_id="SCL_1")

    async with twirp(answer) as client:
        assert await dial(client) == "SCL_1"
    asked = seen[0]
    assert (asked.sip_trunk_id, asked.sip_call_to) == ("ST_1", "85123456789.123456")
    assert (asked.room_name, asked.dtmf) == ("r", "ww1#")
    assert asked.hide_phone_number
    assert asked.wait_until_answered
    assert asked.media_encryption == sip_protocol.SIP_MEDIA_ENCRYPT_REQUIRE


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"code": "unavailable", "msg": "no response from servers"}, "no LiveKit SIP service runs"),
        ({"code": "unknown", "msg": "cpu exhausted"}, "too busy"),
        (
            {
                "code": "unavailable",
                "msg": "busy",
                "meta": {"sip_status_code": "486", "sip_status": "Busy Here"},
            },
            "486",
        ),
    ],
)
async def test_a_refusal_is_a_sentence(error: dict[str, object], sentence: str) -> None:
    async with twirp(lambda path, body: (503, error)) as client:
        with pytest.raises(BridgeError, match=sentence):
            await dial(client)


async def test_calls_that_come_get_rooms_of_their_own() -> None:
    seen: list[api.CreateSIPDispatchRuleRequest] = []

    def answer(path: str, body: bytes) -> Answer:
        assert path == "/twirp/livekit.SIP/CreateSIPDispatchRule"
        seen.append(api.CreateSIPDispatchRuleRequest.FromString(body))
        return api.SIPDispatchRuleInfo(sip_dispatch_rule_id="SDR_1")

    async with twirp(answer) as client:
        assert await services.accept(client, trunk_id="ST_2") == "SDR_1"
    assert list(seen[0].trunk_ids) == ["ST_2"]
    assert seen[0].rule.dispatch_rule_individual.room_prefix == "visavis-"


async def test_two_tracks_are_pushed_and_a_refusal_shows_no_key() -> None:
    url = parse("rtmp://host.example/live/key-123", OUT_SCHEMES)
    seen: list[api.TrackCompositeEgressRequest] = []

    def answer(path: str, body: bytes) -> Answer:
        assert path == "/twirp/livekit.Egress/StartTrackCompositeEgress"
        seen.append(api.TrackCompositeEgressRequest.FromString(body))
        if len(seen) > 1:
            return 400, {"code": "invalid_argument", "msg": f"bad url {url.full}"}
        return api.EgressInfo(egress_id="EG_1")

    async with twirp(answer) as client:
        tracks = {"audio_track": "TR_a", "video_track": "TR_v"}
        assert await services.push(client, room="r", url=url, **tracks) == "EG_1"
        with pytest.raises(BridgeError) as refused:
            await services.push(client, room="r", url=url, **tracks)
    assert "key-123" not in str(refused.value)
    assert (seen[0].audio_track_id, seen[0].video_track_id) == ("TR_a", "TR_v")
    assert list(seen[0].stream_outputs[0].urls) == [url.full]
    assert seen[0].stream_outputs[0].protocol == api.StreamProtocol.RTMP
