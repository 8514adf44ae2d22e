"""From what the decoder heard to what the agent is told.

Decides between the words, UNCLEAR and nothing. Pure.
"""

from livekit.agents import LanguageCode, stt
from livekit.agents.types import TimedString

from .ear.wire import Result

UNCLEAR = "[unclear]"
"""The whole transcript of speech that could not be followed; an agent answers it by asking
again."""

MIN_UNCLEAR_S = 0.4
"""Shorter sounds that are not understood are coughs and clicks: they are not worth a question."""


def verdict(result: Result, *, min_confidence: float, speech_s: float) -> str:
    """The words, UNCLEAR, or "" for what is to be ignored.

    speech_s: how long the VAD, or the decoder where there is no VAD, believes there was speech.
    """
    if not result.text:
        return ""
    if result.confidence >= min_confidence:
        return result.text
    return UNCLEAR if speech_s >= MIN_UNCLEAR_S else ""


def speech_data(
    text: str, result: Result, *, language: LanguageCode, start_s: float, end_s: float
) -> stt.SpeechData:
    """A final transcript's alternative; word times only where the words are the transcript."""
    words = [
        TimedString(word, start_time=start_s + begin, end_time=start_s + end)
        for word, begin, end in result.words
    ]
    return stt.SpeechData(
        language=language,
        text=text,
        start_time=start_s,
        end_time=end_s,
        confidence=result.confidence,
        words=words if text == result.text else None,
    )
