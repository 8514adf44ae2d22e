"""What the networks of motion hear, and faces that they drive: small networks of seeded weights."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.errors import ModelError  # noqa: E402  (needs torch)
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, SpeechEnd  # noqa: E402
from avatar.nets import catalogue  # noqa: E402
from avatar.nets.catalogue import Net  # noqa: E402
from avatar.nets.ditto import Lmdm, cumulative  # noqa: E402
from avatar.nets.hubert import Hubert  # noqa: E402
from avatar.nets.joyvasa import Denoiser  # noqa: E402
from avatar.neural import (  # noqa: E402
    checkpoint,
    device,
    head,
    hearing,
    seeded,
    shared,
    voices,
)
from avatar.neural.driver import Driver  # noqa: E402
from avatar.neural.keypoints import LIP_POINTS  # noqa: E402
from avatar.neural.rows import Rows  # noqa: E402
from avatar.params import FaceParams  # noqa: E402
from avatar.renderers.liveportrait import LivePortraitRenderer  # noqa: E402

CPU = device.choose("cpu")
WIDTH = 32
State = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def small(name: str) -> Hubert:
    net = catalogue.load(f"tiny/hubert_{name}", seeded.state(f"tiny/hubert_{name}", 1))
    assert isinstance(net, Hubert)
    return net


def test_ditto_hears_a_frame_where_its_published_program_does() -> None:
    """Its windows begin 80 samples early, and pairs of steps are one frame."""
    net = small("large")
    sound = seeded.waveform(1, 0.4)
    with torch.inference_mode():
        rows = hearing.ditto(net).hear(sound)
        early = torch.from_numpy(np.concatenate([np.zeros(80, np.float32), sound]))[None]
        steps = net(early)[0]
    assert rows.shape == (10, WIDTH) and steps.shape == (20, WIDTH)
    assert torch.equal(rows[3], (steps[6] + steps[7]) / 2)


def test_joyvasa_hears_a_window_reflected_twice() -> None:
    net = small("base")
    sound = seeded.waveform(1, 0.4)
    once = np.pad(sound, 20, mode="reflect")
    with torch.inference_mode():
        rows = hearing.joyvasa(net, torch.nn.Identity()).hear(sound)
        steps = net(torch.from_numpy(np.pad(once, 20, mode="reflect"))[None])
        resampled = torch.nn.functional.interpolate(steps.transpose(1, 2), size=10, mode="linear")
    assert torch.allclose(rows, resampled[0].T, atol=1e-6)


# -- faces, driven by the whole chain of small networks


def filled(net: torch.nn.Module, name: str) -> State:
    return {
        key: torch.from_numpy(np.asarray(seeded.weight(key, value.shape, 1, name)))
        for key, value in net.state_dict().items()
    }


def small_lmdm(beside: int) -> Lmdm:
    return Lmdm(heard=WIDTH + beside, width=32, inner=32, heads=4, layers=1)


def read(network: str) -> State:
    """Seeded tensors of small networks under the big ones' names."""
    if network.startswith("hubert/"):
        return seeded.state(f"tiny/{network.replace('/', '_')}", 1)
    if network == "ditto/lmdm":
        return filled(small_lmdm(79), "small/ditto")
    if network == "joyvasa":
        return filled(Denoiser(width=16, heads=2, layers=1), "small/joyvasa")
    if network == "joyvasa/around":
        return {
            "start_motion_feat": seeded.tensor("start", (1, 25, 70), 1),
            "start_audio_feat": seeded.tensor("heard", (1, 25, 16), 1),
            "null_audio_feat": seeded.tensor("null", (1, 1, 16), 1),
            "audio_feature_map.weight": seeded.tensor("map", (16, WIDTH), 1) / 8,
            "audio_feature_map.bias": torch.zeros(16),
            "diffusion_sched.alpha_bars": torch.cat([torch.ones(1), cumulative(3)]),
        }
    return seeded.state(network, 1)


