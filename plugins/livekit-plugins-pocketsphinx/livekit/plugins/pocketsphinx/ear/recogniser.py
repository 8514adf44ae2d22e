"""Decoders: one per utterance, on a vocabulary compiled from phrases.

Blocks and is not thread safe; it is made for the child process. The fact you would not guess: what
decides about right and wrong here is the cepstral mean. The acoustic model was trained on
utterances whose own mean was taken off, and PocketSphinx cannot know that mean before the utterance
is over: 31 % of words were wrong with its initial guess, 6 % with the utterance's own. So the sound
is kept, the mean is measured from what has come so far, and the utterance is decoded again from its
beginning (18 times faster than it was spoken) when twice as much sound has come, and when the
speaker pauses.
"""

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pocketsphinx

from . import confidence, ngram, pronounce, text
from .wire import SAMPLE_RATE, Result

_BYTES_PER_S = 2 * SAMPLE_RATE
_CHUNK = 2048  # bytes per call of the decoder, 64 ms
_FRAMES_PER_S = 100
_FRAME_BYTES = _BYTES_PER_S // _FRAMES_PER_S
_MARGIN_FRAMES = 25  # silence kept at both ends of what the mean is measured on
_FIRST_DECODE_S = 0.8  # before that a mean says little; the VAD's prefix is the first 0.5 s of it
_STEADY_S = 6.0  # from here on the mean no longer moves enough to pay for another pass
_PARTIAL_S = 0.2
_SCORE_SCALE = (
    1024.0  # the search shifts acoustic scores by ten bits, and the binding does not undo it
)

# Found by measuring on synthetic voices (2026-11): wider beams than the defaults, since the right
# words were being pruned; a language weight of twice the default, since the phrases are what people
# say here; and only the first pass, since with that weight the other two gained nothing and took
# 30-90 ms at the end.
_SEARCH = {
    **{"lw": 14.0, "wip": 0.2, "fwdflat": False, "bestpath": False},
    **{"beam": 1e-65, "pbeam": 1e-65, "lpbeam": 1e-55, "wbeam": 1e-45, "lponlybeam": 1e-45},
}
_GENERAL_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Model:
    """A compiled vocabulary: pronunciations and n-grams."""

    pronunciations: pronounce.Pronunciations
    grams: ngram.NGrams

    def decoder(self) -> pocketsphinx.Decoder:
        """A new decoder, about 10 ms: the acoustic model is mapped, not read."""
        # PocketSphinx reads both only from files, and only while it is made
        with tempfile.TemporaryDirectory(prefix="ear-") as folder:
            words, model = Path(folder, "words.dict"), Path(folder, "phrases.lm")
            words.write_text(pronounce.dictionary_text(self.pronunciations), encoding="utf-8")
            model.write_text(self.grams.arpa(), encoding="utf-8")
            return pocketsphinx.Decoder(
                hmm=acoustic_model(), dict=str(words), lm=str(model), loglevel="FATAL", **_SEARCH
            )


def acoustic_model() -> str:
    """The folder of the en-us acoustic model in the PocketSphinx wheel."""
    return str(pocketsphinx.get_model_path("en-us/en-us"))


def compile_model(phrases: Sequence[str]) -> Model:
    """The model of these phrases and of the general words; the general phrases when there are
    none."""
    words, small_talk = text.general()
    sentences = text.sentences_of(phrases) or text.sentences_of(small_talk)
    grams = ngram.estimate(sentences, dict.fromkeys(words, _GENERAL_WEIGHT))
    dictionary = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    return Model(pronounce.look_up(grams.words, dictionary), grams)


class FrontEnd:
    """Measures cepstral means: a decoder that knows one word, so that closing it costs nothing."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory(prefix="ear-") as folder:
            words = Path(folder, "words.dict")
            words.write_text("a AH\n", encoding="utf-8")
            self._decoder = pocketsphinx.Decoder(
                hmm=acoustic_model(), dict=str(words), lm=None, loglevel="FATAL"
            )
        self._decoder.add_jsgf_string("one", "#JSGF V1.0; grammar one; public <one> = a;")
        self._decoder.activate_search("one")

    def mean(self, sound: bytes) -> str:
        """The mean of the sound's cepstra, as PocketSphinx writes it. About 1 ms per second."""
        self._decoder.start_utt()
        self._decoder.process_raw(sound, no_search=True, full_utt=True)
        mean = self._decoder.get_cmn()
        self._decoder.end_utt()
        return str(mean)


