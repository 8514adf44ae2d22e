"""Reads a pickle of numbers and numpy arrays, and makes nothing else of it.

Even numpy's own names in the file only make records of what was said; the arrays are then built
here, of plain numbers. A file that names anything else is refused before anything of it runs.
"""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import ModelError

F32 = NDArray[np.float32]

_MOST_BYTES: Final = 1 << 20
_ORDERS: Final = ("<", ">", "|", "=")
_CODES: Final = ("b1", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


class _Said:
    """What the file says of one object: what it is called with, then its state."""

    def __init__(self, *given: object) -> None:
        self.given = given
        self.state: tuple[object, ...] = ()

    def __setstate__(self, state: object) -> None:
        self.state = tuple(state) if isinstance(state, tuple) else ()


class _Type(_Said):
    """numpy.dtype."""


class _Array(_Said):
    """An array, to be filled by its state."""


class _Scalar(_Said):
    """A type and its bytes."""


class _Buffer(_Said):
    """Bytes, type, shape, order."""


_ADMITTED: Final[dict[tuple[str, str], type[_Said]]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    **{
        (f"numpy.{core}.{module}", name): made
        for core in ("core", "_core")
        for module, name, made in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _Scalar),
            ("numeric", "_frombuffer", _Buffer),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Said]:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _ForeignError(f"{module}.{name}") from None


class _ForeignError(Exception):
    """A name that is not admitted."""


def arrays(path: Path) -> dict[str, F32]:
    """The arrays and numbers of a pickled dict by name, in single precision.

    Raises ModelError when it cannot be read, or holds anything else.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.stat().st_size > _MOST_BYTES:
                raise ModelError(f"{path} is too large for a few numbers: get it from its authors")
            found = _Reader(file).load()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except _ForeignError as error:
        raise ModelError(
            f"{path} holds code ({error}), not only arrays, and was not run: "
            "get it from its authors"
        ) from error
    except ModelError:
        raise
    except Exception as error:  # a broken pickle raises anything
        raise ModelError(f"{path} is damaged or no pickle: fetch it again") from error
    if not isinstance(found, Mapping):
        raise ModelError(f"{path} holds no arrays by name")
    try:
        return {str(name): _plain(value).astype(np.float32) for name, value in found.items()}
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path} holds more than numbers and arrays of them") from error


def _plain(said: object) -> NDArray[np.generic]:
    """What was said as an array of numbers. Raises ValueError or TypeError if it is none."""
    if isinstance(said, (int, float)):
        return np.asarray(said)
    if isinstance(said, _Array) and len(said.state) == 5:
        _, shape, kind, by_columns, data = said.state
        return _built(data, kind, shape, "F" if by_columns else "C")
    if isinstance(said, _Scalar):
        kind, data = said.given
        return _built(data, kind, (), "C")
    if isinstance(said, _Buffer):
        data, kind, shape, order = said.given
        return _built(data, kind, shape, order)
    raise TypeError(type(said).__name__)


def _built(data: object, kind: object, shape: object, order: object) -> NDArray[np.generic]:
    if not isinstance(data, (bytes, bytearray)) or not isinstance(kind, _Type):
        raise TypeError("no bytes of a type")
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise TypeError("no shape")
    code = kind.given[0] if kind.given else None
    byte_order = kind.state[1] if len(kind.state) > 1 else "="
    if code not in _CODES or byte_order not in _ORDERS:
        raise ValueError(f"arrays of {code}")
    flat = np.frombuffer(data, np.dtype(f"{byte_order}{code}"))
    return flat.reshape(shape, order="F" if order == "F" else "C")
