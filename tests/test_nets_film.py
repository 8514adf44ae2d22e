"""MuseTalk over a filmed portrait, with networks that do one known thing, so that it is known what
must be seen: a generated face is the face of its own tick, as light as the speech is loud."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from films import COUNT, SIZE, filmed, grey, levels  # noqa: E402
from torch.nn import functional as fn  # noqa: E402

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, SpeechEnd  # noqa: E402
from avatar.nets.mt_vae import SCALE  # noqa: E402  (needs torch)
from avatar.neural import body, device, lips, still  # noqa: E402
from avatar.params import FaceParams  # noqa: E402
from avatar.portrait import loop  # noqa: E402
from avatar.portrait.pack import load  # noqa: E402
from avatar.renderers.musetalk import MuseTalkRenderer  # noqa: E402

FACE = FaceParams()
LIGHT = 40
"""Levels that a face is lighter by while sound is heard."""


class Stub(torch.nn.Module):
    """A network that is a function."""

    def __init__(self, run: object) -> None:
        super().__init__()
        self.forward = run  # type: ignore[assignment]  # any signature will do


class Mirror:
    """A VAE whose latents are a small picture. encoded: how many there were."""

    def __init__(self) -> None:
        self.quant_conv = torch.nn.Conv2d(1, 1, 1)
        self.encoded = 0

    def encode(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.encoded += 1
        small = fn.avg_pool2d(picture, 8)
        whole = torch.cat([small, torch.zeros_like(small[:, :1])], dim=1)
        return whole, whole

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        return fn.interpolate(latent[:, :3], scale_factor=8)


def stub() -> tuple[lips.Nets, Mirror, list[int]]:
    """Nets, their VAE, and the rows of each call of the UNet."""
    vae, calls = Mirror(), []

    def say(latents: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        calls.append(len(latents))
        loud = (said[:, :, 1] > 0.6).float().mean(dim=1)  # positions reach 0.5 there
        return latents[:, 4:] + loud[:, None, None, None] * (2 * LIGHT / 255) * SCALE

    def hear(mel: torch.Tensor) -> torch.Tensor:
        loud = (mel.mean(dim=1).repeat_interleave(1, dim=1)[:, ::2] > -0.6).float()
        return loud[:, :, None, None].expand(-1, -1, 5, 384) * 10

    nets = lips.Nets(device.choose("cpu"), Stub(say), vae, Stub(hear))  # type: ignore[arg-type]
    return nets, vae, calls


def speech(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * CLOCK_RATE)) / CLOCK_RATE
    return (12000 * np.sin(2 * np.pi * 300 * t) * np.sign(np.sin(2 * np.pi * 90 * t))).astype("<i2")


def renderer(pack: Path, nets: lips.Nets, **given: object) -> MuseTalkRenderer:
    made = MuseTalkRenderer(nets, str(pack), size=SIZE, fps=25, block=4, **given)  # type: ignore[arg-type]
    made.prepare()
    return made


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filmed(tmp_path_factory.mktemp("packs"))


def test_in_silence_the_loop_plays_forwards_and_backwards(pack: Path) -> None:
    face = renderer(pack, stub()[0])
    shown = [levels(face.draw(Cue(i, i / 25)), 0)[0] for i in range(2 * COUNT + 2)]
    wanted = [*range(COUNT), *reversed(range(COUNT)), 0, 1]
    assert np.allclose(shown, [grey(i) for i in wanted], atol=2.0)


def test_a_spoken_face_is_the_one_of_its_own_picture(pack: Path) -> None:
    face = renderer(pack, stub()[0])
    face.hear(AudioChunk(0, 0, speech(2.0)))
    face.hear(SpeechEnd(0))
    for i in range(5):
        face.draw(Cue(i, i / 25))
    for i in range(5, 25):
        frame = face.draw(Cue(i, i / 25, segment=0, position=(i - 5) * 1920 + 960))
        beside, inside = levels(frame, i)
        assert beside == pytest.approx(grey(i), abs=2.0)
        if i > 8:  # the mouth has opened
            assert inside - beside == pytest.approx(LIGHT, abs=4.0)


def test_after_a_pause_faces_are_made_for_the_pictures_that_are_shown(pack: Path) -> None:
    nets, _, calls = stub()
    face = renderer(pack, nets)
    face.hear(AudioChunk(0, 0, speech(2.0)))
    face.hear(SpeechEnd(0))
    for i in range(6):
        face.draw(Cue(i, i / 25, segment=0, position=i * 1920 + 960))
    for i in range(6, 12):  # paused: the loop goes on
        beside, _ = levels(face.draw(Cue(i, i / 25)), i)
        assert beside == pytest.approx(grey(i), abs=2.0)
    before = len(calls)
    for i in range(12, 22):
        frame = face.draw(Cue(i, i / 25, segment=0, position=(i - 6) * 1920 + 960))
        beside, inside = levels(frame, i)
        assert beside == pytest.approx(grey(i), abs=2.0)
    assert inside - beside == pytest.approx(LIGHT, abs=4.0)
    assert len(calls) - before == 3  # the block it stopped in, anew, and the two after


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_an_open_mouth_is_shut_in_silence_and_a_shut_one_is_left_alone(
    tmp_path: Path, gap: float
) -> None:
    """The stub's quiet face is the film's own, but for the line."""
    nets, _, calls = stub()
    face = renderer(filmed(tmp_path, gap=gap, line=True), nets)
    assert sum(calls) == (32 if gap else 0)  # thirty, in blocks of four
    rows = face.draw(Cue(3, 0.12)).data[: 512 * 512].reshape(SIZE).astype(int)
    in_mouth, beside = rows[315, 240 + 2 * 3], rows[315, 100]
    assert beside - in_mouth > 40 if gap else beside == in_mouth


def test_a_block_that_comes_too_late_leaves_the_mouth_shut(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets, _, calls = stub()
    now = [0.0]
    monkeypatch.setattr(nets.saying, "clock", lambda: now[0])
    face = renderer(pack, nets)
    face._parts()[0]._live = True  # as on a GPU
    face.hear(AudioChunk(0, 0, speech(2.0)))
    face.hear(SpeechEnd(0))
    begun = face._parts()[0]._speaker.begin

    def waited(*given: object) -> object:  # other faces are drawn for half a second first
        now[0] += 0.5
        return begun(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(face._parts()[0]._speaker, "begin", waited, raising=False)
    for i in range(5):
        beside, inside = levels(face.draw(Cue(i, i / 25, segment=0, position=i * 1920 + 960)), i)
        assert inside == pytest.approx(beside, abs=2.0)
    assert not calls
    assert nets.device.stages["late"][1] == 5


def test_latents_are_kept_beside_the_pack_for_the_same_weights(tmp_path: Path) -> None:
    own = filmed(tmp_path, gap=0.2)
    nets, vae, calls = stub()
    first = renderer(own, nets, weights="a")
    assert vae.encoded == 2 * COUNT
    again = renderer(own, nets, weights="a")
    assert vae.encoded == 2 * COUNT and sum(calls) == 32
    cue = Cue(7, 0.28)
    assert (first.draw(cue).data == again.draw(cue).data).all()
    renderer(own, nets, weights="b")
    assert vae.encoded == 4 * COUNT
    (own / "loop_latents.npz").write_bytes(b"PK damaged")
    renderer(own, nets, weights="b")
    assert vae.encoded == 6 * COUNT


def test_calls_that_begin_together_look_at_a_loop_once(tmp_path: Path) -> None:
    own, (nets, vae, _) = filmed(tmp_path), stub()
    faces = [
        MuseTalkRenderer(nets, str(own), size=SIZE, fps=25, block=4, weights="a") for _ in range(3)
    ]
    assert vae.encoded == 0, "the thread that makes a renderer waits for nothing"
    with ThreadPoolExecutor(len(faces)) as calls:
        list(calls.map(MuseTalkRenderer.prepare, faces))
    assert vae.encoded == 2 * COUNT


def under(pack: Path, size: tuple[int, int] = SIZE, *, rows: int = 128) -> body.FilmedBody:
    """The film of a pack, of which so many rows of the cover are seen from above."""
    given = loop.of(pack)
    assert given is not None
    cover = given.cover.copy()
    cover[rows:] = 0
    return body.FilmedBody(replace(given, cover=cover), still.of(str(pack), size))


def test_where_the_film_ends_the_portraits_backdrop_is_seen(pack: Path) -> None:
    film, shown = under(pack, rows=88), still.of(str(pack), SIZE).picture
    picture = film.picture(FACE, 0)
    film.finish(picture)
    assert (picture[356:] == shown[356:]).all()
    assert (picture[:, 484:] == shown[:, 484:]).all()  # where its rectangle does
    assert np.abs(picture[:346, :476].astype(int) - 40).max() <= 2


def test_a_mouth_at_the_films_end_fades_with_the_film(pack: Path) -> None:
    """A face that is the film's own changes nothing; another one is seen no further than that."""
    film, shown = under(pack, rows=80), still.of(str(pack), SIZE).picture
    silent, same, white = (film.picture(FACE, 0) for _ in range(3))
    film.put(film.cut(same, 0, 256), same, 0, 1.0)
    film.put(np.full((256, 256, 3), 255, np.uint8), white, 0, 1.0)
    for picture in (silent, same, white):
        film.finish(picture)
    assert np.abs(same.astype(int) - silent).max() <= 1
    assert white[310:316, 236:244].min() >= 254
    assert (white[324:] == shown[324:]).all()


