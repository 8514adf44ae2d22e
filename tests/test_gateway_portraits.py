"""The portraits that the gateway shows, lets a call wear, and deletes."""

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from gateways import AWAY, client
from livekit import api

from agent.config import Settings, keyless_environment
from agent.gateway.guards import NOT_ALONE, TURNED_OFF
from agent.server import server_api
from avatar.portrait import pack

OPEN = AWAY.model_copy(update={"uploads": True})


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Gives the user a portrait of that name; returns its folder."""
    library = tmp_path / "portraits"
    monkeypatch.setenv("VISAVIS_PORTRAITS", str(library))

    def add(name: str) -> Path:
        shutil.copytree(pack.load("jun").path, library / name)
        return library / name

    return add


async def listed(http: httpx.AsyncClient) -> list[str]:
    answer = await http.get("/api/portraits")
    return [card["name"] for card in answer.json()["portraits"]]


async def test_ones_own_portraits_are_listed_after_those_that_ship(
    own: Callable[[str], Path],
) -> None:
    folder = own("me")
    (folder / "sheet.png").write_bytes(b"sheet")
    async with client(OPEN) as http:
        answer = await http.get("/api/portraits")
        body = answer.json()
        mine = body["portraits"][-1]
        sheet = await http.get(mine["sheet"])
        poster = await http.get(mine["poster"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["refusal"] is None
    assert body["consent"]
    assert [card["name"] for card in body["portraits"]] == [*pack.shipped_names(), "me"]
    assert mine["own"] and not body["portraits"][0]["own"]
    assert mine["preview"] is None
    assert (sheet.content, sheet.headers["Content-Type"]) == (b"sheet", "image/png")
    assert poster.headers["Content-Type"] == "image/webp"
    assert poster.headers["Cache-Control"].startswith("private")
    assert poster.headers["X-Content-Type-Options"] == "nosniff"


# Who may see them


@pytest.mark.parametrize(
    ("uploads", "host", "asked_for", "refusal"),
    [
        (None, "127.0.0.1", "localhost:8080", None),
        (None, "127.0.0.1", "127.0.0.1:8080", None),
        (None, "::1", "[::1]:8080", None),
        (None, "127.0.0.1", "faces.example", NOT_ALONE),
        (None, "0.0.0.0", "127.0.0.1:8080", NOT_ALONE),
        (None, "0.0.0.0", "192.168.1.5:8080", NOT_ALONE),
        (True, "0.0.0.0", "faces.example", None),
        (False, "127.0.0.1", "127.0.0.1:8080", TURNED_OFF),
    ],
)
async def test_photos_are_for_one_person_at_home_unless_the_operator_decides(
    own: Callable[[str], Path], uploads: bool | None, host: str, asked_for: str, refusal: str | None
) -> None:
    own("me")
    settings = AWAY.model_copy(update={"uploads": uploads, "host": host})
    headers = {"Host": asked_for}
    async with client(settings) as http:
        body = (await http.get("/api/portraits", headers=headers)).json()
        poster = await http.get("/api/portraits/me/poster", headers=headers)
        posted = await http.post("/api/portraits", headers=headers)
        call = await http.post("/api/token", headers=headers, json={"portrait": "me"})
        deleted = await http.delete("/api/portraits/me", headers=headers)
    allowed = refusal is None
    assert body["refusal"] == refusal
    assert ("me" in [card["name"] for card in body["portraits"]]) == allowed
    assert poster.status_code == (200 if allowed else 404)
    assert posted.status_code == (422 if allowed else 403)  # 422: nobody consented
    assert call.status_code == (503 if allowed else 422)  # 503: only the server is away
    assert deleted.status_code == (204 if allowed else 403)


async def test_the_portrait_of_the_settings_is_shown_and_worn_even_where_photos_are_off(
    own: Callable[[str], Path],
) -> None:
    own("me")
    settings = AWAY.model_copy(update={"uploads": False, "portrait": "me"})
    async with client(settings) as http:
        card = (await http.get("/api/personas")).json()["personas"][0]
        poster = await http.get(card["poster"])
        names = await listed(http)
        call = await http.post("/api/token", json={"portrait": "me"})
    assert card["poster"].startswith("/api/portraits/me/poster?v=")
    assert poster.status_code == 200
    assert "me" not in names
    assert call.status_code == 503


# Wearing


@pytest.mark.server
@pytest.mark.parametrize("where", ["field", "attribute"])
async def test_the_room_and_the_agent_are_told_which_face_to_wear(
    livekit: Settings, own: Callable[[str], Path], where: str
) -> None:
    own("me")
    settings = livekit.model_copy(update={"uploads": True, "agent_name": "host-of-tests"})
    name = f"room-{uuid.uuid4().hex}"
    field = {"portrait": "me"}
    attribute = {"participant_attributes": {"visavis.portrait": "me"}}
    asked = {"room_name": name, **(field if where == "field" else attribute)}
    async with client(settings) as http, server_api(livekit) as lk:
        assert (await http.post("/api/token", json=asked)).status_code == 201
        rooms = (await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))).rooms
        calls = await lk.agent_dispatch.list_dispatch(name)
    wanted = {"persona": livekit.persona, "portrait": "me"}
    assert json.loads(rooms[0].metadata) == json.loads(calls[0].metadata) == wanted


@pytest.mark.parametrize("name", ["nobody", "..", "a/b", "/etc/passwd", ""])
async def test_a_call_cannot_wear_what_is_not_there(own: Callable[[str], Path], name: str) -> None:
    async with client(OPEN) as http:
        asked = {"participant_attributes": {"visavis.portrait": name}}
        answer = await http.post("/api/token", json=asked)
    if name == "":
        assert answer.status_code == 503  # the persona's own face
    else:
        assert answer.status_code == 422
        assert f"There is no portrait {name}. There are: " in answer.json()["detail"]


# Deleting


async def test_ones_own_portrait_can_be_deleted_and_is_gone_at_once(
    own: Callable[[str], Path],
) -> None:
    folder = own("me")
    async with client(OPEN) as http:
        first = await http.delete("/api/portraits/me")
        names = await listed(http)
        poster = await http.get("/api/portraits/me/poster")
        again = await http.delete("/api/portraits/me")
    assert first.status_code == 204
    assert "me" not in names
    assert poster.status_code == again.status_code == 404
    assert not any(folder.parent.iterdir())


@pytest.mark.parametrize(("name", "status"), [("imani", 403), ("nobody", 404), ("%2e%2e", 404)])
async def test_what_is_not_ones_own_stays(
    own: Callable[[str], Path], name: str, status: int
) -> None:
    folder = own("me")
    async with client(OPEN) as http:
        answer = await http.delete(f"/api/portraits/{name}")
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")
    assert folder.is_dir()
    assert "imani" in pack.shipped_names()


async def test_a_page_of_another_site_deletes_nothing(own: Callable[[str], Path]) -> None:
    folder = own("me")
    async with client(OPEN) as http:
        headers = {"Origin": "https://elsewhere.example"}
        answer = await http.delete("/api/portraits/me", headers=headers)
    assert answer.status_code == 403
    assert folder.is_dir()


async def test_an_own_portrait_that_is_broken_is_left_out_and_can_be_deleted(
    own: Callable[[str], Path],
) -> None:
    folder = own("me")
    (folder / "pack.json").write_text("{")
    async with client(OPEN) as http:
        names = await listed(http)
        deleted = await http.delete("/api/portraits/me")
    assert "me" not in names
    assert deleted.status_code == 204


def test_a_child_that_reads_photos_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "not-for-children")
    assert "not-for-children" not in keyless_environment().values()
    assert "PATH" in keyless_environment()
