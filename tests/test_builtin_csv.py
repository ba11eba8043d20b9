"""The CSV source: real exports with their encodings, delimiters and accidents; no row is lost in silence."""

from __future__ import annotations

import gzip
import logging
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmkit.builtin.csv import CsvSettings, plugin
from crmkit.clock import FixedClock
from crmkit.errors import ConfigError, SourceError
from crmkit.plugins.spec import Context
from crmkit.records.source import Row, Source
from crmkit.settings import structure

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HEADER = "id,given,family,email\n"
ANNA = "P1,Anna,Berg,anna@berg.example\n"


def source(root: Path, **settings: Any) -> Source:
    stated = structure(CsvSettings, {"folder": "exports", **settings}, where="settings.csv")
    (made,) = plugin.crmkit_sources(Context("csv", stated, FixedClock(NOW), logging.getLogger("csv"), root))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def read(folder: Path, content: str | bytes, name: str = "patients.csv", **settings: Any) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return rows(folder, **settings)


def rows(folder: Path, **settings: Any) -> list[Row]:
    return [row for batch in source(folder.parent, **settings).read(None) for row in batch.rows]


def refusal(folder: Path, content: str | bytes | None, **settings: Any) -> str:
    with pytest.raises(SourceError) as caught:
        rows(folder, **settings) if content is None else read(folder, content, **settings)
    return str(caught.value)


def test_without_a_mapping_the_header_names_the_fields(folder: Path) -> None:
    (row,) = read(folder, HEADER + ANNA)
    assert (row.kind, row.id, row.file, row.line) == ("patient", "P1", "patients.csv", 2)
    assert row.fields == {"given": "Anna", "family": "Berg", "email": "anna@berg.example"}
    assert row.faults == ()


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (HEADER + "P1,Zoë,Nguyễn,\n", {}),
        ("\ufeff" + HEADER + "P1,Zoë,Nguyễn,\n", {}),
        ((HEADER + "P1,Zoë,Nguyễn,\n").replace(",", ";"), {"delimiter": ";"}),
        ((HEADER + "P1,Zoë,Nguyễn,\n").replace(",", "\t"), {"delimiter": "\t"}),
        ((HEADER + "P1,Zoë,Nguyễn,\n").replace("\n", "\r\n"), {}),
        ((HEADER + "P1,Zoë,Nguyễn,"), {}),
        ((HEADER + "P1,Zoë,Nguyễn,\n").encode("utf-16"), {"encoding": "utf-16"}),
        ("id , given,family,email\n" + " P1 ,Zoë ,Nguyễn,\n\n,,,\n", {}),
        ("id,given,family,email,,\n" + "P1,Zoë,Nguyễn,,,\n", {}),
        ('id,given,family,email\n"P1","Zoë","Nguyễn",""\n', {}),
    ],
    ids=["plain", "BOM", "semicolon", "tab", "CRLF", "no last newline", "utf-16", "blanks", "blank columns", "quoted"],
)
def test_a_file_is_read_as_programs_write_it(folder: Path, content: str | bytes, settings: dict[str, str]) -> None:
    (row,) = read(folder, content, **settings)
    found = {field: value for field, value in row.fields.items() if value}
    assert (row.id.strip(), row.faults, found) == ("P1", (), {"given": "Zoë", "family": "Nguyễn"})


def test_what_windows_programs_write(folder: Path) -> None:
    (row,) = read(folder, (HEADER + "P1,Zoë,O’Neill,\n").encode("cp1252"), encoding="cp1252")
    assert (row.fields["given"], row.fields["family"]) == ("Zoë", "O’Neill")


def test_a_compressed_file_is_read(folder: Path) -> None:
    (row,) = read(folder, HEADER + ANNA, name="patients.csv.gz")
    assert (row.id, row.file) == ("P1", "patients.csv.gz")


def test_lines_are_counted_as_an_editor_does(folder: Path) -> None:
    content = HEADER + 'P1,"Anna\nMaria",Berg,\n\nP2,Tom,Stone,\n'
    assert [(row.id, row.line) for row in read(folder, content)] == [("P1", 2), ("P2", 5)]


