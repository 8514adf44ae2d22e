"""How long until the first sound: `python -m livekit.plugins.espeak.bench [--text TEXT]`.

Measures through the public API, one stream after the other, and asserts nothing: figures of a busy
machine are its own.
"""

import argparse
import asyncio
import statistics
import sys
import time

from .tts import TTS

ROUNDS = 50
TEXTS = ("Hello, ", "Hello this is the first clause. ")


async def measure(texts: tuple[str, ...]) -> list[str]:
    """A line of figures for a cold start and for each text."""
    tts = TTS()
    lines = []
    try:
        cold_s = await _first_frame_s(tts, texts[0])
        lines.append(f"text to first frame with the start of the child: {1e3 * cold_s:.1f} ms")
        for text in texts:
            taken = sorted([await _first_frame_s(tts, text) for _ in range(ROUNDS)])
            lines.append(
                f"text to first frame, {text.strip()!r}: "
                f"p50 {1e3 * statistics.median(taken):.1f} ms, "
                f"p90 {1e3 * taken[ROUNDS * 9 // 10]:.1f} ms, worst {1e3 * taken[-1]:.1f} ms"
            )
    finally:
        await tts.aclose()
    return lines


async def _first_frame_s(tts: TTS, text: str) -> float:
    async with tts.stream() as stream:
        started = time.perf_counter()
        stream.push_text(text)
        await anext(stream)
        return time.perf_counter() - started


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="time from text to first sound")
    parser.add_argument("--text", action="append", help="a text that ends in a mark and a space")
    given = parser.parse_args()
    texts = tuple(given.text) if given.text else TEXTS
    sys.stdout.write("\n".join(asyncio.run(measure(texts))) + "\n")


if __name__ == "__main__":
    main()
