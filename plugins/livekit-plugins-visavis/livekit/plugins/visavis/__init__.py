"""Visavis: a face for LiveKit agents. See AvatarSession."""

from livekit.agents import Plugin

from .avatar import ATTRIBUTE_FACE, AvatarSession, VisavisException
from .log import logger
from .playout import Playout
from .sink import USERDATA_PHONEMES, AvatarSink
from .version import __version__

__all__ = [
    "ATTRIBUTE_FACE",
    "USERDATA_PHONEMES",
    "AvatarSession",
    "AvatarSink",
    "Playout",
    "VisavisException",
    "__version__",
]


class VisavisPlugin(Plugin):
    """Registers the package with LiveKit; there is nothing to download."""

    def __init__(self) -> None:
        assert __package__ is not None
        super().__init__(__name__, __version__, __package__, logger)


Plugin.register_plugin(VisavisPlugin())
