"""Rows of motion made of sound, in windows, with small networks of seeded weights and stubs."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.errors import RendererError  # noqa: E402  (needs torch)
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd  # noqa: E402
from avatar.nets.ditto import Lmdm, Prediction, cumulative  # noqa: E402  (needs torch)
from avatar.nets.joyvasa import Denoiser  # noqa: E402
from avatar.neural import ahead, device, head, rows, seeded, still  # noqa: E402
from avatar.neural.ahead import Ahead  # noqa: E402
from avatar.neural.driver import Drive, Driver  # noqa: E402
from avatar.neural.hearing import Hearing  # noqa: E402
from avatar.neural.keypoints import LIP_POINTS  # noqa: E402
from avatar.neural.rows import Ditto, JoyVasa, Rows, Template  # noqa: E402
from avatar.neural.voice import Voice  # noqa: E402
from avatar.params import FaceParams, weights  # noqa: E402
from avatar.renderers.liveportrait import LivePortraitRenderer  # noqa: E402

WIDTH = 6
OTHERS = [i for i in range(21) if i not in LIP_POINTS]


def hear(sound: np.ndarray) -> torch.Tensor:
    """Stands in for an encoder: what each frame alone sounds like."""
    frames = sound[: len(sound) // 640 * 640].reshape(-1, WIDTH - 2 + 636)
    return torch.from_numpy(frames[:, :WIDTH].copy() * 10)


HEARING = Hearing(hear, past=3, ahead=1)


def filled(net: torch.nn.Module, name: str) -> torch.nn.Module:
    state = {
        key: torch.from_numpy(np.asarray(seeded.weight(key, value.shape, 1, name)))
        for key, value in net.state_dict().items()
    }
    net.load_state_dict(state)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def ditto() -> Ditto:
    net = filled(Lmdm(heard=WIDTH, width=32, inner=32, heads=4, layers=1), "small/ditto")
    assert isinstance(net, Lmdm)
    unheard = torch.zeros(rows.DITTO_UNHEARD, WIDTH - 2)
    return Ditto(net, torch.zeros(1, 265), unheard, torch.ones(2), steps=3)


@pytest.fixture(scope="module")
def joyvasa() -> JoyVasa:
    net = filled(Denoiser(width=WIDTH, heads=2, layers=1), "small/joyvasa")
    template = Template(
        np.zeros(63, np.float32), np.ones(63, np.float32), *np.zeros((2, 7), np.float32)
    )
    return joy(net, template, 3)


def joy(net: object, template: Template, steps: int, **more: float) -> JoyVasa:
    left = torch.cat([torch.ones(1), cumulative(steps)])
    begin = torch.zeros(25, 70), torch.zeros(25, WIDTH), torch.zeros(1, WIDTH)
    exp = np.full((21, 3), 0.5, np.float32)
    return JoyVasa(net, *begin, left, template, exp, **more)  # type: ignore[arg-type]


def speech(seconds: float) -> np.ndarray:
    return (seeded.waveform(3, seconds, CLOCK_RATE) * 32767).astype(np.int16)


def pieces(samples: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    draw, at = np.random.default_rng(seed), 0
    while at < len(samples):
        count = int(draw.integers(1, 6000))
        yield samples[at : at + count]
        at += count


def narrowed(model: rows.Model) -> Hearing:
    """As wide as the model hears: Ditto has two numbers beside it."""
    width = model.unheard.shape[1]
    return Hearing(lambda sound: hear(sound)[:, :width], HEARING.past, HEARING.ahead)


def said(model: rows.Model, samples: np.ndarray, *, cut: int | None = None, seed: int = 0) -> list:
    made = Rows(model, narrowed(model), seed=seed, segment=2)
    found = []
    for piece in [samples] if cut is None else pieces(samples, cut):
        made.feed(piece)
        while (row := made.at(len(found))) is not None:
            found.append(row)
    made.finish()
    while (row := made.at(len(found))) is not None:
        found.append(row)
    return found


@pytest.mark.parametrize("name", ["ditto", "joyvasa"])
def test_rows_are_the_same_however_the_sound_arrives(
    name: str, request: pytest.FixtureRequest
) -> None:
    model: rows.Model = request.getfixturevalue(name)
    samples = speech(4.7)
    wanted = said(model, samples)
    assert len(wanted) == -(-117 // model.hop) * model.hop
    for cut in range(2):
        found = said(model, samples, cut=cut)
        assert len(found) == len(wanted)
        assert all((a.exp == b.exp).all() and a.yaw == b.yaw for a, b in zip(found, wanted))  # noqa: B905
    other = said(model, samples, seed=1)
    assert any((a.exp != b.exp).any() for a, b in zip(other, wanted, strict=True))


def test_a_row_waits_for_the_sound_of_its_window(ditto: Ditto) -> None:
    made = Rows(ditto, narrowed(ditto))
    made.feed(speech(0.43))
    assert made.at(0) is None
    made.feed(speech(0.02))
    assert made.at(9) is not None and made.at(10) is None
    made.finish()
    assert made.at(10) is not None
    assert made.at(20) is None


def test_the_encoder_hears_a_bounded_window(ditto: Ditto) -> None:
    heard: list[int] = []

    def counted(sound: np.ndarray) -> torch.Tensor:
        heard.append(len(sound) // 640)
        return hear(sound)[:, : WIDTH - 2]

    made = Rows(ditto, Hearing(counted, past=15, ahead=2))
    made.feed(speech(2.0))
    made.finish()
    assert made.at(45) is not None
    assert heard == [12, 22, 27, 27, 27]
    assert len(made.steps) - made.steps.dropped <= 2 * 15


class Sure:
    """Predicts the same motion whatever noise it is shown."""

    def __init__(self, motion: torch.Tensor) -> None:
        self.motion = motion
        self.steps: list[int] = []

    def predict(self, x: torch.Tensor, *given: torch.Tensor, guidance: float) -> Prediction:
        self.steps.append(int(given[1]))
        left = cumulative()[given[1]][:, None, None]
        start = self.motion.expand_as(x)
        return Prediction(start, (x - left.sqrt() * start) / (1 - left).sqrt())

    def __call__(self, x: torch.Tensor, sounds: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        self.steps.append(int(given[-1][0]))
        heard = sounds.mean(dim=(1, 2))[:, None, None]
        return torch.cat([given[0], self.motion.expand_as(x) * heard], dim=1)


def test_sampling_ends_where_the_network_is_sure(joyvasa: JoyVasa) -> None:
    motion = torch.linspace(-1, 1, 265)
    sure = Sure(motion)
    zeros = torch.zeros(80, WIDTH - 2)
    draw = torch.Generator().manual_seed(1)

    def noise(step: int) -> torch.Tensor:
        return torch.randn(80, 265, generator=draw)

    row = torch.zeros(1, 265)
    ditto = Ditto(sure, row, zeros[:71], torch.ones(2), steps=5)  # type: ignore[arg-type]
    out = ditto.say(zeros, row, zeros[:1], noise)
    assert torch.allclose(out, motion.expand(80, -1), atol=1e-5)
    assert sure.steps == [999, 799, 599, 399, 199]
    even = Sure(torch.ones(70))
    model = joy(even, joyvasa.template, 4, guidance=2.0)
    out = model.say(
        torch.ones(100, WIDTH),
        torch.zeros(25, 70),
        torch.zeros(25, WIDTH),
        lambda step: torch.randn(100, 70, generator=draw),
    )
    assert torch.allclose(out, torch.full((100, 70), 2.0), atol=1e-5)  # guided: 0 + 2 (1 - 0)
    assert even.steps == [4, 3, 2, 1]


def test_rows_are_read_in_the_units_of_a_face(ditto: Ditto, joyvasa: JoyVasa) -> None:
    row = torch.zeros(265)
    row[1 + 40] = 50.0  # pitch: 40 * 3 - 97.5; the picture's own is 0
    row[-1] = 0.25
    moved = ditto.read(row, row)
    assert (moved.pitch, moved.yaw) == (pytest.approx(22.5, abs=1e-3), pytest.approx(0, abs=1e-3))
    assert moved.exp[20, 2] == pytest.approx(0.25)
    template = Template(
        np.full(63, 0.1, np.float32),
        np.full(63, 2.0, np.float32),
        np.array([0, 0, 0, 0, -10, -20, -30], np.float32),
        np.array([1, 1, 1, 1, 10, 20, 30], np.float32),
    )
    made = joy(joyvasa.net, template, 1)
    moved = made.read(torch.full((70,), 0.75), torch.full((70,), 0.5))
    assert np.allclose(moved.exp, 1.6 - 0.5)  # beside the picture's own
    assert (moved.pitch, moved.yaw, moved.roll) == (5, 10, 15)  # from where the segment began


def test_ditto_goes_on_from_where_the_head_was_with_the_pictures_expression() -> None:
    seen: list[torch.Tensor] = []

    class Seen(Sure):
        def predict(self, x: torch.Tensor, *given: torch.Tensor, guidance: float) -> Prediction:
            seen.append(given[0][0])
            return super().predict(x, *given, guidance=guidance)

    own, before = torch.full((1, 265), 0.5), torch.full((1, 265), 2.0)
    zeros = torch.zeros(80, 4)
    ditto = Ditto(Seen(own[0]), own, zeros[:71], torch.ones(2), steps=1)  # type: ignore[arg-type]
    ditto.say(zeros, before, zeros[:1], lambda step: torch.zeros(80, 265))
    assert (seen[0][:202] == 2.0).all() and (seen[0][202:] == 0.5).all()


class Loud:
    """A model whose lips move by one and whose head turns by ten degrees in every frame."""

    frames, hop, past = 4, 2, 1
    before = torch.zeros(1, 3)
    unheard = torch.zeros(3, WIDTH)

    def say(self, heard: torch.Tensor, *given: object) -> torch.Tensor:
        return torch.ones(4, 3)

    def read(self, row: torch.Tensor, first: torch.Tensor) -> rows.Moved:
        v = float(row[0])
        return rows.Moved(np.full((21, 3), v, np.float32), v, 10 * v, 0.0)


def spoken() -> tuple[Voice, Drive]:
    voice = Voice(Loud(), HEARING)
    voice.hear(AudioChunk(0, 0, speech(1.0)))
    voice.hear(SpeechEnd(0))
    return voice, Driver()(FaceParams(weights(jawOpen=0.6, browInnerUp=1.0), yaw=3.0))


def test_lips_and_turn_are_the_networks_and_the_rest_stays_ours() -> None:
    voice, ours = spoken()
    for i in range(5):
        drive = voice.over(Cue(i, i / 25, segment=0, position=i * 1920 + 960), ours)
    assert np.allclose(drive.exp[list(LIP_POINTS)], 1)
    assert (drive.exp[OTHERS] == ours.exp[OTHERS]).all()
    assert (drive.yaw, drive.lips, drive.eyes) == (13.0, 0.0, ours.eyes)


@pytest.mark.parametrize("cue", [Cue(6, 0.24, epoch=1), Cue(6, 0.24, 0, 0, 9600, Manner.ATTENTIVE)])
def test_after_an_interruption_the_face_is_ours_within_120_ms(cue: Cue) -> None:
    voice, ours = spoken()
    for i in range(6):
        voice.over(Cue(i, i / 25, segment=0, position=i * 1920 + 960), ours)
    voice.forget(0)
    between = voice.over(cue, ours)
    assert 0 < between.exp[LIP_POINTS[0], 0] < 1
    for i in range(7, 9):
        after = voice.over(Cue(i, i / 25, epoch=1), ours)
    assert after is ours


def at(i: int) -> Cue:
    return Cue(i, i / 25, segment=0, position=i * 1920 + 960)


class Slow(Loud):
    """Says a window when it is let; one at a time."""

    def __init__(self) -> None:
        self.asked, self.let = threading.Semaphore(0), threading.Semaphore(0)

    def say(self, heard: torch.Tensor, *given: object) -> torch.Tensor:
        self.asked.release()
        assert self.let.acquire(timeout=30)
        return super().say(heard)


def test_in_a_call_windows_are_said_ahead_and_nobody_waits_for_one() -> None:
    slow = Slow()
    voice = Voice(slow, HEARING, live=True)
    _, ours = spoken()
    voice.hear(AudioChunk(0, 0, speech(0.3)))
    assert slow.asked.acquire(timeout=30)  # the first window is being said
    assert voice.over(at(0), ours) is ours
    for _ in range(8):
        slow.let.release()
    assert isinstance(voice.known, Ahead)
    voice.known.settle()
    for i in range(6):
        drive = voice.over(at(i), ours)
    assert np.allclose(drive.exp[list(LIP_POINTS)], 1)
    voice.close()
    assert not voice.known._thread.is_alive()


def test_an_interrupted_segment_is_not_said_on() -> None:
    slow = Slow()
    voice = Voice(slow, HEARING, live=True)
    voice.hear(AudioChunk(0, 0, speech(1.0)))
    assert slow.asked.acquire(timeout=30)
    voice.forget(0)
    slow.let.release()
    assert isinstance(voice.known, Ahead)
    voice.known.settle()
    assert not slow.asked.acquire(blocking=False)
    voice.close()


def test_a_voice_that_died_says_so() -> None:
    class Broken(Loud):
        def say(self, heard: torch.Tensor, *given: object) -> torch.Tensor:
            raise ValueError("no memory")

    voice = Voice(Broken(), HEARING, live=True)
    voice.hear(AudioChunk(0, 0, speech(0.3)))
    assert isinstance(voice.known, Ahead)
    voice.known._thread.join(30)
    with pytest.raises(RendererError, match="the voice died: no memory"):
        voice.over(at(0), spoken()[1])
    voice.close()


def test_a_segment_with_too_much_waiting_speech_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ahead, "MOST_WAITING", 1)
    slow = Slow()
    voice = Voice(slow, HEARING, live=True)
    voice.hear(AudioChunk(0, 0, speech(0.3)))
    assert slow.asked.acquire(timeout=30)
    for start in (14400, 28800):
        voice.hear(AudioChunk(0, start, speech(0.3)))
    assert "too much speech waits" in caplog.text
    slow.let.release()
    voice.close()
    ours = spoken()[1]
    assert voice.over(at(0), ours) is ours


class Stub(torch.nn.Module):
    """A network that is a function."""

    def __init__(self, run: object) -> None:
        super().__init__()
        self.forward = run  # type: ignore[assignment]  # any signature will do


def test_a_head_is_driven_by_what_a_network_hears() -> None:
    """By Ditto's rows, which begin with the head's own; the stub draws where point 6 goes."""

    def motion(image: torch.Tensor) -> dict[str, torch.Tensor]:
        heads = {name: torch.zeros(1, 66) for name in ("pitch", "yaw", "roll")}
        return {**heads, "t": torch.zeros(1, 3), "exp": torch.full((1, 63), 0.125),
                "scale": torch.ones(1, 1), "kp": torch.zeros(1, 63)}  # fmt: skip

    moves: list[float] = []

    def warp(volume: torch.Tensor, *, driving: torch.Tensor, source: torch.Tensor) -> object:
        moves.append(float((driving - source)[0, 6, 1]))
        return type("Warped", (), {"out": volume})

    big = Stub(lambda x: torch.nn.functional.interpolate(x, scale_factor=2))
    none = Stub(lambda x: torch.zeros(1, 63))
    nets = head.Nets(
        device.choose("cpu"), big, Stub(motion), Stub(warp), Stub(lambda x: x),
        Stub(lambda x: torch.zeros(1, 65)), none, none,
    )  # fmt: skip

    def voice(drawn: head.Head) -> Voice:
        rest = rows.ditto_row(drawn.source.heads)
        assert rest.shape == (265,) and float(rest[-1]) == 0.125
        assert float(rest[0]) == 0  # the picture's scale is 1
        up = rest.clone()
        up[-63:] += 0.5
        unheard = torch.zeros(rows.DITTO_UNHEARD, WIDTH)
        ditto = Ditto(Sure(up), rest[None], unheard, torch.zeros(0), steps=2)  # type: ignore[arg-type]
        return Voice(ditto, HEARING)

    renderer = LivePortraitRenderer(nets, still.of("imani", (256, 256)), fps=25, voice=voice)
    renderer.hear(AudioChunk(0, 0, speech(1.0)))
    renderer.hear(SpeechEnd(0))
    for i in range(5):
        renderer.draw(Cue(i, i / 25, segment=0, position=i * 1920 + 960))
    assert moves[-1] == pytest.approx(0.5, abs=0.02)  # breath and sway move it a little
    renderer.forget(0)
    for i in range(5, 9):
        renderer.draw(Cue(i, i / 25, epoch=1))
    assert moves[-1] == pytest.approx(0.0, abs=0.02)
