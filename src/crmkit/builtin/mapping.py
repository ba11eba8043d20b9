"""How a file's columns become canonical fields, as the practice writes it in `crm.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from string import Formatter
from typing import Any

import attrs

from crmkit.errors import ConfigError
from crmkit.people.capitals import LANGUAGES, from_capitals
from crmkit.records.fields import plural, unknown_field
from crmkit.settings import structure

#: A date that shows which part of a format is which.
_SAMPLE = datetime(2026, 12, 31, 14, 30)  # noqa: DTZ001 - only to be written
#: How many of a mapping's words a reason tells.
_SHOWN = 8
_GROUP = re.compile("[.,'\u2019 \u00a0\u202f]")
_WHOLE = re.compile(rf"[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:({_GROUP.pattern})[0-9]{{3}})(?:\1[0-9]{{3}})*)")


@attrs.frozen
class Rule:
    """What may be written for a field instead of a column's name.

    Attributes:
        column: The column's name.
        compose: Text with column names in braces, such as `{First} {Last}`.
        constant: One value for every row.
        values: What the file's words mean, such as `{ A = "active" }`; a word that is not listed is rejected.
        format: How a date is written, in the codes of `strptime`, such as `%d/%m/%Y`.
        take: A regular expression; its first match in the value is taken.
        decimal: What stands before the cents of an amount: `,` or `.`; between thousands then stands any other sign.
        from_capitals: Whether `MÜLLER` means Müller. What is not sure, such as `MCDONALD`, stays as it is. A language
            instead of `true` says in whose way particles are written: with `fr`, `DE LA TOUR` means de La Tour.
    """

    column: str = ""
    compose: str = ""
    constant: str | None = None
    values: Mapping[str, str] | None = None
    format: str = ""
    take: str = ""
    decimal: str = ""
    from_capitals: Any = False


@attrs.frozen
class Mapped:
    """One canonical field of a file: which columns it is made of, and how."""

    columns: tuple[str, ...]
    template: str
    values: Mapping[str, str] | None = None
    format: str = ""
    take: re.Pattern[str] | None = None
    decimal: str = ""
    from_capitals: bool | str = False

    @property
    def called(self) -> str:
        """What a person finds above the value in the file."""
        return " + ".join(self.columns)

    def raw(self, found: Mapping[str, str]) -> str:
        """Return what the columns hold; blank if all of them are."""
        if self.columns and not any(found.get(column, "").strip() for column in self.columns):
            return ""
        if len(self.columns) == 1 and self.template == f"{{{self.columns[0]}}}":
            return found.get(self.columns[0], "").strip()
        parts = Formatter().parse(self.template)
        text = "".join(text + (found.get(column, "").strip() if column else "") for text, column, _, _ in parts)
        # A blank column leaves the blanks on both its sides.
        return re.sub(r" {2,}", " ", text).strip() if self.columns else text

    def value(self, found: Mapping[str, str]) -> str:
        """Return the canonical text.

        Raises:
            ValueError: If the value does not fit the format, the words or the pattern; the text does not hold it.
        """
        value = self.raw(found)
        if not value:
            return ""
        if self.take:
            match = self.take.search(value)
            if not match:
                raise ValueError("does not hold what take looks for")
            value = match.group(match.lastindex or 0).strip()
        if self.values is not None:
            if value not in self.values:
                raise ValueError(f"is a word that the mapping does not know: {_known(self.values)}")
            return self.values[value]
        if self.decimal:
            return _amount(value, self.decimal)
        if self.format:
            return _reformat(value, self.format)
        language = self.from_capitals if isinstance(self.from_capitals, str) else ""
        return from_capitals(value, language) if self.from_capitals else value


@attrs.frozen
class RowMapping:
    """One file and the fields of one kind of row in it.

    Attributes:
        kind: Such as `patient`.
        file: The file's name.
        fields: By canonical field, what it is made of.
        stated: False means: the header names the canonical fields.
        if_filled: The column without which a line of the file holds no such row; empty where each line does.
    """

    kind: str
    file: str
    fields: Mapping[str, Mapped] = attrs.field(factory=dict)
    stated: bool = True
    if_filled: str = ""

    def asked(self) -> Iterator[tuple[str, str]]:
        """Yield each column that the file must have, behind what asks for it."""
        yield from ((field, column) for field, mapped in self.fields.items() for column in mapped.columns)
        if self.if_filled:
            yield "if_filled", self.if_filled

    def holds(self, found: Mapping[str, str]) -> bool:
        """Tell whether a line of the file holds such a row, as not every line of a list of patients holds a visit."""
        return not self.if_filled or bool(found.get(self.if_filled, "").strip())


def read_mapping(kind: str, section: Any) -> list[RowMapping]:
    """Return the mappings of one kind: none stated, one table, or a list of tables.

    Raises:
        ConfigError: If a section is no table, names an unknown field, or says something that cannot be read.
    """
    where = f"settings.csv.{plural(kind)}"
    if section is None:
        return [RowMapping(kind, f"{plural(kind)}.csv", stated=False)]
    sections = section if isinstance(section, list) else [section]
    return [_section(kind, one, where) for one in sections]


def _section(kind: str, section: Any, where: str) -> RowMapping:
    if not isinstance(section, Mapping):
        raise ConfigError("is no table", where=where, mend=f"begin it with [{where}]")
    fields = dict(section)
    file = fields.pop("file", f"{plural(kind)}.csv")
    if_filled = fields.pop("if_filled", "")
    if not isinstance(if_filled, str):
        mend = 'write it as if_filled = "Last visit"'
        raise ConfigError("if_filled is not a column's name", where=where, mend=mend)
    free = fields.pop("attributes", {}) if kind == "patient" else {}
    if not isinstance(free, Mapping):
        raise ConfigError("is no table", where=f"{where}.attributes", mend='write it as attributes = { club = "Club" }')
    fields |= dict(_attribute(name, rule) for name, rule in free.items())
    if "id" not in fields:
        raise ConfigError("does not say which column is the id", where=where, mend='add a line such as id = "Id"')
    for field in fields:
        hint = unknown_field(kind, field)
        if hint:
            raise ConfigError(f"there is no field {field}", where=where, mend=hint)
    mapped = {field: _mapped(rule, f"{where}.{field}") for field, rule in fields.items()}
    return RowMapping(kind, str(file), mapped, if_filled=if_filled)


def _attribute(name: str, rule: Any) -> tuple[str, Any]:
    """Return the field of a free value, its stated type behind a colon, and the rest of its rule."""
    if not isinstance(rule, Mapping) or "type" not in rule:
        return f"attributes.{name}", rule
    return f"attributes.{name}:{rule['type']}", {key: value for key, value in rule.items() if key != "type"}


def _mapped(rule: Any, where: str) -> Mapped:
    if isinstance(rule, str):
        rule = {"compose": rule} if "{" in rule else {"column": rule}
    if not isinstance(rule, Mapping):
        raise ConfigError("is neither a column's name nor a table", where=where, mend='write it as born = "DOB"')
    one = structure(Rule, rule, where=where)
    if sum((bool(one.column), bool(one.compose), one.constant is not None)) != 1:
        raise ConfigError("needs exactly one of column, compose and constant", where=where)
    try:
        take = re.compile(one.take) if one.take else None
    except re.error as problem:
        raise ConfigError(f"take is no regular expression: {problem}", where=where) from None
    template = f"{{{one.column}}}" if one.column else one.compose
    if one.constant is not None:
        return Mapped((), one.constant.replace("{", "{{").replace("}", "}}"))
    columns = (one.column,) if one.column else _columns(one.compose, where)
    if one.decimal not in ("", ",", "."):
        raise ConfigError("decimal is no sign before the cents", where=where, mend='write decimal = ","')
    if not isinstance(one.from_capitals, bool) and one.from_capitals not in LANGUAGES:
        mend = f"write true, or the language whose way it is: {', '.join(LANGUAGES)}"
        raise ConfigError("from_capitals is neither true nor such a language", where=where, mend=mend)
    return Mapped(columns, template, one.values, one.format, take, one.decimal, one.from_capitals)


def _columns(template: str, where: str) -> tuple[str, ...]:
    try:
        columns = tuple(column for _, column, _, _ in Formatter().parse(template) if column is not None)
    except ValueError:
        raise ConfigError("has a brace that is not closed", where=where, mend='write it as "{First} {Last}"') from None
    if not all(columns):
        raise ConfigError("has empty braces", where=where, mend='write it as "{First} {Last}"')
    return columns


def _known(values: Mapping[str, str]) -> str:
    shown = ", ".join(list(values)[:_SHOWN])
    return f"add it to values, or write {shown}{' and so on' if len(values) > _SHOWN else ''}"


def _amount(value: str, decimal: str) -> str:
    """Return an amount with a point before the cents and nothing between thousands, which must be whole."""
    whole, _, cents = value.partition(decimal)
    if not (_WHOLE.fullmatch(whole) and re.fullmatch("[0-9]*", cents)) or decimal in _GROUP.findall(whole):
        sample = "1.234,50" if decimal == "," else "1,234.50"
        raise ValueError(f"is no amount written as {sample} is")
    digits = _GROUP.sub("", whole)
    return f"{digits}.{cents}" if cents else digits


def _reformat(value: str, form: str) -> str:
    try:
        at = datetime.strptime(value, form)  # noqa: DTZ007 - a wall clock time; the reader adds the practice's zone
    except ValueError:
        raise ValueError(f"is no date of the form {_SAMPLE.strftime(form)} ({form}){_why(value, form)}") from None
    clock = any(code in form for code in ("%H", "%I", "%T", "%c", "%X"))
    return at.isoformat() if clock else at.date().isoformat()


def _why(value: str, form: str) -> str:
    """Return what is wrong with a date, where it can be seen."""
    if re.fullmatch(r"[0-9]{5}(?:[.,][0-9]+)?", value):
        return ": it is a bare number, as spreadsheets keep dates; format the column as a date there"
    if _shape(form).fullmatch(value):
        return ": there is no such day or time"
    if "%Y" in form and _shape(form.replace("%Y", "%y")).fullmatch(value):
        return ": its year has two digits"
    return ""


def _shape(form: str) -> re.Pattern[str]:
    """Return the pattern of a form that is made of numbers; whatever else it holds stands for itself."""
    return re.compile(re.sub("%([dmyHMS])", r"[0-9]{1,2}", re.escape(form).replace("%Y", "[0-9]{4}")))
