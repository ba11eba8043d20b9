"""The channel that writes each message into a folder, for trying out, for tests and for hosts that fetch them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from crmkit.delivery.channel import Channel, Outcome, Receipt
from crmkit.errors import ConfigError, TemplateError
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl

#: What a message says is for its reader and the practice, also where the folder was made by somebody else.
_RIGHTS = 0o660


@attrs.frozen
class FolderSettings:
    """Where the messages go.

    Attributes:
        path: The folder; it is made if its parent exists.
    """

    path: str = "outbox"


@attrs.frozen
class FolderChannel:
    """Writes `.eml` files, one for each message, named after its key."""

    path: Path
    name: str = "folder"
    medium: Medium = Medium.EMAIL

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Write each message; the same message twice is one file."""
        return [self._write(message) for message in messages]

    def _write(self, message: Message) -> Receipt:
        file = self.path / f"{message.key}.eml"
        part = file.with_suffix(".part")
        try:
            raw = to_bytes(message)
        except TemplateError:
            return Receipt(message.key, Outcome.REFUSED, evidence="form: cannot be written as e-mail")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _RIGHTS), "wb") as written:
                written.write(raw)
            os.replace(part, file)
        except OSError as problem:
            return Receipt(message.key, Outcome.RETRY, evidence=_words(problem))
        return Receipt(message.key, Outcome.SENT, reference=file.name)


def _words(problem: OSError) -> str:
    """Return what the system says, without the name of the file."""
    return (problem.strerror or f"errno {problem.errno}").lower()


class FolderPlugin(CrmkitSpec):
    """Registers the channel."""

    info = PluginInfo("folder", settings=FolderSettings)

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return the channel, its folder made."""
        path = ctx.path(ctx.settings.path)
        try:
            # What is in it is about patients: whoever else has an account on the machine need not see it.
            path.mkdir(mode=0o770, exist_ok=True)
        except OSError:
            where = "settings.folder.path"
            raise ConfigError("the folder cannot be made", where=where, mend=f"create {path.parent}") from None
        return [FolderChannel(path)]


plugin = FolderPlugin()
