"""Plugins that keep every law, and plugins that each break one: what the conformance kit is tried on."""
