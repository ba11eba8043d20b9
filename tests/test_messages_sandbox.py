"""What a template may do: print fields and choose between words."""

from __future__ import annotations

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from crmkit.errors import MissingField, TemplateError
from crmkit.messages.sandbox import Part, Sandbox, compile_part
from crmkit.messages.views import FIELDS, OccasionView, PatientView, PracticeView
from crmkit.people.name import PersonName
from crmkit.practice import Practice


def part(source: str, where: str = "own/body.txt") -> Part:
    return compile_part(Sandbox(), source, where, FIELDS)


def shown(source: str, name: PersonName | None = None, where: str = "own/body.txt") -> str:
    patient = PatientView.of(name or PersonName(given="Mia", family="Muster"))
    return part(source, where).render({"patient": patient, "for_child": False, "today": "23 November 2026"})


@pytest.mark.parametrize(
    "source",
    [
        "{{ patient.__class__ }}",
        "{{ patient.greeting.__class__ }}",
        "{{ patient['greeting'] }}",
        "{{ patient['__class__'] }}",
        "{{ patient.greeting.upper() }}",
        "{{ patient.greeting | upper }}",
        "{{ patient.greeting | attr('__class__') }}",
        "{{ patient | string }}",
        "{{ '%0200000000d' % 1 }}",
        "{{ 'a' * 200000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'a' ~ 'b' }}",
        "{{ range(3) }}",
        "{{ [1, 2] }}",
        "{{ {'a': 1} }}",
        "{% set x = 1 %}",
        "{% for x in 'abc' %}{% for y in 'abc' %}{{ x }}{% endfor %}{% endfor %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with x = 1 %}{% endwith %}",
        "{% autoescape false %}{{ patient.name }}{% endautoescape %}",
        "{% if patient.greeting is defined %}x{% endif %}",
        "{{ patient.greeting | safe }}",
        "{{ patient.greeting if for_child }}",
        "{{ self }}",
        "{{ loop }}",
        "{{ (patient).greeting.x }}",
        "{{ ('x').join }}",
        "{% if 'a' * 99 %}{% endif %}",
        "{% if patient.given > 3 %}{% endif %}",
        "{% if 2027 == occasion.year %}{% endif %}",
        "{{ patient.greeting | default('a' * 99) }}",
    ],
)
def test_all_else_is_refused_before_it_runs(source: str) -> None:
    with pytest.raises(TemplateError, match=r"own/body\.txt:2"):
        part("\n" + source)


@pytest.mark.parametrize("source", ["{{ value.upper }}", "{{ view.__class__ }}", "{{ view.of }}"])
def test_the_second_line_shows_nothing_but_a_views_fields(source: str) -> None:
    view = PatientView.of(PersonName(given="Mia"))
    with pytest.raises((SecurityError, UndefinedError, MissingField)):
        Sandbox().from_string(source).render(value="text", view=view)


def test_a_misspelt_field_is_told_with_file_line_and_the_nearest() -> None:
    with pytest.raises(TemplateError) as refused:
        part("Dear\n{{ patient.greetin }}")
    assert str(refused.value) == (
        "own/body.txt:2: the field patient.greetin is unknown. To mend: did you mean patient.greeting?"
    )


@pytest.mark.parametrize("source", ["{{ patient }}", "{{ nobody }}", "{{ patient.ssn }}", "{{ today.year }}"])
def test_what_no_view_has_is_unknown(source: str) -> None:
    with pytest.raises(TemplateError, match="unknown"):
        part(source)


def test_a_template_that_cannot_be_read_says_where() -> None:
    with pytest.raises(TemplateError, match=r"own/body\.txt:2.*cannot be read"):
        part("Dear\n{% if %}")


def test_an_empty_field_is_never_printed() -> None:
    with pytest.raises(MissingField) as lack:
        shown("Dear {{ patient.preferred }},")
    assert lack.value.field == "patient.preferred"
    assert lack.value.where == "own/body.txt"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if patient.prefix %}{{ patient.prefix }} {% endif %}{{ patient.family }}", "Muster"),
        ("{{ patient.preferred | default('friend') }}", "friend"),
        ("{{ patient.preferred or patient.given }}", "Mia"),
        ("{{ 'Dr' if patient.prefix == 'Dr' else 'you' }}", "you"),
        ("{% if not for_child and patient.given != 'x' %}{{ today }}{% endif %}", "23 November 2026"),
    ],
)
def test_a_template_may_choose(source: str, text: str) -> None:
    assert shown(source) == text


def test_html_is_escaped_and_text_is_not() -> None:
    name = PersonName(given="O'Neill <b>")
    assert shown("{{ patient.given }}", name, "body.html") == "O&#39;Neill &lt;b&gt;"
    assert shown("{{ patient.given | default('<i>') }}", name, "body.html") == "O&#39;Neill &lt;b&gt;"
    assert shown("{{ patient.given }}", name) == "O'Neill <b>"


def test_only_what_is_printed_whatever_the_data_is_needed() -> None:
    prints = part(
        "{{ patient.given | e }} {{ patient.family | default('x') }} {{ patient.prefix or 'x' }}"
        "{% if patient.preferred %}{{ patient.preferred }}{% endif %}"
        "{% if for_child %}{{ recipient.name }}{% else %}{{ patient.name }}{% endif %}"
        "{% if not for_child %}{{ practice.phone }}{% endif %}"
    ).prints
    assert prints[False] == {"patient.given", "patient.name", "practice.phone"}
    assert prints[True] == {"patient.given", "recipient.name"}


def test_control_characters_never_reach_a_template() -> None:
    view = PatientView.of(PersonName(given=" Mia\r\nBcc: x\x00\u2028", family="Zoë\u200dX"))
    assert view.given == "Mia Bcc: x"
    assert view.family == "Zoë\u200dX"


def test_an_address_on_several_lines_is_printed_on_one() -> None:
    practice = Practice(
        id="p", name="P", country="AU", timezone="UTC", locale="en", currency="AUD", email="p@home.example",
        address="1 High St,\nNewtown NSW 2042\n",
    )  # fmt: skip
    assert PracticeView.of(practice).address == "1 High St, Newtown NSW 2042"


@pytest.mark.parametrize(
    ("occasion", "name", "period", "year"),
    [
        ("birthday 2027", "birthday", "2027", "2027"),
        ("recall due 2027-03", "recall due", "2027-03", "2027"),
        ("launch", "", "launch", ""),
    ],
)
def test_an_occasion_ends_in_its_period(occasion: str, name: str, period: str, year: str) -> None:
    assert OccasionView.of(occasion) == OccasionView(name, period, year)
