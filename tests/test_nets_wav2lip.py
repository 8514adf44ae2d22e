"""Wav2Lip, from sound to pictures: with a network that does one known thing, so that it is known
what must be seen, and with seeded weights. The network itself is compared with recorded vectors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from films import COUNT, filmed, grey, levels  # noqa: E402

from avatar import models  # noqa: E402  (needs torch)
from avatar.errors import ModelError  # noqa: E402
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd  # noqa: E402
from avatar.models import Store  # noqa: E402
from avatar.nets import catalogue  # noqa: E402
from avatar.nets.wav2lip import Wav2Lip  # noqa: E402
from avatar.neural import device, mel, seeded, shared, wav2lip  # noqa: E402
from avatar.neural.batch import Late  # noqa: E402
from avatar.neural.body import DrawnBody  # noqa: E402
from avatar.neural.wav2lip import Ear, Nets  # noqa: E402
from avatar.renderers import load, load_or_cpu  # noqa: E402
from avatar.renderers.understudy import Understudied  # noqa: E402
from avatar.renderers.wav2lip import Wav2LipRenderer  # noqa: E402

SIZE = (512, 512)
LIGHT, DARK = 40, 20
"""Levels that a face is lighter by while sound is heard, and darker by while none is."""


class Stub:
    """Gives back the face that it saw, lighter or darker. calls: how many faces were asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, heard: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, None]:
        assert heard.shape[1:] == (1, 80, 16) and faces.shape[1:] == (6, 96, 96)
        assert (faces[:, :3, 48:] == 0).all()
        assert torch.equal(faces[:, :3, :48], faces[:, 3:, :48])
        self.calls += len(heard)
        loud = (heard.amax(dim=(1, 2, 3)) > -4).float()
        change = loud * (LIGHT + DARK) - DARK
        return (faces[:, 3:] + change[:, None, None, None] / 255).clamp(0, 1), None


def stub() -> tuple[Nets, Stub]:
    net = Stub()
    nets = Nets(device.choose("cpu"), net)  # type: ignore[arg-type]  # no vector of the sound
    nets.saying.clock = lambda: 0.0  # none is late
    return nets, net


def small() -> Nets:
    net = Wav2Lip(widths=(4, 8, 16, 16, 32, 64))
    state = {
        key: torch.from_numpy(np.asarray(seeded.weight(key, value.shape, 1, "small")))
        for key, value in net.state_dict().items()
    }
    net.load_state_dict(state)
    nets = Nets(device.choose("cpu"), wav2lip.folded(net.eval().requires_grad_(False)))
    nets.saying.clock = lambda: 0.0
    return nets


def renderer(nets: Nets, portrait: str = "imani", fps: int = 25) -> Wav2LipRenderer:
    return Wav2LipRenderer(nets, portrait, size=SIZE, fps=fps)


def speech(seconds: float) -> np.ndarray:
    return (seeded.waveform(3, seconds, CLOCK_RATE) * 32767).astype(np.int16)


def pieces(samples: np.ndarray, seed: int) -> list[AudioChunk]:
    """The same sound, cut at random."""
    draw, at, out = np.random.default_rng(seed), 0, []
    while at < len(samples):
        out.append(AudioChunk(0, at, samples[at : at + int(draw.integers(1, 4000))]))
        at += len(out[-1].samples)
    return out


def spoken(index: int, start: int = 0, fps: int = 25, **more: object) -> Cue:
    """The cue of picture `index` of the clock when a speech began with picture `start`."""
    position = (2 * (index - start) + 1) * CLOCK_RATE // (2 * fps)
    return Cue(index, index / fps, segment=0, position=position, **more)  # type: ignore[arg-type]


def bgr(data: np.ndarray) -> np.ndarray:
    rows = data.reshape(SIZE[1] * 3 // 2, SIZE[0])
    return cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_I420).astype(int)


def pictures(
    face: Wav2LipRenderer, cues: list[Cue], heard: list[AudioChunk | SpeechEnd]
) -> list[np.ndarray]:
    """What is drawn when sound comes as late as it may: a third of a second before it is seen."""
    out = []
    for cue in cues:
        known = cue.position + CLOCK_RATE // 3
        while heard and (isinstance(heard[0], SpeechEnd) or heard[0].start < known):
            face.hear(heard.pop(0))
        out.append(face.draw(cue).data.copy())
    return out


@pytest.fixture
def nothing_loaded() -> Iterator[None]:
    """No network is left in memory by another test, or for one."""
    shared.residency.cache_clear()
    yield
    shared.residency.cache_clear()


