"""Photos sent to the gateway: what becomes of good ones, and of all the others."""

import asyncio
import json
import os
import socket
import struct
import tempfile
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pytest
from gateways import AWAY, asgi, client
from page import until

from agent.gateway import jobs, photos
from agent.gateway.app import create_app, serve
from agent.gateway.photo_child import as_sentence
from avatar.portrait import pack
from avatar.prepare import detector

OPEN = AWAY.model_copy(update={"uploads": True})
CONSENT = {"consent": "true"}
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
needs_detector = pytest.mark.skipif(
    not detector.available(), reason="no face detector: run scripts/setup"
)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own portraits go to `portraits` under the returned folder, arriving photos to `arriving`."""
    (tmp_path / "arriving").mkdir()
    monkeypatch.setenv("VISAVIS_PORTRAITS", str(tmp_path / "portraits"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "arriving"))
    return tmp_path


def left_behind(places: Path) -> list[Path]:
    """Photos and half-made packs."""
    return [*(places / "arriving").iterdir(), *(places / "portraits").glob(".*")]


async def over(http: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job when it has ended."""

    async def ended() -> bool:
        job.update((await http.get(f"/api/portraits/jobs/{job['id']}")).json())
        return job["state"] in ("done", "refused")

    await until(ended, "the photo is over", limit_s=90)
    return job


