"""Make avatar/tables/sounds.npz: espeak-ng speaks, a small net learns which sound is when.

numpy only, and the same table every time (one thread, one seed). It is varied in what differs
between synthesisers: throat, room, microphone, noise, speed and pitch. A part of its numbers is
hidden in turn, because they would learn espeak-ng by heart: that was worth more than any other
choice (on flite .72 to .76 of the frames with text, precision of closures .97 to 1.0).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from avatar.speech import features
from avatar.speech.features import COEFFICIENTS, HOP, WINDOW, Voice
from avatar.speech.net import AHEAD, BEHIND, OFFSETS, Net
from avatar.speech.sounds import SILENCE, SOUNDS, sounds_of
from visemes import texts
from visemes.corpus import ACCENTS, VARIANTS, Espeak, Utterance

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much is synthesised and how long is learnt."""

    sentences: int = 12  # a voice reads of TRAINING
    shuffled: int = 6  # and of words in new company
    foreign: int = 2  # voices for each foreign sentence
    copies: int = 4  # of each utterance, each in another room
    hidden: tuple[int, int] = (192, 128)
    epochs: int = 5
    noise: float = 0.2  # on the normalised cepstra
    hide: float = 0.3  # of the hidden numbers, in turn
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """Raw cepstra of one utterance and the sound of each row."""

    rows: Floats
    labels: Labels


def train(recipe: Recipe = Recipe()) -> Net:
    """The net of this recipe."""
    texts.check()
    rng = np.random.default_rng(recipe.seed)
    began = time.monotonic()
    voices = [list(_varied(says, recipe, rng)) for says in _spoken(recipe, rng)]
    usual, spread = _statistics(voices)
    rows, labels, starts = _normalised(voices, usual, spread, rng)
    print(f"{len(labels)} rows in {time.monotonic() - began:.0f} s")
    priors = (np.bincount(labels, minlength=len(SOUNDS)) + 1) / len(labels)
    lengths = _lengths(labels)
    weights = _learn(rows, labels, starts, recipe, rng)
    print(f"trained after {time.monotonic() - began:.0f} s, {sum(w.size for w in weights)} numbers")
    return Net(weights, priors.astype(np.float32), lengths, usual, spread)


def _spoken(recipe: Recipe, rng: np.random.Generator) -> Iterator[list[Utterance]]:
    """What each voice says."""
    espeak = Espeak()
    new = texts.shuffled(recipe.seed)

    def say(text: str, voice: str) -> Utterance:
        rate, pitch = int(rng.integers(130, 215)), int(rng.integers(15, 85))
        return espeak.say(text, voice, rate=rate, pitch=pitch)

    for at, variant in enumerate(VARIANTS):
        voice = f"{ACCENTS[at % len(ACCENTS)]}+{variant}"
        read = rng.permutation(len(texts.TRAINING))[: recipe.sentences]
        said = [texts.TRAINING[number] for number in read] + list(islice(new, recipe.shuffled))
        yield [say(text, voice) for text in said]
    for at in range(recipe.foreign):
        for number, (language, said) in enumerate(texts.FOREIGN.items()):
            variant = VARIANTS[(7 * number + 13 * at) % len(VARIANTS)]
            yield [say(text, f"{language}+{variant}") for text in said]


def labels_of(utterance: Utterance, count: int) -> Labels:
    """(count,) the sound at the middle of each hop."""
    labels = np.full(count, SILENCE, np.intp)
    for phone in utterance.phones:
        at = phone.start_s
        for sound, share in sounds_of(phone.symbol):
            until = at + share * (phone.end_s - phone.start_s)
            labels[max(0, round(at * 100)) : max(0, round(until * 100))] = sound
            at = until
    return labels


def _varied(says: list[Utterance], recipe: Recipe, rng: np.random.Generator) -> Iterator[Heard]:
    """Each utterance, copies times, in rooms that stay for a voice."""
    rooms = [_Room(rng) for _ in range(recipe.copies)]
    for room in rooms:
        for utterance in says:
            spectra = features.power(windows(utterance.samples))
            yield Heard(room.hear(spectra, rng), labels_of(utterance, len(spectra)))


def windows(samples: Floats) -> Floats:
    """(hops, WINDOW), each ending with its hop, as avatar.sound makes them."""
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), samples])
    hops = len(samples) // HOP
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    result: Floats = view[:hops]
    return result


