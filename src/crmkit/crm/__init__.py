"""The host's object: it puts the stages together, reads `crm.toml`, and rehearses."""
