"""Our own livekit-server: found, started, refused, ended; and children that end with us."""

import asyncio
import os
import select
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from livekit import api
from servers import free_port

from agent.config import Settings
from agent.demo import ChildFailed, keep
from agent.processes import Child
from agent.server import LiveKitServer, ServerError, check_server, find, find_or_build

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key is")
needs_server = pytest.mark.skipif(
    find() is None, reason="no livekit-server: scripts/setup builds one"
)


def _server(**changes: int | str) -> LiveKitServer:
    ports: dict[str, int | str] = {
        "port": free_port(),
        "rtc_udp_port": free_port(socket.SOCK_DGRAM),
    }
    return LiveKitServer(**{**ports, **changes})  # type: ignore[arg-type]  # ports and keys by name


async def _refusal(server: LiveKitServer) -> str:
    with pytest.raises(ServerError) as caught:
        await server.start()
    return str(caught.value)


@needs_server
@pytest.mark.server
async def test_our_own_server_makes_rooms_with_the_development_keys() -> None:
    async with (
        _server() as server,
        api.LiveKitAPI(server.url, server.api_key, server.api_secret) as client,
    ):
        room = await client.room.create_room(api.CreateRoomRequest(name="first"))
        assert room.name == "first"
        assert server.ours and server.http_url.startswith("http://127.0.0.1:")


@needs_server
@pytest.mark.server
async def test_two_servers_run_side_by_side() -> None:
    async with _server() as one, _server(rtc_tcp_port=free_port()) as other:
        assert one.pid != other.pid


@needs_server
@pytest.mark.server
async def test_it_is_gone_after_the_with_block() -> None:
    async with _server() as server:
        pid, url = server.pid, server.url
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ServerError, match="no LiveKit server answers"):
        await check_server(url, "devkey", "secret")


@needs_server
@pytest.mark.server
async def test_a_server_that_already_runs_is_used_and_left_alone() -> None:
    told: list[str] = []
    async with _server() as first:
        port = int(first.url.rsplit(":", 1)[1])
        async with LiveKitServer(port=port, progress=told.append) as second:
            assert not second.ours and second.url == first.url
        assert told == [f"using the LiveKit server that already runs at {first.url}"]
        await check_server(first.url, first.api_key, first.api_secret)


@needs_server
@pytest.mark.server
async def test_a_server_with_other_keys_is_refused() -> None:
    async with _server() as server:
        port = int(server.url.rsplit(":", 1)[1])
        wrong = LiveKitServer(url=server.url, api_secret="not the secret")
        assert "does not accept LIVEKIT_API_KEY" in await _refusal(wrong)
        taken = LiveKitServer(port=port, api_secret="not the secret")
        assert f"port {port} is taken and not by a LiveKit server" in await _refusal(taken)


@needs_server
@pytest.mark.server
async def test_its_end_is_told_with_a_reason() -> None:
    async with _server() as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert (await server.wait()).startswith("livekit-server was ended by SIGKILL")


@needs_server
@pytest.mark.server
async def test_a_setting_the_server_does_not_know_is_reported(tmp_path: Path) -> None:
    config = tmp_path / "livekit.yaml"
    config.write_text("nonsense: true\n")
    server = LiveKitServer(port=free_port(), config=config)
    assert "livekit-server did not start: " in await _refusal(server)


async def test_a_port_of_another_program_is_named() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    other = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    assert f"port {port} is taken" in await _refusal(LiveKitServer(port=port))
    other.close()


async def test_a_taken_media_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        assert f"udp port {port} is taken" in await _refusal(_server(rtc_udp_port=port))


async def test_an_unreachable_url_says_what_to_do() -> None:
    sentence = await _refusal(LiveKitServer(url=f"ws://127.0.0.1:{free_port()}"))
    assert "correct LIVEKIT_URL, or unset it" in sentence


async def test_without_its_configuration_it_does_not_start(tmp_path: Path) -> None:
    sentence = await _refusal(LiveKitServer(port=free_port(), config=tmp_path / "none.yaml"))
    assert "run from a checkout" in sentence


def test_keys_without_a_url_are_a_mistake() -> None:
    settings = Settings.from_environment({"LIVEKIT_API_KEY": "mine"})
    with pytest.raises(ServerError, match="without LIVEKIT_URL"):
        LiveKitServer.for_settings(settings)


