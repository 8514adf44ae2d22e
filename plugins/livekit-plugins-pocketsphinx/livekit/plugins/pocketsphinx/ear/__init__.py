"""The recogniser itself, run in a child process: language model, pronunciations, decoders.

Knows nothing of LiveKit and imports nothing of it: the child imports this folder as the top-level
package `ear`, so that it does not pay for livekit.agents.
"""
