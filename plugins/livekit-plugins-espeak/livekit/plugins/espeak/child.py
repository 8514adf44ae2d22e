"""The program that holds espeak-ng: requests come in on stdin, speech and timings go out on stdout.

It runs in a process of its own, because the library's state is global, one utterance at a time, and
because a crash in it must not take the agent along. It refuses to interpret text: mark-up modes of
the library are never switched on. It is started by the path of this file, without the package, so
it may import nothing but the standard library (importing livekit.agents takes over a second).

A message is a frame: two big-endian uint32 (length of the header, length of the body), a JSON
header, a body. Requests: `{"id", "op": "speak", "voice", "rate", "pitch", "volume"}` with UTF-8
text as body; `{"id", "op": "voices"}`; `{"id", "op": "cancel"}` with the id of what to drop.
Replies carry the id of their request; the first message of all has the id 0 and says who answers.
"""

import argparse
import ctypes
import json
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

PREFIX = struct.Struct(">II")
MAX_HEADER = 4 << 20
MAX_BODY = 64 << 20
"""Longer than any message: a length above it means that the two ends lost each other."""

MAX_PENDING = 64
"""Requests in the pipe; whoever sends more than this blocks the pipe, its cancels included."""

MAX_SPEECH_S = 120
"""Sound of one request; the rest is cut. A clause of numbers reads out longer than it looks."""

Json = dict[str, object]


def pack(header: Json, body: bytes = b"") -> bytes:
    """One frame, ready to be written."""
    text = json.dumps(header, ensure_ascii=False).encode()
    return PREFIX.pack(len(text), len(body)) + text + body


def lengths(prefix: bytes) -> tuple[int, int]:
    """Length of header and body announced by a frame's first bytes. Raises ValueError if absurd."""
    header, body = PREFIX.unpack(prefix)
    if header > MAX_HEADER or body > MAX_BODY:
        raise ValueError(f"a frame of {header}+{body} bytes: the two ends have lost each other")
    return header, body


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # bytes of (priority, tag, NUL), then a NUL
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)

# from espeak-ng/speak_lib.h
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_END_OF_EVENTS, _WORD, _PHONEME = 0, 1, 7
_RATE, _VOLUME, _PITCH = 1, 2, 3
_CHARS_UTF8 = 1  # without SSML (0x10) and PHONEMES (0x100): text stays text
# a control character begins a command of the library, whatever its flags say
_WITHOUT_CONTROLS = bytes(c if c >= 32 or c in b"\t\n" else 32 for c in range(256))


@dataclass
class Speech:
    """What the library said. Positions: characters of the text from 0; places: samples from 0."""

    pcm: bytearray = field(default_factory=bytearray)
    words: list[tuple[int, int]] = field(default_factory=list)
    phones: list[tuple[str, int]] = field(default_factory=list)
    stopped: bool = False


class Library:
    """espeak-ng by ctypes. Raises OSError when it cannot be loaded or has no data."""

    def __init__(self, path: str, data: str | None) -> None:
        self._lib = ctypes.CDLL(path)
        self._lib.espeak_Info.restype = ctypes.c_char_p
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        where = data.encode() if data else None
        self.sample_rate: int = self._lib.espeak_Initialize(_SYNCHRONOUS, 200, where, options)
        if self.sample_rate <= 0:
            raise OSError(f"{path} found no voice data (looked in {data or 'its own place'})")
        self._callback = _Callback(self._on_sound)  # kept: the library has only the pointer
        self._lib.espeak_SetSynthCallback(self._callback)
        self._speech = Speech()
        self._stop: Callable[[], bool] = lambda: False
        self._voice = ""

    @property
    def version(self) -> str:
        return str(self._lib.espeak_Info(None).decode())

    def voices(self) -> list[tuple[str, list[tuple[int, str]], str]]:
        """(name, (priority, language)s, file) of every voice; variants are not among them."""
        found = []
        listed = self._lib.espeak_ListVoices(None)
        index = 0
        while listed[index]:
            voice = listed[index].contents
            found.append((voice.name.decode(), _tags(voice.languages), voice.identifier.decode()))
            index += 1
        return found

    def speak(
        self,
        text: bytes,
        *,
        voice: str,
        rate: int,
        pitch: int,
        volume: int,
        stop: Callable[[], bool],
    ) -> Speech:
        """Say `text` (UTF-8), asking `stop` after every 200 ms of sound. Raises LookupError."""
        if voice != self._voice:
            self._voice = ""
            self._set_voice(voice)
            self._voice = voice
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_VOLUME, volume)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._speech, self._stop = Speech(), stop
        terminated = text.translate(_WITHOUT_CONTROLS) + b"\0"
        self._lib.espeak_Synth(
            terminated, ctypes.c_size_t(len(terminated)), 0, 1, 0, _CHARS_UTF8, None, None
        )
        return self._speech

    def _set_voice(self, voice: str) -> None:
        """By name or file, as the library does; and by any language, which it does not."""
        base, plus, variant = voice.partition("+")
        files = [base] + [
            file
            for _, file in sorted(
                (priority, file)
                for name, tags, file in self.voices()
                for priority, known in [(0, name.strip()), *tags]
                if known.lower() == base.lower()
            )
        ]
        for file in files:
            if self._lib.espeak_SetVoiceByName((file + plus + variant).encode()) == 0:
                return
        raise LookupError(f"espeak-ng has no voice {voice!r}")

    def _on_sound(self, wave: object, count: int, events: "ctypes._Pointer[_Event]") -> int:
        speech = self._speech
        if count > 0 and wave:
            speech.pcm += ctypes.string_at(ctypes.cast(wave, ctypes.c_void_p), 2 * count)  # type: ignore[arg-type]  # a POINTER(c_short) at run time
        index = 0
        while (event := events[index]).type != _END_OF_EVENTS:
            if event.type == _WORD:
                speech.words.append((event.text_position - 1, event.sample))
            elif event.type == _PHONEME:
                place = ctypes.addressof(event) + _Event.id.offset
                # eight bytes, not always ended by a NUL, so a long name may end inside a character
                name = ctypes.string_at(place, 8).split(b"\0")[0].decode("utf-8", "ignore")
                speech.phones.append((name, event.sample))
            index += 1
        if len(speech.pcm) > 2 * MAX_SPEECH_S * self.sample_rate or self._stop():
            speech.stopped = True
        return 1 if speech.stopped else 0


