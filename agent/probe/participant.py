"""A participant that listens, watches, and speaks a WAV file as its microphone.

Works against any LiveKit avatar agent: it records the first participant that publishes a picture,
and the sound of that participant (or, when the face speaks through another one, of the agent).
"""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from agent.probe import measure
from agent.probe.recording import BLOCK, RATE, THUMB, Recording
from agent.probe.sound import read_wav

_SPEAK_QUEUE_MS = 100
_VOICE = 300
"""Samples above this belong to the speech of a WAV file, not to the silence around it."""


class Participant:
    """`async with Participant(url, token) as me:` joins; everything received is in `recording`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self.room = rtc.Room()
        self.recording = Recording()
        self.joined = 0.0
        self.video_subscribed = asyncio.Event()
        self.audio_subscribed = asyncio.Event()
        self.texts: list[tuple[float, str, str, dict[str, str]]] = []
        """(moment, identity, text so far, attributes) of every transcription update."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._source: rtc.AudioSource | None = None
        self._heard: str | None = None
        self._block = asyncio.Event()  # a block of sound came

    async def __aenter__(self) -> Self:
        self.room.on("track_subscribed", self._on_track)
        self.room.register_text_stream_handler("lk.transcription", self._on_text)
        await self.room.connect(self._url, self._token)
        self.joined = time.monotonic()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.room.disconnect()
        if self._source is not None:
            await self._source.aclose()

    async def publish_microphone(self) -> None:
        """An open microphone that is silent until `speak`."""
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_SPEAK_QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)

    async def speak(self, wav: Path | NDArray[np.int16]) -> tuple[float, float]:
        """Say a WAV file (or samples at RATE); returns when its voice began and ended.

        Moments are those at which the samples left this participant.
        """
        if self._source is None:
            await self.publish_microphone()
        assert self._source is not None
        samples = read_wav(wav) if isinstance(wav, Path) else wav
        voiced = np.flatnonzero(np.abs(samples) > _VOICE)
        first, last = (int(voiced[0]), int(voiced[-1])) if len(voiced) else (0, len(samples))
        began = time.monotonic()
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            if len(block) < BLOCK:
                block = np.pad(block, (0, BLOCK - len(block)))
            await self._source.capture_frame(rtc.AudioFrame(block.tobytes(), RATE, 1, BLOCK))
            if start == 0:
                began = time.monotonic()
        await self._source.wait_for_playout()
        return began + first / RATE, began + last / RATE

    async def type(self, text: str) -> None:
        """Send a chat message, as the page does."""
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def wait_voice(self, after: float) -> float:
        """Wait for voice that is heard after a moment; returns when."""
        while (found := measure.first_voice(self.recording, after)) is None:
            await self._next_block()
        return found

    async def wait_quiet(self, after: float, settle: float = 0.7) -> float:
        """Wait until a voice heard after a moment has been silent for `settle`; returns its end."""
        await self.wait_voice(after)
        while True:
            now = time.monotonic()
            last = measure.last_voice(self.recording, after, now)
            if last is not None and now - last > settle:
                return last
            await self._next_block()

    async def _next_block(self) -> None:
        self._block.clear()
        await self._block.wait()

    def agent(self) -> rtc.RemoteParticipant | None:
        """The participant whose face and voice are recorded."""
        return self.room.remote_participants.get(self._heard or "")

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if self._heard not in (None, participant.identity):
            return
        self._heard = participant.identity
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self.video_subscribed.set()
            self._start(self._watch(track))
        elif publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            self.audio_subscribed.set()
            self._start(self._listen(track))

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420)
        try:
            async for event in stream:
                frame = event.frame
                size = frame.width * frame.height
                if min(frame.width, frame.height) < THUMB:
                    continue  # the tiny black picture that keeps a track alive before its first
                luma = np.frombuffer(frame.data, np.uint8, size).reshape(frame.height, -1)
                note = event.metadata.user_data if event.metadata is not None else b""
                self.recording.add_video(time.monotonic(), luma, note)
        finally:
            await stream.aclose()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).copy()
                self.recording.add_audio(time.monotonic(), samples)
                self._block.set()
        finally:
            await stream.aclose()

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        self._start(self._read(reader, identity))

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        text, attributes = "", dict(reader.info.attributes or {})
        async for delta in reader:
            text += delta
            self.texts.append((time.monotonic(), identity, text, attributes))