@pytest.fixture
def small_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("base", "large"):
        monkeypatch.setitem(catalogue.NETS, f"hubert/{kind}", catalogue.NETS[f"tiny/hubert_{kind}"])
    monkeypatch.setitem(catalogue.NETS, "ditto/lmdm", Net(lambda: small_lmdm(79)))
    joyvasa = Net(lambda: Denoiser(width=16, heads=2, layers=1))
    monkeypatch.setitem(catalogue.NETS, "joyvasa", joyvasa)


@pytest.fixture
def a_head() -> head.Head:
    """A head of which nothing is drawn."""

    def motion(image: torch.Tensor) -> State:
        shapes = {"pitch": 66, "yaw": 66, "roll": 66, "t": 3, "exp": 63, "kp": 63}
        heads = {name: seeded.tensor(name, (1, n), 1) * 0.05 for name, n in shapes.items()}
        return {**heads, "scale": torch.full((1, 1), 1.2)}

    unused = torch.nn.Identity()
    nets = head.Nets(CPU, unused, unused, *[unused] * 5)
    nets = replace(nets, motion=motion)  # type: ignore[arg-type]  # a function does
    return head.Head(nets, np.zeros((256, 256, 3), np.uint8), eyes=(0.4, 0.3))


def speech(seconds: float) -> np.ndarray:
    return (seeded.waveform(3, seconds, CLOCK_RATE) * 32767).astype(np.int16)


def pieces(samples: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    draw, at = np.random.default_rng(seed), 0
    while at < len(samples):
        count = int(draw.integers(1, 9000))
        yield samples[at : at + count]
        at += count


def said(rows: Rows, given: Iterator[np.ndarray]) -> list[object]:
    found: list[object] = []
    for piece in given:
        rows.feed(piece)
        while (row := rows.at(len(found))) is not None:
            found.append(row)
    rows.finish()
    while (row := rows.at(len(found))) is not None:
        found.append(row)
    return found


@pytest.mark.usefixtures("small_nets")
@pytest.mark.parametrize("name", voices.VOICES)
def test_streaming_equals_the_whole(name: str, a_head: head.Head) -> None:
    voice = voices.VOICES[name](CPU, read)(a_head)
    samples = speech(4.7)
    whole = said(voice.known._make(2), iter([samples]))
    assert len(whole) >= 117 and all(np.isfinite(row.exp).all() for row in whole)  # type: ignore[attr-defined]
    for cut in range(2):
        found = said(voice.known._make(2), pieces(samples, cut))
        for a, b in zip(found, whole, strict=True):
            assert (a.exp == b.exp).all() and (a.pitch, a.yaw) == (b.pitch, b.yaw)  # type: ignore[attr-defined]
    other = said(voice.known._make(2), iter([speech(4.7)[::-1].copy()]))
    assert any((a.exp != b.exp).any() for a, b in zip(other, whole, strict=True))  # type: ignore[attr-defined]


@pytest.mark.usefixtures("small_nets")
@pytest.mark.parametrize("name", voices.VOICES)
def test_an_interruption_ends_at_rest(name: str, a_head: head.Head) -> None:
    voice = voices.VOICES[name](CPU, read)(a_head)
    voice.hear(AudioChunk(0, 0, speech(4.6)))
    ours = Driver()(FaceParams())
    for i in range(6):
        drive = voice.over(Cue(i, i / 25, segment=0, position=i * 1920 + 960), ours)
    lips = list(LIP_POINTS)
    assert np.isfinite(drive.exp).all() and (drive.exp[lips] != ours.exp[lips]).all()
    voice.forget(0)
    for i in range(6, 9):
        drive = voice.over(Cue(i, i / 25, epoch=1), ours)
    assert drive is ours


def test_ditto_knows_mood_eyes_and_key_points(a_head: head.Head) -> None:
    beside = voices.ditto_beside(a_head.source)
    assert beside.shape == (79,)
    assert float(beside[:8].sum()) == pytest.approx(1) and float(beside[4]) > 0.99
    assert beside[8:10].tolist() == pytest.approx([1.08, 0.81])
    assert torch.equal(beside[-63:], a_head.source.heads["kp"][0])


@pytest.mark.usefixtures("small_nets")
def test_weights_that_want_to_know_more_of_a_face_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(catalogue.NETS, "ditto/lmdm", Net(lambda: small_lmdm(35)))
    state = filled(small_lmdm(35), "small/ditto")
    with pytest.raises(ModelError, match="know 35 numbers beside what is heard"):
        voices.ditto(CPU, lambda name: state if name == "ditto/lmdm" else read(name))


@pytest.mark.parametrize("name", voices.VOICES)
def test_missing_weights_name_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=f"run python -m avatar models pull {name}"):
        voices.VOICES[name](CPU, checkpoint.own)


