"""How the avatar's two tracks are published: one participant, one stream, explicit encoding."""

import asyncio

from livekit import rtc

from .errors import VisavisException

AUDIO_TRACK = "avatar_audio"
VIDEO_TRACK = "avatar_video"
_STREAM = "avatar"
_BITRATE = 1_500_000


async def publish(
    room: rtc.Room, audio: rtc.AudioSource, video: rtc.VideoSource, *, fps: int, trace: bool
) -> tuple[rtc.LocalTrackPublication, rtc.LocalTrackPublication]:
    """Publish sound and picture from the room's own participant, at the same time."""
    audio_track = rtc.LocalAudioTrack.create_audio_track(AUDIO_TRACK, audio)
    video_track = rtc.LocalVideoTrack.create_video_track(VIDEO_TRACK, video)
    publish_track = room.local_participant.publish_track
    return await asyncio.gather(
        publish_track(audio_track, audio_options()),
        publish_track(video_track, video_options(fps, trace=trace)),
    )


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