@asynccontextmanager
async def address() -> AsyncIterator[tuple[str, int]]:
    """The gateway on a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ready = asyncio.Event()
    running = asyncio.create_task(serve(OPEN.with_port(port), web_dir=None, ready=ready))
    await ready.wait()
    try:
        yield "127.0.0.1", port
    finally:
        running.cancel()
        await asyncio.wait([running])


def request_head(length: int) -> bytes:
    lines = ["POST /api/portraits?consent=true HTTP/1.1", "Host: 127.0.0.1"]
    lines += ["Content-Type: image/jpeg", f"Content-Length: {length}", "", ""]
    return "\r\n".join(lines).encode()


# The way of a good photo


@needs_detector
async def test_a_photo_becomes_a_portrait_and_is_not_kept(places: Path) -> None:
    photo = pack.load("jun").poster
    async with asyncio.timeout(120), client(OPEN) as http:
        answer = await http.post("/api/portraits", params=CONSENT | {"name": "new"}, content=photo)
        assert answer.status_code == 202
        job = await over(http, answer.json())
        card = job["portrait"]
        shown = [await http.get(card[kind]) for kind in ("poster", "sheet", "preview")]
        part = await http.get(card["preview"], headers={"Range": "bytes=0-99"})
        worn = await http.post("/api/token", json={"portrait": "new"})
        names = [each["name"] for each in (await http.get("/api/portraits")).json()["portraits"]]
    assert job["state"] == "done", job
    assert len(job["steps"]) > 3 and job["share"] == 1.0
    types = [each.headers["Content-Type"] for each in shown]
    assert types == ["image/webp", "image/png", "video/mp4"]
    assert (part.status_code, len(part.content)) == (206, 100)
    assert names[-1] == "new"
    assert worn.status_code == 503  # let through; only the server is away here
    assert not left_behind(places)
    manifest = (places / "portraits" / "new" / "pack.json").read_text()
    consent = json.loads(manifest)["consent"]
    assert jobs.CONSENT in json.dumps(consent)
    assert time.strftime("%Y-", time.gmtime()) in json.dumps(consent)


# Photos that are no use


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims this size, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * 3 + 1, 1000) * 10))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def picture() -> bytes:
    """A good JPEG of nothing."""
    grey = np.random.default_rng(1).integers(90, 160, (300, 400, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", grey)[1].tobytes()


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        pytest.param(png(60_000, 60_000), "megapixels", id="a bomb of 10 gigabytes"),
        pytest.param(png(8, 8), "larger photo", id="a dot"),
        pytest.param(picture()[:150], "damaged", id="cut off"),
        pytest.param(JPEG + b"\xff" * 500_000, "damaged", id="noise with a good beginning"),
        pytest.param(b"RIFF\x24\x00\x00\x00WEBPVP8 ", "", id="a WebP that is only a head"),
        pytest.param(picture(), "no face", id="no face", marks=needs_detector),
    ],
)
async def test_a_photo_that_cannot_become_a_face_is_refused_in_a_sentence(
    places: Path, photo: bytes, words: str
) -> None:
    async with asyncio.timeout(60), client(OPEN) as http:
        answer = await http.post("/api/portraits", params=CONSENT, content=photo)
        assert answer.status_code == 202
        job = await over(http, answer.json())
    assert job["state"] == "refused"
    assert words in job["detail"].lower()
    assert job["code"]
    assert job["detail"].endswith(".") and job["detail"][0].isupper()
    assert str(places) not in job["detail"]
    assert not left_behind(places)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xd8", 415),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', 415),
        (b"GIF89a" + bytes(100), 415),
        (b"PK\x03\x04" + bytes(100), 415),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", 415),
        (b"MZ" + bytes(100), 415),
        (JPEG + bytes(photos.MAX_BYTES), 413),
    ],
    ids=["empty", "two bytes", "svg", "gif", "zip", "wave", "program", "13 MB"],
)
async def test_only_pictures_of_a_sane_size_are_taken_in(
    places: Path, body: bytes, status: int
) -> None:
    async with client(OPEN) as http:
        headers = {"Content-Type": "image/jpeg"}
        answer = await http.post("/api/portraits", params=CONSENT, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")
    assert not left_behind(places)


async def test_a_photo_without_a_length_is_cut_off_at_the_bound(places: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            chunk = JPEG + bytes(1 << 20)
            sent += len(chunk)
            yield chunk

    async with client(OPEN) as http:
        answer = await http.post("/api/portraits", params=CONSENT, content=endless())
    assert answer.status_code == 413
    assert sent < photos.MAX_BYTES + (4 << 20)
    assert not left_behind(places)


async def test_a_gigabyte_is_refused_before_it_is_sent() -> None:
    async with asyncio.timeout(20), address() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request_head(1 << 30) + JPEG)
        answer = await reader.readline()
        writer.close()
    assert b" 413 " in answer


async def test_a_client_that_goes_away_leaves_nothing_behind(places: Path) -> None:
    arriving = places / "arriving"
    async with asyncio.timeout(20), address() as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(request_head(1_000_000) + JPEG + bytes(100_000))
        await until(lambda: _is(any(arriving.iterdir())), "the photo arrives")
        writer.close()
        await until(lambda: _is(not any(arriving.iterdir())), "the photo is removed")


async def _is(value: bool) -> bool:
    return value


# Asking


async def test_without_consent_nothing_is_taken_in(places: Path) -> None:
    async with client(OPEN) as http:
        answers = [
            await http.post("/api/portraits", params=asked, content=picture())
            for asked in ({}, {"consent": "false"}, {"consent": "perhaps"})
        ]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert "Tick" in answers[0].json()["detail"]
    assert not left_behind(places)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *((name, 422) for name in ("../me", "a/b", "Me", "-me", "a" * 41, ".")),
        *((name, 409) for name in ("imani", "jobs")),
    ],
)
async def test_a_name_is_plain_and_free(places: Path, name: str, status: int) -> None:
    async with client(OPEN) as http:
        asked = CONSENT | {"name": name}
        answer = await http.post("/api/portraits", params=asked, content=picture())
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")
    assert not left_behind(places)


async def test_a_page_of_another_site_cannot_send_a_photo() -> None:
    async with client(OPEN) as http:
        headers = {"Origin": "https://elsewhere.example"}
        answer = await http.post("/api/portraits", params=CONSENT, headers=headers)
    assert answer.status_code == 403


async def test_too_many_photos_from_one_address_have_to_wait() -> None:
    async with client(OPEN) as http:
        answers = [await http.post("/api/portraits") for _ in range(12)]
    assert answers[0].status_code == 422
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


async def test_there_is_an_end_to_the_number_of_portraits(places: Path) -> None:
    (places / "portraits" / "me").mkdir(parents=True)
    (places / "portraits" / "me" / "pack.json").write_text("{}")
    async with client(OPEN.model_copy(update={"max_portraits": 1})) as http:
        answer = await http.post("/api/portraits", params=CONSENT, content=picture())
    assert answer.status_code == 409
    assert "Delete one" in answer.json()["detail"]


# Several at once, and the end


async def test_photos_wait_for_each_other_and_too_many_are_turned_away(places: Path) -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield JPEG
        await go_on.wait()

    async with asyncio.timeout(60), client(OPEN) as http:

        async def send() -> httpx.Response:
            return await http.post("/api/portraits", params=CONSENT, content=slow())

        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(send()) for _ in range(jobs.MAX_OPEN)]
            arriving = places / "arriving"
            await until(
                lambda: _is(len([*arriving.iterdir()]) == jobs.MAX_OPEN), "all are arriving"
            )
            busy = await http.post("/api/portraits", params=CONSENT, content=JPEG)
            go_on.set()
        taken = [task.result().json() for task in sending]
        ended = [await over(http, job) for job in taken]
        later = await http.post("/api/portraits", params=CONSENT, content=JPEG)
    assert busy.status_code == 503
    assert "Retry-After" in busy.headers
    assert {job["name"] for job in taken} == {"me", "me-2", "me-3"}
    assert {job["state"] for job in ended} == {"refused"}  # they were only heads of pictures
    assert later.status_code == 202
    assert not left_behind(places)


async def test_a_photo_that_is_given_up_ends_with_its_process(places: Path) -> None:
    async with asyncio.timeout(30), client(OPEN) as http:
        sent = (await http.post("/api/portraits", params=CONSENT, content=picture())).json()
        where = f"/api/portraits/jobs/{sent['id']}"
        await until(lambda: _is(bool(children())), "the process is there")
        given_up = await http.delete(where)
        after = (await http.get(where)).json()
        unknown = await http.get("/api/portraits/jobs/0123")
    assert given_up.status_code == 204
    assert (after["state"], after["detail"]) == ("refused", jobs.GIVEN_UP)
    assert unknown.status_code == 404
    assert not children()
    assert not left_behind(places)


async def test_stopping_the_gateway_ends_what_is_being_made(places: Path) -> None:
    async with asyncio.timeout(30), asgi(create_app(OPEN, web_dir=None)) as http:
        for _ in range(2):
            answer = await http.post("/api/portraits", params=CONSENT, content=picture())
            assert answer.status_code == 202
        await until(lambda: _is(bool(children())), "the process is there")
    assert not children()
    assert not left_behind(places)


def children() -> list[psutil.Process]:
    """Our processes that look at photos."""
    found = psutil.Process().children(recursive=True)
    return [child for child in found if any("photo_child" in part for part in _command(child))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_what_a_killed_gateway_left_is_removed_at_the_next_start(places: Path) -> None:
    arriving, library = places / "arriving", places / "portraits"
    old, new = arriving / "visavis-photo-old", arriving / "visavis-photo-new"
    half, whole = library / ".me-x7_1a2b3", library / "me"
    for folder in (old, new, half, whole):
        folder.mkdir(parents=True)
        (folder / "photo.jpg").write_bytes(JPEG)
    for folder in (old, half, whole):
        os.utime(folder, (0, 0))
    jobs.sweep()
    assert new.is_dir() and whole.is_dir()
    assert not old.exists() and not half.exists()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [("no face was found", "No face was found."), ("Done.", "Done.")],
)
def test_what_a_command_line_says_becomes_a_sentence(said: str, sentence: str) -> None:
    assert as_sentence(said) == sentence
