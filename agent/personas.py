"""Who the avatar is: name, portrait, voice, prompt, script, tools and turn policy.

A persona is a folder with `persona.toml`, or one `NAME.toml`; it is checked whole when loaded, so a
call never meets a broken one. A plain string is only ever the name of a listed persona: names come
from the network too, and must not reach the file system. A place of one's own is given as a Path.
"""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent import config, toml_lines
from agent import script as scripts
from agent.script import Script
from agent.toml_lines import TomlError
from agent.turns.barge import BRIEF_RESUME_S, Interrupt, Policy
from avatar import renderers
from avatar.frames import Mood

SHIPPED = Path(__file__).parent / "personas"


class PersonaError(ValueError):
    """A persona that cannot be used. The message says which file, line and key, and what to do."""


class PersonaNotFound(PersonaError):
    """No persona of this name is listed."""

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
    """None: the plugin's, or the voice's, own default."""

    voice_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{20}$")
    stability: float | None = Field(default=None, ge=0, le=1)
    similarity: float | None = Field(default=None, ge=0, le=1)
    style: float | None = Field(default=None, ge=0, le=1)
    speed: float | None = Field(default=None, ge=0.7, le=1.2)


class OpenAI(_Frozen):
    """`instructions`: how to speak, in words ("warm, a little amused"); old models ignore it."""

    voice: str = "coral"
    instructions: str | None = None
    speed: float | None = Field(default=None, ge=0.25, le=4.0)


class Sound(_Frozen):
    """The same person, as near as each synthesiser comes."""

    espeak: Espeak = Espeak()
    elevenlabs: ElevenLabs = ElevenLabs()
    openai: OpenAI = OpenAI()


class Voices(Sound):
    """How a persona sounds; `moods`: what is different in a mood, and nothing else."""

    moods: dict[Mood, Sound] = {}

    def of(self, mood: Mood) -> "Voices":
        """As it sounds in a mood."""
        changed = self.moods.get(mood, Sound())
        parts = {
            name: getattr(self, name).model_copy(
                update=getattr(changed, name).model_dump(exclude_unset=True)
            )
            for name in changed.model_fields_set
        }
        return self.model_copy(update=parts)


class Turns(_Frozen):
    """Who may interrupt, and how; see docs/turns.md.

    An interruption must hold `min_words`; 0: any voice silences us until words decide.
    `resume_after_s`: without words, so long after a voice has ended we go on.
    """

    interrupt: Interrupt = "natural"
    min_words: int = Field(default=0, ge=0, le=10)
    resume_after_s: float = Field(default=0.6, ge=0.2, le=5.0)

    def policy(self) -> Policy:
        """The bounds of every decision."""
        return Policy(
            interrupt=self.interrupt,
            min_words=self.min_words,
            resume_s=self.resume_after_s,
            brief_resume_s=min(self.resume_after_s, BRIEF_RESUME_S),
        )


class Mcp(_Frozen):
    """A server of tools (Model Context Protocol): started by `command`, or reached at `url`.

    token_env: the name of the environment variable that holds the bearer token for `url`.
    tools: those that are offered, by their names; all if left out.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    command: tuple[str, ...] = ()
    url: str | None = Field(default=None, pattern=r"^https?://")
    token_env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    tools: tuple[str, ...] | None = None
    timeout_s: float = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("needs either command or url: give one of them")
        return self


TOOLS = ("time", "date", "rate")
"""What every persona can do without a file of its own: the clock, the calendar, its own speed."""


def _tool(name: str) -> str:
    if name not in TOOLS and re.fullmatch(r"[A-Za-z0-9_]+\.py", name) is None:
        known = ", ".join(TOOLS)
        raise ValueError(f"no tool {name!r}: name one of {known}, or a .py file beside this one")
    return name


def _renderer(name: str) -> str:
    if name not in renderers.NAMES:
        raise ValueError(f"no renderer {name!r}: choose one of {', '.join(renderers.NAMES)}")
    return name


def _folder(name: str) -> str:
    if not name.strip() or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name!r} is no folder in the persona's own: name one beside this file")
    return name


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
    renderer: Annotated[str, AfterValidator(_renderer)] = "cpu"
    greeting: Text
    greeting_offer: str | None = None
    """The topic of the script that a "yes" to the greeting leads to."""
    disclosure: Text = "You are talking to an AI"
    moods: tuple[Mood, ...] = tuple(Mood)
    prompt: Text | None = None
    """For a language model. None: the script speaks, also where there is a model."""
    voice: Voices = Voices()
    turns: Turns = Turns()
    tools: tuple[Annotated[str, AfterValidator(_tool)], ...] = TOOLS
    hand_over: tuple[str, ...] = ()
    """The personas to whom this one may give the call."""
    knowledge: Annotated[str, AfterValidator(_folder)] | None = None
    """A folder of .md and .txt files to look things up in."""
    mcp: tuple[Mcp, ...] = ()


class Persona(_PersonaFile):
    """A persona that is ready to use; `id` is the name of its folder or file.

    `greeting` may hold mood tags. `prompt` is for a real model, `script` for the offline guide; a
    persona without a script of its own has the shared commands. `path` is its folder or its file.
    """

    id: str
    path: Path
    script: Script

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.path if self.path.is_dir() else self.path.parent


def names() -> list[str]:
    """The shipped personas and, if VISAVIS_PERSONAS names a folder, those in it; sorted."""
    return sorted(_places())


def from_setting(value: str) -> Persona:
    """What a setting names: a listed persona, or (with a slash in it) a place of one's own."""
    return load(Path(value).expanduser() if "/" in value else value)


