"""Weights are fetched when asked for, go on where they stopped, and stay what they were."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from avatar import models
from avatar.__main__ import main
from avatar.errors import ModelError
from avatar.models import Store
from avatar.nets import keys

LIVEPORTRAIT = models.known()["liveportrait"]
FIRST = LIVEPORTRAIT.files[0]


class Hub:
    """A server that speaks as the hub does: redirects to the file, ranges, strong tags."""

    def __init__(self) -> None:
        self.files = {
            f"/{file.repo}/resolve/main/{file.path}": file.name.encode() * 50_000
            for file in LIVEPORTRAIT.files
        }
        self.asked: list[tuple[str, str | None]] = []
        self.stop_after: int | None = None
        self.version = "1"
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        if not path.startswith("/cdn"):
            request.send_response(302 if path in self.files else 404)
            request.send_header("Location", f"{self.url}/cdn{path}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        whole = self.files[path.removeprefix("/cdn")]
        wanted = request.headers.get("Range")
        self.asked.append((path.rsplit("/", 1)[-1], wanted))
        tag = f'"{self.version}"'
        start = 0
        if wanted and request.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if start else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(whole) - start))
        request.end_headers()
        end = len(whole) if self.stop_after is None else start + self.stop_after
        request.wfile.write(whole[start:end])
        request.close_connection = True

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Place(NamedTuple):
    hub: Hub
    store: Store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", hub.url + "/")
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield Place(hub, Store())
    hub.close()


def pull(*more: str) -> int:
    return main(["models", "pull", "liveportrait", *more])


def test_every_listed_network_is_known() -> None:
    listed = {n for model in models.known().values() for f in model.files for n in f.networks}
    assert listed <= set(keys.networks())


def test_nothing_non_commercial_has_an_address() -> None:
    assert all(not f.repo for m in models.known().values() if not m.commercial for f in m.files)


def test_pull_shows_terms_and_fetches_what_is_accepted(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull("--accept") == 0
    said = capsys.readouterr().out
    for file in LIVEPORTRAIT.files:
        path = place.store.path(LIVEPORTRAIT, file)
        assert path.read_bytes() == file.name.encode() * 50_000
        assert f"{file.repo}/{file.path}" in said and file.licence in said
        assert place.store.recorded(LIVEPORTRAIT, file) in said
    assert place.store.state(LIVEPORTRAIT) == "here"
    assert place.store.of_network("liveportrait/spade_generator").name == "spade_generator.pth"


def test_pull_asks_and_fetches_nothing_without_a_yes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or "n")
    assert pull() == 1
    assert questions == ["Fetch 522 MB under these terms? [y/N] "]
    assert place.hub.asked == []


def test_pull_goes_on_where_it_stopped(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.hub.stop_after = 400_000
    assert pull("--accept") == 2
    assert "ended after 0 MB of 2 MB: run it again to go on" in capsys.readouterr().err
    place.hub.stop_after = None
    assert pull("--accept") == 0
    assert place.hub.asked[:2] == [(FIRST.name, None), (FIRST.name, "bytes=400000-")]
    found = place.store.path(LIVEPORTRAIT, FIRST).read_bytes()
    assert found == FIRST.name.encode() * 50_000


def test_pull_begins_anew_when_the_file_is_another_one(place: Place) -> None:
    place.hub.stop_after = 400_000
    assert pull("--accept") == 2
    place.hub.stop_after, place.hub.version = None, "2"
    place.hub.files = dict.fromkeys(place.hub.files, b"new" * 1000)
    assert pull("--accept") == 0
    assert place.store.path(LIVEPORTRAIT, FIRST).read_bytes() == b"new" * 1000


def test_second_pull_fetches_nothing(place: Place) -> None:
    assert pull("--accept") == 0
    asked = len(place.hub.asked)
    assert pull() == 0
    assert len(place.hub.asked) == asked


def test_offline_is_obeyed(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert pull("--accept") == 2
    assert "HF_HUB_OFFLINE is set: unset it" in capsys.readouterr().err
    assert place.hub.asked == []


def test_missing_room_is_said_before_anything_comes(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert pull("--accept") == 2
    assert "522 MB are to come: make room" in capsys.readouterr().err
    assert place.hub.asked == []


def test_pinned_file_that_is_another_one_is_not_kept(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull("--accept", "--sha256", f"{FIRST.name}={'0' * 64}") == 2
    assert f"expected {'0' * 64}" in capsys.readouterr().err
    assert not place.store.path(LIVEPORTRAIT, FIRST).exists()


def test_file_stays_what_it_was_when_it_first_came(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull("--accept") == 0
    assert main(["models", "rm", "liveportrait"]) == 0
    assert place.store.state(LIVEPORTRAIT) == "absent"
    place.hub.files = dict.fromkeys(place.hub.files, b"other")
    assert pull("--accept") == 2
    expected = hashlib.sha256(FIRST.name.encode() * 50_000).hexdigest()
    assert f"expected {expected}" in capsys.readouterr().err


def test_verify_finds_a_changed_file(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert pull("--accept") == 0
    place.store.path(LIVEPORTRAIT, FIRST).write_bytes(b"changed")
    assert main(["models", "verify", "liveportrait"]) == 1
    said = capsys.readouterr().out
    assert f"{FIRST.name} has sha256" in said and "pull it again" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pull", "nothing"], "no model 'nothing': choose one of liveportrait, musetalk"),
        (["pull", "wav2lip", "--accept"], "if you may use it, put wav2lip.pth at"),
        (["pull", "liveportrait", "--sha256", "x=1"], "give FILE=HEX with 64 hexadecimal digits"),
    ],
)
def test_refusal_says_what_to_do(
    place: Place, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["models", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert place.hub.asked == []


def test_missing_weights_name_the_command(place: Place) -> None:
    with pytest.raises(ModelError, match="run python -m avatar models pull musetalk"):
        place.store.of_network("musetalk/unet")


def test_answer_of_the_server_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.hub.files.clear()
    assert pull("--accept") == 2
    assert f"{FIRST.path} answers 404" in capsys.readouterr().err
