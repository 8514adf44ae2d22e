"""The parts of the recogniser that need no sound: words, pronunciations, n-grams, messages."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.plugins.pocketsphinx.ear import ngram, pronounce, recogniser, text, wire
from livekit.plugins.pocketsphinx.ear.confidence import Evidence, Loudness
from livekit.plugins.pocketsphinx.transcript import UNCLEAR, verdict

_PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W "
    "Y Z ZH"
)
PHONES = set(_PHONES.split())
SENTENCES = [("tell", "me", "a", "story"), ("tell", "me", "more"), ("yes",)]


def test_phrases_become_words_that_can_be_said() -> None:
    assert text.words_of("What\u2019s 12 + 305?") == (
        "what's",
        "twelve",
        "three",
        "hundred",
        "five",
    )
    assert text.words_of("Caf\u00e9, s'il vous pla\u00eet!") == ("cafe", "s'il", "vous", "plait")
    assert text.words_of("\U0001f600 ...") == ()
    assert text.sentences_of(["Hi!", "hi", "", "Bye"]) == [("hi",), ("bye",)]


@given(st.text(max_size=20))
def test_any_phrase_becomes_letters_and_apostrophes(phrase: str) -> None:
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz'") for word in text.words_of(phrase))


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("visavis", "V IH S AE V IH S"),
        ("livekit", "L IH V EH K IH T"),
        ("phoning", "F AA N IH NG"),
        ("quake", "K W EY K"),
        ("tts", "T IY T IY EH S"),
        ("knotty", "N AA T IY"),
    ],
)
def test_unknown_words_are_pronounced_by_rule(word: str, sound: str) -> None:
    assert sound in pronounce.letter_to_sound(word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=12))
def test_rules_use_only_phones_of_the_model(word: str) -> None:
    for sound in pronounce.letter_to_sound(word):
        assert set(sound.split()) <= PHONES


def test_every_word_of_a_vocabulary_gets_a_pronunciation() -> None:
    model = recogniser.compile_model(["zyxqt imani's bzzt ' qu'", "hello"])
    assert all(model.pronunciations[word] for word in model.grams.words)
    assert all(all(sounds) for sounds in model.pronunciations.values())
    assert model.decoder().lookup_word("hello") is not None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5), min_size=1, max_size=8))
def test_the_words_after_any_history_add_up_to_one(sentences: list[list[str]]) -> None:
    grams = ngram.estimate(sentences, {"z": 0.2})
    words = [*grams.words, ngram.END]

    def prob(gram: tuple[str, ...]) -> float:
        if len(gram) == 1:
            return grams.probabilities[0][gram]
        known = grams.probabilities[len(gram) - 1].get(gram)
        return known or grams.backoffs.get(gram[:-1], 1.0) * prob(gram[1:])

    histories = [(), (ngram.BEGIN,), (sentences[0][0],), (ngram.BEGIN, sentences[0][0])]
    for history in histories:
        assert sum(prob((*history, word)) for word in words) == pytest.approx(1.0)


def test_only_sentences_of_the_phrases_are_not_loose() -> None:
    grams = ngram.estimate(SENTENCES, {"robot": 0.2})
    assert grams.looseness(("tell", "me", "more")) == 0.0
    assert grams.looseness(("yes", "more", "robot")) > 1.0
    with pytest.raises(ValueError, match="give phrases"):
        ngram.estimate([], {})


def test_confidence_falls_with_each_kind_of_doubt() -> None:
    good = Evidence(fit=-4.5, loose=0.0, unexplained=0.0).confidence
    assert good > 0.9
    for worse in (Evidence(-8.0, 0.0, 0.0), Evidence(-4.5, 1.5, 0.0), Evidence(-4.5, 0.0, 0.6)):
        assert worse.confidence < good
    assert Evidence(-1e9, 2.0, 1.0).confidence >= 0.0


def test_loud_frames_outside_of_the_words_are_unexplained() -> None:
    loudness = Loudness()
    loudness.push(bytes(320 * 10) + b"\x00\x20" * 160 * 10)  # 10 silent frames, 10 loud ones
    assert loudness.unexplained([(10, 20)]) == 0.0
    assert loudness.unexplained([(0, 15)]) == 0.5
    assert Loudness().unexplained([]) == 0.0


def test_doubtful_speech_is_unclear_and_doubtful_noise_is_nothing() -> None:
    doubtful, sure = wire.Result("go on", 0.1), wire.Result("go on", 0.9)
    assert verdict(sure, min_confidence=0.3, speech_s=0.2) == "go on"
    assert verdict(doubtful, min_confidence=0.3, speech_s=1.0) == UNCLEAR
    assert verdict(doubtful, min_confidence=0.3, speech_s=0.2) == ""
    assert verdict(wire.Result("", 0.0), min_confidence=0.0, speech_s=9.0) == ""


def test_messages_survive_the_pipe_and_a_torn_one_is_the_end() -> None:
    result = wire.Result("go on", 0.5, (("go", 0.0, 0.25), ("on", 0.25, 0.5)))
    pipe = io.BytesIO()
    wire.write(pipe, wire.Message(wire.Kind.FINAL, 7, result.to_json()))
    whole = pipe.getvalue()
    message = wire.read(io.BytesIO(whole))
    assert message is not None and (message.kind, message.utterance) == (wire.Kind.FINAL, 7)
    assert wire.Result.from_json(message.body) == result
    assert wire.read(io.BytesIO(whole[:-1])) is None
    assert wire.read(io.BytesIO()) is None
