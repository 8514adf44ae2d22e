"""A SIP user agent with sound and picture: START HERE.

The protocol does no I/O and is told the time: message → transaction → call (one dialog) → agent.
transport.py carries its messages; media.py carries sound and pictures by RTP; bridge.py joins a
call to a room. aiortc's packets and codecs, PyAV and libsrtp do what they do well.
"""
