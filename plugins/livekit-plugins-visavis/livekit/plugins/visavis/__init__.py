"""Visavis: a face for LiveKit agents. See AvatarSession."""

from livekit.agents import Plugin

from .avatar import ATTRIBUTE_FACE, ATTRIBUTE_FACE_REASON, AvatarSession
from .dispatch import ATTRIBUTE_PLACEMENT, ATTRIBUTE_REASON, RemoteWorker
from .errors import VisavisException
from .log import logger
from .playout import Playout
from .sink import USERDATA_PHONEMES, USERDATA_TEXT, AvatarSink
from .tap import Tap
from .told import Pronounce, tell, tts_node
from .version import __version__
from .wardrobe import Face

__all__ = [
    "ATTRIBUTE_FACE",
    "ATTRIBUTE_FACE_REASON",
    "ATTRIBUTE_PLACEMENT",
    "ATTRIBUTE_REASON",
    "USERDATA_PHONEMES",
    "USERDATA_TEXT",
    "AvatarSession",
    "AvatarSink",
    "Face",
    "Playout",
    "Pronounce",
    "RemoteWorker",
    "Tap",
    "VisavisException",
    "__version__",
    "tell",
    "tts_node",
]


class VisavisPlugin(Plugin):
    """Registers the package with LiveKit; there is nothing to download."""

    def __init__(self) -> None:
        assert __package__ is not None
        super().__init__(__name__, __version__, __package__, logger)


Plugin.register_plugin(VisavisPlugin())
