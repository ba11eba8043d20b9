"""The practice's own words: found by period and language, read from Markdown."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest

from crmkit.errors import TemplateError
from crmkit.messages.content import Content
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium, Purpose

OCCASION = "newsletter 2026-q4"
NEWS = MessageType(
    "core.newsletter", Purpose.MARKETING, "inform", (), (Medium.EMAIL,), 21, Path("t"), personal=False, content=True
)
BIRTHDAY = MessageType("core.birthday", Purpose.MARKETING, "celebrate", (), (Medium.EMAIL,), 3, Path("t"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "newsletter" / name
    path.write_text(text, encoding="utf-8")
    return path


def title(folder: Path, language: str, fallback: str = "en") -> str | None:
    article = Content(folder, fallback).article(NEWS, OCCASION, language)
    return article and article.title


def test_a_missing_file_is_awaited_at_a_path(folder: Path) -> None:
    content = Content(folder)
    assert content.awaits(NEWS, OCCASION, "en") == folder / "newsletter" / "2026-q4.md"
    assert content.article(NEWS, OCCASION, "en") is None
    write(folder, "2026-q4.md", "# Spring\n\nHello\n")
    assert content.awaits(NEWS, OCCASION, "en") is None


def test_without_a_folder_the_usual_place_is_named() -> None:
    assert Content(None).awaits(NEWS, OCCASION, "en") == Path("content/newsletter/2026-q4.md")


def test_a_type_without_content_awaits_none(folder: Path) -> None:
    assert Content(folder).awaits(BIRTHDAY, "birthday 2026", "en") is None
    assert Content(None).article(BIRTHDAY, "birthday 2026", "en") is None


def test_the_first_line_is_the_title_and_the_rest_is_markdown(folder: Path) -> None:
    write(
        folder,
        "2026-q4.md",
        "\ufeff# Spring hours #\n\n\n\nHello *you*  \n\n\n\n<script>x</script>\n[a](javascript:x)\n",
    )
    article = Content(folder).article(NEWS, OCCASION, "en")
    assert article is not None
    assert article.title == "Spring hours"
    assert article.text == "Hello you\n\n<script>x</script> [a](javascript:x)"
    assert "<em>you</em>" in article.html
    assert "<script>" not in article.html
    assert "href" not in article.html


@pytest.mark.parametrize(
    ("written", "links"),
    [
        ("Book at https://b.example/book?a=1&b=2.", ["https://b.example/book?a=1&amp;b=2"]),
        ("(https://b.example/x_y_z), 'http://c.example/'", ["https://b.example/x_y_z", "http://c.example/"]),
        ("https://b.example/größe。", ["https://b.example/gr%C3%B6%C3%9Fe"]),
        ("[https://b.example](https://c.example) <https://d.example>", ["https://c.example", "https://d.example"]),
        ("`https://b.example` javascript://x https:// xhttps://b.example", []),
        ("![https://b.example](https://b.example/a.png)", []),
    ],
)
def test_a_bare_web_address_is_a_link_in_html(folder: Path, written: str, links: list[str]) -> None:
    write(folder, "2026-q4.md", f"# Hours\n\n{written}\n")
    article = Content(folder).article(NEWS, OCCASION, "en")
    assert article is not None
    assert re.findall('<a href="([^"]*)">', article.html) == links


def test_who_reads_plain_text_sees_no_marks_of_markdown(folder: Path) -> None:
    text = r"""
        # Spring *light*

        ## Our **hours**
        We are here
        until `five`.\
        Then [book](https://b.example/?a=1&b=2), <https://c.example/x>, [c.example](https://c.example),
        [the desk:](mailto:desk@b.example) or [+61 2](tel:+612).

        * Orders &amp; *repairs*
        + [Directions](https://b.example/map)
            * two
        7. **seven**
        9. eight

        > Kind, \*as ever\*
        ***
        ![](https://b.example/line.png) ![Our team](https://b.example/team.png)
        """
    write(folder, "2026-q4.md", textwrap.dedent(text))
    article = Content(folder).article(NEWS, OCCASION, "en")
    assert article is not None
    assert article.title == "Spring light"
    assert article.text.split("\n") == [
        "Our hours",
        "",
        "We are here until five.",
        "Then book: https://b.example/?a=1&b=2, https://c.example/x, https://c.example, "
        "the desk: desk@b.example or +61 2: +612.",
        "",
        "- Orders & repairs",
        "",
        "- Directions: https://b.example/map",
        "  - two",
        "",
        "7. seven",
        "8. eight",
        "",
        "  Kind, *as ever*",
        "",
        "----------",
        "",
        "Our team",
    ]
    write(folder, "2026-q4.fr.md", "# Horaires\n\n[Prendre rendez-vous](https://b.example)\n")
    french = Content(folder).article(NEWS, OCCASION, "fr")
    assert french is not None
    assert french.text == "Prendre rendez-vous\u00a0: https://b.example"


@pytest.mark.parametrize(
    ("written", "problem", "mend"),
    [
        ("[Book](www.b.example)", "a link leads nowhere: (www.b.example)", "write https://www.b.example"),
        (
            "[Book](b.example/book?a=1)",
            "a link leads nowhere: (b.example/book?a=1)",
            "write https://b.example/book?a=1",
        ),
        ("[Mail us](desk@b.example)", "a link leads nowhere: (desk@b.example)", "write mailto:desk@b.example"),
        ("[Book](/book)", "a link leads nowhere: (/book)", "https://, mailto: or tel:"),
        ("[Flyer](flyer.pdf)", "a link leads nowhere: (flyer.pdf)", "https://, mailto: or tel:"),
        ("[Book]()", "a link leads nowhere: ()", "https://, mailto: or tel:"),
        ("![Team](team.jpg)", "a picture is not sent along: (team.jpg)", "put it on your website"),
        (
            "![](data:image/png;base64,iVBO)",
            "a picture is not sent along: (data:image/png;base64,iVBO)",
            "your website",
        ),
        ("[![Team](team.jpg)](https://b.example)", "a picture is not sent along: (team.jpg)", "your website"),
    ],
)
def test_a_link_or_a_picture_of_which_no_reader_has_anything_is_told_with_its_line(
    folder: Path, written: str, problem: str, mend: str
) -> None:
    path = write(folder, "2026-q4.md", f"# Hours\n\n\nWe open\nearlier.\n\n* See\n  {written}\n")
    with pytest.raises(TemplateError) as refused:
        Content(folder).article(NEWS, OCCASION, "en")
    assert (refused.value.problem, refused.value.where) == (problem, f"{path}:8")
    assert mend in str(refused.value)


def test_each_reader_gets_the_language_that_serves_best(folder: Path) -> None:
    write(folder, "2026-q4.md", "# Plain\n\nx\n")
    write(folder, "2026-q4.de.md", "# Deutsch\n\nx\n")
    assert title(folder, "de-CH") == "Deutsch"
    assert title(folder, "fr") == "Plain"
    write(folder, "2026-q4.zh-Hant.md", "# 繁體\n\nx\n")
    assert title(folder, "zh-Hant-TW") == "繁體"


@pytest.mark.parametrize(
    ("named", "usual"), [("FR", "fr"), ("fr_CH", "fr-CH"), ("fr-ch", "fr-CH"), ("zh-TW", "zh-Hant-TW")]
)
def test_a_language_that_is_spelt_in_another_way_is_told_and_not_passed_over(
    folder: Path, named: str, usual: str
) -> None:
    write(folder, "2026-q4.md", "# Plain\n\nx\n")
    for other in ("old", "bak", "draft-2", "de"):
        write(folder, f"2026-q4.{other}.md", "no title")
    write(folder, f"2026-q3.{named}.md", "# Français\n\nx\n")
    content = Content(folder)
    assert content.awaits(NEWS, OCCASION, "en") is None
    write(folder, f"2026-q4.{named}.md", "# Français\n\nx\n")
    with pytest.raises(TemplateError) as told:
        content.awaits(NEWS, OCCASION, "en")
    assert told.value.where.endswith(f"2026-q4.{named}.md")
    assert told.value.mend == f"rename it to 2026-q4.{usual}.md"
    write(folder, f"2026-q4.{usual}.md", "# Français\n\nx\n")
    assert content.awaits(NEWS, OCCASION, "en") is None


def test_only_the_practices_own_language_still_serves_everybody(folder: Path) -> None:
    write(folder, "2026-q4.en.md", "# English\n\nx\n")
    assert title(folder, "fr", "en-AU") == "English"
    assert title(folder, "fr", "it-CH") is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("\n\nHello\n", 3), ("## Small\n\nx", 1), ("#\n\nx", 1), ("# T\n\n", 1), ("# T\n\n![](a.png)", 1)],
)
def test_a_file_without_title_or_text_says_where(folder: Path, text: str, line: int) -> None:
    path = write(folder, "2026-q4.md", text)
    with pytest.raises(TemplateError) as refused:
        Content(folder).article(NEWS, OCCASION, "en")
    assert refused.value.where == f"{path}:{line}"


def test_a_file_in_another_encoding_says_where(folder: Path) -> None:
    path = write(folder, "2026-q4.md", "")
    path.write_bytes("# Frühling\n\nGrüße".encode("cp1252"))
    with pytest.raises(TemplateError, match=r"2026-q4\.md:1: the file is not UTF-8"):
        Content(folder).article(NEWS, OCCASION, "en")


def test_a_changed_file_is_read_again(folder: Path) -> None:
    content = Content(folder)
    path = write(folder, "2026-q4.md", "# Before\n\nx\n")
    assert content.article(NEWS, OCCASION, "en")
    write(folder, "2026-q4.md", "# After1\n\nx\n")
    os.utime(path, ns=(1, 1))
    article = content.article(NEWS, OCCASION, "en")
    assert article is not None
    assert article.title == "After1"


@pytest.mark.parametrize(
    "occasion", ["newsletter ../../secret", "newsletter /etc/passwd", "newsletter ", "newsletter a.b"]
)
def test_an_occasion_cannot_name_a_file_elsewhere(folder: Path, occasion: str) -> None:
    with pytest.raises(TemplateError, match="period"):
        Content(folder).article(NEWS, occasion, "en")
