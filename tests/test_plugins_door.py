"""What comes through the door, and what a faulty plugin cannot do."""

from __future__ import annotations

import pytest
from situations import consent, patient

from crmkit import Campaign, State
from crmkit.errors import ConfigError, PluginError
from crmkit.people.medium import Medium
from crmkit.plugins import ALLOWED, COUNT, CrmkitSpec, Field, PluginInfo, deny, hookimpl
from crmkit.plugins.door import discover
from crmkit.plugins.failure import Phase

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


class Guarding(CrmkitSpec):
    """A plugin with one guard that does as it is told."""

    info = PluginInfo("acme")
    name = "acme"

    def __init__(self, rule):
        self.rule = rule

    @hookimpl
    def crmkit_guards(self, ctx):
        del ctx
        return [self]

    def judge(self, candidates, now):
        return self.rule(candidates)


def fail(_):
    raise RuntimeError("Mia Stone")


def ready(open_crm, exports, plugin):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(plugins=["csv", "folder", plugin])
    crm.sync()
    crm.add(BIRTHDAY)
    return crm


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (fail, "guard_failed"),
        (lambda _: None, "guard_failed"),
        (lambda candidates: ["yes"] * len(candidates), "guard_failed"),
        (lambda candidates: [ALLOWED] * (len(candidates) + 1), "guard_failed"),
        (lambda candidates: [deny("not_today") for _ in candidates], "not_today"),
    ],
)
def test_a_guard_that_fails_denies(rule, reason, open_crm, exports):
    crm = ready(open_crm, exports, Guarding(rule))
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason) == (State.DENIED, reason)
    assert "Stone" not in crm.why("P1")[0].words


def test_a_guard_that_allows_all_loosens_nothing(open_crm, exports):
    crm = ready(open_crm, exports, Guarding(lambda candidates: [ALLOWED for _ in candidates]))
    exports("patients", [patient("P1", deceased_on="2026-01-01")])
    crm.sync()
    assert [touch.reason for touch in crm.plan().touches] == ["deceased"]


class Asking(CrmkitSpec):
    """A plugin with one field whose value is whatever it is told."""

    info = PluginInfo("acme")

    def __init__(self, value):
        self.value = value

    @hookimpl
    def crmkit_fields(self, ctx):
        del ctx
        return [Field("shoes", COUNT, "pairs of shoes", lambda scope, span: self.value(scope))]


@pytest.mark.parametrize("rule", ["acme.shoes >= 0", "not (acme.shoes >= 0)", "acme.shoes is not empty"])
@pytest.mark.parametrize("value", [fail, lambda _: 7, lambda _: None], ids=["raises", "a number", "nothing"])
def test_a_field_that_fails_is_unknown_of_everybody(value, rule, open_crm, exports):
    crm = ready(open_crm, exports, Asking(value))
    assert len(crm.plan().touches) == 1
    crm.add(Campaign("shod", objective="celebrate", message="birthday", segment=rule, schedule="on birthday"))
    assert {touch.campaign for touch in crm.plan().touches} == {"card"}
    (failure,) = crm.failures()
    assert (failure.thing, failure.phase) == ("acme.shoes", Phase.SELECT)
    assert "Stone" not in str(failure)


class Misspelt(CrmkitSpec):
    info = PluginInfo("acme")

    @hookimpl
    def crmkit_guard(self, ctx):
        return []


class FromTheFuture(CrmkitSpec):
    info = PluginInfo("acme", requires_api="1.99")


class Shy(CrmkitSpec):
    pass


class Raising(CrmkitSpec):
    info = PluginInfo("acme")

    @hookimpl
    def crmkit_fields(self, ctx):
        yield fail(ctx)


class Wrong(CrmkitSpec):
    info = PluginInfo("acme")

    @hookimpl
    def crmkit_message_types(self, ctx):
        return ["birthday"]


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        (Misspelt, "did you mean crmkit_guards"),
        (FromTheFuture, "needs version 1.99"),
        (Shy, "has no info"),
        (Raising, r"crmkit_fields failed \(RuntimeError\)"),
        (Wrong, "no MessageType"),
    ],
)
def test_a_plugin_that_cannot_be_admitted_is_refused_by_name_and_reason(plugin, told, open_crm):
    with pytest.raises(PluginError, match=told) as raised:
        open_crm(plugins=["csv", "folder", plugin()])
    assert "Stone" not in str(raised.value)


def test_nothing_is_admitted_that_was_not_named_but_core(open_crm):
    crm = open_crm()
    assert [one.name for one in crm.plugins.found] == ["core", "csv", "folder"]
    assert {"core", "csv", "email", "folder"} <= set(discover())


def test_an_unknown_plugin_names_the_nearest(open_crm):
    with pytest.raises(ConfigError, match="did you mean folder"):
        open_crm(plugins=["csv", "foldr"])


def test_two_crms_in_one_process_know_nothing_of_each_other(open_crm, exports):
    strict = ready(open_crm, exports, Guarding(lambda candidates: [deny("no") for _ in candidates]))
    plain = open_crm()
    assert [touch.reason for touch in strict.plan(dry=True).touches] == ["no"]
    assert [touch.state for touch in plain.plan(dry=True).touches] == [State.READY]
    assert plain.plugins.guards != strict.plugins.guards
    assert {channel.medium for channel in plain.plugins.channels} == {Medium.EMAIL}
