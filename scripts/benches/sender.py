"""An agent that speaks known noise, for measuring the playout: driven by lines on standard input.

Each line is a JSON object {"do": ...}; each is answered by one with the moment it was obeyed
(time.monotonic, the same clock on the whole machine). URL and token come by the environment.
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil
from faces import PlainFace
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.plugins import visavis
from livekit.plugins.visavis import tracks, wire

from agent.leave import leave
from avatar.frames import CLOCK_RATE, Cue, VideoFrame
from avatar.renderers import Renderer, load
from avatar.renderers.understudy import Understudied
from benches.noise import noise

SIZE = 256
_FRAME = CLOCK_RATE // 10


class Face(PlainFace):
    """White while it speaks; can be made slow."""

    pause_s = 0.0

    def draw(self, cue: Cue) -> VideoFrame:
        if self.pause_s:
            time.sleep(self.pause_s)
        for kept in (self.cues, self.heard, self.forgotten):
            kept.clear()  # a test would look at them; here they would only grow
        return super().draw(cue)


class Sender:
    """One call: the room, the session, the avatar, and what was sent when."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.face = Face(width=SIZE, height=SIZE)
        self.session = AgentSession[None](vad=None, turn_handling={"turn_detection": "manual"})
        self.avatar = _avatar(_seen(self.face))
        self.told = ("live", "")
        self.avatar.on("face_changed", lambda *told: setattr(self, "told", told))
        self.placed: list[tuple[float, str, str]] = []
        self.avatar.on("placement_changed", lambda *to: self.placed.append((time.monotonic(), *to)))
        self.finished: list[tuple[float, bool]] = []
        self.lateness: list[float] = []
        noise(1.0)  # made once, now

    async def start(self) -> None:
        await self.room.connect(os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"])
        await self.avatar.start(self.session, self.room)
        await self.session.start(Agent(instructions="none"), room=self.room)
        output = self.session.output.audio
        assert output is not None
        output.on(
            "playback_finished",
            lambda event: self.finished.append((event.playback_position, event.interrupted)),
        )
        playout = self.avatar.playout
        if playout is None:  # an avatar worker plays
            return
        source = playout._video_source
        capture = source.capture_frame

        def timed(frame: rtc.VideoFrame, *, timestamp_us: int = 0, **rest: Any) -> None:
            self.lateness.append(time.monotonic() - timestamp_us / 1e6)
            capture(frame, timestamp_us=timestamp_us, **rest)

        source.capture_frame = timed  # type: ignore[method-assign]  # only measured

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what a line says; returns what is to be told."""
        output, playout = self.session.output.audio, self.avatar.playout
        assert output is not None
        do, began = order["do"], time.monotonic()
        if do == "say":
            self.session.say("noise", audio=_speech(order["seconds"]), add_to_chat_ctx=False)
        elif do == "interrupt":
            self.session.interrupt()
        elif do in ("pause", "resume"):
            getattr(output, do)()
        elif do in ("duck", "unduck"):
            getattr(self.avatar, do)()
        elif do == "block":
            time.sleep(order["seconds"])  # noqa: ASYNC251  # the loop is to be blocked
        elif do == "trip":
            return {"seconds": await self._trip()}
        elif do == "starve":
            assert playout is not None
            playout._call(time.sleep, order["seconds"])
        elif do == "slow":
            self.face.pause_s = order["seconds"]
        elif do == "face":
            return dict(zip(("face", "why"), self.told, strict=True))
        elif do == "placed":
            return {"placed": self.placed, "finished": self.finished}
        elif do == "report":
            return self._report()
        return {"at": began}

    async def _trip(self) -> float:
        """A call to the avatar worker and back; it ignores a state that is older than its own."""
        began = time.monotonic()
        await self.room.local_participant.perform_rpc(
            destination_identity=self.avatar.avatar_identity,
            method=wire.RPC_STATE,
            payload=wire.State(seq=0).pack(),
        )
        return time.monotonic() - began

    def _report(self) -> dict[str, Any]:
        playout = self.avatar.playout
        assert playout is not None
        assert playout.voice is not None
        late, self.lateness = self.lateness, []
        process = psutil.Process()
        return {
            "underruns": playout.voice.underruns,
            "underrun_s": playout.voice.underrun_s,
            "skipped": playout.video.stats.skipped,
            "lateness": late,
            "finished": self.finished,
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "descriptors": process.num_fds(),
            "rss_mb": process.memory_info().rss / 1e6,
            "base": playout._clock.due(0),
        }

    async def aclose(self) -> None:
        await self.session.aclose()
        await self.avatar.aclose()
        await self.room.disconnect()


def _seen(face: Face) -> Renderer:
    """The face, or another one with it as its costly renderer."""
    if "BENCH_STUB" not in os.environ:
        return face
    return Understudied("stub", lambda: face, PlainFace(width=SIZE, height=SIZE))


def _avatar(face: Renderer) -> visavis.AvatarSession:
    name = os.environ.get("BENCH_REMOTE")
    if "BENCH_PORTRAIT" in os.environ:
        face = load("cpu", portrait=os.environ["BENCH_PORTRAIT"], size=(SIZE, SIZE))
    if name is None:
        return visavis.AvatarSession(renderer=face)
    worker = visavis.RemoteWorker(name=name, timeout_s=30.0)
    return visavis.AvatarSession(portrait="imani", renderer=face, placement="remote", worker=worker)


async def _speech(seconds: float) -> AsyncIterator[rtc.AudioFrame]:
    samples = noise(seconds)
    for start in range(0, len(samples), _FRAME):
        part = samples[start : start + _FRAME]
        yield rtc.AudioFrame(part.tobytes(), CLOCK_RATE, 1, len(part))


async def main() -> None:
    _vary_tracks()
    sender = Sender()
    await sender.start()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _answer({"at": time.monotonic()})
    with contextlib.suppress(asyncio.IncompleteReadError):
        while line := await reader.readline():
            _answer(await sender.obey(json.loads(line)))
    await sender.aclose()


def _vary_tracks() -> None:
    """Publish with what the environment asks for instead of what we ship."""
    audio, video = tracks.audio_options, tracks.video_options

    def audio_options() -> rtc.TrackPublishOptions:
        options = audio()
        options.dtx = os.environ.get("BENCH_DTX") == "1"
        options.red = os.environ.get("BENCH_RED", "1") == "1"
        return options

    def video_options(fps: int, *, trace: bool) -> rtc.TrackPublishOptions:
        options = video(fps, trace=trace)
        if os.environ.get("BENCH_CODEC") == "h264":
            options.video_codec = rtc.VideoCodec.H264
        return options

    tracks.audio_options, tracks.video_options = audio_options, video_options


def _answer(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
    leave(0)
