"""SadTalker around its networks, with stubs that do one known thing; the networks are compared with
recorded vectors elsewhere (python -m avatar parity)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.cli import sadtalker as command  # noqa: E402  (needs torch)
from avatar.clip import write_mp4  # noqa: E402
from avatar.errors import ModelError  # noqa: E402
from avatar.frames import CLOCK_RATE, VideoFrame  # noqa: E402
from avatar.neural import checkpoint, device, sadtalker, seeded  # noqa: E402
from avatar.neural.sadtalker import Manner, Nets  # noqa: E402

RATE = 16000


class Stub(torch.nn.Module):
    """A network that is a function."""

    def __init__(self, run: object) -> None:
        super().__init__()
        self.forward = run  # type: ignore[assignment]  # any signature will do


class Pose(torch.nn.Module):
    """Moves the first number of a pose by how loud it is, the second by the style."""

    def hear(self, mel: torch.Tensor) -> torch.Tensor:
        assert mel.shape == (1, 32, 1, 80, 16)
        return mel.mean(dim=(2, 3, 4))

    def forward(
        self, heard: torch.Tensor, z: torch.Tensor, style: torch.Tensor, source: torch.Tensor
    ) -> torch.Tensor:
        out = torch.zeros(1, 32, 6)
        out[..., 0], out[..., 1], out[..., 2] = heard, float(style), float(z[0, 0])
        return out


def stub(shown: list[torch.Tensor] | None = None) -> Nets:
    """The face gets lighter as the first number of the expression grows."""

    def expression(mel: torch.Tensor, source: torch.Tensor, blink: torch.Tensor) -> torch.Tensor:
        assert mel.shape[1] == source.shape[1] == blink.shape[1] <= 10
        out = source.clone()
        out[..., 0] = mel.mean(dim=(2, 3, 4))
        out[..., 1] = blink[..., 0]
        return out

    def mapping(window: torch.Tensor) -> dict[str, torch.Tensor]:
        assert window.shape == (1, 70, 27)
        exp = torch.zeros(1, 45)
        exp[0, 0] = window[0, 0, 13]
        even = torch.zeros(1, 66)
        return {"yaw": even, "pitch": even, "roll": even, "t": torch.zeros(1, 3), "exp": exp}

    def renderer(
        image: torch.Tensor, *, driving: torch.Tensor, source: torch.Tensor
    ) -> torch.Tensor:
        return (image + (driving - source)[0, 0, 0] / 50).clamp(0, 1)

    def reconstruction(image: torch.Tensor) -> torch.Tensor:
        assert image.shape == (1, 3, 224, 224)
        if shown is not None:
            shown.append(image)
        return torch.arange(257, dtype=torch.float32)[None] / 257

    return Nets(
        device.choose("cpu"), Stub(renderer), Stub(lambda image: torch.zeros(1, 15, 3)),
        Stub(expression), Pose(), Stub(reconstruction), Stub(mapping),
    )  # type: ignore[arg-type]  # fmt: skip


def test_coefficients_are_the_expression_and_the_pose_in_their_order() -> None:
    nets = stub()
    source = torch.linspace(0, 1, 70)
    sound = seeded.waveform(1, 2.0)
    said = sadtalker.coefficients(nets, source, sound, Manner(style=7, expression=2.0))
    assert said.shape == (50, 70)
    heard = sadtalker.windows(sadtalker.mel.wav2lip(sound), 50)
    assert np.allclose(said[:, 0], 2 * heard.mean(axis=(1, 2, 3)), atol=1e-5)
    assert torch.allclose(said[:, 2:64], 2 * source[2:64].expand(50, -1))
    blinks = said[:, 1].numpy() / 2
    assert blinks.max() == 1 and (blinks == 0).mean() > 0.5
    # the first picture is the source's own pose; then 32 at once, and the last 17 of the last 32
    assert torch.allclose(said[20:, 65], source[65] + 7)
    assert said[0, 65] < source[65] + 7
    still = sadtalker.coefficients(nets, source, sound, Manner(still=True))
    assert torch.allclose(still[:, 64:], source[64:].expand(50, -1))
    assert (still[:, 1] == 0).all()


def test_the_same_seed_moves_in_the_same_way() -> None:
    nets, sound = stub(), seeded.waveform(1, 2.0)
    made = [
        sadtalker.coefficients(nets, torch.zeros(70), sound, Manner(seed=seed))
        for seed in (3, 3, 4)
    ]
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_short_sound_has_poses_and_shorter_is_refused() -> None:
    nets = stub()
    short = sadtalker.coefficients(nets, torch.zeros(70), seeded.waveform(1, 0.6), Manner())
    assert short.shape == (15, 70)
    with pytest.raises(ValueError, match=r"at least 0\.52 s of sound"):
        sadtalker.coefficients(nets, torch.zeros(70), seeded.waveform(1, 0.5), Manner())


def test_windows_begin_two_pictures_before_and_stay_inside() -> None:
    heard = np.arange(100, dtype=np.float64)[None].repeat(80, axis=0)
    found = sadtalker.windows(heard, 40)
    assert found.shape == (40, 1, 80, 16)
    assert found[0, 0, 0, 0] == 0 and found[1, 0, 0, 4] == 1  # from -6 and -3 on
    assert found[10, 0, 0, 0] == int(80 * 8 / 25)
    assert found[39, 0, 0, -1] == 99


def test_smoothing_keeps_parabolas_to_the_ends() -> None:
    t = np.arange(40, dtype=np.float32)[:, None]
    parabola = np.concatenate([3 + 0.5 * t - 0.02 * t**2, 1 - t], axis=1)
    assert np.abs(sadtalker.smooth(parabola) - parabola).max() < 1e-4
    rough = parabola + np.tile(np.array([[1], [-1]], np.float32), (20, 2))
    assert np.abs(sadtalker.smooth(rough) - parabola)[6:-6].max() < 0.15


def test_a_face_is_aligned_to_the_standard_wherever_it_was() -> None:
    standard = sadtalker._STANDARD[:, :2] * (1, -1)
    spots = []
    for scale, left, top in ((120.0, 128.0, 120.0), (80.0, 150.0, 140.0)):
        face = np.zeros((256, 256, 3), np.uint8)
        five = np.asarray(standard * scale + (left, top), np.float32)
        x, y = five[0].round().astype(int)
        face[y - 3 : y + 4, x - 3 : x + 4] = 255
        out = sadtalker.aligned(face, five)[..., 0] > 100
        assert out.shape == (224, 224)
        spots.append(np.argwhere(out).mean(axis=0))
    assert np.abs(spots[0] - spots[1]).max() < 1.5  # both eyes lie at the same place
    wanted = 112 + 102 * standard[0][::-1]
    assert np.abs(spots[0] - wanted).max() < 2.5


def test_a_photo_and_a_sound_become_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[torch.Tensor] = []
    monkeypatch.setattr(Nets, "load", lambda where, read: stub(shown))
    audio, out = tmp_path / "a.mp4", tmp_path / "o.mp4"
    samples = (seeded.waveform(1, 1.2, CLOCK_RATE) * 32767).astype(np.int16)
    blank = VideoFrame(64, 64, 0, np.zeros(64 * 96, np.uint8))
    write_mp4(audio, iter([blank]), samples, fps=25, size=(64, 64))
    given = ["imani", "--audio", str(audio), "--out", str(out), "--on", "cpu"]
    assert command.main(given) == 0
    import av

    with av.open(str(out)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == pytest.approx(30, abs=1)
    assert pictures[0].shape == (256, 256, 3)
    assert len(shown) == 1
    skin = shown[0][0, :, 100:124, 100:124].mean(dim=(1, 2))
    assert skin[0] > skin[2] > 0.1  # the middle of a face is where it should be


def test_without_weights_the_command_says_where_they_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="no weights for sadtalker/"):
        Nets.load(device.choose("cpu"), checkpoint.own)
    sound = tmp_path / "absent.wav"
    assert command.main(["imani", "--audio", str(sound), "--out", str(tmp_path / "o.mp4")]) == 2
    assert "no sound file" in capsys.readouterr().err
    assert command.main(["imani", "--audio", "x", "--out", "y", "--style", "46"]) == 2
    assert "--style is 0 to 45" in capsys.readouterr().err
