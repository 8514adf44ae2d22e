"""The web side of the agent: call tokens, personas, health, and the built page.

START HERE: app.py. Nothing in this package touches audio or video; a call's media goes from the
browser to livekit-server, never through the gateway.
"""
