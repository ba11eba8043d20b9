"""A mapping: how a practice says what its columns mean, and what it is told when that cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.builtin.mapping import Mapped, read_mapping
from crmkit.errors import ConfigError

NAMES = Path(__file__).parents[2] / "shared" / "data" / "names-namecase" / "proper_cased.json"


def mapped(rule: Any, field: str = "given") -> Mapped:
    (mapping,) = read_mapping("patient", {"id": "Id", field: rule})
    return mapping.fields[field]


def value(rule: Any, **found: str) -> str:
    return mapped(rule).value(found)


def test_a_column_is_taken_without_the_blanks_around_it() -> None:
    assert value("FIRST", FIRST=" Anna ") == "Anna"
    assert value({"column": "FIRST"}, FIRST="Anna") == "Anna"
    assert value("FIRST", FIRST="  ") == ""


@pytest.mark.parametrize(
    ("first", "middle", "last", "whole"),
    [
        ("Anna", "M.", "Berg", "Anna M. Berg"),
        ("Anna", "", "Berg", "Anna Berg"),
        ("", "", "Berg", "Berg"),
        ("", "", "", ""),
    ],
)
def test_columns_are_composed_and_blank_ones_leave_no_gap(first: str, middle: str, last: str, whole: str) -> None:
    assert value("{First} {Middle} {Last}", First=first, Middle=middle, Last=last) == whole


def test_a_composed_field_whose_columns_are_all_blank_is_blank() -> None:
    assert value({"compose": "Dr {Last}"}, Last="") == ""
    assert value({"compose": "Dr {Last}"}, Last="Berg") == "Dr Berg"


@pytest.mark.parametrize("constant", ["completed", "", "{as it is}", "a  b"])
def test_a_constant_is_the_same_for_every_row(constant: str) -> None:
    assert value({"constant": constant}, Any="thing") == constant


def test_words_are_translated_and_an_unknown_one_is_refused_unseen() -> None:
    rule = {"column": "S", "values": {"A": "active", "D": "deceased"}}
    assert value(rule, S="D") == "deceased"
    assert value(rule, S="") == ""
    with pytest.raises(ValueError, match="add it to values, or write A, D") as caught:
        value(rule, S="Anna")
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "found", "read"),
    [
        ("%d/%m/%Y", "05/03/2026", "2026-03-05"),
        ("%m/%d/%Y", "05/03/2026", "2026-05-03"),
        ("%m/%d/%Y", "5/3/2026", "2026-05-03"),
        ("%d.%m.%y", "05.03.61", "2061-03-05"),
        ("%d %b %Y", "05 Mar 2026", "2026-03-05"),
        ("%d/%m/%Y %H:%M", "05/03/2026 14:30", "2026-03-05T14:30:00"),
        ("%d/%m/%Y %I:%M %p", "05/03/2026 02:30 PM", "2026-03-05T14:30:00"),
        ("%Y%m%d %H%M%z", "20260305 1430+1100", "2026-03-05T14:30:00+11:00"),
    ],
)
def test_an_ambiguous_date_means_what_the_format_says(form: str, found: str, read: str) -> None:
    assert value({"column": "D", "format": form}, D=found) == read


@settings(deadline=None)
@given(st.dates(), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y.%m.%d"]))
def test_every_date_comes_back_from_its_format(day: Any, form: str) -> None:
    written = form.replace("%Y", f"{day.year:04}").replace("%m", str(day.month)).replace("%d", str(day.day))
    assert value({"column": "D", "format": form}, D=written) == day.isoformat()


@pytest.mark.parametrize("found", ["31/31/2026", "2026-03-05", "soon", "05/03/2026 14:30"])
def test_a_date_in_another_format_is_refused(found: str) -> None:
    with pytest.raises(ValueError, match=r"is no date of the form 31/12/2026 \(%d/%m/%Y\)") as caught:
        value({"column": "D", "format": "%d/%m/%Y"}, D=found)
    assert found not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("31/11/1990", ": there is no such day"),
        ("30/11/60", ": its year has two digits"),
        ("36526", ": it is a bare number, as spreadsheets keep dates"),
        ("30.11.1990", "31/12/2026 (%d/%m/%Y)"),
    ],
)
def test_what_is_wrong_with_a_date_is_told_where_it_can_be_seen(found: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        value({"column": "D", "format": "%d/%m/%Y"}, D=found)


@pytest.mark.parametrize(
    ("decimal", "found", "read"),
    [
        (",", "1.234,50", "1234.50"),
        (",", "1234,5", "1234.5"),
        (",", "-1 234 567,89", "-1234567.89"),
        (",", "12", "12"),
        (".", "1'234.50", "1234.50"),
        (".", "1,234.50", "1234.50"),
    ],
)
def test_an_amount_is_read_as_the_country_writes_it(decimal: str, found: str, read: str) -> None:
    assert value({"column": "A", "decimal": decimal}, A=found) == read


@pytest.mark.parametrize(
    ("decimal", "found"), [(",", "12.34"), (",", "1.2345,00"), (",", "1.234'567,00"), (".", "1.234,50"), (",", "ten")]
)
def test_an_amount_that_may_mean_another_is_refused(decimal: str, found: str) -> None:
    with pytest.raises(ValueError, match="is no amount written as"):
        value({"column": "A", "decimal": decimal}, A=found)


@pytest.mark.parametrize(
    ("found", "read"),
    [
        ("ANNA-MARIA", "Anna-Maria"),
        ("MÜLLER-LÜDENSCHEIDT", "Müller-Lüdenscheidt"),
        ("LI NA", "Li Na"),
        ("NG", "Ng"),
        ("LE", "Le"),
        ("ANNA J", "Anna J"),
        ("SELİM", "Selim"),
        ("JOSE\u0301", "José"),
        ("ΜΑΡΙΑΣ", "Μαριας"),
        ("Anna", "Anna"),
        ("", ""),
        *(
            (same, same)
            for same in ("MCDONALD", "VAN DYKE", "O'NEILL", "JOHN III", "DR. ANNA", "IŞIK", "JD", "X", "田中")
        ),
    ],
)
def test_a_name_in_capitals_is_read_as_people_write_it_where_that_is_sure(found: str, read: str) -> None:
    assert value({"column": "N", "from_capitals": True}, N=found) == read
    assert value({"column": "N"}, N=found) == found


@pytest.mark.parametrize(
    ("language", "found", "read"),
    [
        ("fr", "DE LA TOUR D'ARC", "de La Tour d'Arc"),
        ("fr", "LE GALL-L’HÔTE", "Le Gall-L’Hôte"),
        ("fr", "DUPONT NÉE N'DIAYE", "Dupont née N'Diaye"),
        ("fr", "DA SILVA", "Da Silva"),
        ("es", "DE LA FUENTE Y LA ROSA", "de la Fuente y La Rosa"),
        ("it", "DE LUCA DELL'ACQUA", "De Luca Dell'Acqua"),
        ("pt", "SÁ E MELO DOS SANTOS", "Sá e Melo dos Santos"),
        ("de", "VON DER TANN", "von der Tann"),
        ("nl", "VAN DEN BERG", "van den Berg"),
        *((language, same, same) for language in ("fr", "it") for same in ("MCDONALD", "JD", "Anna", "DUPONT 2", "X")),
        ("fr", "JEAN D", "Jean D"),
    ],
)
def test_a_name_with_particles_is_read_in_the_way_of_the_language_that_is_named(
    language: str, found: str, read: str
) -> None:
    assert value({"column": "N", "from_capitals": language}, N=found) == read


@pytest.mark.parametrize("wrong", ["xx", 1, ["fr"]])
def test_a_language_whose_way_is_not_known_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="is neither true nor such a language"):
        value({"column": "N", "from_capitals": wrong}, N="DE LUCA")


@pytest.mark.skipif(not NAMES.is_file(), reason="the properly cased names are not beside the checkout")
def test_of_properly_cased_names_nearly_none_comes_back_from_capitals_as_another() -> None:
    names = sorted({name for group in json.loads(NAMES.read_text(encoding="utf-8")).values() for name in group})
    back = {name: value({"column": "N", "from_capitals": True}, N=name.upper()) for name in names}
    # Two letters, of which one is a vowel, are mostly a name.
    assert [name for name in names if back[name] not in (name, name.upper())] == ["AJ Michalka", "Andre LaMothe"]
    assert sum(back[name] == name for name in names) > 200


@pytest.mark.parametrize(
    ("take", "found", "taken"),
    [
        (r"\D+", "Milo271", "Milo"),
        (r"\((\w+)\)", "Margaret (Meg) Stone", "Meg"),
        (r"\D+", "José Eduardo181", "José Eduardo"),
    ],
)
def test_a_part_is_taken(take: str, found: str, taken: str) -> None:
    assert value({"column": "F", "take": take}, F=found) == taken


def test_a_value_without_the_part_is_refused() -> None:
    with pytest.raises(ValueError, match="take looks for"):
        value({"column": "F", "take": r"\D+"}, F="271")
    assert value({"column": "F", "take": r"\D+"}, F="") == ""


def test_several_files_may_give_one_kind() -> None:
    first, second = read_mapping("visit", [{"id": "Id", "file": "old.csv"}, {"id": "No", "file": "new.csv"}])
    assert (first.file, second.file) == ("old.csv", "new.csv")
    assert second.fields["id"].columns == ("No",)


def test_without_a_section_the_header_is_the_mapping() -> None:
    (mapping,) = read_mapping("feedback", None)
    assert (mapping.file, mapping.stated) == ("feedback.csv", False)


def test_free_values() -> None:
    (mapping,) = read_mapping("patient", {"id": "Id", "attributes": {"club": "Club", "size": {"constant": "L"}}})
    assert mapping.fields["attributes.club"].value({"Club": "gold"}) == "gold"
    assert mapping.fields["attributes.size"].value({}) == "L"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"id": "Id", "emial": "MAIL"}, "there is no field emial. To mend: did you mean email?"),
        ({"given": "FIRST"}, "which column is the id"),
        ("patients.csv", "begin it with [settings.csv.patients]"),
        ([{"id": "Id"}, "patients.csv"], "is no table"),
        ({"id": "Id", "born": 7}, 'write it as born = "DOB"'),
        ({"id": "Id", "born": {"colum": "DOB"}}, "did you mean column?"),
        ({"id": "Id", "born": {"column": 7}}, "int given where str is wanted at column"),
        ({"id": "Id", "born": {"column": "DOB", "format": 7}}, "int given where str is wanted at format"),
        ({"id": "Id", "status": {"column": "S", "values": {"A": 1}}}, "int given where str is wanted at values"),
        ({"id": "Id", "born": {}}, "exactly one of column, compose and constant"),
        ({"id": "Id", "born": {"column": "DOB", "constant": ""}}, "exactly one of column, compose and constant"),
        ({"id": "Id", "given": {"column": "F", "take": "("}}, "take is no regular expression"),
        ({"id": "Id", "given": "{First"}, "has a brace that is not closed"),
        ({"id": "Id", "given": "{} {Last}"}, "has empty braces"),
        ({"id": "Id", "attributes": "Club"}, "attributes = { club"),
        ({"id": "Id", "attributes": {"club": 3}}, "neither a column's name nor a table"),
    ],
)
def test_a_section_that_cannot_be_read_says_where_and_how_to_mend_it(section: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_mapping("patient", section)
    assert told in str(caught.value)
    assert str(caught.value).startswith("settings.csv.patients")


def test_only_patients_have_free_values() -> None:
    with pytest.raises(ConfigError, match="no field attributes"):
        read_mapping("visit", {"id": "Id", "attributes": {"room": "Room"}})
