"""What agent and avatar worker say to each other, and what is kept of what was said: pure."""

import json

import numpy as np
import pytest
from livekit.plugins.visavis import RemoteWorker, wire
from livekit.plugins.visavis.ledger import Ledger, rebased

from avatar.frames import AudioChunk, Manner, Mood, Phone, SpeechEnd, Timings, Word
from avatar.timeline import Finished, Started

NO_TIMINGS = Timings()
TIMINGS = Timings(
    phones=(Phone("h", 0.0, 0.1), Phone("\u0259", 0.1, 0.2), Phone("l", 0.2, 0.35)),
    words=(Word("hello", 0.0, 0.35), Word("you", 0.4)),
    text="Hello you",
    pronunciation=(("h", "\u0259"), ("j", "u")),
)


def chunk(segment: int, start: int, count: int, timings: Timings = NO_TIMINGS) -> AudioChunk:
    return AudioChunk(segment, start, np.arange(start, start + count, dtype=np.int16), timings)


@pytest.mark.parametrize(
    "message",
    [
        wire.Assignment(
            agent="agent-1",
            identity="visavis-avatar-1",
            portrait="imani",
            renderer="cpu",
            width=512,
            height=512,
            fps=25,
            listener_timeout=5.0,
        ),
        wire.State(seq=7, paused=True, gain_db=-15.0, manner=Manner.LISTENING, mood=Mood.SAD),
        wire.Clear(seq=8, segment=3),
        wire.Begun(segment=1),
        wire.Ended(segment=1, position=48_000, interrupted=True),
        wire.Beat(segment=None, face="slow", reason="the renderer needs 50 ms"),
        wire.Wear(portrait="jun", renderer="cpu"),
        wire.Hints(segment=2, offset=960, timings=TIMINGS),
        wire.PlaybackFinished(playback_position=1.5, interrupted=False),
    ],
)
def test_a_message_comes_out_as_it_went_in(message: wire._Message) -> None:
    assert wire.read(type(message), message.pack()) == message


def test_livekits_own_report_has_no_key_too_many() -> None:
    packed = wire.PlaybackFinished(playback_position=1.5, interrupted=True).pack()
    assert set(json.loads(packed)) == {
        "playback_position",
        "interrupted",
        "synchronized_transcript",
    }


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (wire.Ended, "{"),
        (wire.Ended, '{"segment": 1, "position": -1, "interrupted": false}'),
        (wire.Ended, '{"segment": 1e400, "position": 1, "interrupted": false}'),
        (wire.State, '{"seq": 1, "gain_db": 6}'),
        (wire.State, '{"seq": 1, "mood": "bored"}'),
        (wire.Assignment, '{"portrait": "imani", "renderer": "cpu", "width": 1}'),
        (wire.Hints, '{"segment": 1, "offset": 0, "timings": {"phones": [[1]]}}'),
        (wire.Beat, b"\xff\xfe"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    kind: type[wire._Message], text: str | bytes
) -> None:
    with pytest.raises(wire.WireError, match=f"not a {kind.__name__.lower()} of visavis: "):
        wire.read(kind, text)


def test_speech_comes_out_as_it_went_in_and_fits_a_packet() -> None:
    sound = bytes(range(256)) * (wire.MAX_SAMPLES // 128)
    for pcm in (b"", sound):
        packet = wire.pack_speech(2**40, pcm)
        assert wire.read_speech(packet) == (2**40, pcm)
        assert len(packet) <= wire.MAX_PACKET


@pytest.mark.parametrize("data", [b"", b"1234567", b"123456789"])
def test_what_is_no_speech_is_refused(data: bytes) -> None:
    with pytest.raises(wire.WireError, match="not speech of visavis"):
        wire.read_speech(data)


def test_hints_too_long_for_a_packet_are_parted_and_lose_nothing() -> None:
    words = [f"word{n}" for n in range(3000)]
    phones = tuple(Phone("a", n / 10, n / 10 + 0.1) for n in range(2000))
    said = tuple(("w", "3", "d") for _ in words)
    packets = wire.pack_hints(4, 0, Timings(phones, text=" ".join(words), pronunciation=said))
    assert all(len(packet.encode()) <= wire.MAX_PACKET for packet in packets)
    parts = [wire.read(wire.Hints, packet).timings for packet in packets]
    assert [p for part in parts for p in part.phones] == list(phones)
    assert [w for part in parts for w in part.text.split()] == words
    assert all(len(part.pronunciation) == len(part.text.split()) for part in parts)


def test_a_word_that_fits_no_packet_is_left_out() -> None:
    assert wire.pack_hints(1, 0, Timings(text="a" * 20_000)) == []


def test_the_rest_of_a_segment_goes_on_where_it_was_heard() -> None:
    ledger = Ledger()
    for start in range(0, 30_000, 10_000):
        ledger.note(chunk(1, start, 10_000, TIMINGS if start == 0 else Timings()))
    assert list(ledger.hear(1, 12_000)) == list(range(12_000))
    assert ledger.ahead == 18_000
    (entry,) = ledger
    hints, *sound = ledger.moved(entry)
    assert isinstance(hints, AudioChunk)
    assert [p.symbol for p in hints.timings.phones] == ["l"]  # the others ended before 0.25 s
    assert hints.timings.phones[0] == Phone("l", 0.0, pytest.approx(0.1))  # type: ignore[arg-type]
    assert hints.timings.text == ""
    rest = [item for item in sound if isinstance(item, AudioChunk)]
    assert [item.start for item in rest] == [0, 8_000]
    assert np.concatenate([item.samples for item in rest])[0] == 12_000
    late = ledger.shifted(entry, chunk(1, 30_000, 10))
    assert late.start == 18_000
    assert rebased(Finished(1, 18_010, False), entry.base) == Finished(1, 30_010, False)


def test_a_segment_is_reported_once_and_after_its_end() -> None:
    ledger = Ledger()
    ledger.note(chunk(1, 0, 100))
    assert ledger.begin(1) == Started(1)
    assert ledger.begin(1) is None
    assert ledger.finish(Finished(1, 60, True)) is None  # it has not ended here
    assert ledger.note(chunk(1, 100, 100)) == (False, None)
    assert ledger.note(SpeechEnd(1)) == (False, Finished(1, 60, True))
    assert ledger.finish(Finished(1, 60, True)) is None
    assert ledger.note(chunk(1, 200, 100)) == (False, None)
    assert not ledger
    assert ledger.last == 1


def test_what_nobody_reports_stands_where_it_was_heard() -> None:
    ledger = Ledger()
    for segment in (1, 2):
        ledger.note(chunk(segment, 0, 100))
        ledger.note(SpeechEnd(segment))
    ledger.hear(1, 100)
    assert ledger.abandon(1) == Finished(1, 100, False)
    ledger.clear()
    oldest = ledger.oldest()
    assert oldest is not None
    assert oldest.id == 2
    assert ledger.abandon(2) == Finished(2, 0, True)


def test_a_worker_must_be_named_and_may_take_time() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RemoteWorker(timeout_s=0)
    with pytest.raises(ValueError, match="identity of one"):
        RemoteWorker(name="")
