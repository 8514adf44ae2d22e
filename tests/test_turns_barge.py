"""What to do about a voice over ours: the pure decision."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.barge import Action, Barge, Interrupt, Meaning, Policy, Window

STEP = 0.032


class Talk:
    """Feeds windows one after the other and keeps what was decided."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.barge = Barge(policy or Policy())
        self.at = 0.0
        self.actions: list[Action] = []
        self._note(self.barge.on_speaking(0.0, True))

    def sound(self, seconds: float, probability: float = 0.95, **kind: bool) -> "Talk":
        for _ in range(round(seconds / STEP)):
            self.at += STEP
            window = Window(self.at, probability, **{"voiced": True, **kind})
            self._note(self.barge.on_window(window))
        return self

    def quiet(self, seconds: float) -> "Talk":
        return self.sound(seconds, 0.02, voiced=False)

    def words(self, meaning: Meaning, *, final: bool = True) -> "Talk":
        self._note(self.barge.on_words(self.at, meaning, final=final))
        return self

    def _note(self, action: Action | None) -> None:
        if action is not None:
            self.actions.append(action)


def test_a_voice_is_ducked_at_its_first_window_and_held_at_its_second() -> None:
    assert Talk().sound(STEP).actions == [Action.DUCK]
    assert Talk().sound(2 * STEP).actions == [Action.DUCK, Action.HOLD]


def test_silence_is_no_reason_for_anything() -> None:
    assert Talk().quiet(10).actions == []


def test_a_click_ducks_and_comes_back() -> None:
    assert Talk().sound(STEP, 0.6, voiced=False).quiet(1).actions == [
        Action.DUCK,
        Action.RESTORE,
    ]


def test_a_hum_is_ducked_but_never_held() -> None:
    hummed = Talk().sound(3, voiced=False, murmur=True).quiet(1)
    assert hummed.actions == [Action.DUCK, Action.RESTORE]


def test_words_that_ask_for_the_floor_stop_us() -> None:
    talk = Talk().sound(0.5).words(Meaning.TAKES).quiet(3)
    assert talk.actions == [Action.DUCK, Action.HOLD, Action.STOP]


def test_words_stop_us_although_the_vad_missed_the_voice() -> None:
    assert Talk().quiet(0.3).words(Meaning.TAKES).actions == [Action.STOP]


def test_a_back_channel_that_is_over_lets_us_go_on_at_once() -> None:
    talk = Talk().sound(0.3).quiet(0.1).words(Meaning.ENCOURAGES, final=False).quiet(0.1)
    assert talk.actions == [Action.DUCK, Action.HOLD, Action.RESUME]


def test_a_back_channel_recognised_after_the_voice_lets_us_go_on_at_once() -> None:
    talk = Talk().sound(0.3).quiet(0.3).words(Meaning.ENCOURAGES)
    assert talk.actions == [Action.DUCK, Action.HOLD, Action.RESUME]


def test_a_back_channel_with_more_behind_it_waits_for_the_rest() -> None:
    talk = Talk().sound(0.3).words(Meaning.ENCOURAGES, final=False).sound(0.4)
    assert talk.actions == [Action.DUCK, Action.HOLD]
    assert talk.words(Meaning.TAKES).actions[-1] is Action.STOP


def test_a_voice_without_words_lets_us_go_on_after_a_while() -> None:
    talk = Talk().sound(1.0).quiet(0.5)
    assert talk.actions == [Action.DUCK, Action.HOLD]
    assert talk.quiet(0.2).actions[-1] is Action.RESUME


def test_a_short_burst_is_waited_for_less() -> None:
    talk = Talk().sound(0.13).quiet(0.45)
    assert talk.actions == [Action.DUCK, Action.HOLD, Action.RESUME]


def test_a_voice_that_never_ends_and_says_nothing_wears_out_our_patience_once() -> None:
    talk = Talk().sound(30)
    assert talk.actions == [Action.DUCK, Action.HOLD, Action.RESUME]
    assert talk.quiet(1).sound(0.2).actions[3:] == [Action.DUCK, Action.HOLD]


def test_our_own_voice_is_no_reason_for_anything() -> None:
    assert Talk().sound(5, ours=True).actions == []


def test_one_window_that_sounds_like_us_casts_no_doubt() -> None:
    assert Talk().sound(STEP, ours=True).sound(3 * STEP).actions == [Action.DUCK, Action.HOLD]


def test_a_voice_over_our_echo_is_held_a_little_later() -> None:
    talk = Talk().sound(1, ours=True).sound(3 * STEP)
    assert talk.actions == [Action.DUCK]
    assert talk.sound(3 * STEP).actions == [Action.DUCK, Action.HOLD]


