"""Several ears as one: when one goes deaf, the next hears what it missed.

To LiveKit it is an STT whose stream never ends with an error. The sound of the utterance under way
is remembered: an ear that steps in begins with it. An ear that says nothing of what the VAD took
for speech is not believed at once, for it may have been a cough: the next ear listens along, and
only if that one hears words, and the silent one is late with its own, is that one deaf. A better
ear comes back after its rest, on trial: it takes over once it has heard a whole utterance.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIConnectOptions, APIError, stt, utils, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from agent.providers.health import Stage, words_of
from agent.providers.hearing import EarStream
from agent.providers.made import Made

logger = logging.getLogger(__name__)

_CONNECT = APIConnectOptions(max_retry=0, timeout=5.0)


@dataclass(frozen=True, slots=True)
class Ear:
    """One of a chain; `make` is called at its first need. limit_s: after speech, until it has
    words for it. finalises: a flush of its stream asks for the words so far."""

    name: str
    make: Callable[[], stt.STT[Any]]
    limit_s: float = 0.5
    finalises: bool = False


class EarChain(stt.STT[str]):
    """Hears with the best ear that is well. Raises what the first ear's `make` raises."""

    def __init__(self, ears: Sequence[Ear], detector: vad.VAD) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.stage = Stage("ear", [ear.name for ear in ears])
        self.ears = tuple(ears)
        self.detector = detector
        self._made = Made[int, stt.STT[Any]](self.emit)
        self._ear(0)

    @property
    def model(self) -> str:
        return self._serving().model

    @property
    def provider(self) -> str:
        return self._serving().provider

    def open(self, index: int, language: NotGivenOr[str]) -> stt.RecognizeStream:
        """A stream of one ear; one that wants whole utterances gets them from the VAD."""
        return self._ear(index).stream(language=language, conn_options=_CONNECT)

    def writes_along(self, index: int) -> bool:
        """Whether an ear that was opened writes while somebody speaks."""
        return self._ear(index).capabilities.interim_results

    def prewarm(self) -> None:
        """The last one, which must be there at once when it is needed; the others connect when
        they begin to listen."""
        last = len(self.ears) - 1
        try:
            self._ear(last).prewarm()
        except Exception as error:
            self.stage.failed(last, error)
            logger.warning(
                "an ear cannot be used",
                extra={"ear": self.ears[last].name, "reason": words_of(error)},
            )

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        last: Exception = APIError("no ear")
        for index in self.stage.order():
            try:
                event = await self._ear(index).recognize(
                    buffer, language=language, conn_options=conn_options
                )
            except Exception as error:
                self.stage.failed(index, error)
                last = error
            else:
                self.stage.served(index)
                return event
        raise last

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return EarStream(self, language, conn_options)

    async def aclose(self) -> None:
        await self._made.aclose()

    def _ear(self, index: int) -> stt.STT[Any]:
        return self._made.get(index, lambda: self._streaming(self.ears[index].make()))

    def _streaming(self, ear: stt.STT[Any]) -> stt.STT[Any]:
        if ear.capabilities.streaming:
            return ear
        return stt.StreamAdapter(stt=ear, vad=self.detector)

    def _serving(self) -> stt.STT[Any]:
        return self._made.first_of(self.stage.serving, 0)
