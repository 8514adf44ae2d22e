"""Reads a published checkpoint, unchanged, and believes nothing that it has not compared.

Only tensors are read: a file that wants to run code is refused. Containers, prefixes and old names
are undone, then every name, shape and dtype must be the one that is known (avatar.nets.keys). What
else a file may hold is known by name too (_BESIDE) and left out; anything more is refused.
"""

import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from avatar import models
from avatar.errors import ModelError
from avatar.models import Store
from avatar.nets import catalogue, hubert, joyvasa, keys, mt_vae, whisper
from avatar.neural import pickled

State = dict[str, Tensor]

_SECTIONS: Final = {
    "sadtalker/mapping": "mapping",
    "sadtalker/mapping_full": "mapping",
    "ditto/lmdm": "model_state_dict",
    "joyvasa": "model",
}
_WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "module")
_TEMPLATE: Final = "joyvasa/template"
_BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "musetalk/whisper": ("decoder.", "proj_out."),
    "joyvasa": (*joyvasa.AROUND, *(f"{joyvasa.PREFIX}{name}" for name in joyvasa.TABLES)),
    "joyvasa/around": (joyvasa.PREFIX, *joyvasa.AROUND),
    _TEMPLATE: ("abs_max_", "mean_", "std_", "max_", "min_"),
}
"""How the names begin of what is in a network's file beside it, and of no use to it."""
_FREE: Final = {"cond_projection.weight": 1, "diffusion_sched.alpha_bars": 0}
"""The axis of a tensor that may have any size: the file decides."""
_ASIDE: Final = ("argparse.Namespace", "pathlib.PosixPath", "pathlib._local.PosixPath")
"""What JoyVASA's file says of its training: read as nothing."""
_NAMED: Final = 3
"""Differences of a kind that a message names; the others are counted."""


def load(network: str, path: Path) -> nn.Module:
    """The network with the weights of a published file. Raises ModelError if it is another file."""
    return catalogue.load(network, read(network, path))


def read(network: str, path: Path) -> State:
    """The tensors of one network in a published file, named as avatar.nets.keys names them.

    Raises ModelError when the file cannot be read, holds more than tensors, or does not fit.
    """
    wanted = _needed(network)
    held = _pickled(path) if network == _TEMPLATE else _tensors(path, _aside(network))
    found = _named_as(network, _unwrapped(network, held, path), wanted)
    differences = _differences(found, wanted)
    if differences:
        raise ModelError(f"{path} does not fit {network}: {'; '.join(differences)}")
    if network == "joyvasa" and _encoder_inside(path):
        read("hubert/base", path)
    return {key: found[key] for key in wanted}


def own(network: str) -> State:
    """The tensors of a network in the user's own files. Raises ModelError.

    An encoder inside JoyVASA's file was trained with it, and counts instead of the published one.
    """
    store = Store()
    if network == "hubert/base":
        path = store.of_network("joyvasa")
        if _encoder_inside(path):
            return read(network, path)
    return read(network, store.of_network(network))


def _encoder_inside(path: Path) -> bool:
    held = _unwrapped("joyvasa", _tensors(path, _ASIDE), path)
    return any(_bare(key).startswith(hubert.INSIDE) for key in held)


