"""The child process: its life, its death, and what it is told."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from livekit.agents import APIConnectionError, APIError, APITimeoutError
from livekit.plugins.espeak import child
from livekit.plugins.espeak.child import PREFIX, Json, lengths, pack
from livekit.plugins.espeak.engine import Engine, Voicing
from livekit.plugins.espeak.voices import (
    Installation,
    check_voice,
    find_installation,
    read_variants,
    read_voices,
)

VOICING = Voicing("en-us", 165, 50, 100)
SPEAK: Json = {"op": "speak", "voice": "en-us", "rate": 165, "pitch": 50, "volume": 100}


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(find_installation(), 22050)
    yield engine
    await engine.aclose()


async def test_nothing_runs_before_the_first_use_and_nothing_after_aclose() -> None:
    here = psutil.Process()
    engine = Engine(find_installation(), 22050)
    assert engine.pid is None
    await Engine(find_installation(), 22050).aclose()  # never started: fine
    await engine.speak("warm", VOICING, timeout_s=10)  # the loop's own descriptors exist now
    await engine.aclose()
    files, children = here.num_fds(), len(here.children())
    for _ in range(3):
        engine = Engine(find_installation(), 22050)
        await engine.speak("hello", VOICING, timeout_s=10)
        assert len(here.children()) == children + 1
        await engine.aclose()
        await engine.aclose()
        assert (here.num_fds(), len(here.children())) == (files, children)


async def test_the_child_is_given_no_secrets(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "do-not-tell")
    await engine.speak("my own words", VOICING, timeout_s=10)
    process = psutil.Process(engine.pid)
    assert "LIVEKIT_API_SECRET" not in process.environ()
    assert not any("my own words" in part for part in process.cmdline())
    assert not any("livekit/agents" in entry.path for entry in process.memory_maps())


async def test_a_child_killed_in_mid_sentence_is_replaced_unheard(engine: Engine) -> None:
    whole = await engine.speak("A long story, told twice.", VOICING, timeout_s=10)
    process = psutil.Process(engine.pid)
    process.suspend()  # it will not be quicker than we are
    asked = asyncio.create_task(engine.speak("A long story, told twice.", VOICING, timeout_s=10))
    await asyncio.sleep(0)  # the request is under way
    process.kill()
    again = await asked
    assert [name for name, _ in again.phones] == [name for name, _ in whole.phones]
    assert len(again.pcm) == pytest.approx(len(whole.pcm), rel=0.02)
    assert engine.pid != process.pid


async def test_a_clause_that_kills_every_child_is_a_connection_error(engine: Engine) -> None:
    """And the next one is well: the agent outlives whatever it was asked to say."""
    asked = asyncio.create_task(engine.speak("Deadly, that is.", VOICING, timeout_s=10))
    killed = set()
    while not asked.done():
        pid = engine.pid
        if pid is not None and pid not in killed:
            psutil.Process(pid).kill()
            killed.add(pid)
        await asyncio.sleep(0)
    with pytest.raises(APIConnectionError, match="twice"):
        await asked
    assert len(killed) == 2
    assert (await engine.speak("hello", VOICING, timeout_s=10)).pcm


async def test_a_child_that_cannot_live_is_a_connection_error(tmp_path: Path) -> None:
    engine = Engine(Installation(str(tmp_path / "no-library.so"), None), 22050)
    with pytest.raises(APIConnectionError, match=r"no-library\.so"):
        await engine.speak("hello", VOICING, timeout_s=10)
    with pytest.raises(APIConnectionError, match="did not start"):
        await engine.start()
    assert engine.pid is None
    await engine.aclose()


async def test_garbage_from_the_child_is_survived(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(
        "import sys, struct\n"
        'hello = b\'{"id": 0, "sample_rate": 22050}\'\n'
        "sys.stdout.buffer.write(struct.pack('>II', len(hello), 0) + hello + b'\\xff' * 64)\n"
        "sys.stdout.flush()\n"
        "sys.stdin.read()\n"
    )
    monkeypatch.setattr("livekit.plugins.espeak.engine._PROGRAM", str(liar))
    with pytest.raises(APIConnectionError, match="lost each other"):
        await engine.speak("hello", VOICING, timeout_s=10)
    monkeypatch.undo()
    assert (await engine.speak("hello", VOICING, timeout_s=10)).pcm


async def test_a_child_that_hangs_is_given_up_and_replaced(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text(
        "import signal, struct, sys\n"
        'hello = b\'{"id": 0, "sample_rate": 22050}\'\n'
        "sys.stdout.buffer.write(struct.pack('>II', len(hello), 0) + hello)\n"
        "sys.stdout.flush()\n"
        "signal.pause()\n"
    )
    monkeypatch.setattr("livekit.plugins.espeak.engine._PROGRAM", str(sleeper))
    await engine.start()
    assert engine.pid is not None
    process = psutil.Process(engine.pid)
    with pytest.raises(APITimeoutError):
        await engine.speak("hello", VOICING, timeout_s=0.01)
    assert not process.is_running()
    monkeypatch.undo()
    assert (await engine.speak("hello", VOICING, timeout_s=10)).pcm


async def test_a_voice_the_library_does_not_have_is_refused_once(engine: Engine) -> None:
    with pytest.raises(APIError, match="no voice 'no-such-voice'") as refused:
        await engine.speak("hello", Voicing("no-such-voice", 165, 50, 100), timeout_s=10)
    assert not refused.value.retryable
    assert (await engine.speak("hello", VOICING, timeout_s=10)).pcm  # the child is well


async def test_requests_of_many_streams_take_turns(engine: Engine) -> None:
    await engine.start()
    done: list[str] = []

    async def stream(name: str) -> None:
        for _ in range(3):
            await engine.speak("one two three", VOICING, timeout_s=10)
            done.append(name)

    await asyncio.gather(stream("a"), stream("b"), stream("c"))
    assert [sorted(done[i : i + 3]) for i in (0, 3, 6)] == [["a", "b", "c"]] * 3


async def test_a_cancelled_request_leaves_the_child_free(engine: Engine) -> None:
    await engine.start()
    pid = engine.pid
    long = asyncio.create_task(engine.speak("ninety nine " * 2000, VOICING, timeout_s=10))
    await asyncio.sleep(0)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert (await engine.speak("hello", VOICING, timeout_s=10)).pcm
    assert engine.pid == pid


async def test_requests_cancelled_at_any_moment_leave_nothing_behind(engine: Engine) -> None:
    chance = random.Random(7)
    await engine.start()
    pid = engine.pid

    async def hesitate() -> None:
        asked = asyncio.create_task(engine.speak("one and two " * 10, VOICING, timeout_s=10))
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])

    for _ in range(10):
        await asyncio.gather(*(hesitate() for _ in range(100)))
    # all places are free again: as many as there are speak at once
    heard = await asyncio.gather(
        *(engine.speak("one", VOICING, timeout_s=10) for _ in range(child.MAX_PENDING + 5))
    )
    assert all(speech.pcm for speech in heard)
    assert engine.pid == pid


async def test_a_closed_engine_does_not_come_back(engine: Engine) -> None:
    await engine.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await engine.speak("hello", VOICING, timeout_s=10)


class Pipe:
    """The child's program, spoken to frame by frame."""

    def __init__(self) -> None:
        installation = find_installation()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", child.__file__),
                *("--library", installation.library, "--data", str(installation.data)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.communicate(timeout=10)

    def write(self, *frames: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(frames))
        self.process.stdin.flush()

    def read(self) -> tuple[Json, bytes]:
        assert self.process.stdout is not None
        header, body = lengths(self.process.stdout.read(PREFIX.size))
        return json.loads(self.process.stdout.read(header)), self.process.stdout.read(body)


def test_the_child_drops_what_is_cancelled_and_goes_on() -> None:
    with Pipe() as pipe:
        assert pipe.read()[0]["id"] == 0
        pipe.write(
            pack({"id": 1, **SPEAK}, b"ninety nine " * 3000),
            pack({"id": 2, **SPEAK}, b"never said"),
            pack({"id": 1, "op": "cancel"}),
            pack({"id": 2, "op": "cancel"}),
            pack({"id": 3, **SPEAK}, b"said"),
        )
        assert pipe.read() == ({"id": 1, "cancelled": True}, b"")
        assert pipe.read() == ({"id": 2, "cancelled": True}, b"")
        header, sound = pipe.read()
        assert header["id"] == 3
        assert sound


def test_one_request_is_bounded() -> None:
    with Pipe() as pipe:
        pipe.read()
        pipe.write(pack({"id": 1, **SPEAK}, b"ninety nine " * 3000))
        header, sound = pipe.read()
        assert header["cut"] is True
        assert len(sound) <= 2 * 22050 * (child.MAX_SPEECH_S + 1)


def test_text_cannot_switch_the_library_into_another_mode() -> None:
    def said(pipe: Pipe, text: bytes) -> tuple[str, float]:
        """Phonemes and seconds: the sound has a little noise in it, and a few samples of play."""
        pipe.write(pack({"id": 1, **SPEAK}, text))
        header, sound = pipe.read()
        assert isinstance(header["phones"], list)
        return " ".join(name for name, _ in header["phones"]), len(sound) / 2 / 22050

    with Pipe() as pipe:
        pipe.read()
        plain, plain_s = said(pipe, b"hello there")
        for text in (
            b"\x01200S\x0199P hello there",
            b"<speak><prosody rate='x-fast'> hello there </prosody></speak>",
            b"<break time='10s'/> hello there",
            b"[[h@l'oU]] hello there",
        ):
            phones, duration_s = said(pipe, text)
            assert "h ə l ˈoʊ ð" in phones
            assert len(phones) > len(plain)  # what should have been a command was read out
            assert duration_s < 7
        phones, duration_s = said(pipe, b"hello there")
        assert phones == plain  # nothing was switched for good
        assert duration_s == pytest.approx(plain_s, rel=0.02)


@pytest.mark.parametrize(
    "request_",
    [
        {"op": "sing"},
        {**SPEAK, "rate": "fast"},
        {"op": "speak"},
        {**SPEAK, "voice": "no-such-voice"},
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(request_: Json) -> None:
    with Pipe() as pipe:
        pipe.read()
        pipe.write(pack({"id": 7, **request_}, b"hello"))
        header, _ = pipe.read()
        assert header["id"] == 7
        assert header["error"]
        pipe.write(pack({"id": 8, **SPEAK}, b"hello"))
        assert pipe.read()[1]


def test_garbage_on_stdin_ends_the_child() -> None:
    with Pipe() as pipe:
        pipe.read()
        pipe.write(b"\xff" * 100)
        assert pipe.process.wait(timeout=10) == 0


def test_the_child_leaves_when_the_agent_is_killed() -> None:
    """Nothing of ours runs in a killed agent: the end of the pipe must be enough."""
    agent = (
        "import asyncio, sys\n"
        "from livekit.plugins.espeak.engine import Engine\n"
        "from livekit.plugins.espeak.voices import find_installation\n"
        "async def main():\n"
        "    engine = Engine(find_installation(), 22050)\n"
        "    await engine.start()\n"
        "    print(engine.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", agent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        orphan = psutil.Process(int(process.stdout.readline()))
        process.kill()
    _, alive = psutil.wait_procs([orphan], timeout=30)
    assert alive == []


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    find_installation.cache_clear()
    with pytest.raises(FileNotFoundError, match="pip install espeakng-loader"):
        find_installation()
    monkeypatch.setattr("ctypes.util.find_library", lambda _: "libespeak-ng.so.1")
    assert find_installation().library == "libespeak-ng.so.1"
    find_installation.cache_clear()


async def test_a_library_without_its_data_says_so() -> None:
    engine = Engine(Installation(find_installation().library, Path("/nonexistent")), 22050)
    with pytest.raises(APIConnectionError, match=r"no voice data \(looked in /nonexistent"):
        await engine.start()
    await engine.aclose()


async def test_voices_in_the_data_folder_are_the_librarys_own(engine: Engine) -> None:
    data = find_installation().data
    assert data is not None
    listed = {voice.file: voice for voice in await engine.list_voices(timeout_s=10)}
    read = {voice.file: voice for voice in read_voices(data)}
    assert listed.keys() == read.keys()
    assert all(listed[file].languages == read[file].languages for file in read)


async def test_every_name_that_passes_the_check_can_speak(engine: Engine) -> None:
    data = find_installation().data
    assert data is not None
    for voice in read_voices(data):
        for name in {voice.name, voice.file, *voice.languages}:
            check_voice(name, data)
            await engine.speak("a", Voicing(name, 165, 50, 100), timeout_s=10)
    for variant in ("f3", "m1", "whisper"):
        assert variant in read_variants(data)
        await engine.speak("a", Voicing(f"en-us+{variant}", 165, 50, 100), timeout_s=10)
