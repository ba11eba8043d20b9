"""The first plugins: `core` (guards, standard message types, fields, metrics), `csv`, `email`, `folder` and `hook`.

They come in through the same door as everybody else's.
"""
