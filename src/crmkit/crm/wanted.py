"""Which plugins a host wants, and on which terms they come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from crmkit.clock import Clock
from crmkit.errors import ConfigError
from crmkit.plugins.door import Admitted, Look, admit
from crmkit.plugins.spec import CrmkitSpec
from crmkit.plugins.time_limits import TimeLimits


@attrs.frozen
class Wanted:
    """Which plugins a host wants.

    Attributes:
        plugins: Names of installed ones, or objects of the host.
        settings: Settings by plugin name.
        required: Plugins that must be there, with a version specifier each.
        strict: Whether a plugin that cannot be admitted keeps the `CRM` from opening.
        time_limits: How long plugins may take.
    """

    plugins: Sequence[str | CrmkitSpec] = ()
    settings: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, repr=False)
    required: Mapping[str, str] = attrs.field(factory=dict)
    strict: bool = True
    time_limits: TimeLimits = attrs.field(factory=TimeLimits)

    def admit(self, clock: Clock, root: Path, look: Look, practice: str) -> Admitted:
        """Import the plugins and `core`, and return what they register.

        Args:
            clock: Handed to the plugins.
            root: The folder to which relative paths in settings refer.
            look: Looks at the templates of a plugin that may be left out.
            practice: The practice's id, for the log.
        """
        if isinstance(self.plugins, str):
            raise ConfigError("is one text", where="plugins", mend=f"write a list: plugins=[{self.plugins!r}]")
        return admit(
            self.plugins,
            self.settings,
            clock,
            root,
            required=self.required,
            strict=self.strict,
            limits=self.time_limits,
            look=None if self.strict else look,
            practice=practice,
        )
