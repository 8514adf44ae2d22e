"""The rendering core: sound in, a talking face out. No LiveKit, no network."""

__version__ = "0.1.0"
