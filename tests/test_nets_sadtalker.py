"""SadTalker around its networks, with stubs that do one known thing; the networks are compared with
recorded vectors elsewhere (python -m avatar parity)."""

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from photos import needs_detector, picture  # noqa: E402

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


def smooth_picture(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [128 + 90 * np.sin(x / (60 + 9 * i)) * np.cos(y / (70 - 8 * i)) for i in range(3)]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


def turned(degrees: float, scale: float) -> np.ndarray:
    """From a picture of 640 x 480 to a canvas on which the face is upright: (2, 3)."""
    a = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.hstack([turn, (np.array([512.0, 512.0]) - turn @ (330.0, 240.0))[:, None]])


@pytest.mark.parametrize(("degrees", "scale"), [(0.0, 2.2), (17.0, 1.6), (-30.0, 3.5)])
def test_a_face_put_back_as_it_was_leaves_the_picture_as_it_was(
    degrees: float, scale: float
) -> None:
    picture = smooth_picture(480, 640)
    eyes = np.array([(450.0, 440.0), (574.0, 440.0)], np.float32)
    corners = np.array([(470.0, 570.0), (554.0, 570.0)], np.float32)
    nose = np.array([(512.0, 510.0)], np.float32)
    who = sadtalker.sitter(picture, eyes, nose, corners, turned(degrees, scale))
    assert who.face.shape == (256, 256, 3) and who.five[0, 1] == pytest.approx(who.five[1, 1])
    paste = who.paste
    back = paste(who.face)
    off = np.abs(back.astype(int) - picture).max(axis=2)
    assert off.max() <= 1
    lighter = paste(np.full_like(who.face, 255)).astype(int)
    assert (lighter[paste.mask == 0] == picture[paste.mask == 0]).all()
    assert (lighter[paste.mask == 1] == 255).all() and (paste.mask == 1).sum() > 10_000
    assert 0 < paste.mask[(paste.mask > 0) & (paste.mask < 1)].min() < 0.05  # it begins softly
    # the seam is some pixels wide, and no step of the mask is one that is seen
    assert np.abs(np.diff(paste.mask, axis=0)).max() < 0.15


def test_a_photo_and_a_sound_become_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[torch.Tensor] = []
    monkeypatch.setattr(Nets, "load", lambda where, read: stub(shown))
    out = tmp_path / "o.mp4"
    audio = sound_file(tmp_path / "a.mp4", 1.2)
    given = ["imani", "--audio", str(audio), "--out", str(out), "--on", "cpu"]
    assert command.main(given) == 0
    pictures = decoded(out)
    assert len(pictures) == pytest.approx(30, abs=1)
    assert pictures[0].shape == (256, 256, 3)
    assert len(shown) == 1
    skin = shown[0][0, :, 100:124, 100:124].mean(dim=(1, 2))
    assert skin[0] > skin[2] > 0.1  # the middle of a face is where it should be


def decoded(path: Path) -> list[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound_file(path: Path, seconds: float) -> Path:
    samples = (seeded.waveform(1, seconds, CLOCK_RATE) * 32767).astype(np.int16)
    blank = VideoFrame(64, 64, 0, np.zeros(64 * 96, np.uint8))
    write_mp4(path, iter([blank]), samples, fps=25, size=(64, 64))
    return path


def test_in_full_the_whole_portrait_is_seen_and_only_the_face_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Nets, "load", lambda where, read: stub())
    out = tmp_path / "o.mp4"
    audio = sound_file(tmp_path / "a.mp4", 0.8)
    given = ["imani", "--audio", str(audio), "--out", str(out), "--on", "cpu", "--full"]
    assert command.main(given) == 0
    pictures = [picture.astype(int) for picture in decoded(out)]
    assert pictures[0].shape == (1024, 1024, 3)
    who = command._sitter("imani")
    around = np.abs(pictures[-1] - who.picture)[who.paste.mask == 0]
    assert around.mean() < 2  # what H.264 makes of it
    levels = [picture[450:600, 450:600].mean() for picture in pictures]
    assert max(levels) - min(levels) > 2  # the stub's face gets lighter as it is louder
    beside = [picture[:100, :100].mean() for picture in pictures]
    assert max(beside) - min(beside) < 0.5


@needs_detector
def test_in_full_a_photo_keeps_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nets, "load", lambda where, read: stub())
    photo = tmp_path / "me.png"
    cv2.imwrite(str(photo), picture()[:511, :499])  # odd
    out = tmp_path / "o.mp4"
    audio = sound_file(tmp_path / "a.mp4", 0.6)
    given = [str(photo), "--audio", str(audio), "--out", str(out), "--on", "cpu", "--full"]
    assert command.main(given) == 0
    shown = decoded(out)[0].astype(int)
    assert shown.shape == (510, 498, 3)
    who = command._sitter(str(photo))
    assert np.abs(shown - who.picture[:510, :498])[who.paste.mask[:510, :498] == 0].mean() < 3
    up = who.five[:2, 1].max() < who.five[2, 1] < who.five[3:, 1].min()
    assert up and abs(who.five[0, 1] - who.five[1, 1]) < 4  # upright: eyes, nose, mouth


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
