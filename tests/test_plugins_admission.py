"""What a plugin must be to come through the door; each that is not is refused by name and reason."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
import threading

import attrs
import pytest
from situations import consent, patient

from crmkit import CRM
from crmkit.clock import FixedClock
from crmkit.errors import ConfigError, PluginError, TemplateError
from crmkit.plugins import AGE, CrmkitSpec, Field, Medium, MessageType, PluginInfo, Purpose, hookimpl, secret
from crmkit.plugins.door import admit, discover
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.time_limits import TimeLimits


def made(name="acme", requires_api="1.0", settings=None, **hooks):
    """Return a plugin with these hooks."""
    info = PluginInfo(name, requires_api, settings) if settings else PluginInfo(name, requires_api)
    return type("Made", (CrmkitSpec,), {"info": info, **hooks})()


@pytest.fixture
def let_in(tmp_path, clock: FixedClock):
    opened = []

    def let(*plugins, **more):
        admitted = admit(plugins, more.pop("settings", {}), clock, tmp_path, **more)
        opened.append(admitted)
        return admitted

    yield let
    for one in opened:
        one.close()


def refused(let_in, *plugins, **more):
    """Return the failure with which a plugin is refused, strictly and not."""
    with pytest.raises(PluginError) as told:
        let_in(*plugins, **more)
    (failure,) = told.value.failures
    (again,) = let_in(*plugins, strict=False, **more).failures.told()
    assert failure == again
    assert str(failure).startswith(f"{failure.plugin}: ")
    return failure


@hookimpl
def plain(self, ctx):
    return []


@hookimpl
def defaulted(self, ctx=None):
    return []


@hookimpl
def misnamed(self, context):
    return []


@hookimpl
def keyword(self, *, ctx):
    return []


@hookimpl
async def later(self, ctx):
    return []


def unmarked(self, ctx):
    return []


def ordered(**orders):
    return hookimpl(**orders)(lambda self, ctx: [])


@pytest.mark.parametrize(
    ("hooks", "kind", "told"),
    [
        ({"crmkit_guard": plain}, Kind.MISSPELT, "did you mean crmkit_guards"),
        ({"crmkit_guard": unmarked}, Kind.MISSPELT, "did you mean crmkit_guards"),
        ({"guards": plain}, Kind.MISSPELT, "there is no hook guards"),
        ({"crmkit_guards": unmarked}, Kind.UNMARKED, "put @hookimpl above crmkit_guards"),
        ({"crmkit_guards": []}, Kind.UNMARKED, "crmkit_guards is not marked"),
        ({"crmkit_guards": defaulted}, Kind.SIGNATURE, "does not take ctx alone"),
        ({"crmkit_guards": misnamed}, Kind.SIGNATURE, "does not take ctx alone"),
        ({"crmkit_guards": keyword}, Kind.SIGNATURE, "does not take ctx alone"),
        ({"crmkit_guards": later}, Kind.SIGNATURE, "is async"),
        ({"crmkit_guards": ordered(tryfirst=True)}, Kind.ORDERED, "asks for tryfirst"),
        ({"crmkit_guards": ordered(trylast=True)}, Kind.ORDERED, "asks for trylast"),
        ({"crmkit_guards": ordered(wrapper=True)}, Kind.ORDERED, "asks for wrapper"),
        ({"crmkit_guards": ordered(hookwrapper=True)}, Kind.ORDERED, "asks for hookwrapper"),
        ({"crmkit_guards": ordered(specname="crmkit_close")}, Kind.ORDERED, "asks for specname"),
    ],
)
def test_a_hook_that_would_not_be_called_as_its_author_thinks_is_refused(hooks, kind, told, let_in):
    failure = refused(let_in, made(**hooks))
    assert (failure.plugin, failure.phase, failure.kind) == ("acme", Phase.HOOKS, kind)
    assert told in str(failure)


def test_no_property_of_a_plugin_is_evaluated_for_the_look(let_in):
    asked = property(lambda self: pytest.fail("evaluated"))
    assert "acme" in [one.name for one in let_in(made(address=asked)).found]


@pytest.mark.parametrize(
    ("plugin", "name", "kind", "told"),
    [
        (type("Bare", (CrmkitSpec,), {})(), "Bare", Kind.NO_INFO, "set the class attribute info"),
        (made(name="Acme"), "Acme", Kind.NAME, "small letters"),
        (made(name="acme.sms"), "acme.sms", Kind.NAME, "small letters"),
        (made(name="attributes"), "attributes", Kind.NAME, "none of attributes"),
        (made(requires_api="1.1"), "acme", Kind.VERSION, "this is 1.0. To mend: install a newer crmkit"),
        (made(requires_api="0.9"), "acme", Kind.VERSION, "install a newer version of the plugin"),
        (made(requires_api="one"), "acme", Kind.VERSION, "write it as 1.0"),
        (made(settings=dict), "acme", Kind.SETTINGS, "no attrs class"),
    ],
)
def test_what_a_plugin_says_of_itself_must_be_usable(plugin, name, kind, told, let_in):
    failure = refused(let_in, plugin)
    assert (failure.plugin, failure.phase, failure.kind) == (name, Phase.INFO, kind)
    assert told in str(failure)


@pytest.mark.parametrize("plugin", [CrmkitSpec, type("Late", (CrmkitSpec,), {"info": PluginInfo("late")}), object()])
def test_what_is_no_plugin_is_refused(plugin, let_in):
    failure = refused(let_in, plugin)
    assert (failure.phase, failure.kind) == (Phase.IMPORT, Kind.NO_PLUGIN)


def test_a_secret_that_would_be_printed_is_refused(let_in):
    @attrs.frozen
    class Settings:
        token: str = attrs.field(metadata={"secret": True})

    assert refused(let_in, made(settings=Settings)).kind is Kind.SETTINGS


def test_two_plugins_of_one_name_are_refused_and_both_are_named(let_in):
    class Other(CrmkitSpec):
        info = PluginInfo("acme")

    failure = refused(let_in, made(), Other())
    assert (failure.phase, failure.kind) == (Phase.FIND, Kind.DUPLICATE)
    assert "the host's Made and the host's Other" in failure.problem


def test_the_same_plugin_twice_is_one(let_in):
    plugin = made()
    assert [one.name for one in let_in("folder", plugin, plugin, "folder").found] == ["core", "acme", "folder"]


def test_a_plugin_that_is_called_like_a_field_of_core_does_not_take_its_place(let_in):
    taken = Field("age", AGE, "", lambda scope, _: scope.patient.c.born)
    plugin = made("age", crmkit_fields=hookimpl(lambda self, ctx: [taken]))
    failure = refused(let_in, plugin)
    assert (failure.phase, failure.kind) == (Phase.REGISTER, Kind.DUPLICATE)
    assert (failure.problem, failure.mend) == ("registers age, and so does core", "call it age.age")
    assert let_in(plugin, strict=False).fields["age"].help == "completed years of life"


def test_nobody_takes_the_place_of_core(let_in):
    impostor = made("core")
    with pytest.raises(PluginError, match=r"core: is offered by crmkit and the host's Made"):
        let_in(impostor)
    with pytest.raises(PluginError, match="core"):
        let_in(impostor, strict=False)


class Thing:
    def __init__(self, name="thing", **more):
        self.name = name
        vars(self).update(more)


def bringing(hook, given):
    return made(**{hook: hookimpl(lambda self, ctx: given() if callable(given) else given)})


def halfway():
    yield Thing(judge=print)
    raise LookupError("Mia Stone")


def endless():
    while True:
        yield Thing(judge=print)


def leave():
    raise SystemExit(0)


def give_up():
    raise BaseException("Mia Stone")


@pytest.mark.parametrize(
    ("hook", "given", "kind", "told"),
    [
        ("crmkit_guards", None, Kind.WRONG_TYPE, "returned nothing where guards are wanted"),
        ("crmkit_guards", 7, Kind.WRONG_TYPE, r"returned something (int) where guards are wanted"),
        ("crmkit_guards", "night", Kind.WRONG_TYPE, "where guards are wanted"),
        ("crmkit_guards", [Thing()], Kind.WRONG_TYPE, "the guard thing has no method judge"),
        ("crmkit_guards", [Thing(None, judge=print)], Kind.NAME, "a guard has no name"),
        ("crmkit_guards", [Thing("Quiet Night", judge=print)], Kind.NAME, "a guard has no name"),
        ("crmkit_guards", [Thing(judge=print)] * 2, Kind.DUPLICATE, "the guard acme.thing is registered twice"),
        ("crmkit_guards", endless, Kind.ENDLESS, "returned more than 1000 guards"),
        ("crmkit_guards", halfway, Kind.RAISED, "the hook crmkit_guards failed (LookupError)"),
        ("crmkit_guards", leave, Kind.RAISED, "the hook crmkit_guards failed (SystemExit)"),
        ("crmkit_guards", give_up, Kind.RAISED, "the hook crmkit_guards failed (BaseException)"),
        ("crmkit_channels", [Thing(send=print)], Kind.WRONG_TYPE, "the medium of the channel thing is no Medium"),
        (
            "crmkit_channels",
            [Thing(medium=Medium.SMS, send=later)],
            Kind.WRONG_TYPE,
            "send of the channel thing is async",
        ),
        ("crmkit_channels", [Thing], Kind.WRONG_TYPE, "a channel is a class, and no instance of it"),
        ("crmkit_sources", [Thing(read=print, fetch=later)], Kind.WRONG_TYPE, "fetch of the source thing is async"),
        ("crmkit_sources", [Thing()], Kind.WRONG_TYPE, "the source thing has no method read"),
        ("crmkit_event_parsers", [Thing()], Kind.WRONG_TYPE, "the event parser thing has no method parse"),
        ("crmkit_metrics", [Thing()], Kind.WRONG_TYPE, "the version of the metric thing is no int"),
        ("crmkit_message_types", ["birthday"], Kind.WRONG_TYPE, "something that is no MessageType"),
        ("crmkit_fields", ["age"], Kind.WRONG_TYPE, "something that is no Field"),
    ],
)
def test_what_a_hook_gives_is_looked_at_when_it_is_given(hook, given, kind, told, let_in):
    failure = refused(let_in, bringing(hook, given))
    assert (failure.plugin, failure.phase, failure.kind) == ("acme", Phase.REGISTER, kind)
    assert told in failure.problem
    assert "Stone" not in repr(failure)


def test_whoever_interrupts_the_host_is_obeyed(let_in):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        let_in(bringing("crmkit_metrics", interrupt))


def test_of_several_that_fail_all_are_told_at_once(let_in):
    with pytest.raises(PluginError, match=r"acme: .*; other: is offered|other: needs") as told:
        let_in(made(crmkit_guard=plain), made("other", "1.7"), "folder")
    assert [one.plugin for one in told.value.failures] == ["acme", "other"]


def test_a_plugin_that_fails_at_one_hook_is_out_as_a_whole_and_closed(let_in):
    closed = []
    plugin = made(
        crmkit_guards=hookimpl(lambda self, ctx: [Thing(judge=print)]),
        crmkit_metrics=hookimpl(lambda self, ctx: None),
        crmkit_close=hookimpl(lambda self, ctx: closed.append(ctx.plugin)),
    )
    admitted = let_in(plugin, strict=False)
    assert [guard.name for guard in admitted.guards if guard.owner == "acme"] == []
    assert [one.name for one in admitted.found] == ["core"]
    assert closed == ["acme"]


@pytest.mark.parametrize(
    ("plugin", "goes_on"),
    [
        (bringing("crmkit_metrics", None), True),
        (bringing("crmkit_sources", None), True),
        (bringing("crmkit_event_parsers", None), True),
        (made(crmkit_metric=plain), True),
        (bringing("crmkit_guards", None), False),
        (bringing("crmkit_channels", None), False),
        (bringing("crmkit_message_types", None), False),
        (bringing("crmkit_fields", None), False),
        (made(crmkit_gaurds=plain), False),
        (made(crmkit_metrics=plain, crmkit_gaurds=unmarked), False),
        ("no-such-plugin", False),
    ],
)
def test_without_what_may_be_a_guard_nothing_goes_out(plugin, goes_on, let_in):
    admitted = let_in(plugin, strict=False)
    assert len(admitted.failures.told()) == 1
    if goes_on:
        admitted.insist()
    else:
        with pytest.raises(PluginError):
            admitted.insist()


def test_planning_and_sending_wait_while_opting_out_goes_on(open_crm, exports):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(plugins=["csv", "folder", bringing("crmkit_guards", None)], strict=False)
    assert crm.sync().total.added > 0
    for attempt in (crm.plan, crm.send, crm.rehearse, lambda: crm.preview("P1")):
        with pytest.raises(PluginError, match="acme"):
            attempt()
    assert crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    assert [one.plugin for one in crm.failures()] == ["acme"]


def notice(folder, text):
    """Return a plugin with a message by SMS whose template, in a folder, is as given."""
    body = folder / "acme" / "notice" / "sms" / "en" / "body.txt"
    body.parent.mkdir(parents=True)
    body.write_bytes(text)
    kind = MessageType("notice", Purpose.SERVICE, "inform", (), (Medium.SMS,), 3, folder / "acme")
    return bringing("crmkit_message_types", [kind])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"Dear \xff", "body.txt: the file is not UTF-8. To mend: save it as UTF-8."),
        (b"Dear {{ patient.", "body.txt:1: the template cannot be read"),
        (b"Dear {{ patient.shoe_size }}", "body.txt:1: the field patient.shoe_size is unknown"),
    ],
)
def test_a_plugin_whose_template_cannot_be_used_is_left_out_by_name_and_reason(text, told, open_crm, exports, tmp_path):
    exports("patients", [patient("P1")])
    plugin = notice(tmp_path, text)
    with pytest.raises(TemplateError, match=r"body\.txt"):
        open_crm(plugins=["csv", "folder", plugin])
    crm = open_crm(plugins=["csv", "folder", plugin], strict=False)
    assert crm.sync().total.added > 0
    (failure,) = crm.failures()
    assert (failure.plugin, failure.phase) == ("acme", Phase.REGISTER)
    assert told in str(failure)
    with pytest.raises(PluginError, match=r"acme: .*body\.txt"):
        crm.plan()


def test_a_template_of_the_practice_is_no_fault_of_the_plugin(open_crm, tmp_path):
    own = tmp_path / "templates" / "acme.notice" / "sms" / "en" / "body.txt"
    own.parent.mkdir(parents=True)
    own.write_text("Dear {{ patient.")
    with pytest.raises(TemplateError, match="templates"):
        open_crm(plugins=["csv", "folder", notice(tmp_path, b"Hello.")], strict=False, templates=tmp_path / "templates")


PROGRAMME = """
strict = false
plugins = ["csv", "acme"]
templates = "templates"
[practice]
id = "bright-eyes"
name = "Bright Eyes"
country = "AU"
timezone = "Australia/Sydney"
locale = "en_AU"
currency = "AUD"
email = "hello@brighteyes.example"
[settings.csv]
folder = "exports"
[channels]
sms = "acme"
[campaigns.told]
objective = "inform"
message = "acme.notice"
segment = "acme.score > 3"
schedule = "on birthday"
"""


def test_a_programme_opens_though_what_all_of_it_rests_on_is_missing(exports, tmp_path, clock):
    exports("patients", [patient("P1")])
    (tmp_path / "templates" / "acme.notice").mkdir(parents=True)
    (tmp_path / "crm.toml").write_text(PROGRAMME)
    with CRM.from_file(tmp_path / "crm.toml", clock=clock) as crm:
        assert crm.sync().total.added > 0
        assert [one.id for one in crm.programme()] == ["told"]
        with pytest.raises(PluginError, match="acme: is not installed"):
            crm.plan()
        assert crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    (tmp_path / "crm.toml").write_text(PROGRAMME.replace(', "acme"', ""))
    with pytest.raises(ConfigError):
        CRM.from_file(tmp_path / "crm.toml", clock=clock)


@pytest.mark.parametrize("plugin", [bringing("crmkit_metrics", None), "no-such-plugin"])
def test_what_is_required_must_be_there_however_lenient_one_is(plugin, let_in):
    name = plugin if isinstance(plugin, str) else "acme"
    with pytest.raises(PluginError, match=name):
        let_in(plugin, strict=False, required={name: ""})


def test_a_required_plugin_comes_in_without_being_named_twice(let_in):
    assert [one.name for one in let_in(required={"folder": ">=0.1"}).found] == ["core", "folder"]
    with pytest.raises(PluginError, match=r"folder: is of version 0\.1\.0, and >=7 is required"):
        let_in("folder", required={"folder": ">=7"})
    with pytest.raises(PluginError, match="acme: is of version none"):
        let_in(made(), required={"acme": ">=1"})
    with pytest.raises(ConfigError, match=r"required\.folder: is no version specifier"):
        let_in("folder", required={"folder": "seven"})


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution with one plugin, as far as metadata goes."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(dist, name, body="", version="1.0"):
        module = dist.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(body))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[crmkit.v1]\n{name} = {module}:plugin\n")
        importlib.invalidate_caches()
        return module

    return install


GOOD = """
from crmkit.plugins import CrmkitSpec, PluginInfo
class Good(CrmkitSpec):
    info = PluginInfo("good")