class _Room:
    """A throat, a microphone, an echo and a noise, chosen once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._bank = features.mel_bank(float(rng.uniform(0.82, 1.18)))
        hertz = np.linspace(0, 24000, 769)
        tilt = rng.normal(0, 1.0) * np.log2(np.maximum(hertz, 150) / 1000)
        curve = tilt + sum(
            rng.normal(0, 4.0) * np.exp(-(((np.log2((hertz + 60) / centre)) / width) ** 2))
            for centre, width in zip(
                np.exp(rng.uniform(np.log(200), np.log(7000), 4)),
                rng.uniform(0.3, 1.5, 4),
                strict=True,
            )
        )
        self._curve = (10 ** (curve / 10)).astype(np.float32)
        self._gain = 10 ** rng.uniform(-1.6, 0.4)
        self._noise = 10 ** rng.uniform(-8.5, -4.5)
        self._hiss = rng.uniform(0, 1)
        self._echo = float(rng.choice([0.0, 0.0, 0.05, 0.2])) * rng.uniform(0.3, 1.0)

    def hear(self, spectra: Floats, rng: np.random.Generator) -> Floats:
        heard = spectra * self._curve * np.float32(self._gain)
        if self._echo:
            tail = np.zeros(heard.shape[1], np.float32)
            for at in range(len(heard)):
                tail = 0.78 * tail + np.float32(self._echo) * 0.22 * heard[at]
                heard[at] += tail
        noise = self._noise * (1 + self._hiss * np.linspace(1, -1, heard.shape[1]))
        heard += rng.exponential(1.0, heard.shape).astype(np.float32) * noise.astype(np.float32)
        return features.cepstra(heard, self._bank)


def _statistics(voices: list[list[Heard]]) -> tuple[Floats, Floats]:
    """The mean of voiced rows over voices, and the deviation inside a voice."""
    means, spreads = [], []
    for says in voices:
        rows = np.concatenate([heard.rows for heard in says])
        loud = rows[rows[:, 0] > np.percentile(rows[:, 0], 95) - 2.0]
        means.append(loud.mean(axis=0))
        spreads.append(rows[rows[:, 0] > np.percentile(rows[:, 0], 95) - 5.0].std(axis=0))
    return (
        np.mean(means, axis=0).astype(np.float32),
        np.mean(spreads, axis=0).astype(np.float32),
    )


def _normalised(
    voices: list[list[Heard]], usual: Floats, spread: Floats, rng: np.random.Generator
) -> tuple[Floats, Labels, Labels]:
    """All rows padded by the net's context, their labels, and where in the rows each label is."""
    rows: list[Floats] = []
    labels, places = [], []
    length = 0
    for says in voices:
        voice = Voice(usual, spread)
        for heard in says:
            if rng.random() < 0.3:
                voice = Voice(usual, spread)  # as in a call, some sentences are a voice's first
            rows.append(padded(voice.normalise(heard.rows)))
            labels.append(heard.labels)
            places.append(length + BEHIND + np.arange(len(heard.labels)))
            length += len(rows[-1])
    return np.concatenate(rows), np.concatenate(labels), np.concatenate(places)


def padded(rows: Floats) -> Floats:
    """With the silence around it that the net sees before and after a segment."""
    return np.pad(rows, ((BEHIND, AHEAD), (0, 0)), "edge")


def _lengths(labels: Labels) -> Floats:
    """(sounds,) the mean length of a stretch of each sound, seconds."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    of = labels[np.concatenate([[0], edges])]
    spans = np.diff(np.concatenate([[0], edges, [len(labels)]]))
    total = np.bincount(of, weights=spans, minlength=len(SOUNDS))
    count = np.maximum(1, np.bincount(of, minlength=len(SOUNDS)))
    lengths: Floats = np.maximum(0.03, 0.01 * total / count).astype(np.float32)
    return lengths


def _learn(
    rows: Floats, labels: Labels, places: Labels, recipe: Recipe, rng: np.random.Generator
) -> tuple[Floats, ...]:
    """Adam, shuffled, rare sounds weighted up, the rate falling to nothing."""
    width = len(OFFSETS) * COEFFICIENTS
    sizes = (width, *recipe.hidden, len(SOUNDS))
    weights: list[Floats] = []
    for wide, narrow in pairwise(sizes):
        weights.append(rng.normal(0, np.sqrt(2 / wide), (wide, narrow)).astype(np.float32))
        weights.append(np.zeros(narrow, np.float32))
    rarity = 1 / np.sqrt(np.bincount(labels, minlength=len(SOUNDS)) + 100.0)
    rarity = (rarity / rarity[labels].mean()).astype(np.float32)
    adam = _Adam(weights)
    steps = recipe.epochs * (len(labels) // 512)
    done = 0
    offsets = np.array(OFFSETS)
    for _ in range(recipe.epochs):
        order = rng.permutation(len(labels))
        for at in range(0, len(order) - 511, 512):
            batch = order[at : at + 512]
            seen = rows[places[batch][:, None] + offsets].reshape(512, width)
            seen += recipe.noise * rng.standard_normal(seen.shape, np.float32)
            target = labels[batch]
            masks = [
                (rng.random((512, size), np.float32) >= recipe.hide) / np.float32(1 - recipe.hide)
                for size in recipe.hidden
            ]
            slopes = _slopes(weights, seen, target, rarity[target], masks)
            adam.step(slopes, rate=2e-3 * (1 - done / steps) + 2e-5)
            done += 1
    return tuple(weights)


def _slopes(
    weights: list[Floats], seen: Floats, target: Labels, worth: Floats, masks: list[Floats]
) -> list[Floats]:
    first, first_bias, second, second_bias, last, last_bias = weights
    one = np.maximum(seen @ first + first_bias, 0) * masks[0]
    two = np.maximum(one @ second + second_bias, 0) * masks[1]
    scores = two @ last + last_bias
    scores -= scores.max(axis=1, keepdims=True)
    error = np.exp(scores)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(target)), target] -= 1
    error *= (worth / len(target))[:, None]
    back_two = (error @ last.T) * (two > 0) * masks[1]
    back_one = (back_two @ second.T) * (one > 0) * masks[0]
    return [
        *(seen.T @ back_one, back_one.sum(axis=0)),
        *(one.T @ back_two, back_two.sum(axis=0)),
        *(two.T @ error, error.sum(axis=0)),
    ]


class _Adam:
    def __init__(self, weights: list[Floats]) -> None:
        self._weights = weights
        self._means = [np.zeros_like(part) for part in weights]
        self._squares = [np.zeros_like(part) for part in weights]
        self._count = 0

    def step(self, slopes: list[Floats], rate: float) -> None:
        self._count += 1
        for part, mean, square, slope in zip(
            self._weights, self._means, self._squares, slopes, strict=True
        ):
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope * slope - square)
            true_mean = mean / (1 - 0.9**self._count)
            true_square = square / (1 - 0.999**self._count)
            part -= rate * (true_mean / (np.sqrt(true_square) + 1e-8) + 1e-4 * part)
