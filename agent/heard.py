"""The history ends at the word that was heard when a reply is interrupted.

LiveKit cuts it where its captions are, which on a busy machine is words away. We know more: the
sample at which the voice fell silent, and a synthesiser's word timings, or the sound itself, over
whose voiced parts letters spread evenly. No text becomes longer than what the voice was given.
"""

import itertools
import re
from collections import deque
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.agents.voice.io import PlaybackFinishedEvent
from numpy.typing import NDArray

from agent.turns.words import plain

_SCRIPTS = 8
"""Texts that are remembered: one that is spoken, and some made ahead."""
_WORD = re.compile(r"\S*\w\S*")
_SENTENCE = re.compile(r"[.!?…]+\s+(?=\S)")
PHRASE = 3
"""More words than these with one time are no timing."""
STEP_S = 0.01
_SILENT = 200
_LETTERS_A_SECOND = 15.0
_MEASURED_S = 1.0


def voicing(frame: rtc.AudioFrame, rest: NDArray[np.int16]) -> tuple[list[bool], NDArray[np.int16]]:
    """Whether each whole STEP_S of `rest` and this frame has a voice, and what is left over."""
    step = round(STEP_S * frame.sample_rate)
    mono = np.frombuffer(frame.data, np.int16)[:: frame.num_channels]
    sound = np.concatenate([rest, mono])
    whole = len(sound) // step * step
    peaks = np.abs(sound[:whole].reshape(-1, step).astype(np.int32)).max(axis=1)
    return (peaks > _SILENT).tolist(), sound[whole:]


class Script:
    """What one speech was to say, and what is known of when.

    rate: letters a second of voiced sound, as long as the sound is not complete.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.text = ""
        self.complete = False
        self.mute = False
        """The voice is over and made no sound."""
        self._by_phrases = False
        self._phrases: list[tuple[int, int]] = []  # step at which a phrase begins, its letter
        self._timed_letters = 0
        self._starts: list[float] = []  # of the words, where the voice tells
        self._voiced: list[bool] = []  # every STEP_S of the sound
        self._rest = np.zeros(0, np.int16)

    def add_text(self, text: str) -> None:
        self.text += text

    def add_frame(self, frame: rtc.AudioFrame) -> None:
        """Note the word timings that ride on a frame, and where it is silent."""
        for part in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, ()):
            words = len(_WORD.findall(str(part)))
            if words > PHRASE:
                self._by_phrases = True  # LiveKit's adapter times whole sentences
            if isinstance(getattr(part, "start_time", None), int | float):
                self._starts += [part.start_time] * words
                self._phrases.append((round(part.start_time / STEP_S), self._timed_letters))
            self._timed_letters += len(part)
        voiced, self._rest = voicing(frame, self._rest)
        self._voiced += voiced

    def until(self, position_s: float) -> str:
        """The text up to the word that sounds at a position.

        By the timings of its words; without them by its letters, which are spread over the voiced
        sound between those pauses that are the ends of its sentences.
        """
        if self._starts and not self._by_phrases:
            count = sum(start < position_s for start in self._starts)
        else:
            letters = self._letters(round(position_s / STEP_S))
            count = sum(match.start() < letters for match in _WORD.finditer(self.text))
        ends = [match.end() for match in _WORD.finditer(self.text)]
        return self.text[: ends[min(count, len(ends)) - 1]] if count and ends else ""

    def letters(self, position_s: float) -> float:
        """How many letters had been spoken at a position, by estimate."""
        return self._letters(round(position_s / STEP_S))

    @property
    def rate(self) -> float:
        """Letters a second of voiced sound: measured where the sound is complete."""
        voiced_s = sum(self._voiced) * STEP_S
        long_enough = self.complete and voiced_s >= _MEASURED_S
        return len(self.text) / voiced_s if long_enough else self._rate

    def _letters(self, position: int) -> float:
        """How many letters had been spoken at a step, by estimate."""
        voiced = np.array(self._voiced, bool)
        if self._by_phrases and self._phrases:
            cuts, sentences = map(list, zip(*self._phrases, strict=True))
            cuts, sentences = [*cuts, len(voiced)], [*sentences, self._timed_letters]
        elif not self.complete:
            return float(voiced[:position].sum()) * STEP_S * self._rate
        else:
            sentences = [0, *(m.end() for m in _SENTENCE.finditer(self.text)), len(self.text)]
            cuts = [0, *_pauses(voiced, len(sentences) - 2), len(voiced)]
        if len(cuts) != len(sentences):
            cuts, sentences = [0, len(voiced)], [0, len(self.text)]
        for n in range(1, len(cuts)):
            if position <= cuts[n] or n == len(cuts) - 1:
                part = voiced[cuts[n - 1] : cuts[n]]
                done = float(part[: max(0, position - cuts[n - 1])].sum()) / max(1, part.sum())
                return float(sentences[n - 1] + done * (sentences[n] - sentences[n - 1]))
        return 0.0


def _pauses(voiced: NDArray[np.bool_], count: int) -> list[int]:
    """The middles of the longest silences inside a sound, as many as asked for, in order."""
    edges = np.flatnonzero(np.diff(voiced.astype(np.int8)))
    runs = [
        (int(b - a), int(a + b) // 2) for a, b in itertools.pairwise(edges) if not voiced[a + 1]
    ]
    return sorted(middle for _, middle in sorted(runs)[len(runs) - count :]) if count else []


class HeardWords:
    """Corrects the messages of one session as they are added to its history."""

    def __init__(self) -> None:
        # one that nobody heard of leaves when there are too many
        self._scripts: deque[Script] = deque(maxlen=_SCRIPTS)
        self._position_s: float | None = None

    def start(self, session: AgentSession[Any]) -> None:
        """Begin, once the session has its voice; it ends with the session."""
        output = session.output.audio
        if output is not None:
            output.on("playback_finished", self._on_finished)
        session.on("conversation_item_added", self._on_item)

    def script(self) -> Script:
        """A new speech: fill it while it is given to the voice."""
        before = self._scripts[-1].rate if self._scripts else _LETTERS_A_SECOND
        self._scripts.append(Script(before))
        return self._scripts[-1]

    def is_mute(self, text: str) -> bool:
        """Whether the voice has given up a speech that begins with this text."""
        script = self._match(text)
        return script is not None and script.mute

    def letters(self, text: str, position_s: float) -> float:
        """How many letters had been spoken of a speech that begins with this text."""
        script = self._match(text)
        return script.letters(position_s) if script is not None else position_s * _LETTERS_A_SECOND

    def _on_finished(self, event: PlaybackFinishedEvent) -> None:
        self._position_s = event.playback_position if event.interrupted else None

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item, position_s = event.item, self._position_s
        if not isinstance(item, ChatMessage) or item.role != "assistant":
            return
        self._position_s = None
        if not item.interrupted or position_s is None:
            return
        script = self._match(item.text_content or "")
        if script is None:
            return
        item.content = [script.until(position_s)]

    def _match(self, text: str) -> Script | None:
        """The newest speech that began with these words."""
        said = plain(text)
        for script in reversed(self._scripts):
            if plain(script.text)[: len(said)] == said:
                return script
        return None
