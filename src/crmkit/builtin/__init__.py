"""The first plugins: `core` (guards, standard message types, metrics), `csv`, `email` and `folder`.

They come in through the same door as everybody else's.
"""
