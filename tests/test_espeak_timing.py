"""Timings of real speech against its own sound."""

import numpy as np
import pytest
from livekit.plugins.espeak.child import Library, Speech
from livekit.plugins.espeak.clauses import Break
from livekit.plugins.espeak.engine import Engine, Voicing
from livekit.plugins.espeak.spoken import speakable
from livekit.plugins.espeak.timing import PAUSE, QUIET, Laid, lay_out
from livekit.plugins.espeak.voices import find_installation

RATE = 22050


async def say(text: str, *, voice: str = "en-us", clock: int = 0, pause: int = 0) -> Laid:
    engine = Engine(find_installation(), RATE)
    try:
        spoken = speakable(text)
        speech = await engine.speak(spoken.text, Voicing(voice, 165, 50, 100), timeout_s=10)
        laid = lay_out(speech, spoken, text, rate=RATE, clock=clock, pause=pause)
        assert laid is not None
        return laid
    finally:
        await engine.aclose()


def silences(pcm: np.ndarray, longer_than_s: float) -> list[tuple[float, float]]:
    """(start, end) of the quiet stretches inside the sound, in seconds."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) >= QUIET)
    gaps = np.flatnonzero(np.diff(loud) > longer_than_s * RATE)
    return [((loud[gap] + 1) / RATE, loud[gap + 1] / RATE) for gap in gaps]


async def test_pauses_between_words_agree_with_the_sound_within_10_ms() -> None:
    laid = await say("Hello me, I am one; we learn now. Oh, you may win")
    heard = silences(laid.pcm, 0.08)
    told = [
        (before.end_s, after.start_s)
        for before, after in zip(laid.words, laid.words[1:], strict=False)
        if after.start_s - before.end_s > 0.08
    ]
    assert len(told) == len(heard) == 4
    assert np.allclose(told, heard, atol=0.010)


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("en-us", "Please stop, Peter: a dog — well. Okay? It's 3.50 dollars"),
        ("en-gb", "Put the kettle on, would you? Bob can't dance tonight"),
        ("de", "Guten Tag, ich heiße Käthe; können Sie das bitte prüfen?"),
        ("fr", "Bonjour, je m'appelle Benoît. Où êtes-vous, s'il vous plaît ?"),
        ("es", "¿Qué tal? Mañana por la tarde tengo que pagar quince euros"),
    ],
)
async def test_phones_cover_the_sound_in_order_without_gap_or_overlap(
    voice: str, text: str
) -> None:
    laid = await say(text, voice=voice, clock=RATE, pause=441)
    assert laid.phones[0].start_s == 1.0
    assert laid.phones[-1].end_s == pytest.approx(1.0 + len(laid.pcm) / RATE)
    for before, after in zip(laid.phones, laid.phones[1:], strict=False):
        assert before.start_s < before.end_s == after.start_s
        assert not before.symbol == after.symbol == PAUSE
    assert not any(set(phone.symbol) & set("ˈˌ") or not phone.symbol for phone in laid.phones)
    assert len(laid.phones) > len(text) // 3
    assert "".join(word.text for word in laid.words) == text
    for first, second in zip(laid.words, laid.words[1:], strict=False):
        assert first.start_s < first.end_s <= second.start_s


async def test_a_plosive_spans_its_closure_and_its_release() -> None:
    laid = await say("a happy actor keeps a top copy")
    plosives = [phone for phone in laid.phones if phone.symbol in ("p", "t", "k")]
    assert len(plosives) >= 6
    for phone in plosives:
        sound = laid.pcm[round(phone.start_s * RATE) : round(phone.end_s * RATE)]
        loud = np.flatnonzero(np.abs(sound.astype(np.int32)) >= QUIET)
        closure_s, release_s = loud[0] / RATE, (len(sound) - loud[0]) / RATE
        assert closure_s > 0.015, phone
        assert release_s > 0.015, phone


async def test_a_plosive_after_a_pause_closes_at_the_end_of_the_pause() -> None:
    laid = await say("I see you, Peter")
    pause = max((p for p in laid.phones if p.symbol == PAUSE), key=lambda p: p.end_s - p.start_s)
    (closure,) = [phone for phone in laid.phones if phone.start_s == pause.end_s]
    assert closure.symbol == "p"
    assert pause.end_s - pause.start_s > 0.1


async def test_a_voiced_plosive_that_begins_a_clause_closes_in_the_pause_before() -> None:
    laid = await say("Bob", pause=RATE // 4)
    pause, closure, *_ = laid.phones
    assert (pause.symbol, closure.symbol) == ("_", "b")
    assert closure.start_s < 0.25 < closure.end_s
    assert not laid.pcm[: RATE // 4].any()


async def test_words_keep_the_marks_around_them_and_time_none_of_them() -> None:
    text = " **Größe** 😀 “naïve” costs 3.50 now… "
    laid = await say(text)
    assert [word.text for word in laid.words] == [
        " **Größe** 😀 ",
        "“naïve” ",
        "costs ",
        "3.50 ",
        "now… ",
    ]


async def test_joints_run_from_and_to_silence() -> None:
    laid = await say("Oh no", pause=100)
    assert not laid.pcm[:101].any()
    assert abs(int(laid.pcm[-1])) < QUIET


async def test_without_sound_there_is_nothing_to_lay_out() -> None:
    silence = Speech(bytearray(2 * RATE), [], [])
    assert lay_out(silence, speakable("…"), "…", rate=RATE, clock=0, pause=0) is None


def test_a_phone_rendered_inside_another_still_gets_its_part() -> None:
    pcm = (np.ones(RATE, np.int16) * 5000).tobytes()
    speech = Speech(bytearray(pcm), [(0, 0)], [("w", 0), ("ɛ", 2000), ("l", 6000), ("", 6000)])
    laid = lay_out(speech, speakable("well"), "well", rate=RATE, clock=0, pause=0)
    assert laid is not None
    assert [phone.symbol for phone in laid.phones] == ["w", "ɛ", "l", "_"]


async def test_names_that_are_no_sounds_are_no_phones() -> None:
    laid = await say("Portez ce whisky au weekend", voice="fr")  # switches to English and back
    symbols = "".join(phone.symbol for phone in laid.phones)
    assert all(character.isalpha() or character in "_ː\u0303" for character in symbols)


async def test_sound_and_times_are_those_of_the_text_in_one_piece() -> None:
    """Clause by clause, with our pauses, as espeak-ng itself says it."""
    first = "Good morning, and welcome to the office; "
    second = "I am Imani, your guide for today."
    whole = await say(first + second)
    part = await say(first)
    pause = round(Break.PHRASE.value * (175 / 165) ** 1.5 * RATE)
    rest = await say(second, clock=len(part.pcm), pause=pause)
    assert [w.text for w in (*part.words, *rest.words)] == [w.text for w in whole.words]
    ours = [word.start_s for word in (*part.words, *rest.words)]
    assert np.allclose(ours, [word.start_s for word in whole.words], atol=0.015)


def test_a_missing_library_says_so(tmp_path: object) -> None:
    with pytest.raises(OSError, match="no-such-library"):
        Library(f"{tmp_path}/no-such-library.so", None)