def known(model: str) -> str:
    """What tells the user's weights of a model from others: the size and date of each file."""
    store = Store()
    paths = [store.of_network(file.networks[0]) for file in models.model(model).files]
    return " ".join(f"{p.name}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for p in paths)


def _needed(network: str) -> dict[str, keys.Kept]:
    wanted = keys.of(network)
    if network == "musetalk/whisper":  # the decoder is in the file and of no use here
        wanted = {key: kept for key, kept in wanted.items() if key.startswith(whisper.PREFIX)}
    if network == "joyvasa":
        wanted = {key: kept for key, kept in wanted.items() if not key.endswith(joyvasa.TABLES)}
    return wanted


def _pickled(path: Path) -> State:
    return {key: torch.from_numpy(value) for key, value in pickled.arrays(path).items()}


class _Nothing:
    """Stands for what a file holds beside tensors, and keeps nothing of it."""

    def __init__(self, *given: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _aside(network: str) -> Sequence[str]:
    return _ASIDE if network.startswith(("joyvasa", "hubert/base")) else ()


def _tensors(path: Path, aside: Sequence[str] = ()) -> object:
    """aside: names of classes that the file may hold, of which nothing is kept."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if len(start) == 9 and start[8:] == b"{":
        return _safetensors(path)
    zipped = start.startswith(b"PK")
    if zipped and not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is cut short: fetch it again")
    if start.lstrip().startswith((b"<", b"version ")):
        raise ModelError(f"{path} is a web page or a pointer, not a checkpoint: fetch it again")
    try:
        known = [(_Nothing, name) for name in aside]
        with warnings.catch_warnings(), torch.serialization.safe_globals(known):
            warnings.simplefilter("ignore")  # of an unusual pickle: what cannot be read is refused
            found: object = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            raise ModelError(
                f"{path} holds code, not only tensors, and was not run: get it from its authors"
            ) from error
        raise ModelError(f"{path} is damaged or no checkpoint: fetch it again") from error
    except (EOFError, RuntimeError, ValueError, KeyError, OSError) as error:
        raise ModelError(f"{path} is damaged or cut short: fetch it again") from error
    return found


def _safetensors(path: Path) -> State:
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        try:
            header = json.loads(file.read(length)) if length <= size - 8 else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise ModelError(f"{path} is cut short: fetch it again")
    try:
        found: State = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is damaged or cut short: fetch it again") from error
    return found


def _unwrapped(network: str, found: object, path: Path) -> State:
    section = network.rsplit("/", 1)[-1] if "/stitching_retargeting/" in network else ""
    wanted = [part for part in (section, _SECTIONS.get(network, ""), *_WRAPPERS) if part]
    for _ in range(3):  # a wrapper in a wrapper is the deepest that is published
        if not isinstance(found, Mapping):
            break
        inner = next((part for part in wanted if isinstance(found.get(part), Mapping)), None)
        if inner is None:
            break
        found = found[inner]
    if not isinstance(found, Mapping) or not found:
        raise ModelError(f"{path} holds no tensors by name")
    odd = [str(key) for key, value in found.items() if not isinstance(value, Tensor)]
    if odd:
        raise ModelError(f"{path} holds {', '.join(odd[:_NAMED])} where tensors were expected")
    return {str(key): value for key, value in found.items()}


def _named_as(network: str, found: State, wanted: Mapping[str, keys.Kept]) -> State:
    """The tensors by the names that we know; those of other networks in the same file left out."""
    if network.endswith("/vae"):
        found = mt_vae.official(found)
    bare = {_bare(key): value for key, value in found.items()}
    beside = _BESIDE.get(network, ())
    if "hubert" in network:
        bare, beside = hubert.named(bare), hubert.BESIDE
    ours = {_bare(key): key for key in wanted}
    bare = {k: v for k, v in bare.items() if k in ours or not k.startswith(beside)}
    families = {key.split(".", 1)[0] for key in ours}
    if network.startswith("sadtalker/") and len(families) == 1:
        bare = {k: v for k, v in bare.items() if k.split(".", 1)[0] in families}
    return {ours.get(key, key): value for key, value in bare.items()}


def _bare(key: str) -> str:
    for prefix in ("module.", "model."):
        key = key.removeprefix(prefix)
    return key


def _differences(found: State, wanted: Mapping[str, keys.Kept]) -> list[str]:
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted]
    wrong = []
    for key, kept in wanted.items():
        if key in found:
            shape, dtype = tuple(found[key].shape), str(found[key].dtype).removeprefix("torch.")
            if not _fits(key, shape, kept.shape):
                wrong.append(f"{key} is {shape}, expected {kept.shape}")
            elif dtype != kept.dtype:
                wrong.append(f"{key} is {dtype}, expected {kept.dtype}")
    return [
        *([_counted(missing, "missing", ", ")] if missing else []),
        *([_counted(extra, "unknown", ", ")] if extra else []),
        *([_counted(wrong, "different", "; ")] if wrong else []),
    ]


def _fits(key: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    free = _FREE.get(key)
    if free is None or len(shape) != len(wanted):
        return shape == wanted
    return all(n == m for i, (n, m) in enumerate(zip(shape, wanted, strict=True)) if i != free)


def _counted(names: list[str], what: str, comma: str) -> str:
    shown = comma.join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} {what}: {shown}{more}"
