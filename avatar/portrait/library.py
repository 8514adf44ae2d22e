"""Where the user's own portraits and models lie, and what a portrait may be called.

The only place in avatar/ that reads the environment: VISAVIS_PORTRAITS names the folder of own
packs, VISAVIS_MODELS that of fetched weights, VISAVIS_PREPARE_PYTHON the Python that finds faces in
photos; HF_ENDPOINT and HF_HUB_OFFLINE mean what they do elsewhere. It opens no pack; pack.py does.
An own pack never hides a shipped one: `pack.load` looks at the shipped ones first.
"""

import os
import re
from pathlib import Path
from typing import Final

PORTRAITS_VARIABLE: Final = "VISAVIS_PORTRAITS"
MODELS_VARIABLE: Final = "VISAVIS_MODELS"
ENDPOINT_VARIABLE: Final = "HF_ENDPOINT"
OFFLINE_VARIABLE: Final = "HF_HUB_OFFLINE"
DETECTOR_VARIABLE: Final = "VISAVIS_PREPARE_PYTHON"

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")


def library() -> Path:
    """The folder of the user's own packs, one folder each; it need not exist."""
    return _folder(PORTRAITS_VARIABLE, "portraits")


def models() -> Path:
    """The folder of fetched weights, one folder a model; it need not exist."""
    return _folder(MODELS_VARIABLE, "models")


def _folder(variable: str, name: str) -> Path:
    given = os.environ.get(variable, "").strip()
    if given:
        return Path(given).expanduser()
    data = os.environ.get("XDG_DATA_HOME", "").strip()
    home = Path(data) if data else Path.home() / ".local" / "share"
    return home / "visavis" / name


def hub() -> str | None:
    """Where weights are fetched from; None when that is forbidden."""
    if os.environ.get(OFFLINE_VARIABLE, "").strip().lower() in ("1", "on", "yes", "true"):
        return None
    given = os.environ.get(ENDPOINT_VARIABLE, "").strip()
    return (given or "https://huggingface.co").rstrip("/")


def own_names(folder: Path | None = None) -> tuple[str, ...]:
    """The packs in a library, by default the user's own."""
    folder = folder if folder is not None else library()
    found = (path.parent.name for path in folder.glob("*/pack.json"))
    return tuple(sorted(name for name in found if is_name(name)))


def is_name(text: str) -> bool:
    """Whether a portrait may be called so: 1 to 40 of a-z, 0-9 and -."""
    return _NAME.fullmatch(text) is not None


def detector() -> Path:
    """The Python that has the detector, beside the checkout's own unless another is named."""
    given = os.environ.get(DETECTOR_VARIABLE, "").strip()
    if given:
        return Path(given).expanduser()
    return Path(__file__).resolve().parents[2] / ".venv-prepare" / "bin" / "python"
