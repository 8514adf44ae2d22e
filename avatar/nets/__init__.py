"""The networks, one file each: inference only, torch alone, widths as parameters.

Modules are named as the official checkpoints name their tensors, so a checked file loads as it is;
what a file stores differently (spectral norm, old names) its network's `official` puts right.
Written from descriptions of the published architectures; `python -m avatar parity` compares them
with vectors that the official modules made. Nothing here is imported unless a renderer asks.
"""
