"""How the avatar's two tracks are published: one participant, one stream, explicit encoding."""

import asyncio

from livekit import rtc

AUDIO_TRACK = "avatar_audio"
VIDEO_TRACK = "avatar_video"
_STREAM = "avatar"
_BITRATE = 1_500_000


async def publish(
    room: rtc.Room, audio: rtc.AudioSource, video: rtc.VideoSource, *, fps: int
) -> tuple[rtc.LocalTrackPublication, rtc.LocalTrackPublication]:
    """Publish sound and picture from the room's own participant, at the same time."""
    audio_track = rtc.LocalAudioTrack.create_audio_track(AUDIO_TRACK, audio)
    video_track = rtc.LocalVideoTrack.create_video_track(VIDEO_TRACK, video)
    publish_track = room.local_participant.publish_track
    return await asyncio.gather(
        publish_track(audio_track, audio_options()), publish_track(video_track, video_options(fps))
    )


def audio_options() -> rtc.TrackPublishOptions:
    """Microphone, no DTX (silence keeps the clock going), RED against loss."""
    return rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=True, stream=_STREAM
    )


def video_options(fps: int) -> rtc.TrackPublishOptions:
    """Camera, explicit encoding: the SDK's defaults cap 512x512 at 20 fps and 300 kbit/s."""
    return rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_CAMERA,
        simulcast=False,
        video_codec=rtc.VideoCodec.VP8,
        video_encoding=rtc.VideoEncoding(max_framerate=fps, max_bitrate=_BITRATE),
        stream=_STREAM,
    )
