"""How words sound: the dictionary of the PocketSphinx wheel, and letter-to-sound rules for the
rest.

Every word gets at least one pronunciation; nothing is refused. The rules know no stress and no
etymology: they are for names such as "visavis", where a near miss still beats a missing word. The
fact you would not guess: a word without a vowel letter is read out letter by letter ("tts").
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

Pronunciations = dict[str, list[str]]
"""Word to pronunciations, each ARPAbet phones without stress, separated by spaces."""

_LETTERS = {
    **{"a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY"},
    **{"h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N"},
    **{"o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW"},
    **{"v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY"},
}

# Longest match first. "^" is the beginning of the word, "$" its end; V stands for any vowel letter
# right after the match and is not used up ("V" never occurs in a word: words are lower case).
_RULES: dict[str, str] = {
    **{"tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "ough": "AO", "augh": "AO"},
    **{"eigh": "EY", "igh": "AY", "tch": "CH", "dge": "JH", "sch": "SH", "chr": "K R"},
    **{
        "ch": "CH",
        "sh": "SH",
        "th": "TH",
        "ph": "F",
        "wh": "W",
        "^wr": "R",
        "^kn": "N",
        "^gn": "N",
    },
    **{
        "^ps": "S",
        "^x": "Z",
        "ck": "K",
        "qu": "K W",
        "gh": "G",
        "ng$": "NG",
        "nk": "NG K",
        "mb$": "M",
    },
    **{"ee": "IY", "ea": "IY", "ie$": "IY", "ie": "IY", "ei": "EY", "ey$": "IY", "ey": "EY"},
    **{"ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "oa": "OW", "oo": "UW", "ou": "AW"},
    **{"ow$": "OW", "ow": "AW", "oi": "OY", "oy": "OY", "ue$": "UW", "ui": "UW", "eu": "Y UW"},
    **{"ew": "UW", "ia": "IY AH", "io": "IY OW", "iu": "IY AH", "ae": "EY", "oe": "OW"},
    **{"arV": "EH R", "ar": "AA R", "erV": "EH R", "er": "ER", "irV": "IH R", "ir": "ER"},
    **{"orV": "AO R", "or": "AO R", "urV": "UH R", "ur": "ER", "yr": "IH R"},
    **{"ce": "S", "ci": "S IH", "cy": "S IY", "ge$": "JH", "gi": "JH IH", "gy": "JH IY"},
    **{
        "le$": "AH L",
        "es$": "Z",
        "ed$": "D",
        "e$": "",
        "a$": "AH",
        "i$": "IY",
        "o$": "OW",
        "y$": "IY",
    },
    **{
        "u$": "UW",
        "^y": "Y",
        "a": "AE",
        "b": "B",
        "c": "K",
        "d": "D",
        "e": "EH",
        "f": "F",
        "g": "G",
    },
    **{
        "h": "HH",
        "i": "IH",
        "j": "JH",
        "k": "K",
        "l": "L",
        "m": "M",
        "n": "N",
        "o": "AA",
        "p": "P",
    },
    **{
        "q": "K",
        "r": "R",
        "s": "S",
        "t": "T",
        "u": "AH",
        "v": "V",
        "w": "W",
        "x": "K S",
        "y": "IH",
    },
    **{"z": "Z", "'": ""},
}
_LONGEST = max(len(rule.strip("^$V")) for rule in _RULES)
_VOWELS = frozenset("aeiouy")
# "a consonant e" at the end makes the vowel before it say its name: make, time, persone
_NAMED = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
# a vowel between single consonants may be short or long, and stress decides: offer the common other
_OPEN = {"a": "AA", "e": "IY", "i": "IY", "o": "OW", "u": "UW"}


def letter_to_sound(word: str) -> list[str]:
    """One or two guesses for a word no dictionary knows. `word`: lower-case letters,
    apostrophes."""
    if not _VOWELS & set(word):
        return [" ".join(_LETTERS[c] for c in word if c in _LETTERS)]
    closed, opened = _apply(word, open_vowels=False), _apply(word, open_vowels=True)
    return list(dict.fromkeys((closed, opened)))


def _apply(word: str, *, open_vowels: bool) -> str:
    phones: list[str] = []
    at = 0
    while at < len(word):
        if at and word[at] == word[at - 1] and word[at] not in _VOWELS:
            at += 1  # a doubled consonant sounds once
            continue
        used, sound = _named_vowel(word, at) or _match(word, at)
        if open_vowels and used == 1 and _is_open(word, at):
            sound = _OPEN.get(word[at], sound)
        phones += sound.split()
        at += used
    return " ".join(phones)


def _named_vowel(word: str, at: int) -> tuple[int, str] | None:
    rest = word[at:]
    named = len(rest) == 3 and rest[0] in _NAMED and rest[1] not in _VOWELS and rest[2] == "e"
    return (1, _NAMED[rest[0]]) if named and rest[1] not in "rwx" else None


def _is_open(word: str, at: int) -> bool:
    """A vowel, one consonant, another vowel."""
    after = word[at + 1 : at + 3]
    return len(after) == 2 and after[0] not in _VOWELS and after[1] in _VOWELS


def _match(word: str, at: int) -> tuple[int, str]:
    for length in range(min(_LONGEST, len(word) - at), 0, -1):
        piece = word[at : at + length]
        end = at + length
        forms = [piece]
        if end < len(word) and word[end] in _VOWELS:
            forms.insert(0, piece + "V")
        if at == 0:
            forms.insert(0, "^" + piece)
        if end == len(word) and at > 0:
            forms.insert(0, piece + "$")
        for form in forms:
            if form in _RULES:
                return length, _RULES[form]
    return 1, ""


def look_up(words: Iterable[str], dictionary: Path) -> Pronunciations:
    """The pronunciations of `words`; the dictionary's where it has them, else by rule.

    A possessive that is missing ("imani's") is its stem with Z. Reads the file once; ~0.1 s.
    """
    wanted = set(words)
    stems = {word[:-2] for word in wanted if word.endswith("'s")}
    known = _read(dictionary, wanted | stems)
    return {word: known.get(word) or _guess(word, known) for word in sorted(wanted)}


def _guess(word: str, known: Mapping[str, list[str]]) -> list[str]:
    if word.endswith("'s") and len(word) > 2:
        stem = word[:-2]
        return [f"{phones} Z" for phones in known.get(stem) or letter_to_sound(stem)]
    return letter_to_sound(word)


def _read(dictionary: Path, wanted: set[str]) -> Pronunciations:
    found: Pronunciations = {}
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            entry, _, phones = line.rstrip("\n").partition(" ")
            word = entry.partition("(")[0]
            if word in wanted and phones:
                found.setdefault(word, []).append(phones.strip())
    return found


def dictionary_text(pronunciations: Mapping[str, Iterable[str]]) -> str:
    """The same as a Sphinx dictionary: alternatives are numbered from (2)."""
    lines = []
    for word, alternatives in pronunciations.items():
        for number, phones in enumerate(alternatives, 1):
            lines.append(f"{word if number == 1 else f'{word}({number})'} {phones}")
    return "\n".join(lines) + "\n"
