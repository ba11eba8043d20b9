"""`crmkit receive` and `crmkit unsuppress`: mails, mailboxes and pipes, and what a person lets be used again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from events_desk import answer, bounce
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cli import main
from crmkit.cli.mailbox import mails
from crmkit.crm.crm import CRM
from crmkit.demo.sample import sample
from crmkit.errors import StoreError
from crmkit.ledger.learnt import learn_consent
from crmkit.messages.proof import Proofs
from crmkit.people.consent import Consent

AT = "2026-11-23T10:00+11:00"


def run(*args: str, code: int = 0, given: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, [*args, "--at", AT], input=given)
    assert result.exit_code == code, result.output
    return result


def told(*args: str, code: int = 0, given: bytes | None = None) -> Any:
    return json.loads(run(*args, "--json", code=code, given=given).stdout)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the key of the shipped practice's one card that has been sent; the plugin email is admitted."""
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    monkeypatch.setenv("COLUMNS", "100")
    run("sync")
    run("plan")
    (sent,) = told("send", "--yes")["touches"]
    file = Path("crm.toml")
    admitted = file.read_text(encoding="utf-8").replace('plugins = ["csv", ', 'plugins = ["email", "csv", ')
    settings = '\n[settings.email]\nhost = "mx.example"\n\n[channels]\nemail = "folder"\n'
    file.write_text(admitted + settings, encoding="utf-8")
    return str(sent["key"])


def test_without_a_plugin_that_reads_mails_it_says_which_to_admit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    assert "such as email" in run("receive", "email.bounces", "-", code=1, given=b"From: a@b.example\n\n").stderr


@pytest.mark.no_cover
def test_what_a_patient_tells_the_desk_holds_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    run("sync")
    run("plan")
    assert "there is no patient P15" in run("opt-out", "P15", "--by", "Kim", code=1).stderr
    assert (
        "P000015 gets no more marketing by sms,"
        in run("opt-out", "P000015", "--purpose", "marketing", "--medium", "sms", "--by", "Kim").output
    )
    assert told("send")["counts"] == {"ready": 1}
    assert told("opt-out", "P000015", "--by", "Kim")["media"] == ["email", "sms", "post", "phone"]
    run("sync")
    assert told("send")["counts"] == {"denied": 1}
    assert "has said no to marketing by email" in run("why", "P000015").output


@pytest.mark.no_cover
def test_a_no_told_at_the_desk_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    run("sync")
    written: list[Consent] = []

    def third_time_unlucky(*told: Any) -> bool:
        written.append(told[2])
        if len(written) == 3:
            raise StoreError("the database does not answer")
        return learn_consent(*told)

    with monkeypatch.context() as patched:
        patched.setattr("crmkit.crm.receiving.learn_consent", third_time_unlucky)
        # Whether there is such a patient is asked, and no campaign is judged for that.
        patched.setattr(CRM, "why", None)
        assert "does not answer" in run("opt-out", "P000015", "--by", "Kim", code=1).stderr
    said = "SELECT count(*) FROM crmkit_learnt_consent"
    with closing(sqlite3.connect("practice.db")) as database:
        assert database.execute(said).fetchone() == (0,)
        run("opt-out", "P000015", "--by", "Kim")
        assert database.execute(said).fetchone() == (8,)


CHRIS = "christopher.gallagher@innerwest.example"


def word_of(key: str) -> str:
    """Return what the Message-ID has before the sign."""
    with CRM.from_file("crm.toml") as crm:
        return Proofs.of(crm.practice).word(key)


def words() -> str:
    return str(told("why", "P000015")["answers"][0]["words"])


@pytest.mark.no_cover
def test_a_bounce_in_a_file_is_heard_once(key: str) -> None:
    Path("bounce.eml").write_bytes(bounce(word_of(key), CHRIS))
    shown = run("receive", "email.bounces", "bounce.eml").stdout
    assert "bounced" in shown
    assert "noted at its message, address not used any more" in shown
    assert "1 event new, 0 known before." in shown
    assert words() == "bounced: came back: nobody is at this address (5.1.1)"
    assert "0 events new, 1 known before." in run("receive", "email.bounces", "bounce.eml").stdout
    assert told("receive", "email.bounces", "bounce.eml") == {"applied": 0, "known": 1, "heard": [], "unread": []}


