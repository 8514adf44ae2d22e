"""The shipped packs come from the source that ships with them."""

import numpy as np
import pytest

from avatar.portrait.art.shapes import ShapeTable
from avatar.portrait.pack import load, names
from avatar.portrait.rig import at


@pytest.mark.parametrize("name", names())
def test_the_shapes_of_a_pack_are_those_of_the_table(name: str) -> None:
    pack = load(name)
    points = pack.geometry["controls"].astype(float)
    (_, ear), (_, chin) = points[at((454, 152))]
    table = ShapeTable(points, width=pack.mouth["width"], ear=float(ear), chin=float(chin))
    assert np.allclose(table.build(), pack.geometry["shapes"], atol=1e-3)


@pytest.mark.parametrize("name", names())
def test_lips_of_a_pack_touch_at_rest(name: str) -> None:
    points = load(name).geometry["controls"]
    upper, lower = (
        at((191, 80, 81, 82, 13, 312, 311, 310, 415)),
        at((95, 88, 178, 87, 14, 317, 402, 318, 324)),
    )
    assert np.array_equal(points[upper], points[lower])
