"""POST /api/token, against a real livekit-server."""

import json
import uuid

import jwt
import pytest
from gateways import AWAY, client
from livekit import api, rtc
from pydantic import SecretStr

from agent import personas
from agent.config import Settings
from agent.gateway import rooms
from agent.server import server_api


def claims(token: str) -> dict[str, object]:
    read: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return read


def room_of(read: dict[str, object]) -> str:
    video = read["video"]
    assert isinstance(video, dict)
    return str(video["room"])


@pytest.mark.server
async def test_a_token_joins_one_room_and_nothing_else(livekit: Settings) -> None:
    async with client(livekit) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"server_url", "participant_token"}
    assert body["server_url"] == livekit.livekit_url
    read = claims(body["participant_token"])
    video = read["video"]
    assert isinstance(video, dict)
    sources = ["microphone", "camera", "screen_share", "screen_share_audio"]
    assert {name for name, value in video.items() if value} == {
        "roomJoin",
        "room",
        "canPublish",
        "canSubscribe",
        "canPublishData",
        "canPublishSources",
    }
    assert video["canPublishSources"] == sources
    assert isinstance(read["exp"], int) and isinstance(read["nbf"], int)
    assert 0 < read["exp"] - read["nbf"] <= 600


@pytest.mark.server
async def test_rooms_and_identities_are_never_the_same_twice(livekit: Settings) -> None:
    async with client(livekit) as http:
        reads = [claims((await http.post("/api/token")).json()["participant_token"]) for _ in "ab"]
    assert len({str(read["sub"]) for read in reads}) == 2
    assert len({str(read["video"]) for read in reads}) == 2


@pytest.mark.server
async def test_the_room_is_there_before_the_token_with_its_persona(livekit: Settings) -> None:
    name = f"room-{uuid.uuid4().hex}"
    async with client(livekit) as http, server_api(livekit) as lk:
        answer = await http.post("/api/token", json={"room_name": name})
        assert answer.status_code == 201
        found = await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))
    room = found.rooms[0]
    assert json.loads(room.metadata) == {"persona": livekit.persona}
    assert room.empty_timeout == rooms.EMPTY_TIMEOUT_S
    assert room.departure_timeout == rooms.DEPARTURE_TIMEOUT_S
    assert room.max_participants == rooms.MAX_PARTICIPANTS


@pytest.mark.server
async def test_a_call_that_goes_on_is_joined_again_and_one_that_is_over_is_not(
    livekit: Settings,
) -> None:
    async with client(livekit) as http, server_api(livekit) as lk:
        place = claims((await http.post("/api/token")).json()["participant_token"])
        again = {"room_name": room_of(place), "participant_identity": place["sub"]}
        same = claims((await http.post("/api/token", json=again)).json()["participant_token"])
        await lk.room.delete_room(api.DeleteRoomRequest(room=room_of(place)))
        await lk.room.create_room(api.CreateRoomRequest(name=room_of(place)))  # as an agent would
        other = claims((await http.post("/api/token", json=again)).json()["participant_token"])
    assert (room_of(same), same["sub"]) == (room_of(place), place["sub"])
    assert room_of(other) != room_of(place)


@pytest.mark.server
async def test_a_guest_joins_with_the_token(livekit: Settings) -> None:
    async with client(livekit) as http:
        asked = {"participant_identity": "guest-1", "participant_name": "Ada Lovelace"}
        body = (await http.post("/api/token", json=asked)).json()
    room = rtc.Room()
    await room.connect(body["server_url"], body["participant_token"])
    try:
        assert room.local_participant.identity == "guest-1"
        assert room.local_participant.name == "Ada Lovelace"
        assert room.local_participant.attributes["visavis.persona"] == livekit.persona
    finally:
        await room.disconnect()


@pytest.mark.server
@pytest.mark.parametrize("where", ["field", "attribute"])
async def test_a_request_chooses_its_persona(livekit: Settings, where: str) -> None:
    chosen = personas.names()[-1]
    field = {"persona": chosen}
    attribute = {"participant_attributes": {"visavis.persona": chosen}}
    asked = field if where == "field" else attribute
    async with client(livekit) as http:
        answer = await http.post("/api/token", json=asked)
    attributes = claims(answer.json()["participant_token"])["attributes"]
    assert attributes == {"visavis.persona": chosen}


