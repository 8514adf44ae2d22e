"""The rendering core: sound in, a talking face out. No LiveKit, no network, nothing done on import."""

__version__ = "0.1.0"
