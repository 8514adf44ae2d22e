"""How espeak-ng reads a text, for a mouth that must follow another voice: phones, no sound.

It speaks the text to itself, as fast as it can, and keeps only what it said; a sentence takes some
ten milliseconds of the child's time.
"""

import bisect

from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from .engine import Engine, Voicing
from .spoken import speakable
from .timing import PAUSE, Laid, lay_out
from .tts import SAMPLE_RATE
from .voices import check_voice, find_installation

_RATE, _PITCH, _VOLUME = 300, 50, 100  # beyond it espeak-ng begins to swallow sounds


class Reader:
    """Reads words aloud to nobody. voice: the language, as for TTS.

    Raises ValueError for a voice that cannot be, FileNotFoundError without espeak-ng.
    """

    def __init__(self, *, voice: str = "en-us") -> None:
        found = find_installation()
        check_voice(voice, found.data)
        self._voicing = Voicing(voice, _RATE, _PITCH, _VOLUME)
        self._engine = Engine(found, SAMPLE_RATE)

    async def __call__(self, text: str) -> list[list[str]]:
        """The phones in IPA of each word of the text, parted by white space.

        Raises what LiveKit's TTS raises when espeak-ng does not answer.
        """
        spoken = speakable(text)
        if not spoken.text.strip():
            return [[] for _ in text.split()]
        speech = await self._engine.speak(
            spoken.text, self._voicing, timeout_s=DEFAULT_API_CONNECT_OPTIONS.timeout
        )
        laid = lay_out(speech, spoken, text, rate=SAMPLE_RATE, clock=0, pause=0)
        return _by_word(laid, text) if laid is not None else [[] for _ in text.split()]

    async def aclose(self) -> None:
        """End the child process; twice is fine."""
        await self._engine.aclose()


def _by_word(laid: Laid, text: str) -> list[list[str]]:
    starts = [word.start_s for word in laid.words]
    said: list[list[str]] = [[] for _ in laid.words]
    for phone in laid.phones:
        if phone.symbol != PAUSE:
            said[max(0, bisect.bisect_right(starts, phone.start_s + 1e-6) - 1)].append(phone.symbol)
    words: list[list[str]] = []
    for word, phones in zip(laid.words, said, strict=True):
        tokens = word.text.split()  # a dash or a number's parts may be one word to espeak-ng
        words += [phones, *([] for _ in tokens[1:])] if tokens else []
        if not tokens and words:
            words[-1] += phones
    return words if len(words) == len(text.split()) else []
