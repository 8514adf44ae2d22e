"""`python -m agent probe`: one measured call, printed for people and as JSON.

Exit code 0 when every given limit holds, 1 when one does not, 2 when the call could not be made.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from agent.config import Settings
from agent.probe.arguments import LIMITS
from agent.probe.recording import Recording
from agent.probe.run import Plan, ProbeError, Report, call
from agent.probe.sound import SoundError, read_wav, say, write_wav


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Make the call and print what it came to."""
    try:
        report, recording = asyncio.run(_call(settings, arguments))
    except (ProbeError, SoundError, OSError) as error:
        sys.stderr.write(f"probe: {error}\n")
        return 2
    sys.stdout.write(summary(report))
    if arguments.json is not None:
        arguments.json.write_text(report.as_json() + "\n")
    if arguments.record is not None:
        _keep(recording, arguments.record)
    broken = exceeded(report, {name: getattr(arguments, f"max_{name}") for name in LIMITS})
    if arguments.min_fps is not None and report.fps < arguments.min_fps:
        broken.append(f"pictures a second: {report.fps:.1f}, at least {arguments.min_fps:g}")
    for line in broken:
        sys.stderr.write(f"probe: {line}\n")
    return 1 if broken else 0


def summary(report: Report) -> str:
    """The figures as lines."""
    rows = [
        ("joined after", report.join),
        ("first picture", report.first_picture),
        ("first sound", report.first_sound),
        ("mouth moves", report.first_mouth),
        ("reply latency", report.reply_latency),
        ("picture minus sound", report.offset),
        ("the same, exact", report.offset_exact),
        ("the same, exact, 99 %", report.offset_exact_p99),
        ("voice after talking over it", report.tail_sound),
        ("mouth after talking over it", report.tail_mouth),
        ("holes in the voice", report.holes_s),
        ("longest freeze", report.longest_freeze),
    ]
    lines = [f"{name:28} {_ms(value)}" for name, value in rows]
    width, height = report.size
    lines.append(f"{'picture':28} {width}x{height}, {report.fps:.1f} fps")
    lines.append(f"{'freezes, holes':28} {report.freezes}, {report.holes}")
    lines += [f"{'said':28} {caption}" for caption in report.captions]
    return "\n".join(lines) + "\n"


def exceeded(report: Report, limits: dict[str, float | None]) -> list[str]:
    """A sentence for each limit that does not hold; a figure that is missing breaks its limit."""
    broken = []
    for name, limit in limits.items():
        if limit is None:
            continue
        value = getattr(report, name)
        if value is None:
            broken.append(f"{LIMITS[name]}: not seen (limit {limit:g} s)")
        elif abs(value) > limit:
            broken.append(f"{LIMITS[name]}: {value:.3f} s, limit {limit:g} s")
    return broken


async def _call(settings: Settings, arguments: argparse.Namespace) -> tuple[Report, Recording]:
    speech = read_wav(arguments.wav) if arguments.wav else None
    if arguments.say:
        speech = await say(arguments.say)
    interruption = read_wav(arguments.interrupt_wav) if arguments.interrupt_wav else None
    if arguments.interrupt_say:
        interruption = await say(arguments.interrupt_say, pause_s=0.0)
    plan = Plan(
        room=arguments.room or f"probe-{time.time_ns():x}",
        speech=speech,
        interruption=interruption,
        interrupt_at=arguments.interrupt_at,
        greeting=not arguments.no_greeting,
        listen=arguments.listen,
        agent_name=arguments.agent_name or settings.agent_name,
    )
    return await call(settings, plan)


def _keep(recording: Recording, path: Path) -> None:
    if recording.audio_times:
        write_wav(path, recording.sound(0.0, recording.audio_times[-1] + 1))


def _ms(value: float | None) -> str:
    return "not seen" if value is None else f"{value * 1000:.0f} ms"
