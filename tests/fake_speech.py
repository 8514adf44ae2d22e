"""Speech for the local servers: espeak-ng's, with the truth about when each sound begins."""

from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins import espeak
from livekit.plugins.visavis import USERDATA_PHONEMES

RATE = 24_000


@dataclass(frozen=True, slots=True)
class Speech:
    """pcm: int16 at RATE. words: (text, start_s, end_s). phones: (symbol, start_s, end_s)."""

    text: str
    pcm: bytes
    words: list[tuple[str, float, float]]
    phones: list[tuple[str, float, float]]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE

    def letters(self) -> tuple[list[str], list[int], list[int]]:
        """Characters, their starts and their lengths in ms, as a synthesiser's alignment has them:
        a letter starts where the phones of its word that it is the spelling of do, about."""
        chars: list[str] = []
        starts: list[float] = []
        for word, begin, end in self.words:
            sounds = [p for p in self.phones if begin - 0.001 <= p[1] < end - 0.001]
            for n, char in enumerate(word):
                chars.append(char)
                at = n / max(1, len(word)) * max(1, len(sounds))
                if sounds:
                    phone = sounds[min(int(at), len(sounds) - 1)]
                    starts.append(phone[1] + (at - int(at)) * (phone[2] - phone[1]))
                else:
                    starts.append(begin + n / len(word) * (end - begin))
        ends = [*starts[1:], self.words[-1][2]] if starts else []
        ms = [round(s * 1000) for s in starts]
        return chars, ms, [max(0, round(e * 1000) - s) for e, s in zip(ends, ms, strict=True)]


class Speaker:
    """espeak-ng, with what it said remembered."""

    def __init__(self, voice: str = "en-us") -> None:
        self._tts = espeak.TTS(voice=voice)
        self._said: dict[str, Speech] = {}

    async def say(self, text: str) -> Speech:
        if text not in self._said:
            self._said[text] = await self._make(text)
        return self._said[text]

    async def _make(self, text: str) -> Speech:
        resampler = rtc.AudioResampler(22_050, RATE)
        parts: list[bytes] = []
        words: list[tuple[str, float, float]] = []
        phones: list[tuple[str, float, float]] = []
        async with self._tts.synthesize(text) as stream:
            async for event in stream:
                for word in event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, ()):
                    words.append((str(word), float(word.start_time), float(word.end_time)))
                for entry in event.frame.userdata.get(USERDATA_PHONEMES, ()):
                    phones += [(s, float(a), float(b)) for s, a, b in entry["phones"]]
                parts += [frame.data.tobytes() for frame in resampler.push(event.frame)]
        parts += [frame.data.tobytes() for frame in resampler.flush()]
        return Speech(text, b"".join(parts), words, phones)

    async def aclose(self) -> None:
        await self._tts.aclose()


def loudness(pcm: bytes) -> float:
    """The root mean square of int16 samples."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    return float(np.sqrt((samples**2).mean())) if len(samples) else 0.0
