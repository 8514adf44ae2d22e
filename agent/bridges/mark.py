"""The mark of an avatar's stream: this face and voice are made by a machine. Pure.

Twice: in the stream's metadata, which players show and some servers (nginx) do not pass on, and in
the picture itself, before every key frame, as H.264's user data (SEI type 5, ITU-T H.264 D.1.7),
which stays with the picture as long as nobody encodes it anew.
"""

import uuid
from typing import Any

import av

AI_MARK = "AI-generated: this face and voice are a talking avatar, not a person."
MARK_ID = uuid.UUID("5b1a4c3e-7d52-4f0b-9a6e-2c8d1e9f7a34")
"""Whose user data it is: players skip what they do not know."""
_SEI_NAL, _USER_DATA, _END = 6, 5, 0x80


def user_data(text: str = AI_MARK) -> bytes:
    """The text as a unit of an H.264 stream, with its start code. Raises ValueError when it is too
    long or not plain ASCII: what is here needs no escaping."""
    payload = MARK_ID.bytes + text.encode("ascii")
    if len(payload) >= 0xFF or "\0" in text:
        raise ValueError("a mark is short and has no zero bytes")
    head = bytes([0, 0, 0, 1, _SEI_NAL, _USER_DATA, len(payload)])
    return head + payload + bytes([_END])


def mark_container(container: Any) -> None:
    """Say it in the metadata of a stream that is about to be written."""
    container.metadata["comment"] = AI_MARK


def marked(packet: Any) -> Any:
    """An encoded picture, with the mark before it where it is a key frame."""
    if not packet.is_keyframe:
        return packet
    made = av.Packet(user_data() + bytes(packet))
    made.stream, made.time_base = packet.stream, packet.time_base
    made.pts, made.dts, made.is_keyframe = packet.pts, packet.dts, True
    return made