def test_what_a_spam_filter_keeps_out_is_told_with_what_to_mend(key: str) -> None:
    Path("bounce.eml").write_bytes(bounce(word_of(key), CHRIS, "5.7.26"))
    shown = run("receive", "email.bounces", "bounce.eml").stdout
    assert "address not used any more" not in shown
    assert (
        "1 message kept out by a spam filter or a rule of the receiver (5.7.26). Look at SPF, DKIM and DMARC" in shown
    )
    assert "kept out" not in run("receive", "email.bounces", "bounce.eml").stdout
    assert words() == "bounced: came back from a spam filter or a rule of the receiver (5.7.26)"


def test_a_mail_servers_pipe_and_a_whole_mailbox(key: str) -> None:
    piped = told("receive", "email.replies", "-", given=answer(key, "Thank you!", sender=CHRIS))
    assert [(one["kind"], one["key"], one["did"]) for one in piped["heard"]] == [("replied", key, [])]
    mail = answer(key, ">From me: thank you again!\n\nFrom my telephone", sender=CHRIS)
    Path("box").write_bytes(
        b"".join(
            b"From x@y Mon Nov 23 10:00:00 2026\n" + one + b"\n" for one in (mail, mail, bounce(word_of(key), CHRIS))
        )
    )
    assert told("receive", "email.replies", "box")["applied"] == 1
    bounces = told("receive", "email.bounces", "box", "box")
    assert (bounces["applied"], bounces["known"]) == (1, 1)


def test_what_cannot_be_read_is_told_and_kept_and_the_rest_is_heard(key: str) -> None:
    Path("bad.eml").write_bytes(b"\n")
    Path("good.eml").write_bytes(bounce(word_of(key), CHRIS))
    result = told("receive", "email.bounces", "bad.eml", "good.eml", code=3)
    assert result["applied"] == 1
    assert result["unread"] == [{"where": "bad.eml, number 1", "problem": "the mail is empty"}]
    assert "Not read: email.bounces" in run("receive", "--again", code=3).stdout


@pytest.mark.no_cover
@pytest.mark.parametrize("args", [(), ("email.bounces",), ("email.bounces", "-", "--again")])
def test_a_command_that_says_too_little_or_too_much_is_refused(key: str, args: tuple[str, ...]) -> None:
    assert key
    run("receive", *args, code=2)


@pytest.mark.no_cover
def test_a_parser_that_there_is_not_is_one_mistake(key: str) -> None:
    Path("good.eml").write_bytes(bounce(word_of(key), CHRIS))
    result = run("receive", "email.bounce", "good.eml", code=1)
    assert "did you mean email.bounces?" in result.stderr


def test_a_person_lets_an_address_be_used_again(key: str) -> None:
    Path("bounce.eml").write_bytes(bounce(word_of(key), CHRIS))
    run("receive", "email.bounces", "bounce.eml")
    assert run("unsuppress", "email", CHRIS, "--by", "Kim").stdout == "The address is used again.\n"
    assert told("unsuppress", "email", CHRIS, "--by", "Kim") == {"medium": "email", "used_again": False}
    run("unsuppress", "email", CHRIS, code=2)
    run("unsuppress", "email", "--by", "Kim", code=2)
    since = ("unsuppress", "--since", "2026-11-23T00:00+11:00", "--by", "Kim")
    run(*since, "email", CHRIS, code=2)
    run(*since, "email", code=2)
    assert run(*since).stdout == "0 addresses are used again.\n"
    assert told(*since) == {"used_again": 0}


LINES = st.lists(st.sampled_from([b"", b"Subject: x", b"From me", b">From me", b">>From me", b"> quoted", b"x" * 99]))


@given(st.lists(LINES, min_size=1, max_size=4))
def test_every_mail_of_a_mailbox_comes_out_as_it_went_in(tmp_path_factory: Any, all_lines: list[list[bytes]]) -> None:
    box = tmp_path_factory.mktemp("box") / "box"
    put_in = [b"".join(line + b"\n" for line in lines) for lines in all_lines]
    escaped = [b"".join(_escaped(line) + b"\n" for line in lines) for lines in all_lines]
    box.write_bytes(b"".join(b"From x@y Mon Nov 23 10:00:00 2026\n" + mail + b"\n" for mail in escaped))
    assert [mail.rstrip(b"\n") for mail in mails(box)] == [mail.rstrip(b"\n") for mail in put_in]


def _escaped(line: bytes) -> bytes:
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line
