"""Where a piece of sound lies in a known one: normalised correlation, by Fourier transform."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.floating[Any]]


def best(piece: Sound, known: Sound, *, sure: float) -> tuple[int, float] | None:
    """The best place of the piece in what is known, and how loud it is against it (1.0: as loud).

    None where the agreement stays below `sure` (0..1), or too little is known.
    """
    count = len(known) - len(piece)
    if count <= 0:
        return None
    length = 1 << (len(known) + len(piece) - 1).bit_length()
    product = np.fft.rfft(known, length) * np.conj(np.fft.rfft(piece, length))
    scores = np.fft.irfft(product, length)[: count + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(known, dtype=np.float64))))
    energy = np.sqrt(np.maximum(sums[len(piece) :] - sums[: -len(piece)], 1.0))
    loudness = float(np.linalg.norm(piece))
    agreement = scores / energy / loudness
    place = int(np.argmax(agreement))
    return (place, loudness / float(energy[place])) if agreement[place] > sure else None
