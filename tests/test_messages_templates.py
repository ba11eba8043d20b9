"""Where templates lie: the practice's own before the shipped ones, and every misnamed one told at once."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from greetings import MIA, NOW, PRACTICE, draft, hello_in, put, renderer, shipped_in

from crmkit.errors import TemplateError
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return shipped_in(tmp_path)


@pytest.fixture
def hello(shipped: Path) -> MessageType:
    return hello_in(shipped)


def test_the_practices_own_file_stands_in_for_one_part(hello: MessageType, tmp_path: Path) -> None:
    put(tmp_path / "own" / "hello" / "email" / "en", subject_txt="G'day {{ recipient.greeting }}")
    own = renderer(hello, own=tmp_path / "own")
    own.check()
    message = own.render(draft(), NOW)
    assert message.subject == "G'day Mia"
    assert message.text.startswith("Hello Mia")


def test_the_practice_can_add_a_language(hello: MessageType, tmp_path: Path) -> None:
    put(tmp_path / "own" / "core.hello" / "email" / "it", subject_txt="Ciao", body_txt="Ciao")
    message = renderer(hello, own=tmp_path / "own").render(draft(attrs.evolve(MIA, language="it")), NOW)
    assert (message.subject, message.language, message.html) == ("Ciao", "it", "")
    assert "Riceve questo messaggio" in message.text


def test_a_bare_folder_means_core_where_two_plugins_have_the_name(hello: MessageType, tmp_path: Path) -> None:
    put(tmp_path / "own" / "hello" / "email" / "en", subject_txt="Ours")
    types = {kind.name: kind for kind in (hello, hello.owned_by("vendor"))}
    both = Renderer(PRACTICE, types, tmp_path / "own")
    both.check()
    assert both.render(draft(), NOW).subject == "Ours"
    assert both.render(attrs.evolve(draft(), type="vendor.hello"), NOW).subject == "Hello"


def test_a_bare_folder_is_refused_where_it_may_mean_that_of_two_plugins(hello: MessageType, tmp_path: Path) -> None:
    two = [hello.owned_by("acme"), hello.owned_by("vendor")]
    put(tmp_path / "own" / "hello" / "email" / "en", subject_txt="Ours")
    for order in (two, two[::-1]):
        both = Renderer(PRACTICE, {kind.name: kind for kind in order}, tmp_path / "own")
        with pytest.raises(TemplateError, match=r"several plugins .*call it acme\.hello or vendor\.hello"):
            both.check()
        assert both.render(attrs.evolve(draft(), type="vendor.hello"), NOW).subject == "Hello"
    (tmp_path / "own" / "hello").rename(tmp_path / "own" / "vendor.hello")
    both.check()


def test_the_practice_can_lay_out_anew(hello: MessageType, tmp_path: Path) -> None:
    text = "{{ message.text }}{{ practice.name }}{% if links.unsubscribe %}{{ links.unsubscribe }}{% endif %}"
    put(tmp_path / "own" / "_layout", email_txt=text)
    own = renderer(hello, own=tmp_path / "own")
    own.check()
    assert "Hello Mia: 24 November 2026\nBright Eyes & Cohttps" in own.render(draft(), NOW).text


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("helo/email/en/body.txt", "did you mean hello?"),
        ("hello/emial/en/body.txt", "did you mean email?"),
        ("hello/sms/en/body.txt", "email"),
        ("hello/email/en/body.htm", "did you mean body.html?"),
        ("hello/email/english/body.txt", "no language"),
        ("hello/email/EN/body.txt", "rename it to en"),
        ("_layout/emails.html", "did you mean email.html?"),
        ("hello/email/fr/body.txt", "subject.txt is missing"),
        ("hello/email/fr/subject.txt", "body.txt is missing"),
        ("_layout/email.html", "never prints message.html"),
    ],
)
def test_a_misnamed_or_incomplete_override_is_told_at_once(
    hello: MessageType, tmp_path: Path, path: str, hint: str
) -> None:
    file = tmp_path / "own" / path
    put(file.parent, **{file.name: "x"})
    with pytest.raises(TemplateError) as refused:
        renderer(hello, own=tmp_path / "own").check()
    assert hint in str(refused.value)


def test_hidden_files_are_left_alone(hello: MessageType, tmp_path: Path) -> None:
    put(tmp_path / "own", **{".DS_Store": "x"})
    renderer(hello, own=tmp_path / "own").check()


def test_a_missing_folder_of_templates_is_told(hello: MessageType, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no such folder"):
        renderer(hello, own=tmp_path / "nowhere").check()


def test_a_bad_template_is_told_at_once_with_file_line_and_hint(shipped: Path, hello: MessageType) -> None:
    put(shipped / "hello" / "email" / "de", body_html="<p>\n{{ practice.nmae }}</p>")
    with pytest.raises(TemplateError, match=r"body\.html:2: .*practice\.nmae.*did you mean practice\.name"):
        renderer(hello).check()


def test_a_need_that_no_view_has_is_told(hello: MessageType) -> None:
    with pytest.raises(TemplateError, match=r"did you mean patient\.greeting"):
        renderer(attrs.evolve(hello, needs=("patient.greting",))).check()


def test_a_medium_without_templates_is_told(hello: MessageType) -> None:
    with pytest.raises(TemplateError, match="no template by post"):
        renderer(attrs.evolve(hello, media=(Medium.POST,))).check()


def test_a_type_that_the_practice_cannot_say_in_its_language_is_told(hello: MessageType, tmp_path: Path) -> None:
    put(tmp_path / "swiss" / "hello" / "email" / "de", subject_txt="x", body_txt="x")
    with pytest.raises(TemplateError, match="offered in de only"):
        renderer(attrs.evolve(hello, templates=tmp_path / "swiss")).check()


def test_a_folder_of_a_message_type_that_is_named_after_no_language_is_told_with_its_path(
    shipped: Path, hello: MessageType
) -> None:
    put(shipped / "hello" / "email" / "drafts", body_txt="Not yet")
    with pytest.raises(TemplateError, match=r"hello/email/drafts: the folder is named after no language"):
        renderer(hello).check()


def test_one_text_for_everybody_may_name_nobody(hello: MessageType) -> None:
    with pytest.raises(TemplateError, match=r"same for everybody, yet recipient\.greeting"):
        renderer(attrs.evolve(hello, personal=False)).check()


def test_a_template_in_another_encoding_is_told(shipped: Path, hello: MessageType) -> None:
    (shipped / "hello" / "email" / "de" / "body.txt").write_bytes("Grüße".encode("cp1252"))
    with pytest.raises(TemplateError, match=r"body\.txt: the file is not UTF-8"):
        renderer(hello).check()
