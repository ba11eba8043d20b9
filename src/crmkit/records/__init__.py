"""What the sources say: the canonical tables, the batches that sources yield, and the sync that alone writes them."""
