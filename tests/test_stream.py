"""AvatarStream: one thread, one waiting request, and a face whose death is nobody else's."""

import threading
from collections.abc import Callable
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


def started(face: Renderer, again: Callable[[], Renderer] | None = None) -> AvatarStream:
    stream = AvatarStream(lambda: face, again=again)
    stream.start()
    stream.wait_ready(5)
    return stream


def test_pictures_are_drawn_on_the_streams_own_thread() -> None:
    face = PlainFace()
    stream = started(face)
    frame = ask(stream, 3).result(5)
    assert frame is not None
    assert frame.index == 3
    assert threading.get_ident() not in face.threads
    stream.close()
    assert face.closed


def test_speech_reaches_the_renderer_before_the_picture_that_needs_it() -> None:
    face = PlainFace()
    stream = started(face)
    stream.hear(SpeechEnd(1))
    stream.forget(1)
    ask(stream, 0).result(5)
    assert face.heard == [SpeechEnd(1)]
    assert face.forgotten == [1]
    stream.close()


def test_a_newer_request_takes_the_place_of_a_waiting_one() -> None:
    face = StuckFace(after=0)
    stream = started(face)
    first = ask(stream, 0)
    assert face.entered.wait(5)
    second, third = ask(stream, 1), ask(stream, 2)
    assert second.result(5) is None
    face.release.set()
    drawn = [first.result(5), third.result(5)]
    assert [frame.index for frame in drawn if frame] == [0, 2]
    stream.close()


def test_a_renderer_that_dies_answers_with_nothing_and_says_why() -> None:
    stream = started(BrokenFace(after=1))
    assert ask(stream, 0).result(5) is not None
    assert stream.fault is None
    assert ask(stream, 1).result(5) is None
    assert ask(stream, 2).result(5) is None
    stream.hear(SpeechEnd(1))
    stream.close()
    assert str(stream.fault) == "the face broke"


def test_another_renderer_takes_the_place_and_knows_what_was_heard() -> None:
    broken, fresh = BrokenFace(after=0), PlainFace()
    stream = started(broken, again=lambda: fresh)
    stream.hear(SpeechEnd(1))
    stream.hear(SpeechEnd(2))
    assert ask(stream, 0).result(5) is None
    stream.forget(1)
    stream.restart()
    assert ask(stream, 1).result(5) is not None
    assert stream.fault is None
    assert fresh.heard == [SpeechEnd(2)]
    stream.close()
    assert broken.closed
    assert fresh.closed


def test_a_renderer_that_hangs_is_left_behind_and_ends_when_it_can() -> None:
    stuck, fresh = StuckFace(after=0), PlainFace()
    stream = started(stuck, again=lambda: fresh)
    waiting = ask(stream, 0)
    assert stuck.entered.wait(5)
    stream.restart()
    assert ask(stream, 1).result(5) is not None
    assert not stuck.closed
    stuck.release.set()
    assert waiting.result(5) is not None
    stream.close()


def test_without_another_renderer_there_is_no_restart() -> None:
    stream = started(PlainFace())
    assert not stream.can_restart
    with pytest.raises(RuntimeError, match="no other renderer"):
        stream.restart()
    stream.close()


def test_a_renderer_that_cannot_be_made_says_why() -> None:
    def make() -> Renderer:
        raise PortraitMissing("nobody", ["imani"])

    stream = AvatarStream(make)
    stream.start()
    with pytest.raises(RendererError, match="no portrait 'nobody': choose one of imani"):
        stream.wait_ready(5)
    stream.close()


def test_another_face_is_made_beside_the_one_that_draws_and_knows_what_is_said() -> None:
    first, second, third = PlainFace(), PlainFace(), PlainFace()
    stream = started(first)
    stream.hear(SpeechEnd(1))
    waiting = stream.prepare(lambda: second, 5)
    stream.hear(SpeechEnd(2))
    stream.forget(1)
    assert ask(stream, 0).result(5) is not None and not second.cues
    stream.swap(waiting, again=lambda: third)
    assert ask(stream, 1).result(5) is not None
    assert [cue.index for cue in second.cues] == [1]
    assert second.heard == [SpeechEnd(2)]
    stream.restart()
    assert ask(stream, 2).result(5) is not None
    assert third.heard == [SpeechEnd(2)]
    stream.close()
    assert first.closed and second.closed and third.closed


def test_a_face_that_cannot_be_made_leaves_the_one_that_draws() -> None:
    def make() -> Renderer:
        raise PortraitMissing("nobody", ["imani"])

    face = PlainFace()
    stream = started(face)
    with pytest.raises(RendererError, match="no portrait 'nobody'"):
        stream.prepare(make, 5)
    assert ask(stream, 0).result(5) is not None
    stream.close()


def test_a_face_that_comes_after_the_end_is_closed() -> None:
    late = PlainFace()
    stream = started(PlainFace())
    waiting = stream.prepare(lambda: late, 5)
    stream.close()
    stream.swap(waiting, again=lambda: late)
    waiting.join(5)
    assert late.closed


def test_closing_answers_nothing_and_twice_is_fine() -> None:
    stream = started(PlainFace())
    answer = ask(stream, 0)
    stream.close()
    stream.close()
    assert answer.done()
    assert ask(stream, 1).result(5) is None
    assert stream.fault is None
