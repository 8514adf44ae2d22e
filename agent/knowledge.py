"""A folder of .md and .txt files as knowledge: the passages that a question is about, by BM25.

Everything is read and indexed once, in the process; nothing is learned, embedded or sent. It finds
words, not meanings. Files beyond the bounds are an error, not a quiet omission. Reading takes some
milliseconds a hundred kilobytes: call `load` off the event loop.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)

MAX_FILES = 200
MAX_FILE_BYTES = 1_000_000
MAX_BYTES = 8_000_000
PASSAGE_WORDS = 120
"""A passage is whole paragraphs up to about this; a longer paragraph is cut between sentences."""
FOUND = 3
_LEAST_SHARE = 0.35
"""Of the best passage's score, for the others to be worth giving."""

_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MARKDOWN = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`>#|~]|(?<!\w)_+|_+(?!\w)|<[^>]{1,80}>")


class KnowledgeError(ValueError):
    """A folder that cannot be used; the message says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some paragraphs of a file, under its nearest heading."""

    source: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that shares words with the question. `share`: of the question's words in it."""

    passage: Passage
    score: float
    share: float


class Knowledge:
    """The passages of one folder. Make it with `load`; any thread may ask."""

    def __init__(self, passages: list[Passage], *, language: str = "en") -> None:
        import bm25s
        import snowballstemmer

        self.passages = tuple(passages)
        self._stopwords = _stopwords(language)
        self._stemmer = snowballstemmer.stemmer(_language(language))
        self._index = bm25s.BM25()
        texts = [self._split(f"{p.heading} {p.heading} {p.text}") for p in passages]
        self._words = [set(words) for words in texts]
        self._known: set[str] = set().union(*self._words)
        if self._known:
            self._index.index(texts, show_progress=False)

    def find(self, question: str, count: int = FOUND) -> list[Found]:
        """The passages that are about a question, best first; none when no word is shared."""
        asked = list(dict.fromkeys(self._split(question)))
        known = [word for word in asked if word in self._known]
        if not known:
            return []
        scores = np.asarray(self._index.get_scores(known))
        order = [int(i) for i in np.argsort(-scores, kind="stable")[:count]]
        best = float(scores[order[0]])
        return [
            Found(
                self.passages[i],
                float(scores[i]),
                sum(word in self._words[i] for word in asked) / len(asked),
            )
            for i in order
            if scores[i] > 0 and scores[i] >= _LEAST_SHARE * best
        ]

    def _split(self, text: str) -> list[str]:
        words = re.findall(r"[^\W_]+", text.casefold())
        stems = self._stemmer.stemWords([w for w in words if w not in self._stopwords])
        return list(stems)


def load(folder: Path, *, language: str = "en") -> Knowledge:
    """Read and index a folder. Raises KnowledgeError for what cannot be used."""
    kinds = (".md", ".txt")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    files = sorted(path for path in found if path.is_file())
    if not files:
        raise KnowledgeError(f"{folder.name}: no .md or .txt file in it: add one")
    if len(files) > MAX_FILES:
        raise KnowledgeError(f"{folder.name}: {len(files)} files, at most {MAX_FILES}: join some")
    passages: list[Passage] = []
    total = 0
    for path in files:
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        size = path.stat().st_size
        total += size
        if size > MAX_FILE_BYTES or total > MAX_BYTES:
            raise KnowledgeError(f"{name}: too large: split it or leave it out")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KnowledgeError(f"{name}: cannot be read ({error}): save it as UTF-8") from None
        passages += passages_of(path.relative_to(folder).as_posix(), text)
    logger.info("knowledge read", extra={"files": len(files), "passages": len(passages)})
    return Knowledge(passages, language=language)


def passages_of(source: str, text: str) -> list[Passage]:
    """A file's passages, in order."""
    found: list[Passage] = []
    heading, kept = "", list[str]()

    def close() -> None:
        if kept:
            found.append(Passage(source, heading, " ".join(kept)))
            kept.clear()

    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.strip().splitlines()
        if lines and (title := _HEADING.match(lines[0])):
            close()
            heading, lines = _plain(title[1]), lines[1:]
        for piece in _pieces(_plain(" ".join(lines))):
            if sum(len(p.split()) for p in (*kept, piece)) > PASSAGE_WORDS:
                close()
            kept.append(piece)
    close()
    return found


def speakable(text: str, words: int = 35) -> str:
    """The beginning of a passage as a person would read it out: whole sentences, about so long."""
    said: list[str] = []
    for sentence in _SENTENCE.split(text):
        said.append(sentence)
        if sum(len(s.split()) for s in said) >= words:
            break
    return " ".join(said)


def _pieces(text: str) -> Iterator[str]:
    """A paragraph, or its sentences by and by where it is long."""
    kept: list[str] = []
    for sentence in _SENTENCE.split(text):
        if kept and sum(len(s.split()) for s in (*kept, sentence)) > PASSAGE_WORDS:
            yield " ".join(kept)
            kept = []
        kept.append(sentence)
    if text:
        yield " ".join(kept)


def _plain(text: str) -> str:
    """Without markdown; a link keeps its words."""
    return " ".join(_MARKDOWN.sub(lambda match: match[1] or "", text).split())


def _stopwords(language: str) -> frozenset[str]:
    from bm25s import stopwords

    found = getattr(stopwords, f"STOPWORDS_{_language(language).upper()}", None)
    return frozenset(found or stopwords.STOPWORDS_EN) | _ASKING


def _language(code: str) -> str:
    """Its name as the stemmer has it; English for one that nothing is known of."""
    names = {"de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch"}
    return names.get(code.split("-")[0], "english")


_ASKED_WITH = (
    "what which who how why where when do does did can could would should i you me my your we use "
    "need want tell give get make please know have has about s t re ll m ve"
)
_ASKING = frozenset(_ASKED_WITH.split())
