"""Hot reload: a call outlives an edit; a broken edit changes nothing."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from livekit import api, rtc
from livekit.protocol.agent_pb.agent_dev import (
    AgentDevMessage,
    GetRunningAgentJobsRequest,
    GetRunningAgentJobsResponse,
    RunningAgentJobInfo,
)
from watchfiles import Change

from agent import reload
from agent.child_worker import free_port
from agent.config import Settings
from agent.demo import WorkerPlace
from agent.server import LiveKitServer, find

# the development pair is short on purpose; livekit.yaml says what it is for
pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key is")

PATIENCE_S = 180.0

TINY_WORKER = """
import os
from livekit.agents import AgentServer, JobContext

async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    shown = {"edition": "first", "metadata": ctx.job.metadata, "visavis.persona": "jun"}
    await ctx.room.local_participant.set_attributes(shown)

server = AgentServer(host="127.0.0.1", port=int(os.environ["VISAVIS_WORKER_PORT"]))
server.rtc_session(entrypoint)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def idle_reloader(said: list[str]) -> reload.Reloader:
    """One that was not started: what it only reports needs no worker."""
    return reload.Reloader(WorkerPlace(Settings(), 0), say=said.append)


@pytest.fixture
def broken_file() -> Iterator[Path]:
    """A file beside our code, with a mistake in its second line."""
    path = reload.ROOT / "agent" / f"reload_probe_{os.getpid()}.py"
    path.write_text("fine = 1\nbroken = = 2\n")
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
async def livekit_settings() -> AsyncIterator[Settings]:
    if await asyncio.to_thread(find) is None:
        pytest.skip("no livekit-server: scripts/setup builds one")
    async with LiveKitServer(port=_free(socket.SOCK_STREAM), rtc_udp_port=_free(2)) as server:
        yield Settings(livekit_url=server.url, idle_processes=0)


def _free(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_syntax_error_is_reported_with_file_and_line(
    idle_reloader: reload.Reloader, said: list[str], broken_file: Path
) -> None:
    await idle_reloader.apply({broken_file})
    assert len(said) == 1
    assert f"agent/{broken_file.name}:2: SyntaxError" in said[0]
    assert said[0].startswith("not used, the worker goes on as it was")


async def test_an_import_error_names_our_line_not_the_librarys() -> None:
    problem = await reload.check_in_child("import agent.config, agent.nothing_there")
    assert problem is not None
    assert "No module named 'agent.nothing_there'" in problem


async def test_code_that_imports_passes_the_check() -> None:
    assert await reload.check_in_child("import agent.terminal") is None


def test_the_innermost_place_in_our_files_is_named() -> None:
    output = [
        "Traceback (most recent call last):",
        f'  File "{reload.ROOT}/agent/worker.py", line 18, in <module>',
        f'  File "{reload.ROOT}/agent/session.py", line 7, in <module>',
        '  File "/elsewhere/json/decoder.py", line 337, in decode',
        "ValueError: no",
    ]
    assert reload.explain(output) == "agent/session.py:7: ValueError: no"


async def test_code_outside_the_worker_does_not_restart_it(
    idle_reloader: reload.Reloader, said: list[str]
) -> None:
    await idle_reloader.apply({reload.ROOT / "agent" / "gateway" / "app.py"})
    assert said == [
        "agent/gateway/app.py is not part of the worker: stop and start again to see it"
    ]


async def test_personas_are_checked_and_need_no_restart(
    idle_reloader: reload.Reloader, said: list[str]
) -> None:
    await idle_reloader.apply({reload.ROOT / "agent" / "personas" / "imani" / "persona.toml"})
    assert said == ["personas read: calls under way use them in the next turn"]


def test_only_sources_are_watched() -> None:
    watched = reload.Sources()
    assert watched(Change.modified, "/x/agent/worker.py")
    assert watched(Change.modified, "/x/agent/personas/imani/persona.toml")
    assert not watched(Change.modified, "/x/agent/__pycache__/worker.cpython-311.pyc")
    assert not watched(Change.modified, "/x/agent/.worker.py.swp")
    assert not watched(Change.modified, "/x/agent/notes.txt")


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: AgentDevMessage
) -> AgentDevMessage:
    await reload._send(writer, message)
    return await reload._receive(reader)


