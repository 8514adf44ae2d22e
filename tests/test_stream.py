"""AvatarStream: one thread, one waiting request, and a face whose death is nobody else's."""

import threading
from concurrent.futures import Future

import pytest
from faces import BrokenFace, PlainFace, StuckFace

from avatar.errors import PortraitMissing, RendererError
from avatar.frames import Cue, SpeechEnd, VideoFrame
from avatar.renderers import Renderer
from avatar.stream import AvatarStream


def ask(stream: AvatarStream, index: int) -> Future[VideoFrame | None]:
    answer: Future[VideoFrame | None] = Future()
    stream.request(Cue(index=index, time_s=index / 25), answer.set_result)
    return answer


def started(face: Renderer) -> tuple[AvatarStream, list[Exception]]:
    faults: list[Exception] = []
    stream = AvatarStream(lambda: face, on_fault=faults.append)
    stream.start()
    stream.wait_ready(5)
    return stream, faults


def test_pictures_are_drawn_on_the_streams_own_thread() -> None:
    face = PlainFace()
    stream, _ = started(face)
    frame = ask(stream, 3).result(5)
    assert frame is not None
    assert frame.index == 3
    assert threading.get_ident() not in face.threads
    stream.close()
    assert face.closed


def test_speech_reaches_the_renderer_before_the_picture_that_needs_it() -> None:
    face = PlainFace()
    stream, _ = started(face)
    stream.hear(SpeechEnd(1))
    stream.forget(1)
    ask(stream, 0).result(5)
    assert face.heard == [SpeechEnd(1)]
    assert face.forgotten == [1]
    stream.close()


def test_a_newer_request_takes_the_place_of_a_waiting_one() -> None:
    face = StuckFace(after=0)
    stream, _ = started(face)
    first = ask(stream, 0)
    assert face.entered.wait(5)
    second, third = ask(stream, 1), ask(stream, 2)
    assert second.result(5) is None
    face.release.set()
    drawn = [first.result(5), third.result(5)]
    assert [frame.index for frame in drawn if frame] == [0, 2]
    stream.close()


def test_a_renderer_that_dies_is_reported_once_and_answers_with_nothing() -> None:
    stream, faults = started(BrokenFace(after=1))
    assert ask(stream, 0).result(5) is not None
    assert ask(stream, 1).result(5) is None
    assert ask(stream, 2).result(5) is None
    stream.hear(SpeechEnd(1))
    stream.close()
    assert [str(fault) for fault in faults] == ["the face broke"]
    assert not stream.alive


def test_a_renderer_that_cannot_be_made_says_why() -> None:
    def make() -> Renderer:
        raise PortraitMissing("nobody", ["imani"])

    stream = AvatarStream(make, on_fault=lambda error: pytest.fail("only reported once"))
    stream.start()
    with pytest.raises(RendererError, match="no portrait 'nobody': choose one of imani"):
        stream.wait_ready(5)
    stream.close()


def test_closing_answers_nothing_and_twice_is_fine() -> None:
    stream, faults = started(PlainFace())
    stream.close()
    stream.close()
    assert faults == []