def _tags(place: int) -> list[tuple[int, str]]:
    """Language tags at an address: each a byte of priority and a string, until a zero byte."""
    tags = []
    while (priority := ctypes.string_at(place, 1)[0]) != 0:
        tag = ctypes.string_at(place + 1)
        tags.append((priority, tag.decode("utf-8", "replace")))
        place += len(tag) + 2
    return tags


class Server:
    """Answers frames in the order they came; a reader thread sees cancels while we speak."""

    def __init__(self, library: Library, source: int, sink: int) -> None:
        self._library = library
        self._source = source
        self._sink = sink
        self._requests: queue.Queue[tuple[Json, bytes]] = queue.Queue(MAX_PENDING)
        self._bookkeeping = threading.Lock()  # of the two below
        self._cancelled: set[int] = set()
        self._answered = 0

    def serve(self) -> None:
        """Work until stdin ends: the reader then ends the process, whatever it is doing."""
        threading.Thread(target=self._read_all, name="requests", daemon=True).start()
        while True:
            header, body = self._requests.get()
            number = _integer(header, "id")
            try:
                answer, sound = self._answer(number, header, body)
            except (LookupError, ValueError, TypeError) as error:
                answer, sound = {"error": str(error)}, b""
            with self._bookkeeping:
                self._answered = number
                self._cancelled = {other for other in self._cancelled if other > number}
            write_all(self._sink, pack({"id": number, **answer}, sound))

    def _answer(self, number: int, header: Json, body: bytes) -> tuple[Json, bytes]:
        if header["op"] == "voices":
            return {"voices": self._library.voices()}, b""
        if header["op"] != "speak":
            raise ValueError(f"unknown request {header['op']!r}")
        if number in self._cancelled:
            return {"cancelled": True}, b""
        speech = self._library.speak(
            body,
            voice=str(header["voice"]),
            rate=_integer(header, "rate"),
            pitch=_integer(header, "pitch"),
            volume=_integer(header, "volume"),
            stop=lambda: number in self._cancelled,
        )
        if number in self._cancelled:
            return {"cancelled": True}, b""
        timings: Json = {
            "words": speech.words,
            "phones": speech.phones,
            "cut": speech.stopped,
        }
        return timings, bytes(speech.pcm)

    def _read_all(self) -> None:
        try:
            while True:
                header_size, body_size = lengths(self._read(PREFIX.size))
                header = json.loads(self._read(header_size))
                body = self._read(body_size)
                if header["op"] == "cancel":
                    self._cancel(_integer(header, "id"))
                else:
                    self._requests.put((header, body))
        except (EOFError, ValueError, LookupError, TypeError):
            os._exit(0)  # whoever asked has gone, or can no longer be understood

    def _cancel(self, number: int) -> None:
        with self._bookkeeping:
            if number > self._answered:
                self._cancelled.add(number)

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._source, size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def write_all(sink: int, frame: bytes) -> None:
    """Write a whole frame to a descriptor; ends the process when nobody reads any more."""
    view = memoryview(frame)
    try:
        while view:
            view = view[os.write(sink, view) :]
    except BrokenPipeError:
        os._exit(0)


def _integer(header: Json, key: str) -> int:
    value = header[key]
    if not isinstance(value, int):
        raise TypeError(f"{key} must be an integer, not {value!r}")
    return value


def main() -> None:
    """Say who we are, or why it cannot be; then answer."""
    parser = argparse.ArgumentParser(description="espeak-ng behind two pipes")
    parser.add_argument("--library", required=True, help="path or soname of libespeak-ng")
    parser.add_argument("--data", help="espeak-ng-data; the library's own place when left out")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the agent's: it closes our stdin
    sink = os.dup(1)
    os.dup2(2, 1)  # a stray printf of the library must not land between frames
    try:
        library = Library(given.library, given.data)
    except OSError as error:
        write_all(sink, pack({"id": 0, "error": str(error)}))
        sys.exit(1)
    hello: Json = {"id": 0, "sample_rate": library.sample_rate, "version": library.version}
    write_all(sink, pack(hello))
    Server(library, 0, sink).serve()


if __name__ == "__main__":
    main()
