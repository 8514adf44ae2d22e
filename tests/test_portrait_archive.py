"""Packs in zips, and packs that mean harm: everything is refused with a sentence or loads."""

import hashlib
import io
import json
import os
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from avatar.errors import PortraitError, PortraitMissing
from avatar.params import FaceParams, weights
from avatar.portrait.archive import MAX_ENTRIES
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import load
from avatar.portrait.pictures import picture_size

Parts = dict[str, bytes]


def parts_of(name: str = "jun") -> Parts:
    return {part.name: part.read_bytes() for part in load(name).path.iterdir()}


def zipped(path: Path, parts: Parts, kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, kind)
    return path


def signed(parts: Parts) -> Parts:
    """The parts with hashes that are right whatever was changed."""
    manifest = json.loads(parts["pack.json"])
    for name, data in parts.items():
        if name != "pack.json":
            manifest["parts"][name] = hashlib.sha256(data).hexdigest()
    return parts | {"pack.json": json.dumps(manifest).encode()}


def test_a_zip_draws_the_same_face_as_its_folder(tmp_path: Path) -> None:
    path = zipped(tmp_path / "jun.zip", parts_of(), zipfile.ZIP_DEFLATED)
    frames = []
    for pack in (load(path), load("jun")):
        frame = np.empty(128 * 128 * 3 // 2, np.uint8)
        Engine(pack, size=(128, 128)).draw(FaceParams(weights(jawOpen=0.5)), frame)
        frames.append(frame)
    assert np.array_equal(*frames)


def test_a_zip_written_anew_is_read_anew(tmp_path: Path) -> None:
    parts = parts_of()
    path = zipped(tmp_path / "face.zip", parts)
    manifest = json.loads(parts["pack.json"]) | {"title": "Someone else entirely"}
    load(path)
    zipped(path, parts | {"pack.json": json.dumps(manifest).encode()})
    assert load(path).title == "Someone else entirely"


@pytest.mark.parametrize("name", ["../pack.json", "/etc/passwd", "a/b.webp", "..\\up", "C:x", ""])
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "face.zip", parts_of() | {name: b"harm"})
    with pytest.raises(PortraitError, match="not a zip that can be used"):
        load(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face.zip"
    link = zipfile.ZipInfo("brows.webp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(PortraitError, match="link"):
        load(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = parts_of() | {"figure.jpg": bytes(12 << 20)}
    path = zipped(tmp_path / "face.zip", bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(PortraitError, match="times its size"):
        load(path)


def test_a_zip_of_more_than_its_bound_is_refused(tmp_path: Path) -> None:
    many = {f"part{i}": os.urandom(1 << 16) * 64 for i in range(14)}
    path = zipped(tmp_path / "face.zip", many, zipfile.ZIP_STORED)
    with pytest.raises(PortraitError, match="MiB"):
        load(path)


def test_a_zip_of_thousands_of_entries_is_refused_by_its_directory(tmp_path: Path) -> None:
    path = zipped(tmp_path / "face.zip", {f"{i}": b"" for i in range(MAX_ENTRIES + 1)})
    with pytest.raises(PortraitError, match="entries"):
        load(path)


def test_a_name_that_is_in_a_zip_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("pack.json", "{}")
    with pytest.raises(PortraitError, match="twice"):
        load(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "face.zip", {"pack.json": b"{}"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(PortraitError, match="encrypted"):
        load(path)


def test_a_part_shorter_than_the_zip_says_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "face.zip", parts_of())
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(PortraitError):
        load(path)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "face.zip").write_bytes(data)
    with pytest.raises(PortraitError):
        load(tmp_path / "face.zip")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "face.zip")
    with pytest.raises(PortraitMissing):
        load(tmp_path / "face.zip")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"format": 2, "format": 2}', "twice"),
        (b'{"format": NaN}', "NaN"),
        (b'{"format": ' + b"[" * 50_000, "JSON"),
        (b'{"format": "\xff"}', "JSON"),
        (b'["format", 2]', "object"),
        (b" " * (1 << 19), "larger"),
        (b'{"format": 99999999999999999999}', "format 9"),
        (b"{}", "format: it is missing"),
    ],
)
def test_a_manifest_that_means_harm_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "pack.json").write_bytes(text)
    with pytest.raises(PortraitError, match=said):
        load(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("title",), "\ud800"),
        (("title",), "a\nb"),
        (("credits",), "x" * 10_000),
        (("mouth", "width"), 1e5),
        (("mouth", "width"), True),
        (("eye_distance",), 10**310),
        (("limits", "yaw"), -1),
        (("parts", "plate.webp"), 7),
        (("layers", "under", "box"), [256, 256, 320, 320]),
        (("layers", "figure", "file"), ["figure.jpg"]),
        (("layers",), []),
        (("boxes", "brows"), [0, 0, 64, 64]),
        (("boxes", "upper"), [0, 0, 2, 2]),
    ],
)
def test_a_value_out_of_bounds_is_refused(
    tmp_path: Path, place: tuple[str, ...], value: object
) -> None:
    parts = parts_of()
    manifest = json.loads(parts["pack.json"])
    group = manifest
    for key in place[:-1]:
        group = group[key]
    group[place[-1]] = value
    path = zipped(tmp_path / "face.zip", parts | {"pack.json": json.dumps(manifest).encode()})
    with pytest.raises(PortraitError, match=r"pack\.json|its box is"):
        load(path)