def test_a_url_in_the_settings_is_somebody_elses_server() -> None:
    settings = Settings.from_environment({"LIVEKIT_URL": "ws://example.test:1"})
    assert LiveKitServer.for_settings(settings).url == "ws://example.test:1"


async def test_without_server_and_go_the_sentence_says_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ServerError, match=r"install Go .* or newer, put livekit-server on"):
        await find_or_build(lambda line: None)


async def test_a_build_lands_in_the_cache_under_the_servers_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _stand_in_go(tmp_path, 'echo built > "$GOBIN/server"', monkeypatch)
    told: list[str] = []
    binary = await find_or_build(told.append)
    assert binary == tmp_path / "cache" / "visavis" / "livekit-server"
    assert binary.read_text() == "built\n" and len(told) == 1
    assert [path.name for path in binary.parent.iterdir()] == ["livekit-server"]


async def test_a_failed_build_gives_gos_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _stand_in_go(tmp_path, "echo no space left; exit 1", monkeypatch)
    with pytest.raises(ServerError, match="go could not build livekit-server: no space left"):
        await find_or_build(lambda line: None)


def _stand_in_go(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `go` that does in a moment what the real one does in minutes."""
    go = folder / "bin" / "go"
    go.parent.mkdir()
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(go.parent))


async def test_a_child_that_ignores_term_is_killed_with_its_own_children() -> None:
    started = asyncio.Event()
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.extend(int(word) for word in line.split())
        started.set()

    script = "trap '' TERM; sleep 600 & echo $! $$; while :; do wait; done"
    child = await Child.start("stubborn", ["/bin/sh", "-c", script], on_line=on_line)
    await started.wait()
    assert await child.stop(0.05, 0.05) == -signal.SIGKILL
    async with asyncio.timeout(10):  # its own child dies by the same signal, a moment later
        while any(_runs(pid) for pid in pids):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    """False also for a zombie: an orphan's new parent may be slow to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends orphans for us")
async def test_a_child_ends_when_its_parent_is_killed() -> None:
    script = """
import asyncio, sys
from agent.processes import Child
async def main():
    child = await Child.start("grandchild", ["/bin/sleep", "600"])
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    line = asyncio.get_running_loop().create_future()
    parent = await Child.start("parent", [sys.executable, "-c", script], on_line=line.set_result)
    grandchild = int(await line)
    watched = os.pidfd_open(grandchild)  # readable once it has ended
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    ended, _, _ = await asyncio.to_thread(select.select, [watched], [], [], 10)
    os.close(watched)
    assert ended
    await parent.stop()


async def test_a_process_that_was_in_a_room_ends_with_its_code_and_all_it_said() -> None:
    script = """
import atexit
from livekit import rtc
from agent.leave import leave
rtc.AudioResampler(48000, 16000)  # the native library is up
atexit.register(print, "put away")
print("said")
leave(3)
print("not reached")
"""
    lines: list[str] = []
    child = await Child.start("leaver", [sys.executable, "-c", script], on_line=lines.append)
    assert await child.wait() == 3
    assert lines == ["said", "put away"]
    await child.stop()


async def test_stopping_a_child_twice_is_fine() -> None:
    child = await Child.start("short", ["/bin/true"])
    assert await child.wait() == 0
    assert await child.stop(1.0) == 0
    assert await child.stop(1.0) == 0


async def test_a_line_longer_than_the_limit_does_not_stop_the_output() -> None:
    lines: list[str] = []
    script = "print('x' * (3 << 20)); print('after')"
    child = await Child.start("chatty", [sys.executable, "-c", script], on_line=lines.append)
    assert await child.wait() == 0
    await child.stop()
    assert lines[-1] == "after"


async def test_a_part_that_keeps_ending_is_given_up_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agent.demo._DELAYS_S", (0.0, 0.0))
    starts = 0

    async def once() -> str:
        nonlocal starts
        starts += 1
        return f"it ended {starts}"

    runs: Callable[[], Awaitable[str]] = once
    with pytest.raises(ChildFailed, match="it ended 3"):
        await keep(runs)
    assert capsys.readouterr().out.count("starting it again") == 2
