"""One call to a plugin's object: bounded in time, and whatever goes wrong is a value."""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from contextvars import ContextVar
from decimal import getcontext, localcontext

import pytest

from crmkit import errors
from crmkit.errors import NotFound, SourceError
from crmkit.plugins.calls import Calls, Fault, Nonsense, drain
from crmkit.plugins.failure import Failure, Failures, Kind, Phase

BOUNDED = {Phase.JUDGE: 60.0, Phase.READ: 60.0}


def calls(limits=BOUNDED, thing="acme.night"):
    return Calls("acme", "1.2", thing, Failures(), limits)


def threads(thing):
    return {one for one in threading.enumerate() if one.name == f"crmkit-{thing}"}


def test_an_answer_comes_back_from_a_daemon_that_waits_for_the_next_call():
    own = calls()
    found = [own.call(Phase.JUDGE, "judging", threading.current_thread) for _ in range(10)]
    assert len(set(found)) == 1
    assert found[0].daemon
    assert found[0] is not threading.current_thread()
    own.end()
    found[0].join(60)
    assert not found[0].is_alive()


def test_without_a_limit_a_call_is_made_in_the_callers_thread():
    assert calls({}).call(Phase.JUDGE, "judging", threading.current_thread) is threading.current_thread()
    assert calls({Phase.JUDGE: None}).call(Phase.JUDGE, "judging", threading.get_ident) == threading.get_ident()


def test_calls_at_the_same_time_do_not_wait_for_one_another():
    own, together = calls(), threading.Barrier(3, timeout=60)
    answers = []
    callers = [
        threading.Thread(target=lambda: answers.append(own.call(Phase.JUDGE, "judging", together.wait)))
        for _ in range(3)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answers) == [0, 1, 2]
    own.end()


def test_a_line_is_one_thread_from_its_beginning_to_its_end():
    own = calls()
    with own.line() as first, own.line() as second:
        idents = [line.call(Phase.READ, "reading", threading.get_ident) for line in (first, second, first, second)]
    assert idents[0] == idents[2] != idents[1] == idents[3]
    own.end()


@pytest.mark.parametrize("limits", [{}, BOUNDED])
@pytest.mark.parametrize("kind", [KeyError, SystemExit, BaseException, GeneratorExit, SourceError])
def test_whatever_is_raised_is_a_failure_that_quotes_nothing(limits, kind):
    own = calls(limits)

    def fail():
        raise kind("Mia")

    fault = own.call(Phase.JUDGE, "judging", fail)
    name = kind.__name__
    said = f"judging failed ({name})"
    place = f"test_plugins_calls.py:{fail.__code__.co_firstlineno + 1}"
    expected = Failure("acme", "1.2", Phase.JUDGE, Kind.RAISED, said, "", "acme.night", name, place)
    assert fault == Fault(expected)
    assert list(own.failures.told()) == [expected]
    assert "Mia" not in f"{fault} {fault.as_error()}"
    own.end()


def test_where_it_happened_is_the_last_line_of_the_plugins_own():
    own = calls({})

    def fail():
        json.loads("{")

    failure = own.call(Phase.JUDGE, "judging", fail).failure
    assert failure.place == f"test_plugins_calls.py:{fail.__code__.co_firstlineno + 1}"
    assert str(failure).endswith(f"judging failed (JSONDecodeError) at {failure.place}.")
    compiled = compile("raise KeyError", "Mia Stone.py", "exec")
    assert own.call(Phase.JUDGE, "judging", lambda: exec(compiled)).failure.place == ""  # noqa: S102


def test_where_it_happened_is_not_within_what_the_plugin_rests_on(tmp_path, monkeypatch):
    # As a host's own code does whose database is away: the last lines are those of its driver.
    installed = tmp_path / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "driver_of_some.py").write_text("def ask():\n    raise OSError\n")
    monkeypatch.syspath_prepend(installed)
    driver = importlib.import_module("driver_of_some")

    def fail():
        driver.ask()

    fault = calls({}).call(Phase.READ, "reading", fail)
    place = f"test_plugins_calls.py:{fail.__code__.co_firstlineno + 1}"
    told = f"acme.night: reading failed (OSError). To mend: look at {place}."
    assert (fault.failure.place, str(fault.as_error())) == (place, told)


