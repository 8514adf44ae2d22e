"""Sound, picture and digits of a call between two of ours over sockets, encrypted and plain."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiortc.rtp import RtpPacket
from streams import Beacon

from agent.bridges.feed import RATE, Feed, Picture, Sound
from agent.bridges.sip import zoom
from agent.bridges.sip.audio import AudioDecoder, AudioEncoder, DigitReader, DigitWriter, Order
from agent.bridges.sip.media import CallMedia
from agent.bridges.sip.message import SipError
from agent.bridges.sip.sdp import AUDIO, Encryption, Format, Negotiator
from agent.bridges.sip.video import HEIGHT, WIDTH, widen

HOST = "127.0.0.1"


class End:
    """One side of a call: what it heard and saw."""

    def __init__(self, media: CallMedia, feed: Feed) -> None:
        self.media, self.feed = media, feed
        self.sound: list[np.ndarray] = []
        self.pictures: list[Picture] = []
        self.digits: list[str] = []
        self.changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hear(samples: np.ndarray) -> None:
            self.sound.append(samples)
            self.changed.set()

        def see(picture: Picture) -> None:
            self.pictures.append(picture)
            loop.call_soon_threadsafe(self.changed.set)

        def press(digit: str) -> None:
            self.digits.append(digit)
            self.changed.set()

        media.on_sound, media.on_picture, media.on_digit = hear, see, press

    def loud(self) -> int:
        """Blocks in which the tone sounds."""
        return sum(int(np.abs(block).max(initial=0)) > 3000 for block in self.sound)

    def bright(self) -> int:
        return sum(int(p.data[: p.width * p.height].mean()) > 140 for p in self.pictures)


@contextlib.asynccontextmanager
async def call(
    encryption: Encryption = "off", audio: list[Format] | None = None
) -> AsyncIterator[tuple[End, End]]:
    feeds = [Feed(pictures=50), Feed(pictures=50)]
    medias = [await CallMedia.open(HOST, feed) for feed in feeds]
    a, b = (
        Negotiator(HOST, media.ports, encryption=encryption, audio=audio or AUDIO)
        for media in medias
    )
    answer = b.answer(a.offer())
    assert answer is not None
    assert a.accept_answer(answer)
    for media, negotiator in zip(medias, (a, b), strict=True):
        media.agree(negotiator.streams)
    try:
        yield End(medias[0], feeds[0]), End(medias[1], feeds[1])
    finally:
        for media in medias:
            await media.aclose()


async def until(end: End, *, loud: int = 0, bright: int = 0, digits: int = 0) -> None:
    async with asyncio.timeout(20):
        while end.loud() < loud or end.bright() < bright or len(end.digits) < digits:
            end.changed.clear()
            await end.changed.wait()


@pytest.mark.parametrize("encryption", ["off", "required"])
async def test_the_face_is_heard_and_seen_at_the_other_end(encryption: Encryption) -> None:
    async with call(encryption) as (a, b):
        with Beacon(a.feed):
            await until(b, loud=5, bright=2)
        assert (b.pictures[0].width, b.pictures[0].height) == (WIDTH, HEIGHT)
        counts = [line.counts for line in b.media.lines.values()]
        assert all(count.received > 0 and count.refused == 0 for count in counts)


@pytest.mark.parametrize("name", ["OPUS", "G722", "PCMU", "PCMA"])
def test_every_codec_keeps_the_tone_and_its_time(name: str) -> None:
    chosen = next(f for f in AUDIO if f.name == name)
    encoder, decoder = AudioEncoder(chosen), AudioDecoder(chosen)
    at = np.arange(RATE)
    tone = (np.sin(2 * np.pi * 440 * at / RATE) * 12_000).astype(np.int16)
    stamps: list[int] = []
    heard: list[np.ndarray] = []
    for start in range(0, RATE, 480):
        for sample, payload in encoder.encode(Sound(start, tone[start : start + 480])):
            number = len(stamps)
            stamps.append(sample)
            packet = RtpPacket(chosen.number, 0, number, sample * chosen.clock // RATE, 1, payload)
            heard += decoder.decode(packet)
    assert np.diff(stamps).tolist() == [960] * (len(stamps) - 1)
    sound = np.concatenate(heard).astype(float)[RATE // 5 :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * RATE))
    assert spectrum.argmax() / 4 == pytest.approx(440, abs=1)


def test_a_gap_in_the_sound_is_a_gap_in_time() -> None:
    encoder = AudioEncoder(Format(0, "PCMU", 8000))
    silence = np.zeros(960, np.int16)
    starts = [0, 960, 1920, 96_000, 96_960]
    stamps = [s for start in starts for s, _ in encoder.encode(Sound(start, silence))]
    assert stamps == sorted(stamps)
    assert stamps[-1] > 90_000


def test_packets_out_of_order_and_lost_ones_do_not_break_the_sound() -> None:
    chosen = Format(0, "PCMU", 8000)
    encoder, decoder = AudioEncoder(chosen), AudioDecoder(chosen)
    packets = []
    for start in range(0, RATE * 2, 960):
        for sample, payload in encoder.encode(Sound(start, np.full(960, 5000, np.int16))):
            packets.append(RtpPacket(0, 0, len(packets), sample // 6, 1, payload))
    packets[10], packets[11] = packets[11], packets[10]
    del packets[30:33]
    heard = sum(len(block) for packet in packets for block in decoder.decode(packet))
    assert heard == pytest.approx(len(packets) * 960, abs=960)
    assert decoder.errors == 0


@pytest.mark.parametrize(
    ("numbers", "given_on"),
    [
        ([1, 3, 2, 4], [1, 2, 3, 4]),
        ([1, 3, 4, 5], [1]),  # 2 may still come
        ([1, 3, 4, 5, 6, 2, 7], [1, 3, 4, 5, 6, 7]),
        ([1, 2, 2, 1, 3], [1, 2, 3]),
        ([65_535, 1, 0, 2], [65_535, 0, 1, 2]),
        ([5, 9000, 9001, 17, 18], [5, 9000, 9001, 17, 18]),  # they began anew
    ],
)
def test_packets_are_given_on_in_order(numbers: list[int], given_on: list[int]) -> None:
    order = Order()
    packets = [RtpPacket(0, 0, number, 0, 1, b"") for number in numbers]
    assert [p.sequence_number for packet in packets for p in order.add(packet)] == given_on


async def test_digits_cross_and_are_told_once() -> None:
    async with call() as (a, b):
        a.media.press("1w#")
        with Beacon(a.feed):
            await until(b, digits=2)
        assert b.digits == ["1", "#"]


def test_what_is_no_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="no digit"):
        DigitWriter(8000).add("12x")


def test_a_repeated_end_is_one_digit() -> None:
    writer, reader = DigitWriter(8000), DigitReader()
    writer.add("5")
    found = []
    while (step := writer.next()) is not None:
        found.append(reader.read(RtpPacket(101, int(step[1]), len(found), 160, 1, step[0])))
    assert found == ["5"] + [""] * (len(found) - 1)
    assert len(found) == 11


async def test_a_stranger_cannot_speak_into_a_call() -> None:
    async with call() as (a, b):
        with Beacon(a.feed):
            await until(b, loud=1)
            line = b.media.lines["audio"]
            heard = line.counts.received
            forged = RtpPacket(line.stream.format.number if line.stream else 0, 0, 1, 1, 1, b"x")
            line._on_rtp(forged.serialize(), ("127.0.0.9", 4000))
            assert line.counts.refused == 1
            assert line.counts.received == heard


async def test_an_unused_line_sends_nothing_and_closed_ports_are_free() -> None:
    async with call() as (a, _):
        line = a.media.lines["audio"]
        line.send(b"x", 0)
        line.agree(None)
        line.send(b"x", 0)
        assert line.counts.sent == 1
        ports = list(a.media.ports.values())
    await a.media.aclose()
    await asyncio.sleep(0)  # transports close on the next turn of the loop
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, port))


def test_a_square_face_stands_in_the_middle_of_a_wide_picture() -> None:
    data = np.full(512 * 512 * 3 // 2, 128, np.uint8)
    data[: 512 * 512] = 90
    wide = widen(Picture(7, 512, 512, data))
    assert (wide.start, wide.width, wide.height) == (7, WIDTH, HEIGHT)
    assert len(wide.data) == WIDTH * HEIGHT * 3 // 2
    assert abs(int(wide.data[: WIDTH * HEIGHT].mean()) - 90) <= 1


@pytest.mark.parametrize(
    ("meeting", "passcode", "uri"),
    [
        ("851 2345 6789", "123456", "sip:85123456789.123456@zoomcrc.com"),
        ("85123456789", None, "sip:85123456789@zoomcrc.com"),
    ],
)
def test_a_meeting_is_dialled_and_its_passcode_not_shown(
    meeting: str, passcode: str | None, uri: str
) -> None:
    target = zoom.dial_string(meeting, passcode)
    assert str(target) == uri
    assert zoom.shown(target) == "sip:85123456789@zoomcrc.com"


@pytest.mark.parametrize(("meeting", "passcode"), [("12", None), ("85123456789", "letters")])
def test_what_cannot_be_a_meeting_is_refused(meeting: str, passcode: str | None) -> None:
    with pytest.raises(SipError):
        zoom.dial_string(meeting, passcode)