@pytest.mark.server
async def test_a_request_cannot_raise_its_grants(livekit: Settings) -> None:
    asked = {
        "video": {"roomAdmin": True},
        "grants": {"room_admin": True, "hidden": True},
        "ttl": 999999,
        "room_config": {"max_participants": 1000, "egress": {}},
    }
    async with client(livekit) as http:
        answer = await http.post("/api/token", json=asked)
    video = claims(answer.json()["participant_token"])["video"]
    assert isinstance(video, dict)
    assert not video.get("roomAdmin") and not video.get("hidden")
    assert "roomConfig" not in claims(answer.json()["participant_token"])


@pytest.mark.server
async def test_a_named_agent_is_called_into_the_room(livekit: Settings) -> None:
    settings = livekit.model_copy(update={"agent_name": "host-of-tests"})
    name = f"room-{uuid.uuid4().hex}"
    async with client(settings) as http, server_api(livekit) as lk:
        answer = await http.post("/api/token", json={"room_name": name})
        assert answer.status_code == 201
        calls = await lk.agent_dispatch.list_dispatch(name)
    assert [call.agent_name for call in calls] == ["host-of-tests"]
    assert json.loads(calls[0].metadata) == {"persona": livekit.persona}


REFUSED = [
    (b"{", 400, "not valid JSON"),
    (b"[]", 400, "JSON object"),
    (b'{"room_name": "' + b"x" * 20_000 + b'"}', 413, "too long"),
    (b'{"room_name": "../etc"}', 422, "room_name"),
    (b'{"room_name": "' + b"x" * 65 + b'"}', 422, "room_name"),
    (b'{"participant_name": "a\\nb"}', 422, "participant_name"),
    (b'{"participant_metadata": "' + b"x" * 3000 + b'"}', 422, "participant_metadata"),
    (b'{"participant_attributes": {"a": 1}}', 422, "participant_attributes"),
    (b'{"persona": "nobody"}', 422, "There is no persona nobody. There are: "),
    (b'{"participant_attributes": {"lk.agent.state": "speaking"}}', 403, "reserved"),
    (b'{"room_config": {"agents": [{"agent_name": "other"}]}}', 403, "its own agent"),
]


@pytest.mark.parametrize(("content", "status", "words"), REFUSED)
async def test_a_bad_request_is_refused_in_a_sentence(
    content: bytes, status: int, words: str
) -> None:
    async with client(AWAY) as http:
        answer = await http.post("/api/token", content=content)
    assert answer.status_code == status
    sentence = answer.json()["detail"]
    assert words in sentence
    assert sentence.endswith(".")


async def test_a_page_of_another_site_cannot_start_a_call() -> None:
    async with client(AWAY) as http:
        foreign = await http.post("/api/token", headers={"Origin": "https://elsewhere.example"})
        own = await http.post("/api/token", headers={"Origin": "http://visavis.test"})
    assert foreign.status_code == 403
    assert own.status_code == 503  # let through; only the server is away here


async def test_a_server_that_is_away_is_said_in_a_sentence() -> None:
    async with client(AWAY) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 503
    assert answer.json() == {"detail": rooms.SERVER_AWAY, "code": "server-away"}


@pytest.mark.server
async def test_a_wrong_key_is_told_from_a_server_that_is_away(livekit: Settings) -> None:
    wrong = livekit.model_copy(update={"livekit_api_secret": SecretStr("not-the-secret" * 4)})
    async with client(wrong) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 503
    assert answer.json() == {"detail": rooms.SERVER_REFUSES, "code": "key-refused"}
    assert "not-the-secret" not in answer.text


async def test_too_many_calls_from_one_address_have_to_wait() -> None:
    async with client(AWAY) as http:
        answers = [await http.post("/api/token") for _ in range(25)]
    assert answers[0].status_code == 503
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].json()["detail"].startswith("Too many calls")
