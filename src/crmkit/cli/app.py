"""The commands put together under one name."""

from __future__ import annotations

import logging
import os
import sys
from io import TextIOWrapper

import click

from crmkit.cli.consent import opt_in, opt_out
from crmkit.cli.day import day
from crmkit.cli.db import db
from crmkit.cli.decisions import audit, forget, history, resume, stop
from crmkit.cli.demo import demo
from crmkit.cli.disclose import disclose
from crmkit.cli.init import init
from crmkit.cli.plan import plan
from crmkit.cli.plugins import plugins
from crmkit.cli.preview import preview
from crmkit.cli.receive import receive, unsuppress
from crmkit.cli.records import rejected, sync
from crmkit.cli.rehearse import rehearse
from crmkit.cli.report import report
from crmkit.cli.segment import segment
from crmkit.cli.send import send
from crmkit.cli.status import status
from crmkit.cli.unknowns import unknowns
from crmkit.cli.why import why

_EPILOG = """\b
Exit codes:
  0  done
  1  crmkit could not do it; the message says where, what and how to mend it
  2  the command was not written correctly
  3  done, but a person must look: a source failed (sync), messages were
     refused or got no clear answer (send --yes, unknowns), nothing at all was
     taken of what was handed over (send --yes), something waits too long or is
     in doubt (status), something could not be read (receive), the history does
     not fit its audit trail (audit), or the database is not as it ought to be
     (db check)
  130  ended by Ctrl-C or SIGTERM before all was taken up (send --yes)

Begin with `crmkit demo`: it makes up a practice and shows everything on it.
"""


class _InOrder(click.Group):
    """A group that lists its commands in the order in which a practice uses them."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names as they were added."""
        return list(self.commands)


@click.group(cls=_InOrder, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crmkit", prog_name="crmkit")
def main() -> None:
    """Write to every patient of a practice: personally, in time, and never too often."""
    # What the log would tell, the commands say themselves.
    logging.getLogger("crmkit.crm").addHandler(logging.NullHandler())
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It was closed: what is said goes nowhere, and no file of ours takes its place.
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the command's context closes it
            setattr(sys, name, click.get_current_context().with_resource(nowhere))
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of a patient's name must not end the command.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


_EVERY_DAY = (demo, init, sync, rejected, segment, plan, preview, why, send, day, receive, opt_out, opt_in)
_NOW_AND_THEN = (rehearse, report, status, stop, resume, unknowns, unsuppress, history, disclose, forget)
_RARELY = (audit, db, plugins)
for _command in (*_EVERY_DAY, *_NOW_AND_THEN, *_RARELY):
    main.add_command(_command)
