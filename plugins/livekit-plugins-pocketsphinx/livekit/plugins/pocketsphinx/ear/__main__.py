"""The child process: reads messages from stdin, writes messages to stdout, ends when stdin does.

One thread; utterances of several streams share it in the order their sound arrives. Says nothing on
stdout but messages.
"""

import contextlib
import json
import os
import signal
import sys
from typing import BinaryIO

from . import wire
from .recogniser import Recogniser, Utterance
from .wire import Kind, Message


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until `source` ends."""
    recogniser = Recogniser()
    open_utterances: dict[int, Utterance] = {}
    while (message := wire.read(source)) is not None:
        number = message.utterance
        if message.kind is Kind.MODEL:
            took = recogniser.load(json.loads(message.body))
            wire.write(sink, Message(Kind.READY, 0, json.dumps({"load_s": took}).encode()))
        elif message.kind is Kind.START:
            streaming = bool(json.loads(message.body))
            open_utterances[number] = recogniser.start(streaming=streaming)
        elif (utterance := open_utterances.get(number)) is not None:
            if message.kind in (Kind.END, Kind.CANCEL):
                del open_utterances[number]
            answer = _hear(utterance, message)
            if answer is not None:
                wire.write(sink, answer)


def _hear(utterance: Utterance, message: Message) -> Message | None:
    if message.kind is Kind.END:
        return Message(Kind.FINAL, message.utterance, utterance.end().to_json())
    partial = None
    if message.kind is Kind.AUDIO:
        partial = utterance.push(message.body)
    elif message.kind is Kind.PAUSE:
        partial = utterance.pause()
    if partial is None:
        return None
    return Message(Kind.PARTIAL, message.utterance, json.dumps(partial).encode())


def main() -> None:
    # Ctrl-C reaches the whole group: the parent decides when this ends, by closing the pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to stderr, not between two messages
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve(sys.stdin.buffer, sink)
    os._exit(0)  # nothing to save, and closing a broken stdout would complain


if __name__ == "__main__":
    main()
