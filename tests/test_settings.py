"""Settings: nothing is coerced, every fault is told with its path, and no secret is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import attrs
import pytest

from crmkit.errors import ConfigError
from crmkit.people.medium import Medium
from crmkit.settings import describe, secret, secrets_of, structure


@attrs.frozen
class Step:
    channel: str
    days: int = 7


@attrs.frozen
class Account:
    user: str
    key: str = secret("of the account", validator=attrs.validators.matches_re("k-.*"))


@attrs.frozen
class Office:
    since: date | None = None
    opens: time = time(9)
    last: datetime | None = None
    account: Account | None = None
    accounts: tuple[Account, ...] = ()
    by_name: Mapping[str, Account] = attrs.field(factory=dict)


@attrs.frozen
class Relay:
    host: str
    port: int = 25
    ratio: float = 1.0
    share: Decimal = Decimal(0)
    tls: bool = True
    media: tuple[Medium, ...] = ()
    names: list[str] = attrs.field(factory=list)
    steps: tuple[Step, ...] = ()
    words: Mapping[str, str] = attrs.field(factory=dict)
    folder: str | None = None
    password: str = secret("the relay's password", default="")


def fault(**given: object) -> str:
    with pytest.raises(ConfigError) as caught:
        structure(Relay, {"host": "h", **given}, where="crm.toml: settings.email")
    assert str(caught.value).startswith("crm.toml: settings.email: ")
    return str(caught.value)


def test_what_fits_is_taken_as_it_is() -> None:
    relay = structure(
        Relay,
        {
            "host": "h",
            "port": 587,
            "ratio": 2,
            "share": 0.2,
            "tls": False,
            "media": ["email", "sms"],
            "names": ["a", "b"],
            "steps": [{"channel": "email"}, {"channel": "sms", "days": 3}],
            "words": {"A": "active"},
        },
        where="here",
    )
    assert (relay.port, relay.ratio, relay.share, relay.tls) == (587, 2, Decimal("0.2"), False)
    assert relay.media == (Medium.EMAIL, Medium.SMS)
    assert (relay.names, relay.words, relay.folder) == (["a", "b"], {"A": "active"}, None)
    assert relay.steps == (Step("email"), Step("sms", 3))


def test_an_unknown_key_is_told_with_the_nearest_known_one() -> None:
    assert "the key prot is unknown. To mend: did you mean port?" in fault(prot=587)
    assert "known are: folder, host" in fault(zzz=1)


def test_an_unknown_key_deep_inside_is_told_with_its_path() -> None:
    told = fault(steps=[{"channel": "email", "dasy": 3}])
    assert "unknown dasy" in told
    assert "steps[0]" in told


def test_a_missing_key_is_told() -> None:
    with pytest.raises(ConfigError, match=r"here: missing host\. To mend: add a line for host\."):
        structure(Relay, {"port": 25}, where="here")
    with pytest.raises(ConfigError, match="missing channel"):
        structure(Step, {}, where="here")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("port", True, "bool given where int is wanted at port"),
        ("port", "587", "str given where int is wanted at port"),
        ("port", 25.0, "float given where int is wanted at port"),
        ("port", None, "NoneType given where int is wanted at port"),
        ("host", 7, "int given where str is wanted at host"),
        ("host", None, "NoneType given where str is wanted at host"),
        ("folder", 7, "int given where str is wanted at folder"),
        ("tls", 1, "int given where bool is wanted at tls"),
        ("tls", "no", "str given where bool is wanted at tls"),
        ("ratio", "0.5", "str given where float is wanted at ratio"),
        ("ratio", True, "bool given where float is wanted at ratio"),
        ("share", True, "bool given where a number is wanted at share"),
        ("share", "a fifth", "text given where a number is wanted at share"),
        ("share", float("nan"), "number is wanted at share"),
        ("media", "email", "str given where a list is wanted at media"),
        ("media", {"email": 1}, "dict given where a list is wanted at media"),
        ("media", ["emial"], "'emial' is unknown; did you mean email?"),
        ("names", "ab", "str given where a list is wanted at names"),
        ("names", ["a", 7], "int given where str is wanted at names[1]"),
        ("steps", [{"channel": "email"}, {"channel": 3}], "int given where str is wanted at steps[1].channel"),
        ("words", {"A": 1}, "int given where str is wanted at words['A']"),
        ("words", "A", "expected a mapping at words"),
    ],
)
def test_nothing_is_coerced_and_the_path_is_told(key: str, value: object, told: str) -> None:
    assert told in fault(**{key: value})


def test_several_faults_are_told_at_once() -> None:
    told = fault(port="25", tls="yes", steps=[{"channel": 1}])
    assert [path for path in ("port", "tls", "steps[0].channel") if f"at {path}" not in told] == []


@pytest.mark.parametrize("given", ["host", 3, ["host"], None], ids=["text", "number", "list", "nothing"])
def test_what_is_no_table_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match="where a table is wanted"):
        structure(Relay, given, where="here")  # type: ignore[arg-type]


def test_a_secret_is_in_no_repr_and_in_no_error() -> None:
    relay = structure(Relay, {"host": "h", "password": "hunter2"}, where="here")
    assert relay.password == "hunter2"
    assert "hunter2" not in f"{relay!r} {relay!s} {[relay]}"
    assert "hunter2" not in fault(password=["hunter2"])
    assert "hunter2" not in fault(password="hunter2", port="x")


@pytest.mark.parametrize(
    "given",
    [
        {"account": {"user": "u", "key": "hunter2"}},
        {"accounts": [{"user": "u", "key": "k-1"}, {"user": "u", "key": "hunter2"}]},
        {"by_name": {"a": {"user": "u", "key": "hunter2"}}},
    ],
    ids=["optional", "list", "table"],
)
def test_a_secret_deep_inside_is_in_no_error_and_is_known(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a secret is not as it must be") as told:
        structure(Office, given, where="here")
    assert "hunter2" not in str(told.value)
    good = json.loads(json.dumps(given).replace("hunter2", "k-hunter2"))
    assert "k-hunter2" in secrets_of(structure(Office, good, where="here"))


def test_days_hours_and_instants_are_taken_as_toml_gives_them_and_as_text() -> None:
    at = datetime(2026, 12, 24, 9, 30, tzinfo=UTC)
    for since, opens, last in ((date(2026, 12, 24), time(8), at), ("2026-12-24", "08:00", at.isoformat())):
        office = structure(Office, {"since": since, "opens": opens, "last": last}, where="here")
        assert (office.since, office.opens, office.last) == (date(2026, 12, 24), time(8), at)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("since", "24.12.2026", "text given where a date such as 2026-12-24 is wanted at since"),
        ("since", 20261224, "int given where a date such as 2026-12-24 is wanted at since"),
        ("opens", 9, "int given where a time such as 09:30 is wanted at opens"),
        ("last", "2026-12-24T09:30", "a datetime without an offset given where"),
        ("account", "mia", "str given where a table is wanted at account"),
        ("accounts", ["mia"], r"str given where a table is wanted at accounts\[0\]"),
    ],
)
def test_what_is_no_day_or_no_table_is_told_with_an_example(key: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        structure(Office, {key: value}, where="here")


def test_a_settings_class_is_described_by_key_and_type() -> None:
    assert describe(Step) == {"channel": "str", "days": "int"}