@pytest.mark.parametrize("fps", [25, 30])
def test_a_picture_hears_the_same_however_the_sound_arrives(fps: int) -> None:
    samples = speech(1.7)
    whole = Ear(fps)
    whole.feed(samples)
    whole.finish()
    sound = np.pad(whole.steps.sound(0, len(whole.steps)), (0, 4000))
    offline = mel.wav2lip(sound)
    count = int(1.7 * fps)
    wanted = [whole.window(i) for i in range(count)]
    for i, window in enumerate(wanted):
        assert window is not None
        first = i * 80 // fps
        assert np.abs(window - offline[:, first : first + 16]).max() < 1e-5
    for seed in range(3):
        ear, found = Ear(fps), []
        for piece in pieces(samples, seed):
            ear.feed(piece.samples)
            while (window := ear.window(len(found))) is not None:
                found.append(window)
        ear.finish()
        found += [ear.window(i) for i in range(len(found), count)]
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_picture_waits_for_a_little_more_than_the_200_ms_that_it_hears() -> None:
    ear = Ear(25)
    ear.feed(speech(0.2))
    assert ear.window(0) is None
    ear.feed(speech(0.05))
    assert ear.window(0) is not None and ear.window(2) is None
    ear.finish()
    last = ear.window(6)
    assert last is not None and (last[:, 8:] == -4).all()  # behind the sound


def test_where_a_call_was_paused_it_goes_on_a_little_earlier() -> None:
    ear = Ear(25)
    ear.feed(speech(8.0))
    first = ear.window(100)
    assert ear.window(130) is not None
    assert first is not None and np.array_equal(ear.window(100), first)
    assert len(ear.steps._kept) < 8 * 50 - 50  # what came long before is dropped


def test_a_network_without_batch_norms_is_the_same_network() -> None:
    heard, faces = seeded.tensor("mel", (2, 1, 80, 16), 1), torch.rand(2, 6, 96, 96)
    with torch.inference_mode():
        wanted, _ = catalogue.load("wav2lip", seeded.state("wav2lip", 1))(heard, faces)
        nets = Nets.load(device.choose("cpu"), lambda name: seeded.state(name, 1))
        got, _ = nets.net(heard, faces)
        assert torch.allclose(got, wanted, atol=1e-4)
        half = Nets.load(device.Device("cpu", torch.bfloat16), lambda name: seeded.state(name, 1))
        rough, _ = half.net(heard.bfloat16(), faces.bfloat16())
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in nets.net.modules())  # type: ignore[attr-defined]
    off = (rough.float() - wanted).square().mean().sqrt() / wanted.std()
    assert off < 2e-2  # a grey level or two


