"""A face behind LiveKit's AvatarRunner, written as its own example is.

While there is speech, each stretch of one picture is handed over as a picture and its sound; while
there is none, pictures alone, at the frame rate.
"""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc
from livekit.agents import utils
from livekit.agents.voice.avatar import AudioSegmentEnd, VideoGenerator

from agent.probe.recording import RATE
from avatar.frames import AudioChunk, Cue, Manner, SpeechEnd
from benches.marks import MarkedFace

_IDLE = 0.5
"""Of a picture's time: so long LiveKit's example waits for speech before it draws an idle picture,
and lets the runner's queue pace it."""


class StockFace(VideoGenerator):
    """Draws in the order in which the sound is taken; the runner paces."""

    def __init__(self, face: MarkedFace) -> None:
        self._face = face
        self._items: asyncio.Queue[rtc.AudioFrame | AudioSegmentEnd] = asyncio.Queue()
        self._per_picture = RATE // face.fps
        self._bytes = utils.audio.AudioByteStream(RATE, 1, self._per_picture)
        self._frame = 0
        self._segment = 1
        self._position = 0

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        await self._items.put(frame)

    def clear_buffer(self) -> None:
        while not self._items.empty():
            self._items.get_nowait()
        self._bytes.flush()
        self._next_segment()

    def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        return self._run()

    async def _run(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        while True:
            try:
                item = await asyncio.wait_for(self._items.get(), _IDLE / self._face.fps)
            except TimeoutError:
                yield self._draw(speaking=False)
                continue
            pieces = self._bytes.flush() if isinstance(item, AudioSegmentEnd) else self._cut(item)
            for piece in pieces:
                samples = np.frombuffer(piece.data, np.int16)
                self._face.hear(AudioChunk(self._segment, self._position, samples))
                yield self._draw(speaking=True)
                self._position += len(samples)
                yield piece
            if isinstance(item, AudioSegmentEnd):
                self._face.hear(SpeechEnd(self._segment))
                self._next_segment()
                yield item

    def _cut(self, frame: rtc.AudioFrame) -> list[rtc.AudioFrame]:
        return self._bytes.push(frame.data)

    def _next_segment(self) -> None:
        self._segment, self._position = self._segment + 1, 0

    def _draw(self, *, speaking: bool) -> rtc.VideoFrame:
        cue = Cue(
            index=self._frame,
            time_s=self._frame / self._face.fps,
            segment=self._segment if speaking else None,
            position=self._position + self._per_picture // 2,
            manner=Manner.SPEAKING if speaking else Manner.IDLE,
        )
        self._frame += 1
        drawn = self._face.draw(cue)
        data = drawn.data.tobytes()  # the runner queues pictures, the renderer reuses its arrays
        return rtc.VideoFrame(drawn.width, drawn.height, rtc.VideoBufferType.I420, data)
