"""What the messages of one batch still want: a content file, or a field."""

from __future__ import annotations

import attrs

from crmkit.campaigns.verdict import LONGEST
from crmkit.errors import TemplateError
from crmkit.messages.draft import Draft
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium
from crmkit.people.patient import Patient


@attrs.frozen(eq=False)
class Wants:
    """Asks the renderer, and not twice where the answer must be the same.

    What a content file holds is the same for all readers of a language, and so is what an impersonal message lacks.

    Attributes:
        renderer: Knows templates and content.
        kind: The message type of the batch.
    """

    renderer: Renderer
    kind: MessageType
    _awaited: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)
    _lacking: dict[tuple[str, str, str, bool], str] = attrs.field(factory=dict, init=False)

    def linked(self, medium: Medium) -> bool:
        """Tell whether a message by a medium has the unsubscribe link that it needs, if it needs one."""
        return self.renderer.links.available or not self.renderer.needs_link(self.kind, medium)

    def awaits(self, occasion: str, recipient: Patient) -> str:
        """Return the path of the file that an occasion waits for, with what is wrong with it; empty for none."""
        asked = (occasion, recipient.language)
        if asked not in self._awaited:
            self._awaited[asked] = self._await(*asked)
        return self._awaited[asked]

    def _await(self, occasion: str, language: str) -> str:
        try:
            path = self.renderer.awaits(self.kind.name, occasion, language)
        except TemplateError as problem:
            # Perhaps it is being written just now. It keeps nothing back but its own messages.
            mend = f" ({problem.mend})" if problem.mend else ""
            return _told(problem.where, f", which cannot be used: {problem.problem}{mend}")
        return _told(str(path)) if path else ""

    def lacks(self, draft: Draft) -> str:
        """Return the needed field that is empty, empty for none."""
        if self.kind.personal:
            return self.renderer.lacks(draft) or ""
        asked = (draft.medium.value, draft.occasion, draft.recipient.language, draft.for_child)
        if asked not in self._lacking:
            self._lacking[asked] = self.renderer.lacks(draft) or ""
        return self._lacking[asked]


def _told(path: str, wrong: str = "") -> str:
    """Return a path, whose end matters most, with what is wrong: as long as a verdict's words may be."""
    room = LONGEST - len(wrong)
    return f"{path if len(path) <= room else f'…{path[1 - room :]}'}{wrong}"
