"""Which drawing a pack was baked from: a hash of the code that draws.

The hash stands in pack.json as `source`, so that a drawing and its pack cannot drift apart without
a test that says so. Importing this needs none of the `art` extra.
"""

import hashlib
from pathlib import Path
from typing import Final

_DRAWS_NOTHING: Final = frozenset(("bake.py", "fields.py", "shapes.py", "source.py"))


def digest() -> str:
    """sha256 over the names and texts of the drawing modules."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in _DRAWS_NOTHING:
            total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
