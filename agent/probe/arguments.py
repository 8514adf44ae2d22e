"""The arguments of `python -m agent probe`, apart so that other commands do not load LiveKit."""

import argparse
from pathlib import Path

LIMITS = {
    "join": "join",
    "first_picture": "join to first picture",
    "first_sound": "join to first sound",
    "first_mouth": "join to first moving mouth",
    "reply_latency": "end of speech to first sound of the answer",
    "tail_sound": "own first sound to the avatar's last one",
    "longest_freeze": "the longest gap between pictures",
    "tail_mouth": "own first sound to the avatar's last moving mouth",
    "offset": "picture against sound, either way",
    "offset_exact_p99": "the same from what pictures of ours say, 99 % of them",
    "holes_s": "sound that breaks off inside speech",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--room", help="default: a new room of its own")
    parser.add_argument("--agent-name", default="", help="dispatch this agent explicitly")
    speech = parser.add_mutually_exclusive_group()
    speech.add_argument("--say", metavar="TEXT", help="speak this, made with the offline voice")
    speech.add_argument("--wav", type=Path, metavar="FILE", help="speak this 16-bit WAV file")
    parser.add_argument("--interrupt-say", metavar="TEXT", help="talk over the answer with this")
    parser.add_argument("--interrupt-wav", type=Path, metavar="FILE")
    parser.add_argument(
        "--interrupt-at",
        type=float,
        metavar="S",
        help="after the answer's first sound (1.0; 0: at it)",
    )
    parser.add_argument("--no-greeting", action="store_true", help="speak at once")
    parser.add_argument("--listen", type=float, default=30.0, metavar="S", help="longest wait (30)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the sound as a WAV file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    for name, text in LIMITS.items():
        parser.add_argument(
            f"--max-{name.replace('_', '-')}", type=float, metavar="S", help=f"fail above: {text}"
        )
    parser.add_argument("--min-fps", type=float, metavar="N", help="fail below: pictures a second")
