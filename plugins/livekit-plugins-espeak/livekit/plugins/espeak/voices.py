"""Which espeak-ng there is, and which voices it has, read from its data folder.

Nothing is loaded here: the library itself lives in the child process. A voice can be named by its
language tag (`en-us`), its name (`English (America)`) or its file (`gmw/en-US`), each with an
optional variant after a plus (`en-us+f3`); espeak-ng takes any case.
"""

import ctypes.util
import difflib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SYSTEM_DATA = (
    "/usr/share/espeak-ng-data",
    "/usr/lib/espeak-ng-data",
    "/usr/lib/x86_64-linux-gnu/espeak-ng-data",
    "/usr/lib/aarch64-linux-gnu/espeak-ng-data",
    "/usr/local/share/espeak-ng-data",
    "/opt/homebrew/share/espeak-ng-data",
)


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of espeak-ng. TTS(voice=...) takes its name, its file, and any of its languages."""

    name: str
    languages: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class Installation:
    """Where espeak-ng is. `data` is None when only the library knows its place."""

    library: str
    data: Path | None


@lru_cache(maxsize=1)
def find_installation() -> Installation:
    """The library of the espeakng-loader wheel, else the system's. Raises FileNotFoundError."""
    if importlib.util.find_spec("espeakng_loader") is not None:
        import espeakng_loader

        library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        if Path(library).exists():
            return Installation(library, Path(data))
    system = ctypes.util.find_library("espeak-ng")
    if system is None:
        raise FileNotFoundError(
            "no espeak-ng: pip install espeakng-loader, or install the system's libespeak-ng1"
        )
    known = (Path(place) for place in SYSTEM_DATA)
    return Installation(system, next((place for place in known if place.is_dir()), None))


@lru_cache(maxsize=4)
def read_voices(data: Path) -> tuple[Voice, ...]:
    """The voices in a data folder, by language. About 10 ms the first time, then remembered."""
    found: list[Voice] = []
    for file in sorted((data / "lang").rglob("*")):
        if file.is_file():
            voice = _read_voice(file, file.relative_to(data / "lang").as_posix())
            if voice is not None:
                found.append(voice)
    return tuple(sorted(found, key=lambda voice: (voice.languages, voice.file)))


def _read_voice(file: Path, name_in_data: str) -> Voice | None:
    name = ""
    languages: list[str] = []
    for line in file.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        if key == "name":
            name = value.split("//")[0].strip()  # a comment
        elif key == "language":
            languages.append(value.split()[0])
    if not name or not languages:
        return None
    return Voice(name, tuple(languages), name_in_data)


@lru_cache(maxsize=4)
def read_variants(data: Path) -> frozenset[str]:
    """Names that may follow the plus in a voice, in lower case."""
    folder = data / "voices" / "!v"
    return frozenset(file.name.lower() for file in folder.glob("*"))


def check_voice(voice: str, data: Path | None) -> None:
    """Raises ValueError with near matches when a data folder is known and has no such voice."""
    if not voice or not voice.isprintable():
        raise ValueError(f"voice must be a name such as 'en-us', not {voice!r}")
    if data is None:
        return
    base, plus, variant = voice.partition("+")
    names: dict[str, str] = {}
    for known in read_voices(data):
        for name in (*known.languages, known.name, known.file):
            names.setdefault(name.lower(), name)
    if base.lower() not in names:
        raise ValueError(f"espeak-ng has no voice {base!r}{_near(base, names)}")
    if plus and variant.lower() not in read_variants(data):
        variants = {name: name for name in read_variants(data)}
        raise ValueError(f"espeak-ng has no variant {variant!r}{_near(variant, variants)}")


def _near(asked: str, names: dict[str, str]) -> str:
    prefix = asked.lower().split("-")[0].split("_")[0]
    close = difflib.get_close_matches(asked.lower().replace("_", "-"), names, n=3, cutoff=0.5)
    close += sorted(n for n in names if len(n) < 8 and n.split("-")[0] == prefix and n not in close)
    if not close:
        return ": see TTS.list_voices()"
    return ": did you mean " + ", ".join(repr(names[name]) for name in close[:5]) + "?"
