"""Packs are read without trust: what ships loads, and every kind of damage is refused by name."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from avatar.errors import PortraitError, PortraitMissing
from avatar.portrait.pack import GEOMETRY, LAYERS, TEETH, load, names
from avatar.portrait.pictures import decode

Manifest = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(load(names()[0]).path, tmp_path / "face"))


def edit(folder: Path, change: Callable[[Manifest], None]) -> None:
    manifest = json.loads((folder / "pack.json").read_text())
    change(manifest)
    (folder / "pack.json").write_text(json.dumps(manifest))


def replace_part(folder: Path, name: str, data: bytes) -> None:
    """A part with other content, signed correctly: only its content is wrong."""
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    edit(folder, lambda manifest: manifest["parts"].update({name: digest}))


def geometry(folder: Path, **changed: np.ndarray[Any, Any]) -> bytes:
    with np.load(folder / "geometry.npz", allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    out = BytesIO()
    np.savez(out, **{**kept, **changed})
    return out.getvalue()


@pytest.mark.parametrize("name", names())
def test_every_shipped_portrait_loads_and_names_its_licence(name: str) -> None:
    pack = load(name)
    assert pack.name == name
    assert pack.licence and pack.credits and pack.title
    assert set(pack.layers) == {*LAYERS, *TEETH}
    assert all(colour.startswith("#") and len(colour) == 7 for colour in pack.backdrop)


@pytest.mark.parametrize("name", names())
def test_a_shipped_pack_stays_small_enough_to_ship(name: str) -> None:
    sizes = [part.stat().st_size for part in load(name).path.iterdir()]
    assert sum(sizes) <= 2_000_000
    assert max(sizes) <= 1_500_000


@pytest.mark.parametrize("name", names())
def test_the_poster_shows_the_face_at_512(name: str) -> None:
    poster = decode(load(name).poster, "poster", channels=3)
    assert poster.shape == (512, 512, 3)
    assert poster.std() > 20


def test_imani_is_the_first_face() -> None:
    assert "imani" in names()


def test_a_pack_is_loaded_once_per_process(folder: Path) -> None:
    assert load(folder) is load(str(folder))


def test_a_pack_written_anew_is_read_anew(folder: Path) -> None:
    first = load(folder)
    edit(folder, lambda manifest: manifest.update(title="Someone else entirely"))
    assert load(folder).title == "Someone else entirely" != first.title


def test_geometry_cannot_be_written_to() -> None:
    for array in load(names()[0]).geometry.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(PortraitMissing, match="imani"):
        load("nobody")


def test_a_folder_without_a_manifest_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PortraitMissing):
        load(tmp_path)


def test_another_format_is_refused(folder: Path) -> None:
    edit(folder, lambda manifest: manifest.update(format=1))
    with pytest.raises(PortraitError, match="format 1"):
        load(folder)


def test_a_manifest_that_is_not_json_is_refused(folder: Path) -> None:
    (folder / "pack.json").write_text("format: 1")
    with pytest.raises(PortraitError, match="JSON"):
        load(folder)


def test_a_missing_part_is_refused(folder: Path) -> None:
    (folder / "under.jpg").unlink()
    with pytest.raises(PortraitError, match=r"under\.jpg"):
        load(folder)


def test_a_part_that_is_not_listed_is_refused(folder: Path) -> None:
    edit(folder, lambda manifest: manifest["parts"].pop("plate.webp"))
    with pytest.raises(PortraitError, match=r"plate\.webp"):
        load(folder)


def test_a_changed_byte_is_refused(folder: Path) -> None:
    data = bytearray((folder / "figure.jpg").read_bytes())
    data[-1] ^= 1
    (folder / "figure.jpg").write_bytes(data)
    with pytest.raises(PortraitError, match="sha256"):
        load(folder)


@pytest.mark.parametrize(
    "path", ["../outside.webp", "/etc/hostname", "sub/part.webp", "..", "C:part.webp"]
)
def test_a_path_out_of_the_folder_is_refused(folder: Path, path: str) -> None:
    def point_outside(manifest: Manifest) -> None:
        manifest["layers"]["brows"]["file"] = path
        manifest["parts"][path] = "0" * 64

    edit(folder, point_outside)
    with pytest.raises(PortraitError, match="outside"):
        load(folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.webp"
    (folder / "brows.webp").rename(target)
    (folder / "brows.webp").symlink_to(target)
    with pytest.raises(PortraitError, match="outside"):
        load(folder)


def test_a_picture_of_another_size_than_its_box_is_refused(folder: Path) -> None:
    small = cv2.imencode(".png", np.zeros((8, 8, 4), np.uint8))[1].tobytes()
    replace_part(folder, "brows.webp", small)
    with pytest.raises(PortraitError, match="8x8"):
        load(folder)


def test_a_picture_that_claims_to_be_huge_is_refused_before_decoding(folder: Path) -> None:
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8, 4), np.uint8))[1].tobytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    replace_part(folder, "plate.webp", bytes(data))
    with pytest.raises(PortraitError, match="60000x60000"):
        load(folder)


def test_a_part_that_is_no_picture_is_refused(folder: Path) -> None:
    replace_part(folder, "plate.webp", b"GIF89a" + bytes(64))
    with pytest.raises(PortraitError, match="neither PNG nor WebP nor JPEG"):
        load(folder)


def test_values_that_are_not_numbers_are_refused(folder: Path) -> None:
    shape, dtype = GEOMETRY["controls"]
    controls = np.zeros(shape, dtype)
    controls[3, 1] = np.nan
    replace_part(folder, "geometry.npz", geometry(folder, controls=controls))
    with pytest.raises(PortraitError, match="not numbers"):
        load(folder)


def test_an_array_of_another_shape_is_refused(folder: Path) -> None:
    wrong = np.zeros((5, 2), "<f4")
    replace_part(folder, "geometry.npz", geometry(folder, controls=wrong))
    with pytest.raises(PortraitError, match="controls"):
        load(folder)


def test_an_array_that_claims_to_be_huge_is_refused_before_reading(folder: Path) -> None:
    header = BytesIO()
    huge = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 2)}
    np.lib.format.write_array_header_1_0(header, huge)
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("controls.npy", header.getvalue())
    replace_part(folder, "geometry.npz", out.getvalue())
    with pytest.raises(PortraitError, match="1099511627776"):
        load(folder)


def test_pickled_objects_are_refused(folder: Path) -> None:
    out = BytesIO()
    np.savez(out, controls=np.array([{"a": 1}], object))
    replace_part(folder, "geometry.npz", out.getvalue())
    with pytest.raises(PortraitError, match="controls"):
        load(folder)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("eye_distance", "wide"),
        ("eye_distance", float("nan")),
        ("backdrop", ["red", "blue"]),
        ("licence", ""),
        ("limits", {"yaw": 12}),
        ("canvas", 4096),
    ],
)
def test_a_wrong_entry_is_refused(folder: Path, place: str, value: object) -> None:
    edit(folder, lambda manifest: manifest.update({place: value}))
    with pytest.raises(PortraitError, match=r"pack\.json"):
        load(folder)


@pytest.mark.parametrize(
    "box", [[0, 0, 100, 64], [-64, 0, 64, 64], [0, 0, 2048, 64], [64, 0, 64, 64]]
)
def test_a_layer_box_off_the_canvas_is_refused(folder: Path, box: list[int]) -> None:
    edit(folder, lambda manifest: manifest["layers"]["brows"].update(box=box))
    with pytest.raises(PortraitError, match="box"):
        load(folder)
