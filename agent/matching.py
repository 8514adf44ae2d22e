"""Finds the topic a person asks for, by fuzzy comparison with the script's example phrases.

It never asks a model and never guesses: below ACCEPT it says None. What tells a question outside
the script from one inside is mostly a word the script does not know, so such words weigh most.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from agent.script import Script, Topic
from agent.spoken import words

ACCEPT = 0.62
"""The least score that counts; tests/test_guide.py holds the sentences it was chosen on."""
SUGGEST = 0.52
"""From here on a topic is worth a "did you mean", if every word was understood."""
_SIMILAR = 0.80  # a word that is not known, and the word it is taken for
_CONFUSED = 0.66  # a known word, and another that ears take it for: here, hear
_CONFUSION_COST = 0.85
_UNKNOWN_WEIGHT = 2.4
_FILLER_WEIGHT = 0.12
_LIGHT_WEIGHT = 0.5
_EXAMPLE_SHARE = 0.5  # of the score; the rest is how well the whole topic fits
_PART_PENALTY = 0.97
_LETTERS_ALIKE = 86  # of 100

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
    "which": "what",
}
_IRREGULAR = {
    **{"using": "use", "used": "use", "uses": "use", "made": "make", "maker": "make"},
    **{"making": "make", "does": "do", "did": "do", "done": "do", "doing": "do", "has": "have"},
    **{"had": "have", "spoke": "speak", "heard": "hear", "drawn": "draw", "drew": "draw"},
    **{"told": "tell", "written": "write", "wrote": "write", "writing": "write", "felt": "feel"},
    **{"built": "build", "creator": "create", "kept": "keep", "sang": "sing", "meant": "mean"},
    **{"running": "run", "stopping": "stop", "stopped": "stop", "getting": "get", "went": "go"},
    **{"said": "say", "gave": "give", "knew": "know", "understood": "understand", "saw": "see"},
    **{"being": "be", "having": "have", "anymore": "more", "yours": "your"},
    **{
        "taking": "take",
        "living": "live",
        "lives": "live",
        "things": "thing",
        "boring": "boring",
        "bored": "bored",
    },
}
_ENDINGS = (
    ("n't", " not"),
    ("'re", " are"),
    ("'ll", " will"),
    ("'ve", " have"),
    ("'m", " am"),
    ("'d", " would"),
)
_NOISE = frozenset(
    re.findall(
        r"\w+",
        "um uh uhm erm er hmm mm ah oh please just actually really basically simply quickly now "
        "then maybe kindly so also right anyway ever already even very quite all",
    )
)
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at for with by from and or but if that this these those there it is "
        "are am was were be been do does did can could would will shall should may might have has "
        "had i me my we us you your some any something anything thing tell say give want let like "
        "know about wondering wonder curious interested hear explain describe question ask hey "
        "able going get got little bit kind sort way exactly into as",
    )
)
_LIGHT = frozenset(
    re.findall(
        r"\w+",
        "support use work make need talk speak say look come take see change show think call mean "
        "find try put live run good great nice real new other another own long big kind more much "
        "many most today one two first time people person word way part play work really start",
    )
)
"""Words that go with any subject: which subject it is, the other words say."""
_QUESTIONS = frozenset(re.findall(r"\w+", "who what which when where why how"))
_INTERJECTIONS = frozenset(
    re.findall(
        r"\w+", "hello hi hey okay well yes sure sorry thanks thank you yeah great cool wow nice"
    )
)


@dataclass(frozen=True, slots=True)
class Match:
    """A topic and how sure we are of it, 0 to 1."""

    topic: Topic
    score: float
    certain: bool = True
    """Every word that matters is one the script knows."""


def worth_asking(match: Match) -> bool:
    """Too weak to answer, too good to ignore, and there are words to ask back with."""
    return SUGGEST <= match.score < ACCEPT and match.certain and bool(match.topic.about)


@dataclass(frozen=True, slots=True)
class _Example:
    topic: Topic
    tokens: tuple[str, ...]
    joined: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """A word of the question: the known words it may be, how near each is, and its weight."""

    near: dict[str, float]
    weight: float


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
        self._words = sorted(self._weights)
        self._joined = [example.joined for example in self._examples]
        self._vocabulary: dict[str, set[str]] = {}
        self._holding: dict[str, set[int]] = {}
        for number, example in enumerate(self._examples):
            self._vocabulary.setdefault(example.topic.id, set()).update(example.tokens)
            for token in example.tokens:
                self._holding.setdefault(token, set()).add(number)

    def best(self, text: str) -> Match | None:
        """The topic that fits best, however badly; None for a text without words."""
        found: Match | None = None
        for tokens, factor in self._readings(text):
            match = self._match(tokens)
            if match is not None and (found is None or match.score * factor > found.score):
                found = Match(match.topic, match.score * factor, match.certain)
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
        while core and core[0] in _INTERJECTIONS:
            core = core[1:]
        if core != bare and _tells(core):
            readings.append((core, _PART_PENALTY))
        sentences = re.split(r"[.!?;,]+(?=\s|$)", text)
        if len(sentences) > 1:
            parts = [self._tokens(part) for part in sentences]
            # "what is it" means nothing without the sentence before it
            telling = [part for part in parts if _tells(part)]
            readings += [(part, _PART_PENALTY**2) for part in telling]
        return readings

    def _match(self, tokens: list[str]) -> Match | None:
        heard = [self._heard(token) for token in tokens]
        telling = [word for word in heard if word.near and word.weight > _FILLER_WEIGHT]
        near: set[int] = set()
        for word in telling or heard:
            for known in word.near:
                near |= self._holding[known]
        best: tuple[float, int] = (0.0, -1)
        coverage: dict[str, float] = {}
        for number in near:
            example = self._examples[number]
            topic = example.topic.id
            if topic not in coverage:
                coverage[topic] = _covered(heard, self._vocabulary[topic])
            best = max(best, (self._score(heard, example, coverage[topic]), -number))
        best = max(best, self._by_letters("".join(tokens), telling))
        if best[0] == 0.0:
            return None
        certain = all(word.near or word.weight <= _FILLER_WEIGHT for word in heard)
        return Match(self._examples[-best[1]].topic, best[0], certain)

    def _heard(self, token: str) -> _Heard:
        if token in _FILLERS:
            return _Heard({token: 1.0} if token in self._weights else {}, _FILLER_WEIGHT)
        if token in self._weights:
            others = self._alike(token, _CONFUSED)
            near = dict.fromkeys(others, _CONFUSION_COST)
            return _Heard(near | {token: 1.0}, self._weights[token])
        alike = self._alike(token, _SIMILAR)
        if not alike:
            return _Heard({}, _UNKNOWN_WEIGHT)
        return _Heard(alike, max(self._weights[word] for word in alike))

    def _alike(self, token: str, least: float) -> dict[str, float]:
        """Known words that look like a token, with how much; none for a word of three letters."""
        if len(token) < 4:
            return {}
        close = process.extract(token, self._words, scorer=fuzz.ratio, score_cutoff=60, limit=6)
        alike = {word: _similarity(token, word) for word, _, _ in close if len(word) > 3}
        return {word: how for word, how in alike.items() if how >= least}

    def _score(self, heard: list[_Heard], example: _Example, topic: float) -> float:
        precision = _covered(heard, set(example.tokens))
        total = sum(self._weights[word] for word in example.tokens)
        found = sum(
            self._weights[token] * max(word.near.get(token, 0.0) for word in heard)
            for token in example.tokens
        )
        recall = found / total
        overlap = math.sqrt(precision * recall)
        whole = math.sqrt(topic * max(recall, overlap))
        return _EXAMPLE_SHARE * overlap + (1 - _EXAMPLE_SHARE) * whole

    def _by_letters(self, joined: str, telling: list[_Heard]) -> tuple[float, int]:
        """Compare the letters, not the words: "into rupt" for "interrupt"."""
        if len(joined) < 6:
            return 0.0, -1
        alike = process.extract(
            joined, self._joined, scorer=fuzz.ratio, score_cutoff=_LETTERS_ALIKE, limit=5
        )
        for _, score, number in alike:
            tokens = set(self._examples[number].tokens)
            if all(tokens & word.near.keys() for word in telling):  # not "face" for "voice"
                return score / 100 * _PART_PENALTY, -number
        return 0.0, -1


def _tells(tokens: list[str]) -> bool:
    """Whether anything is left without the words that go with everything."""
    return bool(set(tokens) - _FILLERS - _QUESTIONS - _INTERJECTIONS)


def _covered(heard: list[_Heard], known: set[str]) -> float:
    """The share of the question, by weight, that is among `known`."""
    total = sum(word.weight for word in heard)
    found = sum(
        word.weight * max((how for token, how in word.near.items() if token in known), default=0.0)
        for word in heard
    )
    return found / total


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
    weights = {word: max(0.3, math.log(many / count) / scale) for word, count in topics.items()}
    for light in weights.keys() & _LIGHT:
        weights[light] = min(weights[light], _LIGHT_WEIGHT)
    return weights | dict.fromkeys(weights.keys() & _FILLERS, _FILLER_WEIGHT)


def _sounds(script: Script) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(r"\b(?:" + "|".join(map(re.escape, written)) + r")\b"), word)
        for table in (script.sounds_like, script.synonyms)
        for word, written in table.items()
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
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 2 and word.endswith(ending) and not word.endswith("eed"):
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word.endswith("s") and word[-2] not in "su":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
