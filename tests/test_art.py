"""The shipped faces are baked from the drawing code beside them, and their mouths hold up."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.params import FaceParams, weights
from avatar.portrait.art.source import digest
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import load, names
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module", params=names())
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(load(request.param), size=(512, 512))


def luma(engine: Engine, params: FaceParams) -> Bytes:
    out = np.empty(512 * 768, np.uint8)
    with limit_threads():
        engine.draw(params, out)
    return out[: 512 * 512].reshape(512, 512)


def behind_the_upper_lip(engine: Engine, viseme: str) -> float:
    """The brightest spot a little below the middle of the upper lip."""
    params = FaceParams(SHAPES[VISEMES.index(viseme)])
    lips = engine.lips(params)
    x, y = (round(float(v)) for v in lips.upper[:, 5])
    return float(luma(engine, params)[y + 3 : y + 8, x - 8 : x + 8].max())


@pytest.mark.parametrize("name", names())
def test_a_pack_names_the_drawing_it_was_baked_from(name: str) -> None:
    """Fails after a change of a drawing: run python -m avatar bake NAME --out its folder."""
    manifest = json.loads((load(name).path / "pack.json").read_text("utf-8"))
    assert manifest["source"] == digest()


def test_teeth_show_in_a_spread_vowel_and_hide_in_a_rounded_one(engine: Engine) -> None:
    assert behind_the_upper_lip(engine, "E") > 1.6 * behind_the_upper_lip(engine, "oh")


def test_a_tongue_that_is_put_out_lies_on_the_lower_lip(engine: Engine) -> None:
    params = FaceParams(weights(tongueOut=1.0))
    rest = luma(engine, FaceParams()).astype(int)
    changed = np.abs(luma(engine, params).astype(int) - rest) > 4
    rows, columns = np.nonzero(changed)
    mouth = {key: value / 2 for key, value in engine.pack.mouth.items()}
    lips = engine.lips(params).lower
    assert rows.min() > lips[1].min() - 0.05 * mouth["width"]
    assert rows.max() > lips[1].max() + 0.15 * mouth["width"]
    assert np.abs(columns - mouth["x"]).max() < 0.3 * mouth["width"]
