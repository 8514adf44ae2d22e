"""Reads a TOML file into a pydantic model; whatever is wrong is reported with file, line and key.

It judges no content: the models do. tomllib keeps no positions, so a second, position-only walk
over the text finds the line of a key once the model has refused it.
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\s#]+(?: [0-9][^,\]}\s#]*)?")  # a date and its time may have one space
_AT_LINE = re.compile(r" ?\(at line (\d+), column \d+\)")


class TomlError(ValueError):
    """A TOML file that cannot be used; the message is `file:line: key: what to do`."""

    def __init__(self, path: Path, line: int, key: str, problem: str) -> None:
        super().__init__(f"{path}:{line}: {key + ': ' if key else ''}{problem}")
        self.path, self.line, self.key, self.problem = path, line, key, problem


def read(path: Path, model: type[Model], *, context: object = None) -> Model:
    """The file at `path` as `model`. Raises TomlError for the first thing that is wrong.

    `context` is handed to the model's validators.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TomlError(path, 1, "", "no such file: create it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TomlError(path, 1, "", f"cannot be read ({error}): save it as UTF-8") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from None
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        raise _schema_error(path, text, error) from None


def line_of(text: str, key: Sequence[str | int]) -> int:
    """The line (from 1) where `key` is set in valid TOML, or where its nearest parent is."""
    lines = _Walk(text).lines
    for end in range(len(key), 0, -1):
        line = lines.get(tuple(key[:end]))
        if line is not None:
            return line
    return 1


def wrong(path: Path, key: Key, problem: str) -> TomlError:
    """The error to raise for a key that only the caller can judge, in a file that was read."""
    return TomlError(path, line_of(path.read_text(encoding="utf-8"), key), _dotted(key), problem)


def _dotted(key: Key) -> str:
    return "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in key).lstrip(".")


def _syntax_error(path: Path, text: str, message: str) -> TomlError:
    found = _AT_LINE.search(message)
    line = int(found[1]) if found else text.count("\n") + 1
    problem = _AT_LINE.sub("", message).replace(" (at end of document)", " before the file ended")
    return TomlError(path, line, "", f"not valid TOML: {problem}")


def _schema_error(path: Path, text: str, error: ValidationError) -> TomlError:
    first = error.errors(include_url=False)[0]
    known = _Walk(text).lines
    key: Key = first["loc"]
    # pydantic adds the name of a union's branch to the location; the file knows no such key
    written = tuple(p for i, p in enumerate(key) if key[: i + 1] in known or i == len(key) - 1)
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        problem = "is missing: add it"
    elif first["type"] == "extra_forbidden":
        problem = "is not a known key: remove it or correct its spelling"
    return TomlError(path, line_of(text, written), _dotted(written), problem)


class _Walk:
    """One pass over valid TOML that notes where each key and each array element begins."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Key, int] = {}
        self._text = text
        self._at = 0
        self._tables: dict[Key, int] = {}  # arrays of tables, and how many elements they have
        parent: Key = ()
        while self._skip(_SPACE):
            parent = self._header() if self._peek("[") else self._pair(parent)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return self._at < len(self._text)

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _note(self, key: Key, at: int) -> None:
        self.lines.setdefault(key, self._text.count("\n", 0, at) + 1)

    def _header(self) -> Key:
        start, repeated = self._at, self._peek("[[")
        self._at += 2 if repeated else 1
        name = self._name()
        self._at += 2 if repeated else 1
        key: Key = ()
        for part in name[:-1]:
            key = self._inside((*key, part))
        key = (*key, name[-1])
        if repeated:
            self._tables[key] = self._tables.get(key, 0) + 1
        self._note(key, start)
        key = self._inside(key)
        self._note(key, start)
        return key

    def _inside(self, key: Key) -> Key:
        """The newest element, where `key` is an array of tables."""
        return (*key, self._tables[key] - 1) if key in self._tables else key

    def _name(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            quoted = _STRING.match(self._text, self._at)
            found = quoted or _BARE_KEY.match(self._text, self._at)
            assert found is not None, "tomllib accepted this text"
            parts.append(found[0][1:-1] if quoted else found[0])
            self._at = found.end()
            self._skip(_BLANK)
            if not self._peek("."):
                return tuple(parts)
            self._at += 1

    def _pair(self, parent: Key) -> Key:
        start = self._at
        key = (*parent, *self._name())
        for end in range(len(parent) + 1, len(key) + 1):
            self._note(key[:end], start)
        self._at += 1  # the equals sign
        self._value(key)
        return parent

    def _value(self, key: Key) -> None:
        self._skip(_SPACE)
        self._note(key, self._at)
        if self._peek("["):
            self._list(key)
        elif self._peek("{"):
            self._table(key)
        elif not self._peek('"') and not self._peek("'"):
            self._skip(_SCALAR)
        else:
            self._skip(_STRING)

    def _list(self, key: Key) -> None:
        self._at += 1
        index = 0
        while self._skip(_SPACE) and not self._peek("]"):
            self._value((*key, index))
            index += 1
            self._skip(_SPACE)
            if self._peek(","):
                self._at += 1
        self._at += 1

    def _table(self, key: Key) -> None:
        self._at += 1
        while self._skip(_SPACE) and not self._peek("}"):
            self._pair(key)
            self._skip(_SPACE)
            if self._peek(","):
                self._at += 1
        self._at += 1