@pytest.mark.parametrize("size", [(360, 360), (1280, 720), (1536, 1536)])
def test_a_film_is_as_light_at_the_pictures_border_as_inside(
    pack: Path, size: tuple[int, int]
) -> None:
    film = under(pack, size)
    picture = film.picture(FACE, 0)
    film.finish(picture)
    first, inner = (size[0] - size[1]) // 2, size[1] * 9 // 10
    for line in (picture[0, first : first + inner], picture[-1, first : first + inner]):
        assert np.abs(line.astype(int) - 40).max() <= 2


def test_a_face_outside_of_the_picture_is_not_put(pack: Path) -> None:
    film = under(pack)
    film._boxes[0] = (-900, 100, -500, 500)
    picture = film.picture(FACE, 0)
    before = picture.copy()
    film.put(np.full((256, 256, 3), 255, np.uint8), picture, 0, 1.0)
    assert (picture == before).all()


def test_a_spoken_face_is_its_own_pictures_where_the_loop_turns_round(pack: Path) -> None:
    face, film = renderer(pack, stub()[0]), loop.of(pack)
    assert film is not None
    face.hear(AudioChunk(0, 0, speech(2.0)))
    start = COUNT - 8
    for i in range(start, COUNT + 8):
        frame = face.draw(Cue(i, i / 25, segment=0, position=(i - start) * 1920 + 960))
        at = film.at(i)
        beside, inside = levels(frame, at)
        assert beside == pytest.approx(grey(at), abs=2.0)
        if i > start + 3:  # the mouth has opened
            assert inside - beside == pytest.approx(LIGHT, abs=4.0)


def test_a_portrait_without_a_loop_is_drawn() -> None:
    nets, vae, _ = stub()
    face = renderer(load("imani").path, nets)
    assert vae.encoded == 2
    assert isinstance(face._body, body.DrawnBody)
