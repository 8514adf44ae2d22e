"""Which mouth belongs to a speech sound: phone symbols to visemes, visemes to face weights.

Pure tables: knows nothing of time (avatar/lipsync.py) and never fails. An unlisted symbol gets the
viseme of the plain letter it was made from: a slightly wrong mouth is better than a frozen one.
The one thing to know about IPA here: `r` is a trill (Spanish, Turkish) and leaves the lips alone,
while the English approximant `ɹ` rounds them; espeak keeps the two apart.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import Alphabet
from avatar.params import weights

Share = tuple[str, float]
"""A viseme and its share of the phone's time; the shares of a phone sum to 1."""

VISEMES: Final[tuple[str, ...]] = (
    *("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR"),
    *("aa", "E", "ih", "oh", "ou"),
)
"""The 15 names of the Oculus set, in the order of the rows of SHAPES."""

VOWELS: Final[frozenset[str]] = frozenset(("aa", "E", "ih", "oh", "ou"))

# Found by eye on a photo and on drawn faces (2026-11): distinct, none grotesque at chat size.
_FACES: Final[dict[str, NDArray[np.float32]]] = {
    "sil": weights(),
    "PP": weights(mouthPress=0.75, mouthRollLower=0.35, mouthRollUpper=0.3, jawOpen=0.02),
    "FF": weights(
        jawOpen=0.05, mouthRollLower=0.6, mouthShrugLower=0.3, mouthUpperUp=0.85, mouthStretch=0.12
    ),
    "TH": weights(jawOpen=0.2, mouthLowerDown=0.25, mouthUpperUp=0.2, tongueUp=0.8),
    "DD": weights(jawOpen=0.16, mouthLowerDown=0.3, mouthUpperUp=0.2, tongueUp=0.5),
    "kk": weights(jawOpen=0.24, mouthLowerDown=0.2, mouthUpperUp=0.15),
    "CH": weights(
        jawOpen=0.12, mouthFunnel=0.75, mouthPucker=0.15, mouthLowerDown=0.3, mouthUpperUp=0.2
    ),
    "SS": weights(jawOpen=0.07, mouthStretch=0.35, mouthLowerDown=0.45, mouthUpperUp=0.35),
    "nn": weights(jawOpen=0.15, mouthLowerDown=0.2, mouthUpperUp=0.1, tongueUp=0.6),
    "RR": weights(jawOpen=0.16, mouthFunnel=0.55, mouthPucker=0.25),
    "aa": weights(jawOpen=0.72, mouthUpperUp=0.15, mouthLowerDown=0.15),
    "E": weights(jawOpen=0.36, mouthStretch=0.3, mouthUpperUp=0.2, mouthLowerDown=0.3),
    "ih": weights(jawOpen=0.16, mouthStretch=0.6, mouthUpperUp=0.3, mouthLowerDown=0.4),
    "oh": weights(jawOpen=0.42, mouthFunnel=0.9, mouthPucker=0.4),
    "ou": weights(jawOpen=0.13, mouthFunnel=0.4, mouthPucker=1.0),
}

SHAPES: Final[NDArray[np.float32]] = np.stack([_FACES[name] for name in VISEMES])
"""(15, 53) float32: the held face of each viseme, in the order of VISEMES and params.CHANNELS."""
SHAPES.flags.writeable = False


def _spread(rows: dict[str, str]) -> dict[str, str]:
    return {symbol: viseme for viseme, symbols in rows.items() for symbol in symbols.split()}


_IPA: Final[dict[str, str]] = _spread(
    {
        # β is only nearly shut, but shut is the closest of the fifteen
        "PP": "p b m ɓ ʙ β ʘ",
        "FF": "f v ɱ ʋ ɸ ⱱ",
        "TH": "θ ð ǀ",
        "DD": "t d ɾ ʈ ɖ ɗ ɽ ǂ ǃ",
        # sounds made behind the teeth's reach: the lips belong to the neighbours
        "kk": "k g ɡ ŋ x ɣ χ ʁ ʀ q ɢ ɴ ħ ʕ h ɦ ʔ c ɟ ç ʝ ɰ ɠ ʛ ʜ ʢ ʡ ɧ",
        "CH": "ʃ ʒ ɕ ʑ ʂ ʐ",
        "SS": "s z ɬ ɮ",
        # j is a narrow i, but a glide: in "you" the lips are round from its beginning
        "nn": "n l ɲ ɳ ʎ ɭ ɫ ʟ r ɺ ǁ j",
        "RR": "ɹ ɻ ɚ ɝ",
        "aa": "a ɑ æ ɐ ʌ ɶ",
        "E": "e ɛ ə ɜ ɘ ɤ",
        "ih": "i ɪ ɨ ɯ ᵻ",
        "oh": "o ɔ ɒ ø œ ɞ ɵ",
        "ou": "u ʊ w y ʏ ʉ ɥ ʍ ᵿ",
    }
)

_ARPABET: Final[dict[str, tuple[Share, ...]]] = {
    **{s: ((v, 1.0),) for s, v in _spread({
        "sil": "sil sp spn pau epi h# pcl tcl kcl bcl dcl gcl",
        "PP": "p b m em",
        "FF": "f v",
        "TH": "th dh",
        "DD": "t d dx",
        "kk": "k g ng hh hv q eng",
        "CH": "sh zh",
        "SS": "s z",
        "nn": "n l en el nx y",
        "RR": "r er axr",
        "aa": "aa ae ah",
        "E": "eh ax",
        "ih": "iy ih ix",
        "oh": "ao",
        "ou": "uw uh ux w wh",
    }).items()},
    "ch": (("DD", 0.35), ("CH", 0.65)),
    "jh": (("DD", 0.35), ("CH", 0.65)),
    "ay": (("aa", 0.6), ("ih", 0.4)),
    "aw": (("aa", 0.6), ("ou", 0.4)),
    "ey": (("E", 0.6), ("ih", 0.4)),
    "ow": (("oh", 0.6), ("ou", 0.4)),
    "oy": (("oh", 0.6), ("ih", 0.4)),
}  # fmt: skip