class Utterance:
    """One utterance from its first sample to its result. `streaming` False decodes once, at the
    end."""

    def __init__(self, model: Model, front_end: FrontEnd, *, streaming: bool) -> None:
        self._model, self._front_end, self._streaming = model, front_end, streaming
        self._decoder = model.decoder()
        self._sound = bytearray()
        self._loudness = confidence.Loudness()
        self._fed = 0  # bytes the running pass has been given
        self._measured = 0  # bytes the running pass's mean was measured on
        self._settled_at = 0  # frame at which the last pause was; 0 is never
        self._running = False
        self._partial = ""
        self._partial_at = 0

    def push(self, sound: bytes) -> str | None:
        """Hear more, (n,) int16 mono. Returns the partial transcript when it has changed."""
        self._sound += sound
        self._loudness.push(sound)
        if not self._streaming:
            return None
        heard, measured = len(self._sound), self._measured
        if heard < _FIRST_DECODE_S * _BYTES_PER_S:
            return None
        if heard >= 2 * measured and measured < _STEADY_S * _BYTES_PER_S:
            self._restart()
        self._feed()
        if heard - self._partial_at < _PARTIAL_S * _BYTES_PER_S:
            return None
        self._partial_at = heard
        return self._changed()

    def pause(self) -> str | None:
        """The speaker has fallen silent: use the time until the end is certain. As `push`
        returns."""
        if (
            self._streaming
            and not self._is_settled()
            and len(self._sound) < _STEADY_S * _BYTES_PER_S
        ):
            self._restart()
            self._feed()
        self._settled_at = len(self._sound) // _FRAME_BYTES
        return self._changed() if self._running else None

    def end(self) -> Result:
        """What was said. The utterance is over."""
        steady = len(self._sound) >= _STEADY_S * _BYTES_PER_S and self._running
        if not steady and not (self._running and self._is_settled()):
            self._restart()
        self._feed()
        if not self._running:
            return Result("", 0.0)
        self._decoder.end_utt()
        self._running = False
        return self._result()

    def _is_settled(self) -> bool:
        """Nothing but silence has come since the last pause."""
        loud = self._loudness.loud
        return self._settled_at > 0 and (not loud or loud[-1] < self._settled_at)

    def _restart(self) -> None:
        if self._running:
            self._decoder.end_utt()
        self._decoder.set_cmn(self._front_end.mean(self._speech()))
        self._decoder.start_utt()
        self._running, self._fed, self._measured = True, 0, len(self._sound)

    def _speech(self) -> bytes:
        """The sound without its silent ends: silence moves the mean as much as speech does."""
        loud = self._loudness.loud
        if not loud:
            return bytes(self._sound)
        first = max(0, loud[0] - _MARGIN_FRAMES)
        after = loud[-1] + 1 + _MARGIN_FRAMES
        return bytes(self._sound[first * _FRAME_BYTES : after * _FRAME_BYTES])

    def _feed(self) -> None:
        if not self._running:
            return
        for at in range(self._fed, len(self._sound), _CHUNK):
            self._decoder.process_raw(bytes(self._sound[at : at + _CHUNK]))
        self._fed = len(self._sound)

    def _changed(self) -> str | None:
        hypothesis = self._decoder.hyp()
        now = hypothesis.hypstr if hypothesis else ""
        if not now or now == self._partial:
            return None
        self._partial = now
        return self._partial

    def _result(self) -> Result:
        spans: list[tuple[str, int, int]] = []
        log_score = 0.0
        for segment in self._decoder.seg() or ():
            if segment.word.startswith(
                ("<", "[", "+")
            ):  # silence and the fillers of the noise list
                continue
            spans.append(
                (segment.word.partition("(")[0], segment.start_frame, segment.end_frame + 1)
            )
            # a word that fits badly enough is zero in a double
            log_score += _SCORE_SCALE * math.log(max(segment.ascore, 1e-300))
        if not spans:
            return Result("", 0.0)
        words = [word for word, _, _ in spans]
        evidence = confidence.Evidence(
            fit=log_score / sum(after - first for _, first, after in spans),
            loose=self._model.grams.looseness(words),
            unexplained=self._loudness.unexplained([span[1:] for span in spans]),
        )
        return Result(
            " ".join(words),
            evidence.confidence,
            tuple((w, first / _FRAMES_PER_S, after / _FRAMES_PER_S) for w, first, after in spans),
        )


class Recogniser:
    """The model of the moment and what all utterances share."""

    def __init__(self) -> None:
        self._front_end = FrontEnd()
        self._model: Model | None = None

    def load(self, phrases: Sequence[str]) -> float:
        """Compile another vocabulary, for utterances to come. Returns the seconds it took."""
        begun = time.perf_counter()
        self._model = compile_model(phrases)
        self._model.decoder()  # fails here rather than in the first utterance
        return time.perf_counter() - begun

    def start(self, *, streaming: bool) -> Utterance:
        """Begin an utterance; it keeps today's vocabulary to its end."""
        if self._model is None:
            self.load(())
            assert self._model is not None
        return Utterance(self._model, self._front_end, streaming=streaming)