def test_a_row_of_another_length_is_told_and_not_guessed(folder: Path) -> None:
    content = HEADER + "P1,Anna,Berg,a@b.example,Newtown, NSW\nP2,Tom\n" + ANNA.replace("P1", "P3")
    first, second, third = read(folder, content)
    assert "has 6 fields where the header has 4" in first.faults[0].reason
    assert "has 2 fields" in second.faults[0].reason
    assert (second.line, third.faults) == (3, ())


def test_a_shifted_row_is_told_once_and_not_for_each_cell(folder: Path) -> None:
    patients = {"id": "Id", "given": "First", "born": {"column": "DOB", "format": "%d/%m/%Y"}}
    [row] = read(folder, "Id,First,DOB\nP1,Anna,Berg,05/03/1980\n", patients=patients)
    assert [fault.field for fault in row.faults] == [""]
    assert row.called == {"id": "Id", "given": "First", "born": "DOB"}


def test_broken_quoting_is_told_with_its_line_and_the_rest_is_read(folder: Path) -> None:
    content = HEADER + 'P1,"Anna"x,Berg,\n' + ANNA.replace("P1", "P2")
    broken, good = read(folder, content)
    assert (broken.line, broken.fields) == (2, {})
    assert "is no CSV" in broken.faults[0].reason
    assert (good.id, good.faults) == ("P2", ())


def test_a_quotation_mark_that_is_never_closed_tells_how_much_is_lost(folder: Path) -> None:
    first, broken = read(folder, HEADER + ANNA + 'P2,"Tom,Stone,\nP3,Mia,Stone,\nP4,Lea,Stone,\n')
    assert (first.id, first.faults) == ("P1", ())
    assert broken.line == 3
    assert "a quotation mark that is never closed, and nothing from here to line 5 was read" in broken.faults[0].reason


def test_fields_are_composed_translated_and_set(folder: Path) -> None:
    patients = {
        "id": "Id",
        "full_name": "{First} {Last}",
        "given": {"column": "First", "take": r"\D+"},
        "status": {"column": "S", "values": {"A": "active"}},
        "born": {"column": "DOB", "format": "%d/%m/%Y"},
        "language": {"constant": "en"},
        "attributes": {"club": "Club"},
    }
    content = "Id,First,Last,S,DOB,Club\nP1,Anna181,Berg,A,05/03/1980,gold\nP2,7,Berg,X,1980-03-05,\n"
    first, second = read(folder, content, patients=patients)
    assert first.fields == {
        "full_name": "Anna181 Berg",
        "given": "Anna",
        "status": "active",
        "born": "1980-03-05",
        "language": "en",
        "attributes.club": "gold",
    }
    assert sorted(fault.field for fault in second.faults) == ["born", "given", "status"]
    assert second.fields["born"] == "1980-03-05"


def test_patients_come_before_what_belongs_to_them(folder: Path) -> None:
    (folder / "visits.csv").write_text("id,patient,day,status\nV1,P1,2026-03-01,completed\n")
    (folder / "consents.csv").write_text("id,patient\nC1,P1\n")
    assert [row.kind for row in read(folder, HEADER + ANNA)] == ["patient", "consent", "visit"]


def test_a_large_file_comes_in_batches(folder: Path) -> None:
    (folder / "patients.csv").write_text("id\n" + "".join(f"P{n}\n" for n in range(2500)))
    batches: Iterator[Any] = source(folder.parent).read(None)
    assert [(len(batch.rows), batch.complete, batch.cursor) for batch in batches] == [
        (1000, True, None),
        (1000, True, None),
        (500, True, None),
    ]


def test_an_empty_file_has_no_id_column(folder: Path) -> None:
    assert "no column 'id'" in refusal(folder, "")
    assert read(folder, HEADER) == []


def test_a_missing_folder_is_named(folder: Path) -> None:
    with pytest.raises(SourceError) as caught:
        list(source(folder.parent, folder="exprots").read(None))
    told = str(caught.value)
    assert str(folder.parent / "exprots") in told
    assert "correct folder in [settings.csv]" in told


def test_a_missing_file_is_named_with_the_nearest_one(folder: Path) -> None:
    (folder / "Patient.csv").write_text(HEADER)
    told = refusal(folder, None)
    assert f"{folder / 'patients.csv'}: the file does not exist" in told
    assert "[settings.csv.patients]" in told
    assert "did you mean Patient.csv?" in told