plugin = Good()
"""


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ("import nowhere_to_be_found", Kind.RAISED, "importing failed (ModuleNotFoundError)"),
        ("raise SystemExit('Mia Stone')", Kind.RAISED, "importing failed (SystemExit)"),
        ("raise RuntimeError('Mia Stone')", Kind.RAISED, "importing failed (RuntimeError)"),
        ("this is no Python", Kind.RAISED, "importing failed (SyntaxError)"),
        ("", Kind.MISSING, "is announced as"),
        ("None.nothing", Kind.RAISED, "importing failed (AttributeError)"),
        ("plugin = 7", Kind.NO_PLUGIN, "no instance of a subclass of CrmkitSpec"),
        ("import time; time.sleep(60)", Kind.OVERDUE, "importing took longer than 0.3 s"),
    ],
)
def test_a_plugin_that_cannot_be_imported_harms_nobody_else(body, kind, told, let_in, installed):
    sys.modules.pop("acme_bad", None)
    installed("acme-bad", "bad", body)
    # What does not hang may take its time: a busy machine does.
    failure = refused_once(let_in, "bad", limits=TimeLimits(hook=0.3 if kind is Kind.OVERDUE else 60))
    assert (failure.plugin, failure.version, failure.phase, failure.kind) == ("bad", "1.0", Phase.IMPORT, kind)
    assert told in failure.problem
    assert "Stone" not in repr(failure)
    assert "bad" in discover()


def refused_once(let_in, *plugins, **more):
    (failure,) = let_in(*plugins, strict=False, **more).failures.told()
    return failure


def test_a_plugin_that_calls_itself_otherwise_is_refused(let_in, installed):
    installed("acme-good", "better", GOOD)
    failure = refused_once(let_in, "better")
    assert (failure.phase, failure.kind) == (Phase.INFO, Kind.NAME)
    assert "calls itself good" in failure.problem


def test_two_distributions_of_one_plugin_are_named_and_harm_only_who_wants_it(let_in, installed):
    installed("acme-good", "good", GOOD)
    installed("other-good", "good", GOOD)
    assert let_in("folder").failures.told() == []
    failure = refused_once(let_in, "good")
    assert (failure.phase, failure.kind) == (Phase.FIND, Kind.DUPLICATE)
    assert "acme-good" in failure.problem
    assert "other-good" in failure.problem


def test_a_crm_that_is_built_while_the_host_is_imported_does_not_wait_for_itself(let_in, installed, tmp_path):
    # The host's module builds a CRM; the plugin imports the host's module. In two threads they would wait for ever.
    installed("acme-shop", "shop", "import host_shop\n" + GOOD.replace('"good"', '"shop"'))
    (tmp_path / "site" / "host_shop.py").write_text(
        textwrap.dedent("""
        from datetime import UTC, datetime
        from pathlib import Path
        from crmkit.clock import SystemClock
        from crmkit.plugins.door import admit
        from crmkit.plugins.time_limits import TimeLimits
        names = [one.name for one in admit(["shop"], {}, SystemClock(), Path("."), limits=TimeLimits(hook=30)).found]
        """)
    )
    import host_shop

    assert host_shop.names == ["core", "shop"], "one that waits for itself is given up"


def test_a_hook_that_hangs_is_given_up(let_in):
    free = threading.Event()
    failure = refused_once(let_in, bringing("crmkit_metrics", lambda: free.wait(60)), limits=TimeLimits(hook=1))
    free.set()
    assert (failure.phase, failure.kind) == (Phase.REGISTER, Kind.OVERDUE)


def calls_to_admit(let_in, number: int) -> int:
    """How many functions run while so many plugins come in: the work done, whatever the machine."""
    plugins = [bringing("crmkit_guards", [Thing(judge=print)]) for _ in range(number)]
    for place, plugin in enumerate(plugins):
        type(plugin).info = PluginInfo(f"acme{place}")
    calls = itertools.count()
    sys.setprofile(lambda _, event, __: event == "call" and next(calls))
    try:
        assert len(let_in(*plugins).found) == number + 1
    finally:
        sys.setprofile(None)
    return next(calls)


def test_the_work_of_admitting_grows_with_the_number_of_plugins_and_no_faster(let_in):
    none, twenty_five, fifty = (calls_to_admit(let_in, number) for number in (0, 25, 50))
    assert fifty - none < 2.2 * (twenty_five - none)


def test_a_setting_of_a_plugin_is_told_with_the_nearest_name_and_never_its_secret(let_in):
    @attrs.frozen
    class Settings:
        token: str = secret("from the provider", validator=attrs.validators.matches_re("[a-z]+"))
        url: str = ""

    with pytest.raises(ConfigError, match=r"settings\.acme: the key tokne is unknown. To mend: did you mean token"):
        let_in(made(settings=Settings), settings={"acme": {"tokne": "x"}})
    with pytest.raises(ConfigError) as told:
        let_in(made(settings=Settings), settings={"acme": {"token": "S3CRET-7"}})
    assert "S3CRET-7" not in str(told.value)
    with pytest.raises(ConfigError) as told:
        let_in(made(settings=Settings), settings={"acme": {"token": ["S3CRET-7"]}})
    assert "S3CRET-7" not in str(told.value)
    good = let_in(made(settings=Settings), settings={"acme": {"token": "hush"}})
    assert "hush" not in repr(good)
