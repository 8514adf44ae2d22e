"""Around the networks: checkpoints, geometry, sound features, blending, and the proof of parity.

Needs the neural extra (torch); nothing outside of this package and avatar.nets imports it unless a
neural renderer is asked for.
"""
