"""Whether a microphone hears our own voice back through somebody's loudspeakers. Pure numpy.

The delay is found by phase-weighted correlation with what was played, and the two are then compared
band by band: what follows our voice closely is ours, what does not is somebody's. It takes nothing
away from the sound, and needs no training: 0.3 s of our voice are enough. A share of about 0.15 is
what two unrelated voices have.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Wave = NDArray[np.float64]

HEARD_S = 0.256
"""How much of the microphone is compared at a time."""
REACH_S = 1.2
"""The longest way round: network, loudspeaker, room, microphone, network."""
OURS = 0.42
"""From this share on a sound is our own. Measured through two codecs and a room: 0.5 to 0.75 for
our own voice, 0.1 to 0.4 with somebody talking over it as loudly."""

_BAND_HZ = (200.0, 4000.0)
_SHARP = 8.0
"""A peak of correlation that stands so many deviations above the rest is no accident."""
_NEAR_S = 0.06
"""How far the delay wanders: jitter buffers, and the clock by which we compare."""
_ALIKE = 0.3
"""Less than this is an accident, however sharp the peak."""
_FORGET = 60
"""Windows without likeness after which the delay is forgotten."""
_SILENT = 15.0
_FRAME_S = 0.064


class EchoGuard:
    """Follows the echo of one call. It keeps the delay from window to window and nothing else."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self.heard_samples = round(HEARD_S * sample_rate)
        self.reach_samples = round(REACH_S * sample_rate)
        self._delay: int | None = None
        self._lost = 0

    @property
    def delay_s(self) -> float | None:
        """The way round, once it is known; None without an echo."""
        return None if self._delay is None else self._delay / self._rate

    def share(self, heard: Samples, played: Samples, *, learn: bool = True) -> float:
        """How much of the sound is ours, 0 to 1; 0 while we do not know.

        heard: the last `heard_samples` of the microphone; played: the last `heard_samples +
        reach_samples` of our voice. Both end now, to within a few hundredths of a second.
        learn: let it change what is known of the delay, as every window should once.
        """
        if len(heard) != self.heard_samples or len(played) != len(heard) + self.reach_samples:
            raise ValueError(f"{len(heard)} and {len(played)} samples: see the docstring")
        mic, ours = heard.astype(np.float64), played.astype(np.float64)
        if _rms(ours) < _SILENT or _rms(mic) < _SILENT:
            return 0.0
        return self._compare(mic, ours, learn)

    def _compare(self, mic: Wave, ours: Wave, learn: bool) -> float:
        """The likeness at the best delay; it is learnt where the likeness is no accident."""
        found, known = self._candidates(mic, ours), self._delay
        shares = {delay: self._likeness(mic, ours, delay) for delay in found}
        best = max(shares, key=lambda delay: shares[delay], default=None)
        if learn and best is not None and shares[best] >= _ALIKE:
            self._delay, self._lost = best, 0
        elif learn and known is not None:
            self._lost += 1
            if self._lost > _FORGET:
                self._delay = None
        return shares[best] if best is not None else 0.0

    def _candidates(self, mic: Wave, ours: Wave) -> set[int]:
        """Delays in samples worth a comparison: the known one, and sharp peaks."""
        found, known = set[int](), self._delay
        if known is not None:
            near = round(_NEAR_S * self._rate)
            low, high = max(0, known - near), min(self.reach_samples, known + near)
            delay, sharp = self._peak(mic, ours, low, high)
            found.update({known, delay} if sharp >= _SHARP else {known})
        if known is None or self._lost % 4 == 1:
            delay, sharp = self._peak(mic, ours, 0, self.reach_samples)
            found.update({delay} if sharp >= _SHARP else ())
        return found

    def _peak(self, mic: Wave, ours: Wave, low: int, high: int) -> tuple[int, float]:
        """The best delay between two bounds, and how far it stands out."""
        part = ours[self.reach_samples - high : self.reach_samples - low + len(mic)]
        size = 1 << (len(part) + len(mic) - 1).bit_length()
        cross = np.fft.rfft(mic * np.hanning(len(mic)), size) * np.conj(np.fft.rfft(part, size))
        frequency = np.fft.rfftfreq(size, 1 / self._rate)
        inside = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
        magnitude = np.abs(cross)
        weighted = np.where(inside, cross / (magnitude + 1e-3 * magnitude.max() + 1e-9), 0.0)
        correlation = np.fft.irfft(weighted, size)
        span = high - low + 1
        # mic[k] ~ part[k + high - delay]: delay `high - n` lies at index -n
        lags = correlation[(-np.arange(span)) % size]
        best = int(np.argmax(lags))
        # deviation over all lags: a narrow search has too few of its own
        return high - best, float(lags[best] / (np.std(correlation) + 1e-12))

    def _likeness(self, mic: Wave, played: Wave, delay: int) -> float:
        """Mean coherence over the band, over the overlapping frames of the window."""
        begun = self.reach_samples - delay
        ours = played[begun : begun + len(mic)]
        length, hop = round(_FRAME_S * self._rate), round(_FRAME_S * self._rate) // 4
        starts = range(0, len(mic) - length + 1, hop)
        taper = np.hanning(length)
        a = np.fft.rfft(np.stack([mic[i : i + length] * taper for i in starts]))
        b = np.fft.rfft(np.stack([ours[i : i + length] * taper for i in starts]))
        cross = np.abs((a * np.conj(b)).sum(axis=0)) ** 2
        power = (np.abs(a) ** 2).sum(axis=0) * (np.abs(b) ** 2).sum(axis=0)
        frequency = np.fft.rfftfreq(length, 1 / self._rate)
        inside = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
        return float(np.mean(cross[inside] / (power[inside] + 1e-9)))


def _rms(wave: Wave) -> float:
    return float(np.sqrt(np.mean(np.square(wave))))
