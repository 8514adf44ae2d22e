"""Photos are read without trust, and the pixel work under `prepare` keeps its promises."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos import Astronaut

from avatar.portrait.mouth import spline_matrix
from avatar.prepare import PrepareError
from avatar.prepare.eyes import eye_of, rest
from avatar.prepare.gates import choose, yaw_of
from avatar.prepare.photo import read
from avatar.prepare.skin import darker, fill, floats, over
from avatar.prepare.teeth import drawn_row


def _png(width: int, height: int) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IEND", b"")


def _jpeg(image: np.ndarray, orientation: int | None = None) -> bytes:
    done, data = cv2.imencode(".jpg", image)
    assert done
    raw = bytes(data)
    if orientation is None:
        return raw
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    exif = b"Exif\x00\x00" + tiff
    return raw[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + raw[2:]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a JPEG"),
        (b"GIF89a" + bytes(40), "not a JPEG"),
        (_png(60000, 60000), "megapixels"),
        (_png(50, 4000), "larger photo"),
        (_png(300, 300), "damaged"),
        (b"\xff\xd8\xff\xe0\x00\x04ab", "damaged"),
        (_jpeg(np.zeros((300, 300, 3), np.uint8))[:60], "damaged"),
    ],
)
def test_what_is_no_usable_picture_is_refused_by_its_header(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path = tmp_path / "me.jpg"
    path.write_bytes(data)
    with pytest.raises(PrepareError, match=reason):
        read(path)


def test_a_photo_that_is_not_there_is_said() -> None:
    with pytest.raises(PrepareError, match="cannot be read"):
        read(Path("nowhere.jpg"))


def test_a_phone_that_was_held_sideways_is_obeyed(tmp_path: Path) -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, :40] = 255  # orientation 6: what is on the left belongs on top
    path = tmp_path / "phone.jpg"
    path.write_bytes(_jpeg(image, orientation=6))
    turned = read(path)
    assert turned.shape == (300, 200, 3)
    assert turned[:30].mean() > 240 and turned[60:].mean() < 10


def test_a_large_photo_is_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(_jpeg(np.zeros((1000, 4000, 3), np.uint8)))
    assert read(path).shape == (640, 2560, 3)


@given(st.integers(3, 60), st.integers(3, 60), st.integers(0, 2**31))
def test_filling_keeps_what_is_known_and_stays_between_its_extremes(
    height: int, width: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    picture = random.random((height, width, 3)).astype(np.float32)
    known = (random.random((height, width)) < 0.4).astype(np.float32)
    known[0, 0] = 1
    filled = fill(picture, known)
    assert np.allclose(filled[known > 0], picture[known > 0], atol=1e-5)
    assert filled.min() >= picture[known > 0].min() - 1e-4
    assert filled.max() <= picture[known > 0].max() + 1e-4


def test_skin_with_what_is_darker_laid_over_it_is_the_picture_again() -> None:
    random = np.random.default_rng(1)
    skin = np.full((40, 40, 3), (0.5, 0.6, 0.8), np.float32)
    picture = (skin * random.uniform(0.2, 0.9, (40, 40, 1))).astype(np.float32)
    whole = np.ones((40, 40), np.float32)
    assert np.allclose(over(skin, darker(picture, skin, whole)), picture, atol=0.02)
    part = darker(picture, skin, whole * 0.5)
    assert np.allclose(over(over(skin, part), part), picture, atol=0.03)
    assert not darker(skin, picture, whole).any()


def test_an_eye_taken_apart_and_laid_together_is_the_eye(astronaut: Astronaut) -> None:
    image = floats(astronaut.found.framed.image)
    for index in (0, 1):
        eye = eye_of(image, astronaut.found.landmarks, index)
        x0, y0, x1, y1 = eye.box
        apart = np.abs(rest(eye) - image[y0:y1, x0:x1])
        assert apart.mean() < 0.012
        x, y = (astronaut.found.landmarks[(468, 473)[index], :2] - (x0, y0)).astype(int)
        closed = eye.skin[y - 8 : y + 9, x - 12 : x + 13]
        assert closed.min() > 0.35, "something of the eye stayed in the skin of its lid"


def test_drawn_teeth_are_symmetric_and_darker_to_the_sides() -> None:
    for upper in (True, False):
        row = drawn_row(120, 32, np.full(3, 0.8, np.float32), upper=upper)
        assert np.allclose(row, row[:, ::-1], atol=0.02)
        assert row[..., :3].max() <= 0.8
        light = row[16, :, :3].mean(1)
        assert light[55:65].mean() > 1.3 * light[12:20].mean()


def test_the_larger_of_two_faces_is_meant_when_it_clearly_is() -> None:
    near, far = (100, 100, 300, 300), (400, 100, 480, 180)
    assert tuple(choose(np.array([far, near], np.float32))) == near
    with pytest.raises(PrepareError, match="several faces"):
        choose(np.array([near, (320, 100, 500, 280)], np.float32))


@pytest.mark.parametrize("degrees", [-25, 0, 14, 25])
def test_a_turned_head_is_measured_by_its_depth(degrees: float) -> None:
    ring = np.linspace(0, np.pi, 478)
    face = np.stack((-np.cos(ring), np.zeros(478), -np.sin(ring)), 1) * 100
    for number, (x, z) in {234: (-90, 40), 454: (90, 40), 33: (-50, 0), 263: (50, 0)}.items():
        face[number] = x, 0, z
    angle = np.radians(degrees)
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    )
    assert yaw_of((face @ turn.T).astype(np.float32)) == pytest.approx(degrees, abs=0.5)


def test_a_curve_through_lid_points_meets_them() -> None:
    points = np.array([(0, 4), (1, 2), (2, 1), (3, 2), (4, 4)], np.float32)
    curve = spline_matrix(5, 41) @ points
    assert np.allclose(curve[::10], points, atol=1e-4)
