"""Whose turn it is: who may speak over whom, and when a turn is over.

`barge` decides what to do about a voice over ours, `cues` hears what kind of sound it is, `echo`
whether it is our own, `words` whether what was said asks for the floor: all pure. `listening` and
`floor` tie them to LiveKit's session; `talk` is push-to-talk; `endings` says when a turn is over.
"""
