"""Bridges: the avatar outside of LiveKit, by RTMP and SIP. START HERE: call.py, docs/bridges.md.

A bridge is a process beside the worker. It makes the room, joins it for the one who is outside, and
gets the avatar's pictures and sound from the worker's playout itself (tap.py), not from the room.
"""
