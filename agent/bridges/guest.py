"""Who is outside, as a participant of the room: a microphone and, with the first picture, a camera.

Both tracks share one stream, so that subscribers hold them together, and the microphone has no DTX:
silence keeps the clock going. Who talks by SIP is heard as it comes: a queue of the source is full
after the first hiccup and stays so, while a subscriber's own jitter buffer gets short again. A
stream may be music, and waits in a queue. What piles up before it is dropped, oldest first.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, Self

import numpy as np
from livekit import api, rtc
from numpy.typing import NDArray

from agent.bridges.errors import BridgeError
from agent.bridges.feed import RATE, Picture
from agent.config import Settings

logger = logging.getLogger(__name__)

_STREAM = "guest"
_QUEUE_MS = {"standard": 120, "sip": 0}
_BLOCK = RATE // 100
"""What a source without a queue takes: 10 ms at a time."""
_MOST_WAITING_S = 0.25
_VIDEO_BITS = 1_700_000
_LIFETIME = timedelta(minutes=10)


class Guest:
    """An async context manager: joins the room, leaves it at the end. Use it from one loop.

    kind: "sip" for somebody on a telephone or in a meeting. attributes are set by the server's key.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        room: str,
        identity: str,
        name: str,
        kind: Literal["standard", "sip"] = "standard",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._queue_ms = _QUEUE_MS[kind]
        self._identity = identity
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        self._token = (
            api.AccessToken(
                settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
            )
            .with_identity(identity)
            .with_name(name)
            .with_kind(kind)
            .with_attributes(dict(attributes or {}))
            .with_grants(grants)
            .with_ttl(_LIFETIME)
            .to_jwt()
        )
        self.room = rtc.Room()
        self.left = asyncio.Event()
        """Set when the room is gone, or we were removed from it."""
        self._microphone: rtc.AudioSource | None = None
        self._camera: rtc.VideoSource | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._waiting: deque[NDArray[np.int16]] = deque()  # bounded by _MOST_WAITING_S
        self._waiting_samples = 0
        self._came = asyncio.Event()
        self.dropped_samples = 0
        self.pictures = 0

    async def __aenter__(self) -> Self:
        self.room.on("disconnected", lambda *_: self.left.set())
        try:
            await self.room.connect(
                self._settings.livekit_url, self._token, rtc.RoomOptions(auto_subscribe=False)
            )
        except rtc.ConnectError as error:
            raise BridgeError(f"the room cannot be joined: {error}") from None
        self._microphone = rtc.AudioSource(RATE, 1, queue_size_ms=self._queue_ms)
        track = rtc.LocalAudioTrack.create_audio_track("guest_audio", self._microphone)
        await self.room.local_participant.publish_track(
            track,
            rtc.TrackPublishOptions(
                source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, stream=_STREAM
            ),
        )
        self._writer = asyncio.create_task(self._write(), name="guest-microphone")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._settled()
        self.left.set()
        for task in (self._publishing, self._writer):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self.room.disconnect()
        for source in (self._microphone, self._camera):
            if source is not None:
                await source.aclose()

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Say this: int16 mono at RATE."""
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        while self._waiting_samples > _MOST_WAITING_S * RATE:
            old = self._waiting.popleft()
            self._waiting_samples -= len(old)
            self.dropped_samples += len(old)
        self._came.set()

    def see(self, picture: Picture) -> None:
        """Show this now; the first picture publishes the camera. Nothing once we have left."""
        if self.left.is_set():
            return
        if self._camera is None:
            if self._publishing is None:
                self._publishing = asyncio.create_task(
                    self._publish_camera(picture.width, picture.height), name="guest-camera"
                )
            return
        self._camera.capture_frame(
            rtc.VideoFrame(
                picture.width, picture.height, rtc.VideoBufferType.I420, picture.data.data
            ),
            timestamp_us=round(time.monotonic() * 1e6),
        )
        self.pictures += 1

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Tell the room about us; nothing where the room is gone."""
        if self.room.isconnected():
            with contextlib.suppress(RuntimeError):
                await self.room.local_participant.set_attributes(dict(attributes))

    async def _settled(self) -> None:
        """Wait for a camera that is being published, unless the room goes away.

        LiveKit's native library dies of a source that is closed meanwhile.
        """
        if self._publishing is None:
            return
        left = asyncio.create_task(self.left.wait(), name="guest-left")
        await asyncio.wait({self._publishing, left}, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        await asyncio.wait([left])

    async def _publish_camera(self, width: int, height: int) -> None:
        camera = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("guest_video", camera)
        await self.room.local_participant.publish_track(
            track,
            rtc.TrackPublishOptions(
                source=rtc.TrackSource.SOURCE_CAMERA,
                simulcast=False,
                video_encoding=rtc.VideoEncoding(max_framerate=30, max_bitrate=_VIDEO_BITS),
                stream=_STREAM,
            ),
        )
        self._camera = camera

    async def _write(self) -> None:
        assert self._microphone is not None
        rest = np.zeros(0, np.int16)
        while True:
            while self._waiting:
                samples = self._waiting.popleft()
                self._waiting_samples -= len(samples)
                rest = np.concatenate([rest, samples])
                while len(rest) >= _BLOCK:
                    block, rest = rest[:_BLOCK], rest[_BLOCK:]
                    await self._microphone.capture_frame(
                        rtc.AudioFrame(block.tobytes(), RATE, 1, _BLOCK)
                    )
            self._came.clear()
            await self._came.wait()
