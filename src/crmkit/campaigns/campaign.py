"""A campaign: one objective pursued with one message to one segment on one schedule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import attrs

from crmkit.errors import ConfigError, nearest
from crmkit.people.medium import Medium


class Objective(StrEnum):
    """What a practice wants of a campaign."""

    CELEBRATE = "celebrate"
    INFORM = "inform"
    REACTIVATE = "reactivate"
    RECALL = "recall"
    REFER = "refer"
    LISTEN = "listen"
    THANK = "thank"


#: What is stored was right for the version that wrote it.
_NEWER = "run here too the version of crmkit that wrote it, or give the campaign anew from here"


def _objective(value: str) -> Objective:
    try:
        return Objective(value)
    except ValueError:
        raise ConfigError(f"the objective {value!r} is unknown", mend=nearest(str(value), tuple(Objective))) from None


def _media(values: Iterable[str]) -> tuple[Medium, ...]:
    try:
        media = tuple(Medium(value) for value in ([values] if isinstance(values, str) else values))
    except ValueError:
        raise ConfigError(f"the media {values!r} are unknown", mend=f"known are: {', '.join(Medium)}") from None
    if not media:
        raise ConfigError("no medium is given", mend=f"name one or more of: {', '.join(Medium)}")
    return media


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        # Stored, it would keep the whole programme from being read.
        raise ConfigError(f"{value!r} is no amount", mend="write a number, such as 0.85")
    return amount


def _share(value: Any) -> Decimal:
    share = _amount(value)
    if not 0 <= share <= Decimal("0.9"):
        raise ConfigError(f"the lot {value} is no share", mend="write the part that gets no message, such as 0.2")
    return share


def _whole(_: Any, field: attrs.Attribute[Any], value: object) -> None:
    # Stored, a text such as a form of the web gives would keep the whole programme from being put in order.
    if type(value) is not int:
        raise ConfigError(f"the {field.name} {value!r} is no whole number", mend=f"write a number: {field.name}=10")


def _truth(_: Any, field: attrs.Attribute[bool], value: object) -> None:
    if type(value) is not bool:
        raise ConfigError(f"{field.name} is {value!r}", mend="write True or False: any text would count as yes")


def _some(_: Any, field: attrs.Attribute[Any], value: int | None) -> None:
    if value is None:
        return
    _whole(_, field, value)
    if value < 1:
        mend = "write at least 1, or leave it out for no limit; paused keeps all back"
        raise ConfigError(f"{value} messages per_day are none", mend=mend)


def _slug(_: Any, field: attrs.Attribute[str], value: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", value):
        raise ConfigError(
            f"the campaign's {field.name} {value!r} cannot be used", mend="use lower-case letters, digits and hyphens"
        )


@attrs.frozen
class Campaign:
    """One campaign of a programme.

    Attributes:
        id: A short name; touches are kept under it.
        objective: What it is for.
        message: A message type's name; a bare name such as `birthday` means `core.birthday`.
        segment: Whom, as a line of text.
        schedule: When, as a line of text.
        media: The ways to try, best first.
        lot: The share of households that gets no message, so that the effect can be measured; 0 for none.
        priority: A lower number goes first where patients would get too much.
        cost_fixed: What the campaign costs once per occasion, in the practice's currency; the report adds it up.
        cost_each: What one message costs; it is kept with each touch, and the report adds it up.
        paused: True while nothing of it may leave.
        per_day: How many of its messages leave on one day at most, so that reception can answer the replies; None for
            no limit.
    """

    id: str = attrs.field(validator=_slug)
    objective: Objective = attrs.field(converter=_objective, kw_only=True)
    message: str = attrs.field(kw_only=True)
    segment: str = attrs.field(kw_only=True)
    schedule: str = attrs.field(kw_only=True)
    media: tuple[Medium, ...] = attrs.field(default=(Medium.EMAIL,), converter=_media, kw_only=True)
    lot: Decimal = attrs.field(default=Decimal(0), converter=_share, kw_only=True)
    priority: int = attrs.field(default=50, validator=_whole, kw_only=True)
    cost_fixed: Decimal = attrs.field(default=Decimal(0), converter=_amount, kw_only=True)
    cost_each: Decimal = attrs.field(default=Decimal(0), converter=_amount, kw_only=True)
    paused: bool = attrs.field(default=False, validator=_truth, kw_only=True)
    per_day: int | None = attrs.field(default=None, validator=_some, kw_only=True)

    @property
    def message_type(self) -> str:
        """The full name of the message type."""
        return self.message if "." in self.message else f"core.{self.message}"

    def definition(self) -> dict[str, Any]:
        """Return the campaign as plain JSON values."""
        values = attrs.asdict(self)
        for name in ("lot", "cost_fixed", "cost_each"):
            values[name] = str(values[name])
        return {**values, "objective": self.objective.value, "media": [medium.value for medium in self.media]}

    @classmethod
    def from_definition(cls, definition: dict[str, Any]) -> Campaign:
        """Return the campaign that a stored definition describes.

        Raises:
            ConfigError: If a version of crmkit wrote it that knows more of campaigns than this one.
        """
        for name in sorted(definition.keys() - attrs.fields_dict(cls)):
            # It may restrict what leaves: to pass over it could let too much go.
            raise ConfigError(f"its {name} is not known to this version of crmkit", mend=_NEWER)
        try:
            return cls(**definition)
        except ConfigError as problem:
            raise ConfigError(f"this version of crmkit cannot read it: {problem.problem}", mend=_NEWER) from None