def load(name_or_path: str | Path) -> Persona:
    """The listed persona of this name (str), or the one in this folder or file (Path).

    Raises PersonaNotFound for an unknown name, PersonaError for files that cannot be used. Reads
    the files anew at every call, so that an edit counts.
    """
    if isinstance(name_or_path, Path):
        place = name_or_path
    else:
        found = _places().get(name_or_path)
        if found is None:
            raise PersonaNotFound(name_or_path)
        place = found
    main = place if place.suffix == ".toml" else place / "persona.toml"
    try:
        file = toml_lines.read(main, _PersonaFile)
        beside = main.with_name("script.toml") if main.name == "persona.toml" else None
        script = _script(main, beside, file)
        _check(main, file, script)
    except TomlError as error:
        raise PersonaError(str(error)) from error
    fields = {field: getattr(file, field) for field in _PersonaFile.model_fields}
    return Persona(id=place.resolve().stem, path=place, script=script, **fields)


def _places() -> dict[str, Path]:
    """Every listed persona; one of somebody's own never hides a shipped one."""
    own = config.personas_folder()
    places: dict[str, Path] = {}
    for folder in (own, SHIPPED):
        if folder is None:
            continue
        found = [path.parent for path in folder.glob("*/persona.toml")]
        if folder is not SHIPPED:
            found += [path for path in folder.glob("*.toml") if path.is_file()]
        places |= {path.stem: path for path in found if _NAME.fullmatch(path.stem)}
    return places


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def _script(main: Path, beside: Path | None, file: _PersonaFile) -> Script:
    """The script of its own, or the shared commands where a prompt does without."""
    if beside is not None and beside.is_file():
        return scripts.load(beside)
    if file.prompt is None:
        place = "script.toml beside it" if beside is not None else "a folder with a script.toml"
        raise toml_lines.wrong(main, ("prompt",), f"is missing: add a prompt, or {place}")
    return toml_lines.read(scripts.COMMANDS, Script)


def _check(main: Path, file: _PersonaFile, script: Script) -> None:
    """What the file cannot know of itself."""
    offer = file.greeting_offer
    if offer is not None and script.get(offer) is None:
        problem = f"{offer!r} is the id of no topic in script.toml"
        raise toml_lines.wrong(main, ("greeting_offer",), problem)
    for number, name in enumerate(file.hand_over):
        if name not in names():
            problem = f"no persona {name!r}: choose one of {', '.join(names())}"
            raise toml_lines.wrong(main, ("hand_over", number), problem)
    for count, topic in enumerate(script.topic):
        for part, index, line in topic.lines():
            if line.to is not None and line.to not in file.hand_over:
                problem = f"gives the call to {line.to!r}, who is not in hand_over of {main.name}"
                key = ("topic", count, part, index)
                raise toml_lines.wrong(main.with_name("script.toml"), key, problem)
    for number, name in enumerate(file.tools):
        if name not in TOOLS and not main.with_name(name).is_file():
            problem = f"no such file: create {name} beside {main.name}"
            raise toml_lines.wrong(main, ("tools", number), problem)
    if file.knowledge is not None and not (main.parent / file.knowledge).is_dir():
        problem = f"no such folder: create {file.knowledge} with .md or .txt files in it"
        raise toml_lines.wrong(main, ("knowledge",), problem)
