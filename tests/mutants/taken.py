"""Channels and sources that answer in a form which looks right, and which the core does not take."""

from __future__ import annotations

import attrs

from crmkit.errors import SourceError
from crmkit.plugins import Receipt
from mutants.lines import Asked, Lines
from mutants.sms import Sms


class CountsItsReferences(Sms):
    """The provider's id is a number, and so is the code of a refusal."""

    def one(self, message):
        return attrs.evolve(super().one(message), reference=7)


class GivesTheStatusAsANumber(Sms):
    def refused(self, message, refused):
        return attrs.evolve(super().refused(message, refused), evidence=refused.code)


class Receipt2(Receipt):
    """A receipt of the vendor's own."""


class HasReceiptsOfItsOwn(Sms):
    def one(self, message):
        receipt = super().one(message)
        return Receipt2(receipt.key, receipt.outcome, receipt.reference, receipt.evidence)


class CountsItsCursor(Lines):
    def cursor(self, changes, since):
        return int(super().cursor(changes, since))

    def number(self, since):
        return super().number(None if since is None else str(since))


class FetchesWithoutALine(Asked):
    def fetch(self, ids):
        for batch in super().fetch(ids):
            yield attrs.evolve(batch, rows=tuple(attrs.evolve(row, line=None) for row in batch.rows))


class UnreadableError(SourceError):
    """An error of the vendor's own."""


class HasErrorsOfItsOwn(Lines):
    def text(self):
        try:
            return super().text()
        except OSError:
            raise UnreadableError("the export is not there", where="rows.jsonl") from None


MUTANTS = {
    "channel.core_takes_it": (CountsItsReferences, GivesTheStatusAsANumber, HasReceiptsOfItsOwn),
    "source.core_takes_it": (CountsItsCursor, FetchesWithoutALine, HasErrorsOfItsOwn),
}
