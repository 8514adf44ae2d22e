"""A portrait baked with networks that do nothing, or one thing, so that it is known what comes."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.cli.sheet import draw_bgr  # noqa: E402  (needs torch)
from avatar.errors import AvatarError, PortraitError  # noqa: E402
from avatar.frames import Cue  # noqa: E402
from avatar.nets.lp_warping import Warped  # noqa: E402
from avatar.neural import device, head  # noqa: E402
from avatar.neural.bake import bake  # noqa: E402
from avatar.params import FaceParams, weights  # noqa: E402
from avatar.portrait.engine import Engine  # noqa: E402
from avatar.portrait.pack import load  # noqa: E402
from avatar.portrait.sprites import NAMES  # noqa: E402
from avatar.renderers.cpu import CpuRenderer  # noqa: E402

LIGHT = 60
"""Levels that the picture becomes lighter by when a ratio grows by one."""


class Stub(torch.nn.Module):
    """A network that is a function."""

    def __init__(self, run: object) -> None:
        super().__init__()
        self.forward = run  # type: ignore[assignment]  # any signature will do


def stub(drawn: list[int], *, broken_at: int | None = None) -> head.Nets:
    """Networks that show the picture they were given, lighter by what lips and eyes open."""

    def motion(image: torch.Tensor) -> dict[str, torch.Tensor]:
        heads = {name: torch.zeros(1, 66) for name in ("pitch", "yaw", "roll")}
        return {**heads, "t": torch.zeros(1, 3), "exp": torch.zeros(1, 63),
                "scale": torch.ones(1, 1), "kp": torch.zeros(1, 63)}  # fmt: skip

    def warped(volume: torch.Tensor, *, driving: torch.Tensor, source: torch.Tensor) -> Warped:
        drawn.append(len(drawn))
        if len(drawn) == broken_at:
            raise KeyboardInterrupt
        more = (driving - source)[0, 0, 0]
        return Warped(volume + more * LIGHT / 255, volume, volume, volume)

    def opened(size: int) -> Stub:
        def run(x: torch.Tensor) -> torch.Tensor:
            out = torch.zeros(1, size)
            out[0, 0] = x[0, -1] - x[0, -2]
            return out

        return Stub(run)

    enlarged = Stub(lambda x: torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic"))
    return head.Nets(
        device.choose("cpu"), enlarged, Stub(motion), Stub(warped), Stub(lambda x: x),
        Stub(lambda x: torch.zeros(1, 65)), opened(63), Stub(lambda x: torch.zeros(1, 63)),
    )  # fmt: skip


def baked(folder: Path, nets: head.Nets, **given: object) -> Path:
    return bake(lambda: "imani", lambda: nets, weights="stub", library=folder, name="me", **given)  # type: ignore[arg-type]  # keyword by keyword


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return baked(tmp_path_factory.mktemp("library"), stub([]))


def at(pack: Path | str, size: int = 512, **named: float) -> np.ndarray:
    return draw_bgr(Engine(load(pack), size=(size, size)), FaceParams(weights(**named))).astype(int)


def test_a_face_baked_by_a_network_that_changes_nothing_is_the_photo(pack: Path) -> None:
    own, rest = at("imani"), at(pack)
    assert np.abs(own - rest).mean() < 0.6
    # the stub sees the face at half the size: the finest lines are softer, nothing has moved
    soft = [cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 4) for picture in (own, rest)]
    assert np.abs(soft[0] - soft[1]).max() < 6


def test_baked_pictures_land_in_their_patches_and_mix(pack: Path) -> None:
    rest = at(pack)
    mouth = load(pack).mouth
    x, y = round(mouth["x"] / 2), round(mouth["y"] / 2)
    spot = slice(y - 8, y + 8), slice(x - 20, x + 20)
    gaps = {jaw: (at(pack, jawOpen=jaw / 0.75) - rest)[spot].mean() for jaw in (0.22, 0.30, 0.38)}
    for jaw, lighter in gaps.items():
        assert lighter == pytest.approx(LIGHT * jaw, abs=2.5)
    wide = at(pack, jawOpen=0.6)
    changed = np.argwhere(np.abs(wide - rest).max(axis=2) > 3)
    x0, y0, x1, y1 = (v / 2 for v in load(pack).boxes["lips"])
    assert (changed.min(0) >= (y0 - 2, x0 - 2)).all() and (changed.max(0) <= (y1 + 2, x1 + 2)).all()


def test_a_baked_pack_is_played_by_the_cpu_renderer(pack: Path) -> None:
    renderer = CpuRenderer.open(str(pack), size=(256, 256))
    frames = [renderer.draw(Cue(i, i / 25)).data.copy() for i in range(50)]
    assert len({frame.tobytes() for frame in frames}) > 10  # it breathes and looks about
    assert load(pack).name == "me" and set(NAMES) <= set(load(pack).layers)


def test_a_stopped_bake_goes_on_and_leaves_no_half_pack(tmp_path: Path) -> None:
    drawn: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        baked(tmp_path, stub(drawn, broken_at=20))
    assert not (tmp_path / "me").exists()
    again: list[int] = []
    steps: list[tuple[int, int]] = []
    baked(tmp_path, stub(again), on_step=lambda done, whole: steps.append((done, whole)))
    assert len(drawn) - 1 + len(again) == len(NAMES)
    assert steps[0] == (19, 50) and steps[-1] == (50, 50)
    assert [path.name for path in tmp_path.iterdir()] == ["me"]
    with pytest.raises(AvatarError, match="there is a portrait 'me' already"):
        baked(tmp_path, stub([]))


def test_a_pack_with_some_of_the_pictures_or_a_shifted_one_is_refused(
    pack: Path, tmp_path: Path
) -> None:
    raw = json.loads((pack / "pack.json").read_text())
    for name, entry in (("sprite_eyes_up", None), ("sprite_mouth_07", [0, 0, 64, 64])):
        folder = Path(shutil.copytree(pack, tmp_path / name))
        layers = {**raw["layers"], name: {**raw["layers"][name], "box": entry}}
        if entry is None:
            del layers[name]
        (folder / "pack.json").write_text(json.dumps({**raw, "layers": layers}))
        with pytest.raises(PortraitError, match=name):
            load(folder)


def test_what_is_baked_is_not_baked_again(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="is baked already"):
        bake(lambda: pack, lambda: stub([]), weights="stub", library=tmp_path, name="twice")
    assert not list(tmp_path.glob("twice"))