class Stub(torch.nn.Module):
    """A network that is a function."""

    def __init__(self, run: object) -> None:
        super().__init__()
        self.forward = run  # type: ignore[assignment]  # any signature will do


@pytest.fixture
def few_nets(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """LivePortrait's networks draw nothing; where they put point 6 is noted down."""
    moves: list[float] = []

    def motion(image: torch.Tensor) -> State:
        shapes = {"pitch": 66, "yaw": 66, "roll": 66, "t": 3, "exp": 63, "kp": 63}
        return {
            **{name: torch.zeros(1, n) for name, n in shapes.items()},
            "scale": torch.ones(1, 1),
        }

    def warp(volume: torch.Tensor, *, driving: torch.Tensor, source: torch.Tensor) -> object:
        moves.append(float((driving - source)[0, 6].abs().max()))
        return type("Warped", (), {"out": volume})

    nets = head.Nets(
        CPU, Stub(lambda x: torch.nn.functional.interpolate(x, scale_factor=2)), Stub(motion),
        Stub(warp), Stub(lambda x: x), Stub(lambda x: torch.zeros(1, 65)),
        *(Stub(lambda x: torch.zeros(1, 63)) for _ in range(2)),
    )  # fmt: skip
    monkeypatch.setattr(head.Nets, "load", lambda where, read: nets)
    return moves


@pytest.mark.usefixtures("small_nets")
@pytest.mark.parametrize("name", voices.VOICES)
def test_a_renderer_is_driven_by_what_it_hears_and_gives_all_networks_back(
    monkeypatch: pytest.MonkeyPatch, few_nets: list[float], name: str
) -> None:
    monkeypatch.setattr(checkpoint, "own", read)
    shared.residency.cache_clear()
    plain = LivePortraitRenderer.open("imani", on="cpu", size=(256, 256))
    heard = LivePortraitRenderer.open("imani", on="cpu", size=(256, 256), motion=name)
    memory = shared.residency("cpu")
    assert memory.names() == ("liveportrait", name)
    for renderer in (plain, heard):
        renderer.hear(AudioChunk(0, 0, speech(0.8)))
        renderer.hear(SpeechEnd(0))
        for i in range(5):
            renderer.draw(Cue(i, i / 25, segment=0, position=i * 1920 + 960))
        renderer.forget(0)
        for i in range(5, 9):
            renderer.draw(Cue(i, i / 25, epoch=1))
    ours, theirs = few_nets[:9], few_nets[9:]
    assert theirs[4] != ours[4]
    assert theirs[8] == pytest.approx(ours[8], abs=1e-6)
    plain.close()
    heard.close()
    memory.hold("big", 8 << 30, lambda: "big").release()  # there is room: nobody holds them
    shared.residency.cache_clear()


def test_one_model_missing_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, few_nets: list[float], tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    shared.residency.cache_clear()
    with pytest.raises(ModelError, match="run python -m avatar models pull ditto"):
        LivePortraitRenderer.open("imani", on="cpu", motion="ditto")
    shared.residency("cpu").hold("big", 8 << 30, lambda: "big").release()
    shared.residency.cache_clear()
