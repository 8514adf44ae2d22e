"""How the avatar's two tracks are published: one participant, one stream, explicit encoding."""

import asyncio
import contextlib
from collections.abc import Iterable

from livekit.agents import utils

from livekit import rtc

from .errors import VisavisException

AUDIO_TRACK = "avatar_audio"
VIDEO_TRACK = "avatar_video"
_STREAM = "avatar"
_BITRATE = 1_500_000
_ANSWER_S = 2.0

Publications = tuple[rtc.LocalTrackPublication, rtc.LocalTrackPublication]
"""Of the sound and of the picture."""


async def publish(
    room: rtc.Room, audio: rtc.AudioSource, video: rtc.VideoSource, *, fps: int, trace: bool
) -> Publications:
    """Publish sound and picture from the room's own participant, at the same time.

    Never cancel it, and close the sources and the room after it: LiveKit's native library goes on
    publishing what is no longer there, and the process dies. Raises what LiveKit raises when the
    room refuses a track; then neither of them is left.
    """
    me = room.local_participant
    done = await asyncio.gather(
        me.publish_track(
            rtc.LocalAudioTrack.create_audio_track(AUDIO_TRACK, audio), audio_options()
        ),
        me.publish_track(
            rtc.LocalVideoTrack.create_video_track(VIDEO_TRACK, video),
            video_options(fps, trace=trace),
        ),
        return_exceptions=True,
    )
    sound, picture = done
    if isinstance(sound, BaseException) or isinstance(picture, BaseException):
        await unpublish(room, [one for one in done if not isinstance(one, BaseException)])
        raise next(one for one in done if isinstance(one, BaseException))
    return sound, picture


async def settled(
    room: rtc.Room, publishing: "asyncio.Task[Publications]"
) -> tuple[rtc.LocalTrackPublication, ...]:
    """What came of it once it is over; nothing if the room goes away, and with it the answer."""
    gone = asyncio.Event()

    def on_gone(*_: object) -> None:
        gone.set()

    room.on("disconnected", on_gone)
    left = asyncio.create_task(gone.wait(), name="avatar-room-left")
    try:
        if room.isconnected():
            await asyncio.wait({publishing, left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        room.off("disconnected", on_gone)
        await utils.aio.cancel_and_wait(left)
    if publishing.done():
        return () if publishing.exception() else publishing.result()
    await utils.aio.cancel_and_wait(publishing)
    return ()


async def unpublish(room: rtc.Room, publications: Iterable[rtc.LocalTrackPublication]) -> None:
    """Take them out of the room, if it is still there. One that is closing may never answer."""
    for publication in publications:
        if room.isconnected():
            with contextlib.suppress(rtc.participant.UnpublishTrackError, TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await room.local_participant.unpublish_track(publication.sid)


def audio_options() -> rtc.TrackPublishOptions:
    """Microphone, no DTX (silence keeps the clock going), RED against loss."""
    return rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=True, stream=_STREAM
    )


def video_options(fps: int, *, trace: bool) -> rtc.TrackPublishOptions:
    """Camera, explicit encoding: the SDK's defaults cap 512x512 at 20 fps and 300 kbit/s."""
    features = rtc.FrameMetadataFeature
    return rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_CAMERA,
        simulcast=False,
        video_codec=rtc.VideoCodec.VP8,
        video_encoding=rtc.VideoEncoding(max_framerate=fps, max_bitrate=_BITRATE),
        stream=_STREAM,
        frame_metadata_features=[
            features.FMF_USER_TIMESTAMP,
            features.FMF_FRAME_ID,
            features.FMF_USER_DATA,
        ]
        if trace
        else [],
    )


def refuse_late_start(room: rtc.Room) -> None:
    """Raise VisavisException where the session publishes its voice already.

    RoomIO's own voice track would win over ours in every client.
    """
    if not room.isconnected():
        return
    for publication in room.local_participant.track_publications.values():
        if publication.name == "roomio_audio":
            raise VisavisException(
                "the session already publishes its voice: call AvatarSession.start() before "
                "session.start(), or pass RoomOptions(audio_output=False)"
            )


async def connected(room: rtc.Room) -> None:
    """Wait until this room is joined."""
    if room.isconnected():
        return
    ready = asyncio.Event()

    def on_state(state: rtc.ConnectionState.ValueType) -> None:
        if state == rtc.ConnectionState.CONN_CONNECTED:
            ready.set()

    room.on("connection_state_changed", on_state)
    try:
        await ready.wait()
    finally:
        room.off("connection_state_changed", on_state)
