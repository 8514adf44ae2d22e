"""Finds the topic a person asks for, by fuzzy comparison with the script's example phrases.

It never asks a model and never guesses: below ACCEPT it says None. What tells a question outside
the script from one inside is mostly a word the script does not know, so such words weigh most.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from agent.script import Script, Topic
from agent.spoken import words

ACCEPT = 0.70
"""The least score that counts; tests/test_guide.py holds the sentences it was chosen on."""
SUGGEST = 0.56
"""From here on a topic is worth a "did you mean"."""
_SIMILAR = 0.74
_UNKNOWN_WEIGHT = 1.0
_FILLER_WEIGHT = 0.12
_PART_PENALTY = 0.97

_CONTRACTIONS = {
    **{"can't": "can not", "cant": "can not", "won't": "will not", "wont": "will not"},
    **{"dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not"},
    **{"im": "i am", "ive": "i have", "youre": "you are", "ur": "your", "u": "you", "r": "are"},
    **{"whats": "what is", "wats": "what is", "whos": "who is", "hows": "how is", "its": "it is"},
    **{"thats": "that is", "wheres": "where is", "lets": "let us", "let's": "let us"},
    **{"gonna": "going to", "wanna": "want to", "gimme": "give me", "lemme": "let me"},
    **{"pls": "please", "plz": "please", "thx": "thanks", "ty": "thanks", "cya": "bye"},
    **{"favorite": "favourite", "color": "colour", "colors": "colours", "wat": "what"},
    **{"ok": "okay", "k": "okay", "yep": "yes", "yup": "yes", "nah": "no", "hiya": "hi"},
}
_ENDINGS = (("n't", " not"), ("'re", " are"), ("'ll", " will"), ("'ve", " have"), ("'m", " am"))
_NOISE = frozenset(
    re.findall(
        r"\w+",
        "um uh uhm erm er hmm mm ah oh please just actually really basically simply quickly now "
        "then like maybe kindly so well also right anyway",
    )
)
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at for with by from and or but if that this these those there it is "
        "are am was were be been do does did can could would will shall should may might have has "
        "had i me my we us you your some any something anything thing tell say give want let like "
        "know about wondering wonder curious interested hear explain describe question ask hey "
        "going get got little bit kind sort way exactly into as",
    )
)
_INTERJECTIONS = frozenset(
    re.findall(r"\w+", "hello hi hey okay yes no sure thanks thank you yeah great cool wow nice")
)


@dataclass(frozen=True, slots=True)
class Match:
    """A topic and how sure we are of it, 0 to 1."""

    topic: Topic
    score: float


@dataclass(frozen=True, slots=True)
class _Example:
    topic: Topic
    tokens: tuple[str, ...]
    joined: str


class Matcher:
    """The examples of one script, prepared once. Immutable afterwards; a match takes a few ms."""

    def __init__(self, script: Script, *, name: str = "") -> None:
        self._name = name.lower()
        self._sounds = _sounds(script)
        self._examples = [
            _Example(topic, tokens, "".join(tokens))
            for topic in script.topic
            for phrase in (*topic.ask, *topic.also)
            if (tokens := tuple(self._tokens(phrase)))
        ]
        self._weights = _weights(self._examples)
        self._vocabulary: dict[str, set[str]] = {}
        for example in self._examples:
            self._vocabulary.setdefault(example.topic.id, set()).update(example.tokens)

    def best(self, text: str) -> Match | None:
        """The topic that fits best, however badly; None for a text without words."""
        found: Match | None = None
        for tokens, factor in self._readings(text):
            match = self._match(tokens)
            if match is not None and (found is None or match.score * factor > found.score):
                found = Match(match.topic, match.score * factor)
        return found

    def find(self, text: str) -> Topic | None:
        """The topic asked for, or None when nothing fits well enough."""
        match = self.best(text)
        return match.topic if match is not None and match.score >= ACCEPT else None

    def _tokens(self, text: str) -> list[str]:
        plain = " ".join(_expanded(word) for word in words(text))
        for pattern, word in self._sounds:
            plain = pattern.sub(word, plain)
        tokens = [_stem(token) for token in plain.split()]
        return [token for token in tokens if token not in _NOISE] or tokens

    def _readings(self, text: str) -> list[tuple[list[str], float]]:
        """The whole text, the text without hello and name, and each of its sentences."""
        whole = self._tokens(text)
        readings = [(whole, 1.0)] if whole else []
        bare = [token for token in whole if token != self._name]
        if bare and bare != whole and (whole[0] == self._name or whole[-1] == self._name):
            readings.append((bare, 1.0))
        core = list(bare)
        while len(core) > 2 and core[0] in _INTERJECTIONS:
            core = core[1:]
        if core != bare and core:
            readings.append((core, _PART_PENALTY))
        sentences = re.split(r"[.!?;,]+(?=\s|$)", text)
        if len(sentences) > 1:
            parts = [self._tokens(part) for part in sentences if len(words(part)) > 1]
            readings += [(part, _PART_PENALTY**2) for part in parts if part]
        return readings

    def _match(self, tokens: list[str]) -> Match | None:
        sharp = [self._sharpened(token) for token in tokens]
        joined = "".join(tokens)
        best: Match | None = None
        coverage: dict[str, float] = {}
        for example in self._examples:
            topic = example.topic.id
            if topic not in coverage:
                coverage[topic] = self._covered(sharp, self._vocabulary[topic])
            score = self._score(sharp, joined, example, coverage[topic])
            if best is None or score > best.score:
                best = Match(example.topic, score)
        return best

    def _sharpened(self, token: str) -> tuple[str, float, float]:
        """The known word nearest to a token, how near it is, and what it weighs."""
        if token in self._weights:
            return token, 1.0, self._weights[token]
        if len(token) > 3:
            near = max(self._weights, key=lambda known: _similarity(token, known))
            similarity = _similarity(token, near)
            if similarity >= _SIMILAR:
                return near, similarity, self._weights[near]
        return token, 0.0, _FILLER_WEIGHT if token in _FILLERS else _UNKNOWN_WEIGHT

    def _covered(self, sharp: list[tuple[str, float, float]], known: set[str]) -> float:
        total = sum(weight for _, _, weight in sharp)
        return sum(near * w for word, near, w in sharp if word in known) / total if total else 0.0

    def _score(
        self, sharp: list[tuple[str, float, float]], joined: str, example: _Example, topic: float
    ) -> float:
        query = {word: near for word, near, _ in sharp}
        precision = self._covered(sharp, set(example.tokens))
        total = sum(self._weights[word] for word in example.tokens)
        recall = sum(query.get(w, 0.0) * self._weights[w] for w in example.tokens) / total
        overlap = math.sqrt(precision * recall)
        score = 0.75 * overlap + 0.25 * math.sqrt(topic * max(recall, overlap))
        if len(joined) >= 6:  # "into rupt" for "interrupt": compare the letters, not the words
            letters = fuzz.ratio(joined, example.joined, score_cutoff=80) / 100
            score = max(score, letters * 0.97)
        return score


def _similarity(one: str, other: str) -> float:
    if abs(len(one) - len(other)) > 3 or len(other) < 3:
        return 0.0
    edits = DamerauLevenshtein.normalized_similarity(one, other)
    return 0.5 * edits + 0.5 * JaroWinkler.similarity(one, other)


def _weights(examples: list[_Example]) -> dict[str, float]:
    """A word's weight: 1 when a single topic uses it, less the more topics do."""
    topics: Counter[str] = Counter()
    for word in {(word, e.topic.id) for e in examples for word in e.tokens}:
        topics[word[0]] += 1
    many = len({e.topic.id for e in examples}) + 1
    scale = math.log(many)
    return {
        word: _FILLER_WEIGHT if word in _FILLERS else max(0.3, math.log(many / count) / scale)
        for word, count in topics.items()
    }


def _sounds(script: Script) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(r"\b(?:" + "|".join(map(re.escape, heard)) + r")\b"), word)
        for word, heard in script.sounds_like.items()
    ]


def _expanded(word: str) -> str:
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    for ending, full in _ENDINGS:
        if word.endswith(ending):
            return word.removesuffix(ending) + full
    if word in ("what's", "who's", "how's", "it's", "that's", "where's", "there's", "when's"):
        return word[:-2] + " is"
    return word.replace("'", "")


def _stem(word: str) -> str:
    """Only as much as makes "stories" and "story", "working" and "work" one word."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith("ing"):
        return word[:-3]
    if len(word) > 4 and word.endswith("ed") and not word.endswith("eed"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word
