"""python -m avatar portraits: the names of the portraits, one a line: shipped, then your own."""

from avatar.portrait.pack import names


def main(argv: list[str]) -> int:
    """Print the names; arguments are ignored."""
    for name in names():
        print(name)
    return 0
