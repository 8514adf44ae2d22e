"""What words over our speech ask for: the floor, that we go on, or nothing. Pure.

Back-channels are known by list, per language; a language without one has only the sounds that
people make everywhere. It refuses to judge words that may be our own: those say nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from agent.turns.barge import Meaning

UNCLEAR = "[unclear]"
"""What an ear says of speech that it could not follow."""
UNCLEAR_TAKES_S = 0.8
"""So long a voice asks for the floor although not one word was understood."""
OURS = 0.7
"""From this share of our own recent words on, in order, a transcript is our echo."""

_EVERYWHERE = "m, mm, mmm, mhm, hm, hmm, mm hm, mm hmm, uh, uh huh, huh, aha, ah, oh, ooh"
_BACK_CHANNELS = {
    "en": "yeah, yes, yep, yup, ok, okay, right, sure, true, exactly, indeed, cool, nice, great, "
    "wow, really, fine, good, i see, got it, all right, alright, of course, makes sense, go on",
    "de": "ja, jaja, jo, genau, ok, okay, gut, klar, stimmt, richtig, schön, toll, echt, ach, so, "
    "aha, eben, na klar, alles klar, verstehe, ich verstehe, super, sicher, wirklich, weiter",
    "fr": "oui, ouais, d'accord, ok, okay, bien, exact, voilà, super, bon, je vois, c'est ça, "
    "tout à fait, bien sûr, vraiment, génial, continue, continuez",
    "es": "sí, ok, okay, vale, claro, bueno, bien, exacto, ya, entiendo, ajá, ya veo, de acuerdo, "
    "por supuesto, muy bien, genial, cierto, verdad, sigue, siga",
    "it": "sì, ok, okay, va bene, certo, esatto, bene, giusto, già, capisco, ho capito, davvero",
    "pt": "sim, ok, okay, tá, certo, claro, exato, bom, bem, entendi, pois, pois é, com certeza",
    "nl": "ja, jaja, ok, okay, oké, precies, goed, klopt, juist, leuk, ik snap het, natuurlijk",
}
_FLOOR_TAKERS = {
    "en": "stop, stop it, stop please, wait, wait a moment, wait a second, hold on, "
    "hold on a second, excuse me, sorry, no, no no, no wait, hang on, one moment, just a second, "
    "let me ask you something, i have a question, can i ask you something, be quiet",
}
_HEARD_S = 0.06
"""Less voice than this, and words were made out of a noise."""
_BRIEF_S = 0.5
_CONFIDENT = 0.7
"""In a voice as short as that, words of which the ear is less sure than this were guessed: "show"
is what is left of a "sure"."""
_MOST_WORDS = 4
"""More words than these are an interruption, however kind."""
_RECENT_WORDS = 60


def back_channels(language: str) -> frozenset[str]:
    """Everything that only encourages in a language ("en", "de-AT"), in plain spelling."""
    listed = _BACK_CHANNELS.get(language.split("-")[0].lower(), "")
    phrases = f"{_EVERYWHERE}, {listed}".split(",")
    return frozenset(" ".join(plain(phrase)) for phrase in phrases if plain(phrase))


def expected(language: str) -> list[str]:
    """What people say over somebody's speech, for an ear that knows only what it is told of."""
    code = language.split("-")[0].lower()
    listed = f"{_BACK_CHANNELS.get(code, '')}, {_FLOOR_TAKERS.get(code, '')}, uh huh, mm hm, aha"
    return sorted({" ".join(phrase.split()) for phrase in listed.split(",") if phrase.strip()})


def meaning(
    text: str,
    *,
    known: frozenset[str],
    voice_s: float,
    confidence: float = 0.0,
    min_words: int = 0,
    spoken: str = "",
) -> Meaning:
    """What a transcript over our speech asks for.

    known: see back_channels. voice_s: how long the user's voice was heard. confidence: the ear's,
    0..1; 0.0 where it tells none. spoken: what we have been saying, where our own voice may have
    been heard; "" where it cannot.
    """
    if text.strip() == UNCLEAR:
        return Meaning.TAKES if voice_s >= UNCLEAR_TAKES_S and not min_words else Meaning.NOTHING
    said = plain(text)
    if voice_s < _HEARD_S and len(said) < _MOST_WORDS:
        return Meaning.NOTHING
    if not said or is_ours(said, spoken):
        return Meaning.NOTHING
    if len(said) <= _MOST_WORDS and _made_of(said, known):
        return Meaning.ENCOURAGES
    if voice_s < _BRIEF_S and 0.0 < confidence < _CONFIDENT:
        return Meaning.NOTHING
    return Meaning.TAKES if len(said) >= min_words else Meaning.NOTHING


def is_ours(said: Sequence[str], spoken: str) -> bool:
    """Whether these words are mostly among the last that we spoke, in the same order."""
    ours = plain(spoken)[-_RECENT_WORDS:]
    if not ours or not said:
        return False
    matched = SequenceMatcher(None, ours, list(said), autojunk=False).get_matching_blocks()
    return sum(block.size for block in matched) >= OURS * len(said)


def plain(text: str) -> list[str]:
    """Lower-case words without marks or accents, so that ears may spell as they like."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", kept)


def _made_of(said: Sequence[str], known: frozenset[str]) -> bool:
    """Whether known phrases, one after the other, are all that was said."""
    if not said:
        return True
    return any(
        " ".join(said[:count]) in known and _made_of(said[count:], known)
        for count in range(1, len(said) + 1)
    )
