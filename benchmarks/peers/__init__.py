"""One driver for each of the other systems, which run in an environment of their own: see README.md."""