# Microsoft's SAPI 5 viseme ids, 0 to 21 in order.
_SAPI: Final[tuple[tuple[Share, ...], ...]] = (
    (("sil", 1.0),),
    (("aa", 1.0),),  # ae ax ah
    (("aa", 1.0),),
    (("oh", 1.0),),
    (("E", 1.0),),  # ey eh uh
    (("RR", 1.0),),  # er
    (("ih", 1.0),),  # y iy ih ix
    (("ou", 1.0),),  # w uw
    (("oh", 0.6), ("ou", 0.4)),
    (("aa", 0.6), ("ou", 0.4)),
    (("oh", 0.6), ("ih", 0.4)),
    (("aa", 0.6), ("ih", 0.4)),
    (("kk", 1.0),),  # h
    (("RR", 1.0),),
    (("nn", 1.0),),  # l
    (("SS", 1.0),),
    (("CH", 1.0),),  # sh ch jh zh
    (("TH", 1.0),),
    (("FF", 1.0),),
    (("DD", 1.0),),  # d t n
    (("kk", 1.0),),
    (("PP", 1.0),),
)

_LONG = "ː"
_NASAL = "\u0303"
# French nasal vowels sit lower and further back than the letters they are written with.
_NASAL_VOWELS: Final[dict[str, str]] = {"ɛ": "aa", "œ": "oh", "ɑ": "aa", "a": "aa", "ɔ": "oh"}
# Modifiers that espeak-ng gives a time of their own, in Polish and Russian for instance.
_ALONE: Final[dict[str, str]] = {"ʲ": "nn", "ʷ": "ou", "ʰ": "kk", "ʱ": "kk"}
_SMALL_LETTER = re.compile(r"LETTER (?:SMALL CAPITAL )?(?:[A-Z]+ )*?([A-Z])(?: |$)")


def from_phone(symbol: str, alphabet: Alphabet = "ipa") -> tuple[Share, ...]:
    """The visemes of one phone in the order they are seen, each with its share of the time.

    Stress, length and combining marks are ignored where they do not change the mouth; an empty
    symbol, a pause mark or punctuation is silence. Never raises: the unknown gets a near neighbour.
    """
    match alphabet:
        case "ipa":
            return _from_ipa(symbol)
        case "arpabet":
            return _from_arpabet(symbol)
        case "sapi":
            number = symbol.strip()
            known = number.isdecimal() and int(number) < len(_SAPI)
            return _SAPI[int(number)] if known else (("E", 1.0),)


def _from_arpabet(symbol: str) -> tuple[Share, ...]:
    bare = symbol.strip().lower().rstrip("0123456789")
    if bare in _ARPABET:
        return _ARPABET[bare]
    return _from_ipa(bare)


@lru_cache(maxsize=1024)
def _from_ipa(symbol: str) -> tuple[Share, ...]:
    visemes: list[str] = []
    letters = unicodedata.normalize("NFD", symbol)
    for at, letter in enumerate(letters):
        following = letters[at + 1 : at + 2]
        if letter == "h" and visemes:
            continue  # espeak-ng writes the aspiration of Mandarin and Hindi so: ph, tɕh
        viseme = _of_letter(letter, following)
        if viseme is not None and (not visemes or visemes[-1] != viseme):
            visemes.append(viseme)
    if not visemes:
        visemes = [_ALONE[letter] for letter in letters if letter in _ALONE][:1] or ["sil"]
    return tuple(zip(visemes, _shares(visemes), strict=True))


def _of_letter(letter: str, following: str) -> str | None:
    if following == _NASAL and letter in _NASAL_VOWELS:
        return _NASAL_VOWELS[letter]
    if letter == "ɜ" and following == _LONG:
        return "RR"  # the vowel of "bird"; without the length mark it is German's ending -er
    if letter in _IPA:
        return _IPA[letter]
    # marks, modifiers (aspiration, stress, length, tone) and punctuation move no lip
    if unicodedata.category(letter) in ("Ll", "Lo", "Lu"):
        return _neighbour(letter)
    return None


def _neighbour(letter: str) -> str:
    lower = letter.lower()
    if lower in _IPA:
        return _IPA[lower]
    # "LATIN SMALL LETTER T WITH CURL" is a kind of t: its place of articulation is close enough
    found = _SMALL_LETTER.search(unicodedata.name(letter, ""))
    return _IPA.get(found[1].lower(), "E") if found else "E"


def _shares(visemes: list[str]) -> tuple[float, ...]:
    count = len(visemes)
    if count < 2:
        return (1.0,) * count
    if visemes[0] in VOWELS:
        first = 0.6 if count == 2 else 0.45  # a diphthong holds its nucleus, then glides
    elif visemes[0] in ("DD", "kk", "PP"):
        first = 0.35 if count == 2 else 0.25  # an affricate is short closure, long friction
    elif visemes[1] in VOWELS:
        first = 0.35 if count == 2 else 0.25  # the glide of juː is over before its vowel
    else:
        first = 1 / count
    return (first, *((1 - first) / (count - 1),) * (count - 1))
