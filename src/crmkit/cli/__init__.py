"""The command line: each command is one question or one deed of the host's object, for a person or as JSON."""

from crmkit.cli.app import main

__all__ = ["main"]