def test_what_the_host_set_for_its_own_thread_is_found_in_the_objects():
    # An application, a tenant, a request: web frameworks and loggers keep them in context variables.
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    own = calls()

    def answers():
        before = tenant.set("south")
        yield "within"
        tenant.reset(before)
        yield tenant.get()

    set_here = tenant.set("north")
    with localcontext(prec=3):
        assert own.call(Phase.JUDGE, "judging", tenant.get) == "north"
        with own.line() as line:
            asked = line.call(Phase.READ, "reading", answers)
            # What it sets it finds again at the next batch, and it can give it back.
            assert [line.call(Phase.READ, "reading", lambda: next(asked)) for _ in range(2)] == ["within", "north"]
            assert line.call(Phase.READ, "reading", lambda: getcontext().prec) == 28
    tenant.reset(set_here)
    assert own.call(Phase.JUDGE, "judging", tenant.get) == "nobody"
    own.end()


def test_a_class_whose_name_is_a_sentence_is_not_named():
    own = calls({})

    def fail():
        raise type("Mia Stone has died", (Exception,), {})

    assert own.call(Phase.JUDGE, "judging", fail).failure.error == "Exception"


@pytest.mark.parametrize("limits", [{}, BOUNDED])
def test_an_interruption_passes(limits):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calls(limits).call(Phase.JUDGE, "judging", interrupt)


def test_what_an_object_may_say_passes_without_what_led_to_it():
    own = calls()

    def refuse():
        try:
            raise KeyError("Mia Stone")
        except KeyError as problem:
            raise NotFound("is forged", where="hook") from problem

    fault = own.call(Phase.JUDGE, "judging", refuse, passes=(NotFound,))
    assert str(fault.as_error()) == "hook: is forged."
    assert fault.error.__cause__ is fault.error.__context__ is fault.error.__traceback__ is None
    assert own.failures.told() == []
    own.end()


def test_what_an_object_says_names_it_and_quotes_no_secret():
    own = Calls("acme", thing="acme.night", secrets=("hush-7", "no"))

    def say(words, **more):
        def refuse():
            problem = NotFound(words, **more)
            problem.add_note("hush-7")
            raise problem

        fault = own.call(Phase.JUDGE, "judging", refuse, passes=(NotFound,))
        return "".join(traceback.format_exception(fault.as_error())).strip()

    assert say("is nowhere").endswith("NotFound: acme.night: is nowhere.")
    for quoting in (("the key hush-7 is wrong",), ("x",)):
        more = {} if quoting[0] != "x" else {"mend": "leave hush-7 out"}
        assert say(*quoting, **more).endswith("acme.night: says something that quotes a secret of its settings.")


def test_an_error_class_of_the_plugins_own_does_not_pass():
    class Quoting(NotFound):
        def __str__(self):
            return "Mia Stone"

    assert Quoting.__module__ != errors.__name__
    own = calls({})

    def refuse():
        raise Quoting("x")

    assert own.call(Phase.JUDGE, "judging", refuse, passes=(NotFound,)).failure.kind is Kind.RAISED


def test_a_call_past_its_time_is_given_up_and_its_object_left_alone():
    own, free, late = calls({Phase.JUDGE: 0.05, Phase.READ: 0.05}, "acme.slow"), threading.Event(), []

    def slow():
        free.wait(60)
        return "after all"

    fault = own.call(Phase.JUDGE, "judging", slow, late=late.append)
    assert (fault.failure.kind, own.abandoned) == (Kind.OVERDUE, True)
    assert own.call(Phase.READ, "reading", lambda: pytest.fail("called")).failure.kind is Kind.ABANDONED
    assert [one.kind for one in own.failures.told()] == [Kind.OVERDUE]
    (busy,) = threads("acme.slow")
    free.set()
    busy.join(60)
    assert late == ["after all"]
    assert not busy.is_alive(), "nobody needs the thread any more"


