"""Reads a published checkpoint, unchanged, and believes nothing that it has not compared.

Only tensors are read: a file that wants to run code is refused. Containers, prefixes and old names
are undone, then every name, shape and dtype must be the one that is known (avatar.nets.keys).
"""

import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from avatar import models
from avatar.errors import ModelError
from avatar.models import Store
from avatar.nets import catalogue, keys, mt_vae, whisper

State = dict[str, Tensor]

_SECTIONS: Final = {
    "sadtalker/mapping": "mapping",
    "sadtalker/mapping_full": "mapping",
    "ditto/lmdm": "model_state_dict",
    "joyvasa": "model",
}
_WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "module")
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
    found = _named_as(network, _unwrapped(network, _tensors(path), path), wanted)
    differences = _differences(found, wanted)
    if differences:
        raise ModelError(f"{path} does not fit {network}: {'; '.join(differences)}")
    return {key: found[key] for key in wanted}


def own(network: str) -> State:
    """The tensors of a network in the user's own files. Raises ModelError."""
    return read(network, Store().of_network(network))


def known(model: str) -> str:
    """What tells the user's weights of a model from others: the size and date of each file."""
    store = Store()
    paths = [store.of_network(file.networks[0]) for file in models.model(model).files]
    return " ".join(f"{p.name}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for p in paths)


def _needed(network: str) -> dict[str, keys.Kept]:
    wanted = keys.of(network)
    if network == "musetalk/whisper":  # the decoder is in the file and of no use here
        wanted = {key: kept for key, kept in wanted.items() if key.startswith(whisper.PREFIX)}
    return wanted


def _tensors(path: Path) -> object:
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
        with warnings.catch_warnings():
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
    if network == "musetalk/whisper":
        bare = {k: v for k, v in bare.items() if not k.startswith(("decoder.", "proj_out."))}
    ours = {_bare(key): key for key in wanted}
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
            if shape != kept.shape:
                wrong.append(f"{key} is {shape}, expected {kept.shape}")
            elif dtype != kept.dtype:
                wrong.append(f"{key} is {dtype}, expected {kept.dtype}")
    return [
        *([_counted(missing, "missing", ", ")] if missing else []),
        *([_counted(extra, "unknown", ", ")] if extra else []),
        *([_counted(wrong, "different", "; ")] if wrong else []),
    ]


def _counted(names: list[str], what: str, comma: str) -> str:
    shown = comma.join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} {what}: {shown}{more}"
