"""espeak-ng for LiveKit agents: a voice that needs no network, no key and no model.

The library itself (GPL-3) is loaded by a child process only, and not before the first use.
"""

from livekit.agents import Plugin

from .log import logger
from .reading import Reader
from .tts import TTS, USERDATA_PHONEMES, ChunkedStream, Phonemes, SynthesizeStream
from .version import __version__
from .voices import Voice

__all__ = [
    "TTS",
    "USERDATA_PHONEMES",
    "ChunkedStream",
    "Phonemes",
    "Reader",
    "SynthesizeStream",
    "Voice",
    "__version__",
]


class EspeakPlugin(Plugin):
    """Makes the plugin known to LiveKit's tools; there is nothing to download."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(EspeakPlugin())
