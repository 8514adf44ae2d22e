"""Who the avatar is: name, portrait, voice, prompt, script and turn policy, one folder each.

A persona is `persona.toml` and `script.toml`; both are checked whole when loaded, so a call never
meets a broken one. A plain string is only ever a shipped persona's name: names come from the
network too, and must not reach the file system. A folder of one's own is given as a Path.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent import script as scripts
from agent import toml_lines
from agent.script import Script
from agent.toml_lines import TomlError
from avatar.frames import Mood

SHIPPED = Path(__file__).parent / "personas"


class PersonaError(ValueError):
    """A persona that cannot be used. The message says which file, line and key, and what to do."""


class PersonaNotFound(PersonaError):
    """No persona of this name is shipped."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no persona {name!r}: choose one of {', '.join(names())}")
        self.name = name


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Espeak(_Frozen):
    """The offline voice; `rate` is words a minute, `pitch` 0 to 99."""

    voice: str = "en-us"
    rate: int = Field(default=165, ge=80, le=450)
    pitch: int = Field(default=50, ge=0, le=99)


class ElevenLabs(_Frozen):
    """None: the plugin's own default voice."""

    voice_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{20}$")


class OpenAI(_Frozen):
    voice: str = "coral"


class Voices(_Frozen):
    """The same person, as near as each synthesiser comes."""

    espeak: Espeak = Espeak()
    elevenlabs: ElevenLabs = ElevenLabs()
    openai: OpenAI = OpenAI()


class Turns(_Frozen):
    """When others may speak. An interruption must hold `min_words`; 0: any voice will do."""

    interruptible: bool = True
    min_words: int = Field(default=0, ge=0, le=10)
    push_to_talk: bool = False


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: write a sentence")
    return text.strip()


Text = Annotated[str, AfterValidator(_not_blank)]


class _PersonaFile(_Frozen):
    """What persona.toml holds."""

    name: Text
    role: Text
    tagline: Text
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    portrait: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    greeting: Text
    greeting_offer: str | None = None
    """The topic of the script that a "yes" to the greeting leads to."""
    disclosure: Text = "You are talking to an AI"
    moods: tuple[Mood, ...] = tuple(Mood)
    prompt: Text
    voice: Voices = Voices()
    turns: Turns = Turns()


class Persona(_PersonaFile):
    """A persona that is ready to use; `id` is its folder's name.

    `greeting` may hold mood tags. `prompt` is for a real model, `script` for the offline guide.
    """

    id: str
    path: Path
    script: Script


def names() -> list[str]:
    """The shipped personas, sorted."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/persona.toml"))


def from_setting(value: str) -> Persona:
    """What a setting names: a shipped persona, or a folder (with a slash in it) of one's own."""
    return load(Path(value).expanduser() if "/" in value else value)


def load(name_or_path: str | Path) -> Persona:
    """The shipped persona of this name (str), or the one in this folder (Path).

    Raises PersonaNotFound for an unknown name, PersonaError for files that cannot be used. Reads
    the files anew at every call, so that an edit counts from the next call on.
    """
    if isinstance(name_or_path, Path):
        folder = name_or_path
    elif name_or_path in names():
        folder = SHIPPED / name_or_path
    else:
        raise PersonaNotFound(name_or_path)
    try:
        file = toml_lines.read(folder / "persona.toml", _PersonaFile)
        script = scripts.load(folder / "script.toml")
        if file.greeting_offer is not None and script.get(file.greeting_offer) is None:
            raise toml_lines.wrong(
                folder / "persona.toml",
                ("greeting_offer",),
                f"{file.greeting_offer!r} is the id of no topic in script.toml",
            )
    except TomlError as error:
        raise PersonaError(str(error)) from error
    fields = {field: getattr(file, field) for field in _PersonaFile.model_fields}
    return Persona(id=folder.resolve().name, path=folder, script=script, **fields)
