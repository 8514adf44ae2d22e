"""A small trigram language model from a list of phrases, written as ARPA text.

Interpolated Witten-Bell: with a few hundred phrases most counts are one, where Kneser-Ney and
Good-Turing have nothing to estimate from. Refuses an empty vocabulary; never touches a file. The
fact you would not guess: interpolation needs no normalising sums in ARPA form, since the share that
is left to the shorter history, T(h) / (c(h) + T(h)), *is* the back-off weight.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BEGIN, END = "<s>", "</s>"
ORDER = 3

_NEVER = -99.0  # ARPA's customary log10 of zero: <s> is a history, it is never predicted

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NGrams:
    """probabilities[n - 1] holds the n-grams; `backoffs` the weight of every history."""

    probabilities: tuple[Mapping[Gram, float], ...]
    backoffs: Mapping[Gram, float]

    @property
    def words(self) -> list[str]:
        """The vocabulary, without the marks of a sentence's ends."""
        return sorted(gram[0] for gram in self.probabilities[0] if gram[0] not in (BEGIN, END))

    def looseness(self, sentence: Sequence[str]) -> float:
        """Back-off steps per word, the end included: 0 when every n-gram is in some phrase."""
        padded = (BEGIN, *sentence, END)
        steps = 0
        for last in range(1, len(padded)):
            longest = min(len(self.probabilities), last + 1)
            known = longest
            while (
                known > 1
                and padded[last - known + 1 : last + 1] not in self.probabilities[known - 1]
            ):
                known -= 1
            steps += longest - known
        return steps / (len(padded) - 1)

    def arpa(self) -> str:
        """The model as ARPA text, n-grams sorted."""
        return _write(self.probabilities, self.backoffs)


def estimate(
    sentences: Iterable[Sequence[str]], words: Mapping[str, float], *, order: int = ORDER
) -> NGrams:
    """The model of `sentences`, each counted once, and of every word of `words` by its weight.

    `words` are known without any context (weights are in counts: 1 is as likely as one use in a
    sentence). Raises ValueError when there is not a single word.
    """
    counts = _count(sentences, order)
    for word, weight in words.items():
        counts[0][(word,)] += weight
    if not counts[0].keys() - {(END,)}:
        raise ValueError("a language model needs at least one word: give phrases")
    counts[0][(END,)] += 1.0  # a sentence may always end, even when there are only loose words
    return _estimate(counts)


def _count(sentences: Iterable[Sequence[str]], order: int) -> list[defaultdict[Gram, float]]:
    """Counts of all n-grams up to `order`; <s> is counted only as a history."""
    counts: list[defaultdict[Gram, float]] = [defaultdict(float) for _ in range(order)]
    for sentence in sentences:
        padded = (BEGIN, *sentence, END)
        for last in range(1, len(padded)):
            for n in range(min(order, last + 1)):
                counts[n][padded[last - n : last + 1]] += 1
    return counts


def _estimate(counts: Sequence[Mapping[Gram, float]]) -> NGrams:
    probabilities: list[dict[Gram, float]] = []
    backoffs: dict[Gram, float] = {}
    for grams in counts:
        total: defaultdict[Gram, float] = defaultdict(float)
        kinds: defaultdict[Gram, int] = defaultdict(int)
        for gram, count in grams.items():
            total[gram[:-1]] += count
            kinds[gram[:-1]] += 1
        shorter = probabilities[-1] if probabilities else {}
        table: dict[Gram, float] = {}
        for gram, count in grams.items():
            history = gram[:-1]
            lower = shorter[gram[1:]] if shorter else 1.0 / len(counts[0])
            table[gram] = (count + kinds[history] * lower) / (total[history] + kinds[history])
        for history in total:
            if history:
                backoffs[history] = kinds[history] / (total[history] + kinds[history])
        probabilities.append(table)
    return NGrams(tuple(probabilities), backoffs)


def _write(probabilities: Sequence[Mapping[Gram, float]], backoffs: Mapping[Gram, float]) -> str:
    tables = [dict(table) for table in probabilities]
    tables[0][(BEGIN,)] = 0.0
    tables = [table for table in tables if table]
    lines = ["\\data\\"]
    lines += [f"ngram {n}={len(table)}" for n, table in enumerate(tables, 1)]
    for n, table in enumerate(tables, 1):
        lines += ["", f"\\{n}-grams:"]
        for gram in sorted(table):
            log = math.log10(table[gram]) if table[gram] > 0 else _NEVER
            back = f" {math.log10(backoffs.get(gram, 1.0)):.4f}" if n < len(tables) else ""
            lines.append(f"{log:.4f} {' '.join(gram)}{back}")
    lines += ["", "\\end\\", ""]
    return "\n".join(lines)