def test_only_a_stated_file_or_that_of_the_patients_must_exist(folder: Path) -> None:
    assert len(read(folder, HEADER + ANNA)) == 1
    told = refusal(folder, None, visits={"id": "Id", "file": "encounters.csv"})
    assert "encounters.csv" in told
    assert "[settings.csv.visits]" in told


def test_a_missing_column_is_named_with_file_section_and_the_nearest_one(folder: Path) -> None:
    told = refusal(folder, "Id,FIRST\nP1,Anna\n", patients={"id": "Id", "given": "FRIST"})
    assert "patients.csv: there is no column 'FRIST'" in told
    assert "correct given in [settings.csv.patients]: did you mean FIRST?" in told


def test_a_column_of_a_composed_field_must_exist_too(folder: Path) -> None:
    told = refusal(folder, "Id,FIRST\nP1,Anna\n", patients={"id": "Id", "full_name": "{FIRST} {LAST}"})
    assert "no column 'LAST'" in told


def test_a_header_that_is_not_canonical_says_how_to_map_it(folder: Path) -> None:
    told = refusal(folder, "id,given,emial\nP1,Anna,\n")
    assert "patients.csv: the column 'emial' is no canonical field" in told
    assert "map the columns in [settings.csv.patients]" in told
    assert "did you mean email?" in told
    assert "no column 'id'" in refusal(folder, "given\nAnna\n")


@pytest.mark.parametrize("mapping", [{}, {"patients": {"id": "No", "given": "First", "family": "Last"}}])
def test_an_export_without_a_header_is_told_without_the_patient_in_its_first_line(
    folder: Path, mapping: dict[str, Any]
) -> None:
    row = "1001,Zephyrine,Quill,1961-11-23,zeph@quill.example,Sydney,Sydney\n"
    told = refusal(folder, row + row.replace("1001", "1002"), **mapping)
    assert "patients.csv: the first line names no columns" in told
    assert not any(cell in told for cell in row.strip().split(","))


