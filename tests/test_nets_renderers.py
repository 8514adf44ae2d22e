"""The whole paths, with small networks of seeded weights: speech in, pictures out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.errors import ModelError, RendererError  # noqa: E402  (needs torch)
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, SpeechEnd  # noqa: E402
from avatar.nets import catalogue  # noqa: E402
from avatar.nets.lp_motion import Motion  # noqa: E402
from avatar.nets.mt_vae import Vae  # noqa: E402
from avatar.neural import crop, device, head, lips, mel, seeded, shared, still, tokens  # noqa: E402
from avatar.neural.batch import Batched, Late  # noqa: E402
from avatar.neural.body import DrawnBody  # noqa: E402
from avatar.neural.driver import Driver  # noqa: E402
from avatar.neural.ear import Ear  # noqa: E402
from avatar.params import FaceParams, weights  # noqa: E402
from avatar.renderers import load  # noqa: E402
from avatar.renderers.liveportrait import LivePortraitRenderer  # noqa: E402
from avatar.renderers.musetalk import MuseTalkRenderer  # noqa: E402

SIZE = (512, 512)
CPU = device.choose("cpu")


def small(name: str) -> torch.nn.Module:
    return catalogue.load(f"tiny/{name}", seeded.state(f"tiny/{name}", 1))


def full(name: str) -> torch.nn.Module:
    return catalogue.load(name, seeded.state(name, 1))


def small_motion() -> torch.nn.Module:
    net = Motion(depths=(1, 1, 1, 1), widths=(8, 16, 16, 32))
    state = {
        key: torch.from_numpy(np.asarray(seeded.weight(key, value.shape, 1, "small")))
        for key, value in net.state_dict().items()
    }
    net.load_state_dict(state)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def head_nets() -> head.Nets:
    parts = [
        f"liveportrait/stitching_retargeting/retarget_{p}" for p in ("shoulder", "mouth", "eye")
    ]
    return head.Nets(
        CPU, small("appearance"), small_motion(), small("warping"), small("generator"),
        *(full(part) for part in parts),
    )  # fmt: skip


@pytest.fixture(scope="module")
def lip_nets() -> lips.Nets:
    vae = small("vae")
    assert isinstance(vae, Vae)
    return lips.Nets(CPU, small("unet"), vae, full("musetalk/whisper"))


@pytest.fixture(scope="module")
def shown() -> still.Still:
    return still.of("imani", SIZE)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def speech(seconds: float) -> np.ndarray:
    return (seeded.waveform(3, seconds, CLOCK_RATE) * 32767).astype(np.int16)


def planes(shown: still.Still) -> np.ndarray:
    out = np.empty(SIZE[0] * SIZE[1] * 3 // 2, np.uint8)
    still.to_i420(shown.picture, out)
    return out


def test_face_is_moved_by_the_parameters_and_pasted_into_its_picture(
    head_nets: head.Nets, shown: still.Still
) -> None:
    renderer = LivePortraitRenderer(head_nets, shown, fps=25)
    frame = renderer.draw(Cue(0, 0.0))
    assert (frame.width, frame.height, frame.data.shape) == (512, 512, (512 * 768,))
    luma, before = frame.data[: 512 * 512].reshape(SIZE), planes(shown)[: 512 * 512].reshape(SIZE)
    assert (luma[:, :8] == before[:, :8]).all()  # beside the face's square
    assert (luma[200:300, 200:300] != before[200:300, 200:300]).mean() > 0.9
    assert set(renderer.device.stages) >= {"source", "points", "draw", "fetch", "paste"}
    first = frame.data.copy()
    assert (renderer.draw(Cue(0, 0.0)).data == first).all()  # the same moment, the same picture


def test_a_picture_that_comes_too_late_is_the_one_before(
    head_nets: head.Nets, shown: still.Still, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = LivePortraitRenderer(head_nets, shown, fps=25)
    first = renderer.draw(Cue(0, 0.0)).data.copy()
    due: list[float] = []

    def late(*given: torch.Tensor, due_s: float) -> torch.Tensor:
        due.append(due_s - renderer._clock())
        raise Late("late by 9 ms")

    monkeypatch.setattr(Batched, "__call__", lambda self, *given, due_s: late(*given, due_s=due_s))
    monkeypatch.setattr(device.Device, "gpu", True)
    frame = renderer.draw(Cue(1, 0.04))
    assert frame.index == 1 and (frame.data == first).all()
    assert 0 < due[0] <= 0.04


def test_points_at_rest_are_the_stitched_ones_of_the_picture(
    head_nets: head.Nets, shown: still.Still
) -> None:
    rgb = np.ascontiguousarray(shown.picture[..., ::-1])
    found = crop.square(shown.outline, shown.anchors, scale=2.3, up=-0.125)
    face = crop.shrunk(crop.cut(rgb, crop.to_crop(found)))
    drawn = head.Head(head_nets, face, eyes=shown.openness)
    points = drawn.source.points
    from avatar.neural import keypoints

    expected = keypoints.stitch(head_nets.stitching, points, points)
    rest = drawn.points(Driver()(FaceParams()))
    assert torch.allclose(rest, expected, atol=1e-6)
    moved = drawn.points(Driver()(FaceParams(weights(jawOpen=0.8))))
    assert not torch.allclose(moved, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("face", "lips_open", "eyes_open"),
    [
        (FaceParams(), 0.0, 1.0),
        (FaceParams(weights(jawOpen=0.8)), 0.6, 1.0),
        (FaceParams(weights(jawOpen=0.8, mouthPress=0.7)), 0.0, 1.0),
        (FaceParams(weights(eyeBlink=1.0)), 0.0, 0.0),
        (FaceParams(weights(eyeWide=1.0)), 0.0, 1.3),
    ],
)
def test_driver_opens_and_shuts(face: FaceParams, lips_open: float, eyes_open: float) -> None:
    drive = Driver()(face)
    assert drive.lips == pytest.approx(lips_open, abs=1e-6)
    assert drive.eyes == pytest.approx(eyes_open)


def test_driver_looks_where_the_face_looks() -> None:
    right = Driver()(FaceParams(weights(eyeLookOutLeft=1, eyeLookInRight=1))).exp
    left = Driver()(FaceParams(weights(eyeLookInLeft=1, eyeLookOutRight=1))).exp
    up = Driver()(FaceParams(weights(eyeLookUp=1))).exp
    assert right[11, 0] > 0 > left[11, 0]
    assert right[15, 0] > 0 > left[15, 0]
    assert up[11, 1] < 0


@pytest.mark.parametrize("angle", [-40.0, 0.0, 25.0])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
def test_crops_of_a_turned_face_agree(shown: still.Still, angle: float, scale: float) -> None:
    def square_in(turned: np.ndarray) -> np.ndarray:
        points = crop.moved(shown.outline, turned)
        pair = crop.moved(shown.anchors, turned)
        there = crop.to_crop(crop.square(points, pair, scale=2.3, up=-0.125))
        return crop.moved(points, there)

    a = np.deg2rad(angle)
    turned = np.array(
        [
            [scale * np.cos(a), -scale * np.sin(a), 300],
            [scale * np.sin(a), scale * np.cos(a), -40],
            [0, 0, 1],
        ],
        np.float32,
    )
    assert np.abs(square_in(turned) - square_in(np.eye(3, dtype=np.float32))).max() < 0.5


def test_face_pasted_back_unchanged_changes_nothing(shown: still.Still) -> None:
    picture = seeded.image_u8("smooth", 512, 512, 1)
    picture = np.repeat(np.repeat(picture[::16, ::16], 16, 0), 16, 1)
    there = crop.to_crop(crop.square(shown.outline, shown.anchors, scale=2.3, up=-0.125))
    paste = crop.Paste(picture, crop.inverse(there), crop.border_mask())
    back = paste(crop.cut(picture, there)).astype(int)
    inside = np.abs(back - picture)[8:-8, 8:-8]
    assert np.median(inside) == 0
    assert (inside > 1).mean() < 0.2  # the edges between the squares, sampled twice


def cut_at_random(samples: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    draw = np.random.default_rng(seed)
    at = 0
    while at < len(samples):
        count = int(draw.integers(1, 4000))
        yield samples[at : at + count]
        at += count


def rows_of(sound: np.ndarray) -> torch.Tensor:
    """Stands in for the encoder: rows that depend on every sample of their own step."""
    steps = -(-len(sound) // tokens.SAMPLES_A_STEP)
    whole = np.zeros(steps * tokens.SAMPLES_A_STEP, np.float32)
    whole[: len(sound)] = sound
    per_step = torch.from_numpy(whole.reshape(steps, -1)[:, :5].copy())
    return per_step[:, :, None].expand(-1, -1, 384).contiguous()


def said(ear: Ear, blocks: int) -> torch.Tensor:
    parts = [ear.block(n) for n in range(blocks)]
    assert all(part is not None for part in parts)
    return torch.cat([part for part in parts if part is not None])


def test_tokens_are_the_same_however_the_sound_arrives() -> None:
    samples = speech(1.7)
    whole = Ear(rows_of, 25)
    whole.feed(samples)
    whole.finish()
    wanted = said(whole, 5)
    for seed in range(5):
        ear = Ear(rows_of, 25)
        for piece in cut_at_random(samples, seed):
            ear.feed(piece)
        ear.finish()
        assert torch.equal(said(ear, 5), wanted)


def test_streamed_frames_are_the_offline_ones() -> None:
    """On the grid of frames, with rows that do not depend on what else the encoder hears."""
    samples = speech(1.7)
    ear = Ear(rows_of, 25)
    ear.feed(samples)
    ear.finish()
    sound = ear.steps.sound(0, len(ear.steps))[: len(samples) // 3]
    offline = tokens.offline(rows_of, sound, 25)
    assert torch.equal(said(ear, 6)[: len(offline)], offline)


def test_block_waits_for_the_sound_that_it_hears() -> None:
    ear = Ear(rows_of, 25)
    ear.feed(speech(0.38))
    assert ear.block(0) is None
    ear.feed(speech(0.05))
    assert ear.block(0) is not None
    assert ear.block(1) is None
    ear.finish()
    assert ear.block(1) is not None


def test_sound_keeps_its_pitch_and_loudness_at_the_lower_rate() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(CLOCK_RATE) / CLOCK_RATE)
    ear = Ear(rows_of, 25)
    ear.feed((tone * 16384).astype(np.int16))
    ear.finish()
    heard = ear.steps.sound(0, len(ear.steps))
    wanted = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(mel.RATE) / mel.RATE)
    assert np.abs(heard[100:15900] - wanted[100:15900]).max() < 1e-3


def test_mouth_speaks_and_is_the_portraits_own_in_silence(lip_nets: lips.Nets) -> None:
    renderer = MuseTalkRenderer(lip_nets, "imani", size=SIZE, fps=25, block=2)
    rest = renderer.draw(Cue(0, 0.0)).data.copy()
    samples = speech(0.5)
    renderer.hear(AudioChunk(0, 0, samples))
    renderer.hear(SpeechEnd(0))
    for i in range(1, 5):
        spoken = renderer.draw(Cue(i, i / 25, segment=0, position=i * 1920)).data.copy()
    under = renderer._body
    assert isinstance(under, DrawnBody)
    left, top, right, low = under._seat.box

    def mouth(data: np.ndarray) -> np.ndarray:
        return data[: 512 * 512].reshape(SIZE)[(top + low) // 2 : low, left:right].astype(int)

    assert (mouth(spoken) != mouth(rest)).mean() > 0.3
    for i in range(5, 9):  # interrupted: at rest within 120 ms
        frame = renderer.draw(Cue(i, i / 25, epoch=1))
    assert np.abs(mouth(frame.data) - mouth(rest)).max() <= 1


def test_forgotten_segment_is_not_said_again(lip_nets: lips.Nets) -> None:
    renderer = MuseTalkRenderer(lip_nets, "imani", size=SIZE, fps=25, block=2)
    renderer.hear(AudioChunk(0, 0, speech(0.5)))
    renderer.hear(SpeechEnd(0))
    renderer.draw(Cue(0, 0.0, segment=0))
    renderer.forget(0)
    assert not renderer._parts()[0]._ears and not renderer._parts()[0]._blocks


@pytest.mark.parametrize("name", ["liveportrait", "musetalk"])
def test_without_a_gpu_the_reason_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RendererError, match=r"need an NVIDIA GPU.*use the renderer cpu"):
        load(name, portrait="imani")


def test_faces_of_a_process_share_their_networks(
    monkeypatch: pytest.MonkeyPatch, head_nets: head.Nets
) -> None:
    loads: list[device.Device] = []

    def load_small(where: device.Device, read: object) -> head.Nets:
        loads.append(where)
        return head_nets

    monkeypatch.setattr(head.Nets, "load", load_small)
    shared.residency.cache_clear()
    first, second = (LivePortraitRenderer.open("imani", on="cpu") for _ in range(2))
    held = shared.residency("cpu")
    assert len(loads) == 1 and held.names() == ("liveportrait",)
    first.close()
    with pytest.raises(ModelError, match="no room"):  # the other one still holds them
        held.hold("big", 8 << 30, lambda: None)
    second.close()
    held.hold("big", 8 << 30, lambda: "big").release()
    assert held.names() == ("big",)
    shared.residency.cache_clear()


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="run python -m avatar models pull musetalk"):
        MuseTalkRenderer.open("imani", on="cpu")
