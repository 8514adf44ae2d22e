"""Measures a live room from a participant's chair. See `python -m agent probe --help`."""
