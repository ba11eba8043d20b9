"""What was said, what came back and what the kit learnt; `History` is what records and ledger together say now."""