ASK = AgentDevMessage(get_running_jobs_request=GetRunningAgentJobsRequest())
ONE_JOB = AgentDevMessage(
    get_running_jobs_response=GetRunningAgentJobsResponse(
        jobs=[RunningAgentJobInfo(accept_identity="agent-1")]
    )
)


async def _connect(channel: reload.DevChannel) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = channel.expect().rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def test_the_next_worker_gets_the_jobs_of_the_one_before_once() -> None:
    async with reload.DevChannel() as channel:
        reader, writer = await _connect(channel)
        first = await _exchange(reader, writer, ASK)
        assert len(first.get_running_jobs_response.jobs) == 0
        capturing = asyncio.create_task(channel.capture())
        assert (await reload._receive(reader)).HasField("get_running_jobs_request")
        await reload._send(writer, ONE_JOB)
        assert await capturing == 1
        writer.close()

        reader, writer = await _connect(channel)
        second = await _exchange(reader, writer, ASK)
        assert [j.accept_identity for j in second.get_running_jobs_response.jobs] == ["agent-1"]
        third = await _exchange(reader, writer, ASK)
        assert len(third.get_running_jobs_response.jobs) == 0
        writer.close()


async def test_the_channel_turns_away_whom_it_does_not_expect() -> None:
    async with reload.DevChannel() as channel:
        address = channel.expect()
        _, writer = await asyncio.open_connection(*_split(address))
        stranger_reader, stranger = await asyncio.open_connection(*_split(address))
        assert await stranger_reader.read() == b""
        for each in (writer, stranger):
            each.close()


async def test_a_message_too_long_ends_the_connection() -> None:
    async with reload.DevChannel() as channel:
        reader, writer = await _connect(channel)
        writer.write(b"\xff\xff\xff\xff")
        assert await reader.read() == b""
        writer.close()


def _split(address: str) -> tuple[str, int]:
    host, port = address.rsplit(":", 1)
    return host, int(port)


@pytest.mark.server
async def test_a_call_outlives_an_edit_and_runs_the_new_code(
    livekit_settings: Settings, said: list[str], tmp_path: Path
) -> None:
    entry = tmp_path / "tiny_worker.py"
    entry.write_text(TINY_WORKER)
    place = WorkerPlace(livekit_settings, free_port(0), entry=entry)
    reloader = reload.Reloader(place, say=said.append, watched=[tmp_path])
    keeping = asyncio.create_task(reloader.run())
    room = rtc.Room()
    editions = _editions(room)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await place.ready.wait()
            await room.connect(livekit_settings.livekit_url, _token(livekit_settings))
            sid = await room.sid
            assert await editions.get() == "first"
            entry.write_text(TINY_WORKER.replace("first", "second"))
            assert await editions.get() == "second"
        assert await room.sid == sid and room.isconnected()
        assert "tiny_worker.py changed: restarting the worker, one call goes on" in said[0]
        agents = [p for p in room.remote_participants.values() if p.kind == AGENT]
        assert len(agents) == 1
        assert agents[0].attributes["metadata"] == '{"persona": "jun"}', "who spoke goes on"
    finally:
        await room.disconnect()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


def _editions(room: rtc.Room) -> asyncio.Queue[str]:
    editions: asyncio.Queue[str] = asyncio.Queue(maxsize=16)

    def note(changed: dict[str, str], participant: rtc.Participant) -> None:
        if "edition" in changed:
            editions.put_nowait(changed["edition"])

    def joined(participant: rtc.RemoteParticipant) -> None:
        if "edition" in participant.attributes:
            editions.put_nowait(participant.attributes["edition"])

    room.on("participant_attributes_changed", note)
    room.on("participant_connected", joined)
    return editions


def _token(settings: Settings) -> str:
    token = api.AccessToken(
        settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    )
    grants = api.VideoGrants(room_join=True, room="reload")
    return token.with_identity("caller").with_grants(grants).to_jwt()
