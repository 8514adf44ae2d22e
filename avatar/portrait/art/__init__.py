"""Art source: draws the shipped portraits and bakes them into packs. Needs the `art` extra.

Never imported while a call runs; the engine only knows the packs that come out of here.
"""
