"""What can go wrong on a bridge.

BridgeError
├── UrlRefused    a stream address that may not be used
└── NoAvatar      no worker sent its picture and sound
"""


class BridgeError(Exception):
    """Root of everything agent/bridges raises on purpose; the message says what to do."""


class UrlRefused(BridgeError):
    """An address that is not a stream's, or that may not be asked; never shows a stream key."""


class NoAvatar(BridgeError):
    """Nobody answered in the room."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"no worker on this machine sent its face within {seconds:.0f} s: start one with "
            "`python -m agent start` (or scripts/demo) against the same LIVEKIT_URL"
        )
