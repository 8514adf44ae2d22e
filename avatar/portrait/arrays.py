"""Reads the arrays of a pack without trusting them: an .npz with exactly the expected arrays.

No pickle, ever: the header of each array is matched as text, so nothing in it is evaluated, and
what claims another shape is refused before anything is allocated for it.
"""

import io
import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError
from avatar.portrait.archive import Zipped

Shapes = Mapping[str, tuple[tuple[int, ...], str]]
Ranges = Mapping[str, tuple[float, float]]

_HEADER: Final = re.compile(
    rb"\{'descr': ([^{}]{1,80}), 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]{0,80})\), \} *\n"
)


def read_arrays(
    data: bytes, name: str, expected: Shapes, ranges: Ranges
) -> dict[str, NDArray[np.float32]]:
    """The arrays of an .npz as read-only float32; each must have the expected shape and dtype.

    Raises PortraitError for anything else, for what is not finite and for what is out of range.
    """
    with Zipped(io.BytesIO(data), f"portrait part {name!r}") as archive:
        arrays = {
            key: _array(archive.read(f"{key}.npy"), *expected[key], f"{key!r} in {name}")
            for key in expected
        }
    for key, array in arrays.items():
        low, high = ranges[key]
        # a comparison with what is not a number is false
        if not (array.min() >= low and array.max() <= high):
            raise PortraitError(
                f"portrait array {key!r} in {name} holds values that are not numbers "
                f"from {low:g} to {high:g}"
            )
    return arrays


def _array(data: bytes, shape: tuple[int, ...], dtype: str, label: str) -> NDArray[np.float32]:
    length = int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10 : 10 + length])
    if data[:8] != b"\x93NUMPY\x01\x00" or header is None:
        raise PortraitError(f"portrait array {label} is not an .npy file of version 1")
    kind, fortran, sides = (part.decode("ascii", "replace") for part in header.groups())
    found = tuple(int(side) for side in sides.split(",") if side.strip().isdecimal())
    if (kind, found, fortran) != (repr(dtype), shape, "False"):
        raise PortraitError(f"portrait array {label} is {kind} {found}, {dtype} {shape} is needed")
    count = int(np.prod(shape))
    if len(data) != 10 + length + count * np.dtype(dtype).itemsize:
        raise PortraitError(f"portrait array {label} is cut off or too long")
    array = np.frombuffer(data, dtype, count, 10 + length).reshape(shape).astype(np.float32)
    array.flags.writeable = False
    return array