def test_faces_said_together_are_those_said_alone() -> None:
    nets = small()
    heard = seeded.tensor("mel", (3, 1, 80, 16), 1)
    faces = torch.from_numpy(seeded.uniform01("faces", (3, 6, 96, 96), 1))
    with torch.inference_mode():
        together = nets._faces(heard, faces)
        alone = [nets._faces(heard[i : i + 1], faces[i : i + 1]) for i in range(3)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_a_face_comes_back_as_it_was_seen() -> None:
    face = seeded.image_u8("face", 96, 96, 1)
    seen = wav2lip.seen(face)
    assert seen.shape == (1, 6, 96, 96)
    assert (seen[:, :3, 48:] == 0).all() and torch.equal(seen[:, :3, :48], seen[:, 3:, :48])
    assert np.abs(wav2lip.to_bgr(seen[:, 3:])[0].astype(int) - face).max() <= 1


@pytest.mark.parametrize("fps", [25, 30])
def test_streaming_in_any_chunking_draws_the_same_pictures(fps: int) -> None:
    samples, nets = speech(0.8), small()
    cues = [spoken(i, fps=fps) for i in range(int(0.8 * fps))]
    whole: list[AudioChunk | SpeechEnd] = [AudioChunk(0, 0, samples), SpeechEnd(0)]
    wanted = pictures(renderer(nets, fps=fps), cues, whole)
    assert (wanted[-1] != wanted[0]).any()
    for seed in range(2):
        got = pictures(renderer(nets, fps=fps), cues, [*pieces(samples, seed), SpeechEnd(0)])
        assert all((a == b).all() for a, b in zip(got, wanted, strict=True))


def test_only_the_mouth_is_another_one_and_it_is_as_the_network_said() -> None:
    speaks, mute = renderer(stub()[0]), renderer(stub()[0])
    for face in (speaks, mute):
        face.hear(AudioChunk(0, 0, speech(1.0)))
        face.hear(SpeechEnd(0))
    mute._ears.clear()  # its face lives as the other one's does, its mouth is the body's
    for i in range(12):
        said, body = (bgr(face.draw(spoken(i)).data) for face in (speaks, mute))
    under = speaks._body
    assert isinstance(under, DrawnBody)
    left, top, right, low = under.box
    middle = (top + low) // 2
    changed = np.argwhere(np.abs(said - body).max(axis=2) > 2)
    blur = (right - left) // 6
    assert changed[:, 0].min() >= middle - blur and changed[:, 0].max() < low + blur
    assert changed[:, 1].min() >= left - blur and changed[:, 1].max() < right + blur
    y, x = round(top + 0.71 * (low - top)), (left + right) // 2
    lighter = (said - body)[y - 6 : y + 6, x - 20 : x + 20]
    assert np.median(lighter) == pytest.approx(LIGHT, abs=3)


def test_in_silence_the_network_is_not_asked_and_the_portrait_is_seen() -> None:
    nets, net = stub()
    face = renderer(nets)
    asked = net.calls
    for i in range(10):
        drawn = face.draw(Cue(i, i / 25)).data.copy()
    calm = face._body.picture(face.face.params, 0)
    assert np.abs(bgr(drawn) - calm).max() <= 4  # twice I420
    face.hear(AudioChunk(0, 0, speech(0.15)))  # too little to say anything
    face.draw(spoken(10, 10))
    assert net.calls == asked


@pytest.mark.parametrize("why", ["interrupted", "talked over"])
def test_a_mouth_that_is_stopped_is_at_rest_in_three_pictures(why: str) -> None:
    face = renderer(stub()[0])
    face.hear(AudioChunk(0, 0, speech(2.0)))
    lit = []
    for i in range(10):
        face.draw(spoken(i))
    cues: list[Callable[[int], Cue]] = [
        lambda i: Cue(i, i / 25, epoch=1),
        lambda i: spoken(i, manner=Manner.ATTENTIVE),
    ]
    cue = cues[why == "talked over"]
    if why == "interrupted":
        face.forget(0)
        assert not face._ears
    for i in range(9, 14):
        shown = bgr(face.draw(spoken(i) if i == 9 else cue(i)).data)
        calm = face._body.picture(face.face.params, 0)
        lit.append(float(np.median((shown - calm)[350:358, 246:266])))
    assert lit[0] == pytest.approx(LIGHT, abs=3)
    assert lit[0] > lit[1] > lit[2] > lit[3] - 1 and abs(lit[3]) <= 2


def test_a_mouth_that_is_late_is_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    nets, _ = stub()
    face = renderer(nets)
    face.hear(AudioChunk(0, 0, speech(2.0)))
    due: list[float] = []

    def late(window: np.ndarray, picture: np.ndarray, due_s: float) -> np.ndarray:
        due.append(due_s)
        raise Late("late by 9 ms")

    said = Nets.say
    monkeypatch.setattr(Nets, "say", lambda nets, *given: late(*given))
    face.draw(spoken(0))  # the first one: the body's own mouth
    monkeypatch.setattr(Nets, "say", said)
    for i in range(1, 6):
        face.draw(spoken(i))
    last = face._shown.last
    monkeypatch.setattr(Nets, "say", lambda nets, *given: late(*given))
    shown = bgr(face.draw(spoken(6)).data)
    assert face._shown.last is last and due == [0.04, 0.04]
    calm = face._body.picture(face.face.params, 0)
    assert np.median((shown - calm)[350:358, 246:266]) == pytest.approx(LIGHT, abs=3)


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_over_a_film_the_face_is_its_own_pictures_and_open_lips_are_shut(
    tmp_path: Path, gap: float
) -> None:
    nets, net = stub()
    face = renderer(nets, str(filmed(tmp_path, gap=gap)))
    face.hear(AudioChunk(0, 0, speech(2.0)))
    asked = net.calls
    for i in range(6):
        beside, inside = levels(face.draw(Cue(i, i / 25)), i)
        assert beside == pytest.approx(grey(i), abs=2)
        assert inside - beside == pytest.approx(-DARK if gap else 0, abs=3)
    assert net.calls - asked == (6 if gap else 0)
    for i in range(6, COUNT):
        beside, inside = levels(face.draw(spoken(i, 6)), i)
        assert beside == pytest.approx(grey(i), abs=2)
        if i > 8:  # the mouth has opened
            assert inside - beside == pytest.approx(LIGHT, abs=4)


@pytest.mark.usefixtures("nothing_loaded")
def test_a_machine_without_a_gpu_is_not_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_any().name == "cpu"
    assert device.choose_any("cpu").dtype is torch.float32
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    place = Store().path(models.model("wav2lip"), models.model("wav2lip").files[0])
    place.parent.mkdir()
    state = seeded.state("wav2lip", 1)
    assert all(key.startswith("module.") for key in state)
    torch.save({"state_dict": state, "optimizer": {"state": {}}, "global_step": 7}, place)
    face = load("wav2lip", portrait="imani")
    assert isinstance(face, Understudied)
    assert face.draw(Cue(0, 0.0)).data.shape == (512 * 768,)
    face.close()


@pytest.mark.usefixtures("nothing_loaded")
def test_without_weights_it_says_where_they_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    place = tmp_path / "wav2lip" / "wav2lip.pth"
    with pytest.raises(ModelError, match="research and personal use only") as refused:
        load("wav2lip", portrait="imani")
    assert f"no weights for wav2lip at {place}: nobody fetches them" in str(refused.value)
    face = load_or_cpu("wav2lip", portrait="imani")
    assert face.draw(Cue(0, 0.0)).instead == "wav2lip cannot run here"