@pytest.mark.parametrize(("sign", "written"), [(";", ";"), ("\t", r"\t")])
def test_another_delimiter_says_which_setting_mends_it(folder: Path, sign: str, written: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(folder, (HEADER + ANNA).replace(",", sign))
    assert f'set delimiter = "{written}" in [settings.csv]' in str(caught.value)


def test_a_column_that_stands_twice_is_refused_if_anybody_asks_for_it(folder: Path) -> None:
    assert "'given' stands twice" in refusal(folder, "id,given,given\nP1,Anna,Mia\n")
    mapping = {"id": "No", "given": "First"}
    (row,) = read(folder, "No,First,Note,Note\nP1,Anna,a,b\n", patients=mapping)
    assert (row.id, row.fields, row.faults) == ("P1", {"given": "Anna"}, ())
    assert "'Note' stands twice" in refusal(folder, None, patients=mapping | {"family": "Note"})


def test_a_line_that_tells_excel_the_delimiter_is_no_header(folder: Path) -> None:
    text = "sep=;\r\nid;given\r\nP1;Anna\r\n"
    assert 'set delimiter = ";"' in refusal(folder, text)
    (row,) = read(folder, text, delimiter=";")
    assert (row.id, row.fields, row.line) == ("P1", {"given": "Anna"}, 3)


def test_a_title_above_the_header_is_told_and_a_blank_line_passed_over(folder: Path) -> None:
    mapping = {"id": "No", "given": "First"}
    (row,) = read(folder, "\n,\nNo,First\n\nP1,Anna\n", patients=mapping)
    assert (row.id, row.line) == ("P1", 5)
    for above in ("List of patients,,\n", ""):
        told = refusal(folder, f"{above}" + ("No,First\nP1,Anna\n" if above else ""), patients=mapping)
        assert "there is no column 'No'. To mend: let the first line name the columns" in told


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_mark_of_utf_8_is_seen_whatever_encoding_is_named(quote: str, folder: Path) -> None:
    text = f"\ufeff{quote}id{quote},given\nP1,Zoë\n"
    (row,) = read(folder, text, encoding="utf-8")
    assert (row.id, row.fields) == ("P1", {"given": "Zoë"})
    told = refusal(folder, text, encoding="cp1252")
    assert 'is written in UTF-8. To mend: set encoding = "utf-8-sig"' in told


def test_accents_that_stand_apart_are_read_as_keyboards_write_them(folder: Path) -> None:
    mapping = {
        "file": "patients.csv",
        "id": "Né",
        "given": "Prénom",
        "status": {"column": "État", "values": {"né": "active"}},
    }
    text = unicodedata.normalize("NFD", "Né,Prénom,État\nP1,Zoë,né\n")
    (row,) = read(folder, text.encode(), patients=mapping)
    assert row.fields == {"given": "Zoë", "status": "active"}


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1250"])
def test_utf_8_without_a_mark_is_not_read_in_another_encoding(encoding: str, folder: Path) -> None:
    content = HEADER + ANNA * 3000 + "P2,María,García,\n"
    told = refusal(folder, content, encoding=encoding)
    assert 'patients.csv: is written in UTF-8. To mend: set encoding = "utf-8-sig"' in told
    last = list(read(folder, content.encode("utf-8") + "P3,Zoë,Berg,\n".encode("cp1252"), encoding=encoding))[-1]
    assert last.fields["given"].startswith("Zo"), "a file of several encodings is read as the practice says"
    assert read(folder, HEADER + ANNA, encoding=encoding), "plain letters are the same in all of them"


def test_a_header_that_is_no_csv_is_refused(folder: Path) -> None:
    assert "patients.csv: the header is no CSV" in refusal(folder, 'id,"given"x\nP1,Anna\n')


@pytest.mark.parametrize("before", [0, 3000], ids=["near the top", "far down"])
def test_another_encoding_says_which_setting_mends_it(folder: Path, before: int) -> None:
    content = (HEADER + ANNA * before).encode() + "P2,Zoë,Berg,\n".encode("cp1252")
    told = refusal(folder, content)
    assert "patients.csv: is not written in UTF-8" in told
    assert 'encoding = "cp1252"' in told


def test_what_excel_calls_unicode_text_says_so(folder: Path) -> None:
    assert 'encoding = "utf-16"' in refusal(folder, (HEADER + ANNA).encode("utf-16"))


def test_a_file_that_is_damaged_on_disk_is_named(folder: Path) -> None:
    whole = gzip.compress((HEADER + "".join(f"P{n},Anna{n * 7919},Berg,\n" for n in range(500))).encode())
    for damaged in (whole[:200], whole[:40] + b"\xff" * 40 + whole[80:], b"no gzip at all"):
        (folder / "patients.csv.gz").write_bytes(damaged)
        assert "patients.csv.gz: cannot be read" in refusal(folder, None)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"delimiter": ";;"}, "settings.csv.delimiter: the delimiter is not one character"),
        ({"delimiter": ""}, "settings.csv.delimiter"),
        ({"encoding": "utf-99"}, "settings.csv.encoding: the encoding is unknown"),
        ({"patiens": {}}, "did you mean patients?"),
        ({"patients": {"id": "Id", "emial": "M"}}, "settings.csv.patients: there is no field emial"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_at_once(tmp_path: Path, stated: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        source(tmp_path, **stated)
    assert told in str(caught.value)


def test_no_error_holds_what_stands_in_the_file(folder: Path) -> None:
    for content in (HEADER + 'P1,"Anna"x,Berg,\n', HEADER + "P1,Anna,Berg,a,b,c\n"):
        reasons = " ".join(fault.reason for row in read(folder, content) for fault in row.faults)
        assert reasons
        assert "Anna" not in reasons
        assert "Anna" not in repr(read(folder, content))


def test_a_line_without_a_visit_holds_none_and_the_patient_all_the_same(folder: Path) -> None:
    who = {"id": "id", "given": "given"}
    seen = {"file": "patients.csv", "id": "{id}:last", "patient": "id", "day": "seen", "if_filled": "seen"}
    found = read(folder, "id,given,seen\nP1,Anna,2026-03-01\nP2,Tom, \n", patients=who, visits=seen)
    assert [(row.kind, row.id) for row in found] == [("patient", "P1"), ("patient", "P2"), ("visit", "P1:last")]
    told = refusal(folder, None, patients=who, visits=seen | {"if_filled": "sene"})
    assert "there is no column 'sene'. To mend: correct if_filled in [settings.csv.visits]: did you mean seen?" in told
    with pytest.raises(ConfigError, match="if_filled is not a column's name"):
        rows(folder, visits=seen | {"if_filled": True})