def test_a_microphone_that_closes_during_a_hold_does_not_mute_us() -> None:
    talk = Talk().sound(0.5)
    assert talk.barge.on_time(talk.at + 0.3) is None
    assert talk.barge.on_time(talk.at + 0.7) is Action.RESUME


def test_the_end_of_our_speech_ends_a_hold() -> None:
    talk = Talk().sound(0.5)
    assert talk.barge.on_speaking(talk.at, False) is Action.RESUME
    assert talk.barge.state == "open"


def test_by_words_a_voice_only_ducks() -> None:
    talk = Talk(Policy(interrupt="words")).sound(3)
    assert talk.actions == [Action.DUCK]
    assert talk.words(Meaning.TAKES).actions == [Action.DUCK, Action.STOP]


@pytest.mark.parametrize("interrupt", ["never", "push-to-talk"])
def test_who_may_not_interrupt_does_not_even_duck(interrupt: Interrupt) -> None:
    talk = Talk(Policy(interrupt=interrupt)).sound(3).words(Meaning.TAKES)
    assert talk.actions == []


def test_time_alone_ducks_nobody_who_may_not_be_interrupted() -> None:
    barge = Barge(Policy(interrupt="never"))
    barge.on_speaking(0.0, True)
    assert barge.on_window(Window(STEP, 0.6)) is None
    assert barge.on_time(2 * STEP) is None
    assert barge.state == "open"


def test_after_a_stop_nothing_is_done_until_we_speak_again() -> None:
    talk = Talk().sound(0.5).words(Meaning.TAKES).sound(3)
    assert talk.actions[-1] is Action.STOP
    talk.barge.on_speaking(talk.at, False)
    talk.barge.on_speaking(talk.at, True)
    assert talk.sound(0.5).actions[-2:] == [Action.DUCK, Action.HOLD]


windows = st.tuples(
    st.just("window"),
    st.sampled_from([0.0, 0.4, 0.6, 0.95]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
events = st.one_of(
    windows,
    windows,
    windows,
    st.tuples(st.just("words"), st.sampled_from(Meaning), st.booleans()),
    st.tuples(st.just("speaking"), st.booleans()),
    st.tuples(st.just("time"), st.floats(0.01, 2)),
)
ALLOWED = {
    Action.DUCK: {Action.RESTORE, Action.HOLD, Action.STOP},
    Action.RESTORE: {Action.DUCK, Action.HOLD, Action.STOP},
    Action.HOLD: {Action.RESUME, Action.STOP},
    Action.RESUME: {Action.DUCK, Action.HOLD, Action.STOP},
    Action.STOP: {Action.DUCK, Action.HOLD, Action.STOP},
}


@given(st.lists(events, max_size=120), st.sampled_from(["natural", "words", "never"]))
def test_whatever_happens_actions_alternate_and_a_hold_ends(
    script: list[tuple[object, ...]], interrupt: Interrupt
) -> None:
    policy = Policy(interrupt=interrupt)
    barge, at, actions = Barge(policy), 0.0, list[Action]()
    barge.on_speaking(0.0, True)
    for kind, *rest in script:
        at += STEP
        match kind:
            case "window":
                action = barge.on_window(Window(at, *rest))  # type: ignore[arg-type]  # as drawn
            case "words":
                action = barge.on_words(at, rest[0], final=bool(rest[1]))  # type: ignore[arg-type]
            case "speaking":
                action = barge.on_speaking(at, bool(rest[0]))
            case _:
                at += float(rest[0])  # type: ignore[arg-type]  # as drawn
                action = barge.on_time(at)
        actions += [action] if action else []
    assert all(after in ALLOWED[before] for before, after in pairwise(actions))
    assert (barge.state == "held") == (bool(actions) and actions[-1] is Action.HOLD)
    for _ in range(round((policy.patience_s + policy.resume_s) / STEP) + 2):
        at += STEP
        barge.on_window(Window(at, 0.0))
    assert barge.state == "open"


def test_a_glimpse_of_a_voice_ducks_and_counts_for_nothing_more() -> None:
    talk = Talk()
    assert talk.barge.on_glimpse(STEP / 2) is Action.DUCK
    assert talk.barge.on_glimpse(STEP) is None
    assert talk.sound(STEP).actions == []
    assert talk.sound(STEP).actions == [Action.HOLD]
    silent = Talk()
    assert silent.barge.on_glimpse(0.01) is Action.DUCK
    assert silent.quiet(0.5).actions == [Action.RESTORE]


def test_a_glimpse_stops_nothing_where_no_voice_may() -> None:
    for policy in ("never", "push-to-talk"):
        assert Talk(Policy(interrupt=policy)).barge.on_glimpse(0.01) is None
