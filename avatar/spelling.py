"""Written words to phones by simple letter rules, for voices that only say when each word sounds.

English first, bearable for other languages in Latin or Cyrillic letters; it refuses to be a
pronunciation dictionary. Mouth shapes forgive much: "though" and "tough" differ by one lip.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from avatar.visemes import VOWELS, Share, from_phone

_RULES: Final[tuple[tuple[str, str], ...]] = (
    *(("tion", "ʃ ə n"), ("sion", "ʒ ə n"), ("ough", "oʊ"), ("augh", "ɔ"), ("eigh", "eɪ")),
    *(("igh", "aɪ"), ("sch", "ʃ"), ("tch", "tʃ"), ("dge", "dʒ"), ("ing", "ɪ ŋ"), ("que", "k")),
    *(("ear", "i ɹ"), ("eau", "oʊ"), ("sh", "ʃ"), ("ch", "tʃ"), ("th", "θ"), ("ph", "f")),
    *(("wh", "w"), ("ck", "k"), ("qu", "k w"), ("ng", "ŋ"), ("gh", ""), ("oo", "u"), ("ee", "i")),
    *(("ea", "i"), ("ie", "i"), ("ei", "eɪ"), ("ey", "i"), ("ou", "aʊ"), ("ow", "oʊ")),
    *(("oa", "oʊ"), ("oi", "ɔɪ"), ("oy", "ɔɪ"), ("ai", "eɪ"), ("ay", "eɪ"), ("au", "ɔ")),
    *(("aw", "ɔ"), ("ew", "u"), ("ue", "u"), ("ui", "u"), ("er", "ɚ"), ("ir", "ɚ"), ("ur", "ɚ")),
    *(("or", "ɔ ɹ"), ("ar", "ɑ ɹ"), ("ce", "s ə"), ("ci", "s ɪ"), ("cy", "s i")),
)
_LETTERS: Final[dict[str, str]] = {
    **dict(zip("abcdefghij", ("æ", "b", "k", "d", "ɛ", "f", "ɡ", "h", "ɪ", "dʒ"), strict=True)),
    **dict(zip("klmnopqrst", ("k", "l", "m", "n", "ɒ", "p", "k", "ɹ", "s", "t"), strict=True)),
    **dict(zip("uvwxyz", ("ʌ", "v", "w", "k s", "i", "z"), strict=True)),
    **dict(zip("абвгдеёжзи", ("a", "b", "v", "g", "d", "e", "o", "ʒ", "z", "i"), strict=True)),
    **dict(zip("йклмнопрст", ("j", "k", "l", "m", "n", "o", "p", "r", "s", "t"), strict=True)),
    **dict(zip("уфхцчшщыэ", ("u", "f", "x", "ts", "tʃ", "ʃ", "ʃ", "ɨ", "e"), strict=True)),
    **dict(zip("юяьъ", ("u", "a", "", ""), strict=True)),
    **dict(zip("01234", ("z i ɹ oʊ", "w ʌ n", "t u", "θ ɹ i", "f ɔ ɹ"), strict=True)),
    **dict(zip("56789", ("f aɪ v", "s ɪ k s", "s ɛ v n", "eɪ t", "n aɪ n"), strict=True)),
}  # fmt: skip
_MAGIC: Final[dict[str, str]] = {"a": "eɪ", "i": "aɪ", "o": "oʊ", "u": "u", "y": "aɪ"}
_UMLAUTS: Final[dict[str, str]] = {"ä": "ɛ", "ö": "ø", "ü": "y", "ß": "s", "ç": "s", "ñ": "ɲ"}
# The commonest English words that the rules get wrong; every second word of a sentence is one.
_WORDS: Final = """
a ə | the ð ə | of ə v | to t ə | and æ n d | you j u | i aɪ | is ɪ z | was w ʌ z | as æ z
his h ɪ z | has h æ z | have h æ v | are ɑ ɹ | were w ɚ | be b i | he h i | she ʃ i | we w i
me m i | my m aɪ | by b aɪ | they ð eɪ | there ð ɛ ɹ | their ð ɛ ɹ | this ð ɪ s | that ð æ t
these ð i z | those ð oʊ z | then ð ɛ n | than ð æ n | with w ɪ ð | what w ʌ t | who h u
whose h u z | where w ɛ ɹ | when w ɛ n | which w ɪ tʃ | why w aɪ | do d u | does d ʌ z
done d ʌ n | dont d oʊ n t | go ɡ oʊ | no n oʊ | so s oʊ | one w ʌ n | once w ʌ n s | two t u
four f ɔ ɹ | eight eɪ t | some s ʌ m | come k ʌ m | from f ɹ ʌ m | for f ɔ ɹ | your j ɔ ɹ
our aʊ ɚ | would w ʊ d | could k ʊ d | should ʃ ʊ d | said s ɛ d | says s ɛ z | any ɛ n i
many m ɛ n i | been b ɪ n | again ə ɡ ɛ n | about ə b aʊ t | other ʌ ð ɚ | mother m ʌ ð ɚ
brother b ɹ ʌ ð ɚ | people p i p əl | because b ɪ k ʌ z | before b ɪ f ɔ ɹ | into ɪ n t u
only oʊ n l i | very v ɛ ɹ i | know n oʊ | now n aʊ | how h aʊ | down d aʊ n | give ɡ ɪ v
live l ɪ v | love l ʌ v | move m u v | great ɡ ɹ eɪ t | good ɡ ʊ d | look l ʊ k | book b ʊ k
took t ʊ k | put p ʊ t | water w ɔ t ɚ | all ɔ l | call k ɔ l | small s m ɔ l | talk t ɔ k
walk w ɔ k | through θ ɹ u | though ð oʊ | thought θ ɔ t | enough ɪ n ʌ f | right ɹ aɪ t
think θ ɪ ŋ k | thing θ ɪ ŋ | today t ə d eɪ | work w ɚ k | world w ɚ l d | word w ɚ d
sure ʃ ʊ ɹ | sorry s ɑ ɹ i | please p l i z | hello h ɛ l oʊ | okay oʊ k eɪ | yes j ɛ s
money m ʌ n i | month m ʌ n θ | nothing n ʌ θ ɪ ŋ | something s ʌ m θ ɪ ŋ | minute m ɪ n ɪ t
question k w ɛ s tʃ ə n | answer æ n s ɚ | friend f ɹ ɛ n d | busy b ɪ z i | idea aɪ d i ə
"""
_COMMON: Final[dict[str, str]] = {
    word: phones
    for entry in re.split(r"[|\n]", _WORDS)
    for word, _, phones in [entry.strip().partition(" ")]
    if word
}
_MAX_LETTERS = 64


@lru_cache(maxsize=4096)
def visemes_of(word: str) -> tuple[Share, ...]:
    """Visemes of a written word in order, with their shares of its time; () if nothing is sayable.

    Vowels get 1.6 times the time of consonants. Letters beyond the 64th are left out.
    """
    found: list[tuple[str, float]] = []
    for phone in phones_of(word):
        for viseme, share in from_phone(phone):
            if not found or found[-1][0] != viseme:
                found.append((viseme, share * (1.6 if viseme in VOWELS else 1.0)))
    total = sum(time for _, time in found)
    return tuple((viseme, time / total) for viseme, time in found)


@lru_cache(maxsize=4096)
def phones_of(word: str) -> tuple[str, ...]:
    """The phones of a written word in IPA by the same rules; () if nothing is sayable."""
    lower = unicodedata.normalize("NFC", word.lower())[:_MAX_LETTERS]
    bare = "".join(letter for letter in lower if letter.isalnum())
    if bare in _COMMON:
        return tuple(_COMMON[bare].split())
    phones: list[str] = []
    at = 0
    while at < len(bare):
        taken, sounds = _rule(bare, at)
        phones += sounds.split()
        at += taken
    return tuple(phones)


def _rule(word: str, at: int) -> tuple[int, str]:
    """How many letters the next rule takes, and what they sound like."""
    rest = word[at:]
    if rest == "e" and re.search("[aiouyäöü]", word[:at]):
        return 1, ""  # silent at the end, unless it is the only vowel
    if rest == "o" and at:
        return 1, "oʊ"
    if rest.startswith("y") and at == 0:
        return 1, "j"
    if at == 0 and rest.startswith(("kn", "wr")):
        return 1, ""
    if re.fullmatch(r"[aiouy][bcdfgklmnpstvz]e", rest):
        return 1, _MAGIC[rest[0]]
    for letters, sounds in _RULES:
        if rest.startswith(letters):
            return len(letters), sounds
    letter = rest[0]
    if letter in _UMLAUTS:
        return 1, _UMLAUTS[letter]
    plain = unicodedata.normalize("NFD", letter)[0]
    if letter in _LETTERS:
        return 1, _LETTERS[letter]
    return 1, _LETTERS.get(plain, letter)
