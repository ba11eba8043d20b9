"""Event parsers at the door: found by name, and whatever one does names it and quotes nothing."""

from __future__ import annotations

import base64
import traceback
from datetime import UTC, datetime

import attrs
import pytest

from crmkit.errors import ConfigError, NotFound, PluginError, SourceError
from crmkit.plugins import CrmkitSpec, Event, EventKind, Medium, Payload, PluginInfo, hookimpl

PAYLOAD = Payload(b"mia@home.example", received_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
EVENT = Event(id="e-1", kind=EventKind.DELIVERED, medium=Medium.SMS, address="+61491570156")
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()
EMAIL = {"host": "mx.example"}


@attrs.frozen
class Parser:
    name: str = "texts"
    answer: object = (EVENT,)

    def parse(self, payload):
        return self.answer(payload) if callable(self.answer) else self.answer


@attrs.frozen(eq=False)
class Acme(CrmkitSpec):
    parsers: tuple = (Parser(),)
    info = PluginInfo("acme")

    @hookimpl
    def crmkit_event_parsers(self, ctx):
        del ctx
        return self.parsers


def raising(problem):
    def answer(payload):
        raise problem(payload.body.decode())

    return answer


def test_the_plugins_of_the_kit_register_their_parsers(open_crm):
    crm = open_crm(
        plugins=["csv", "folder", "email", "hook"],
        settings={"email": EMAIL, "hook": {"secrets": [SECRET]}},
        channels={Medium.EMAIL: "folder"},
    )
    assert sorted(crm.plugins.event_parsers) == ["email.bounces", "email.replies", "hook"]
    assert crm.plugins.event_parser("hook").name == "hook"
    assert crm.plugins.event_parser("email.bounces").name == "email.bounces"


def test_without_a_secret_no_signed_call_is_taken(open_crm):
    crm = open_crm(plugins=["csv", "folder", "hook"])
    with pytest.raises(NotFound, match="no such event parser"):
        crm.plugins.event_parser("hook")


def test_a_secret_that_is_none_is_named_with_its_place_and_not_quoted(open_crm):
    with pytest.raises(ConfigError, match=r"settings\.hook: secrets") as refused:
        open_crm(plugins=["csv", "folder", "hook"], settings={"hook": {"secrets": ["hush"]}})
    assert "hush" not in str(refused.value)


def test_the_only_parser_of_a_plugin_answers_to_the_plugins_name(open_crm):
    one = open_crm(plugins=["csv", "folder", Acme()]).plugins
    assert one.event_parser("acme") is one.event_parser("acme.texts")
    two = open_crm(plugins=["csv", "folder", Acme((Parser(), Parser("calls")))]).plugins
    assert two.event_parser("acme.calls").name == "acme.calls"
    for name in ("acme", "texts", "acme.", "", "acme.texts.more"):
        with pytest.raises(NotFound, match="acme"):
            two.event_parser(name)


def test_two_parsers_of_one_name_are_refused(open_crm):
    with pytest.raises(PluginError, match=r"event parser acme\.texts is registered twice"):
        open_crm(plugins=["csv", "folder", Acme((Parser(), Parser()))])


def test_a_parser_without_a_name_is_refused(open_crm):
    with pytest.raises(PluginError, match="acme"):
        open_crm(plugins=["csv", "folder", Acme((object(),))])


def test_events_pass_and_refusals_of_the_kit_too(open_crm):
    assert open_crm(plugins=["csv", "folder", Acme()]).plugins.event_parser("acme").parse(PAYLOAD) == (EVENT,)
    refusing = Parser(answer=lambda _: (_ for _ in ()).throw(SourceError("is no JSON")))
    with pytest.raises(SourceError, match="no JSON"):
        open_crm(plugins=["csv", "folder", Acme((refusing,))]).plugins.event_parser("acme").parse(PAYLOAD)


def changed(**parts):
    event = attrs.evolve(EVENT)
    for name, value in parts.items():
        object.__setattr__(event, name, value)
    return [EVENT, event]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "parts",
    [
        {"address": "mia\x00@home.example"},
        {"at": "yesterday"},
        {"key": "mia"},
        {"id": ""},
        {"stop": "all"},
        {"rating": 7},
    ],
)
def test_an_event_that_was_changed_after_it_was_made_is_looked_at_again(parts, open_crm):
    crm = open_crm(plugins=["csv", "folder", Acme((Parser(answer=changed(**parts)),))])
    with pytest.raises(PluginError, match=r"acme\.texts") as failed:
        crm.receive("acme", PAYLOAD.body)
    assert "mia" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "answer", [raising(ValueError), raising(KeyError), None, 7, [EVENT, "bounced"], {"mia@home.example": EVENT}]
)
def test_nonsense_is_a_failure_that_names_the_parser_and_quotes_nothing(answer, open_crm):
    parser = open_crm(plugins=["csv", "folder", Acme((Parser(answer=answer),))]).plugins.event_parser("acme")
    with pytest.raises(PluginError, match=r"acme\.texts") as failed:
        parser.parse(PAYLOAD)
    assert "mia" not in "".join(traceback.format_exception(failed.value))
