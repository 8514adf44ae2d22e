"""Finished pictures of mouth and eyes: which of them a moment is a mixture of."""

import numpy as np
import pytest

from avatar.params import FaceParams, weights
from avatar.portrait.sprites import EYES, MOUTHS, Sprites, eye_shares, feather, mouth_shares, shown


@pytest.mark.parametrize("name", [*MOUTHS, *EYES])
def test_a_face_that_a_picture_shows_is_that_picture(name: str) -> None:
    group, shares = (MOUTHS, mouth_shares) if name in MOUTHS else (EYES, eye_shares)
    wanted = np.zeros(len(group))
    wanted[group.index(name)] = 1
    assert np.abs(shares(shown(name).weights) - wanted).max() < 1e-5


def test_shares_add_up_to_one_for_any_face() -> None:
    draw = np.random.default_rng(8)
    for _ in range(200):
        w = draw.random(len(FaceParams().weights)).astype(np.float32)
        assert mouth_shares(w).sum() == pytest.approx(1, abs=1e-5)
        assert eye_shares(w).sum() == pytest.approx(1, abs=1e-5)
        assert mouth_shares(w).min() >= 0


def test_half_open_is_half_of_each_neighbour() -> None:
    shut, little = (mouth_shares(shown(name).weights) for name in MOUTHS[10:12])
    between = mouth_shares(weights(jawOpen=0.05 / 0.75))
    assert between == pytest.approx((shut + little) / 2, abs=1e-5)


def test_pressed_lips_are_the_shut_ones_however_low_the_jaw() -> None:
    pressed = mouth_shares(weights(jawOpen=0.6, mouthPress=0.7))
    assert pressed == pytest.approx(mouth_shares(weights()), abs=1e-5)


def test_pictures_that_agree_mix_to_the_same_picture() -> None:
    one = np.random.default_rng(1).integers(0, 256, (6, 8, 4), np.uint8)
    sprites, out = Sprites(np.stack([one] * len(EYES))), np.empty_like(one)
    sprites.mix(eye_shares(weights(eyeBlink=0.3, browInnerUp=0.7, eyeLookUp=0.4)), out)
    assert np.array_equal(out, one)


def test_a_patch_fades_into_the_face_at_its_edges() -> None:
    share = feather(60, 80)[..., 0]
    assert share[0].max() == share[:, -1].max() == 0
    assert share[20:40, 20:60].min() == 1
