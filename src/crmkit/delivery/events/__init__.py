"""What comes back: kept as it arrived, read, matched with its touch, and heeded."""
