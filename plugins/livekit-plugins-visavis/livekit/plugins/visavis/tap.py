"""For whoever sends the avatar elsewhere than into its room: each picture with its sound.

A subscriber of the tracks gets sound and picture through two jitter buffers, tens to hundreds of
milliseconds apart. A tap gets them where they leave, numbered by the same clock: a picture belongs
to its first sample, exactly.
"""

from typing import Protocol

from avatar.frames import VideoFrame
from avatar.timeline import Samples


class Tap(Protocol):
    """Called on the playout's thread: return at once, raise nothing.

    Clock samples (48 kHz, from 0) rise without gaps, silence included; a playout that had to be
    replaced begins again at 0.
    """

    def sound(self, start: int, samples: Samples) -> None:
        """These samples, int16 mono and the receiver's own, have left; `start` is the first's."""

    def picture(self, start: int, picture: VideoFrame) -> None:
        """This picture has left; its window begins at clock sample `start`. Copy it to keep it."""
