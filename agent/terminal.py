"""What our commands say to the person who runs them: whole lines on standard output, flushed.

Not for a log: a log line goes to a logger. Flushed because a pipe would hold a line back, and
"ready" is a line that programs wait for.
"""

import sys


def say(line: str) -> None:
    """Write one line to standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