def test_threads_end_with_what_they_were_made_for():
    own = calls(thing="acme.brief")
    own.call(Phase.JUDGE, "judging", lambda: None)
    (thread,) = threads("acme.brief")
    del own
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


def test_a_thread_that_nobody_needs_ends_and_the_next_call_gets_another(monkeypatch):
    # A process may hold a thousand practices, each with some plugins.
    monkeypatch.setattr("crmkit.plugins.worker.IDLE", 0.05, raising=False)
    own = calls(thing="acme.seldom")
    with own.line() as line:
        first = line.call(Phase.READ, "reading", threading.current_thread)
        time.sleep(0.2)
        assert line.call(Phase.READ, "reading", threading.current_thread) is first, "it is needed as long as it is held"
    first.join(10)
    assert not first.is_alive()
    assert own.call(Phase.JUDGE, "judging", lambda: 1) == 1
    own.end()


def test_no_call_goes_to_a_thread_that_is_just_ending(monkeypatch):
    monkeypatch.setattr("crmkit.plugins.worker.IDLE", 0.0005, raising=False)
    own, pauses = calls(thing="acme.often"), itertools.cycle([0, 0.0004, 0.0005, 0.0006, 0.001])

    def caller():
        for _ in range(300):
            answers.append(own.call(Phase.JUDGE, "judging", lambda: 1))
            time.sleep(next(pauses))

    answers: list[int] = []
    callers = [threading.Thread(target=caller) for _ in range(4)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(60)
    assert answers == [1] * 1200
    own.end()


def test_a_waiting_thread_holds_nobody():
    class Patients:
        pass

    own, held = calls(), []
    patients = Patients()
    gc.collect()
    own.call(Phase.JUDGE, "judging", lambda patients=patients: held.append(id(patients)))
    del patients
    deadline = time.monotonic() + 60
    while any(isinstance(one, Patients) for one in gc.get_objects()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        gc.collect()
    own.end()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    own = calls()
    assert own.call(Phase.JUDGE, "judging", lambda: 1) == 1
    child = os.fork()
    if not child:
        os._exit(0 if own.call(Phase.JUDGE, "judging", lambda: 2) == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    own.end()


def test_a_program_at_its_very_end_waits_for_no_thread_that_goes_on_no_more():
    # A host's object that closes its CRM when it goes, as late as with its module.
    program = """
from crmkit.plugins.calls import Calls
from crmkit.plugins.failure import Phase

class Host:
    def __init__(self):
        self.calls = Calls("acme", limits={Phase.CLOSE: 20})
        self.close = self.calls.call, Phase.CLOSE
        self.close[0](self.close[1], "opening", int)

    def __del__(self, tell=print):
        tell(self.close[0](self.close[1], "closing", lambda: "closed"))

host = Host()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("closed\n", "")


def test_the_same_failure_is_kept_and_logged_once(caplog):
    failures = Failures()
    failure = Failure("acme", "1.2", Phase.SEND, Kind.COUNT, "gave fewer receipts")
    for _ in range(3):
        failures.note(failure)
    (kept,) = failures.told()
    assert (kept, kept.times) == (failure, 3)
    Failures("bright-eyes").note(failure)
    assert caplog.messages == [f"{whose}acme 1.2: send: gave fewer receipts." for whose in ("", "bright-eyes: ")]


def test_failures_do_not_fill_the_memory():
    failures = Failures()
    for number in range(1500):
        failures.note(Failure("acme", "", Phase.SEND, Kind.RAISED, f"sending failed ({number})"))
    assert len(failures.told()) == 1000


@pytest.mark.parametrize("answer", [None, 7, "text", b"bytes", object()])
def test_what_is_no_collection_is_nonsense(answer):
    with pytest.raises(Nonsense, match="where things are wanted"):
        drain(answer, 3, "things")


def test_a_collection_is_drained_up_to_its_bound():
    assert drain((one for one in range(3)), 3, "things") == [0, 1, 2]
    with pytest.raises(Nonsense, match="more than 3 things"):
        drain(iter(int, 1), 3, "things")