def test_a_progressive_jpeg_is_refused() -> None:
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8), flags)[1].tobytes()
    with pytest.raises(PortraitError, match="progressive"):
        picture_size(data, "figure.jpg")


@pytest.mark.parametrize("kind", [".png", ".webp", ".jpg"])
def test_the_size_of_a_picture_is_read_from_its_header(kind: str) -> None:
    data = cv2.imencode(kind, np.zeros((48, 80, 3), np.uint8))[1].tobytes()
    assert picture_size(data, "plate") == (80, 48)


def test_a_picture_of_16_bits_is_refused(tmp_path: Path) -> None:
    deep = cv2.imencode(".png", np.zeros((1024, 1024, 4), np.uint16))[1].tobytes()
    parts = parts_of()
    manifest = json.loads(parts["pack.json"])
    manifest["layers"]["overlay"] = {"file": "overlay.webp", "box": [0, 0, 1024, 1024]}
    parts |= {"pack.json": json.dumps(manifest).encode(), "overlay.webp": deep}
    pack = load(zipped(tmp_path / "face.zip", signed(parts)))
    with pytest.raises(PortraitError, match="uint16"):
        Engine(pack, size=(128, 128))


_VALUES: list[object] = [
    *(None, True, -1, 0, 1, 64, 1e308, 10**30, 0.5, "", "x" * 1000, "\ud800", "../a", "#ffffff"),
    *([], {}, [0, 0, 64, 64], [0, 0, 1024, 1024], [1, 2, 3], {"file": "brows.webp"}, float("nan")),
]
"""What a manifest may hold instead of what belongs there."""


def some_bytes(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 3, 20))):
        changed[chance.randrange(min(len(changed), 1 << 12))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.2 else changed)


def a_part(chance: random.Random, parts: Parts, path: Path) -> None:
    name = chance.choice([name for name in parts if name != "pack.json"])
    zipped(path, signed(parts | {name: some_bytes(chance, parts[name])}))


def a_value(chance: random.Random, parts: Parts, path: Path) -> None:
    manifest = json.loads(parts["pack.json"])
    group: Any = manifest
    while True:
        key = chance.choice(list(group) if isinstance(group, dict) else range(len(group)))
        if not isinstance(group[key], dict | list) or not group[key] or chance.random() < 0.3:
            break
        group = group[key]
    if chance.random() < 0.2:
        del group[key]
    else:
        number = isinstance(group[key], float) and chance.random() < 0.5
        group[key] = group[key] * chance.uniform(-3, 3) if number else chance.choice(_VALUES)
    zipped(path, parts | {"pack.json": json.dumps(manifest).encode()})


def a_letter(chance: random.Random, parts: Parts, path: Path) -> None:
    zipped(path, parts | {"pack.json": some_bytes(chance, parts["pack.json"])})


def a_zip(chance: random.Random, parts: Parts, path: Path) -> None:
    data = zipped(path, parts, zipfile.ZIP_DEFLATED).read_bytes()
    tail = len(data) - 2500
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        changed[chance.choice((chance.randrange(64), chance.randrange(tail, len(data))))] ^= (
            1 << chance.randrange(8)
        )
    path.write_bytes(changed[: -chance.randrange(1, 3000)] if chance.random() < 0.2 else changed)


def an_array(chance: random.Random, parts: Parts, path: Path) -> None:
    """Extreme numbers, signed: what the ranges let through must still draw."""
    with np.load(io.BytesIO(parts["geometry.npz"]), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    name = chance.choice(list(arrays))
    flat = arrays[name].reshape(-1)
    for _ in range(chance.choice((1, 50))):
        flat[chance.randrange(len(flat))] = chance.choice(
            (0, 1, -1, 8, -8, 200, -250, 1000, float("inf"), float("nan"))
        )
    out = io.BytesIO()
    np.savez(out, **arrays)
    zipped(path, signed(parts | {"geometry.npz": out.getvalue()}))


MUTATIONS: list[Callable[[random.Random, Parts, Path], None]] = [
    *(a_part, a_value, a_letter, a_zip, an_array)
]


def survives(path: Path) -> bool:
    """Whether the pack loads and draws; anything but a PortraitError comes through."""
    frame = np.empty(64 * 64 * 3 // 2, np.uint8)
    try:
        engine = Engine(load(path), size=(64, 64))
    except PortraitError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return False
    engine.draw(FaceParams(), frame)
    engine.draw(FaceParams(weights(jawOpen=1, mouthSmile=1, eyeBlink=0.6), yaw=90, roll=90), frame)
    return True


@pytest.fixture
def one_thread() -> Iterator[None]:
    with limit_threads():
        yield


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_a_mutated_pack_draws_or_is_refused(
    tmp_path: Path, mutate: Callable[[random.Random, Parts, Path], None], one_thread: None
) -> None:
    chance, parts = random.Random(20), parts_of()
    drawn = 0
    for case in range(120):
        path = tmp_path / f"{case}.zip"
        mutate(chance, parts, path)
        drawn += survives(path)
        path.unlink()
    # a mutation that always or never loads tests little
    assert drawn < 120


def test_the_fuzzing_can_tell_a_whole_pack(tmp_path: Path) -> None:
    assert survives(zipped(tmp_path / "whole.zip", parts_of()))
