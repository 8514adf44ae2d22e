"""Offline STT for LiveKit agents by PocketSphinx, on a vocabulary you know.

Importing loads no model; `STT.prewarm` does.
"""

from livekit.agents import Plugin

from .log import logger
from .stream import RecognizeStream
from .stt import STT
from .transcript import UNCLEAR
from .version import __version__

__all__ = ["STT", "UNCLEAR", "RecognizeStream", "__version__"]


class PocketSphinxPlugin(Plugin):
    """Makes the plugin known to livekit-agents."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(PocketSphinxPlugin())
