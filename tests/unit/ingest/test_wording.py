"""How corpora write numbers, keys, metres, dates and lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ingest.wording import date, number, split_at, texts_of_list

CHROMATIC = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


@pytest.mark.parametrize(("pitch", "name"), list(enumerate(CHROMATIC)))
def test_keys_are_named_from_c(pitch: int, name: str) -> None:
    for text in (name, name.lower(), f"{name} major", f"{name}m", name.replace("#", "\u266f")):
        assert number(text, "key", ".") == pitch


@pytest.mark.parametrize(
    ("text", "pitch"),
    [
        *[("Db", 1), ("Bb", 10), ("bb", 10), ("b", 11), ("D\u266d", 1), ("C\u266f/D\u266d", 1), ("Cb", 11), ("B#", 0)],
        *[("F sharp", 6), ("E-flat", 3), ("-1", -1), ("7", 7)],
    ],
)
def test_enharmonic_and_unicode_keys(text: str, pitch: int) -> None:
    assert number(text, "key", ".") == pitch


@pytest.mark.parametrize("text", ["H#", "C##", "8B", "CC", "major", "#", "C#b"])
def test_what_is_no_key_is_none(text: str) -> None:
    assert number(text, "key", ".") is None


@pytest.mark.parametrize(
    ("text", "mode"), [("Major", 1), ("minor", 0), ("MAJ", 1), ("min", 0), ("1", 1), ("aeolian", None)]
)
def test_modes(text: str, mode: int | None) -> None:
    assert number(text, "mode", ".") == mode


@pytest.mark.parametrize(
    ("text", "beats"),
    [
        *[("4/4", 4), ("3 / 4", 3), ("6/8", 6), ("0/4", 0), ("4-Apr", 4), ("4-Mar", 3), ("4-May", 5), ("4-Jan", 1)],
        *[("3-Apr", 3), ("Apr-03", 3), ("Mar-04", 3), ("4", 4), ("4/5", None), ("3-Mar", None), ("4-Foo", None)],
    ],
)
def test_metres_and_what_a_spreadsheet_makes_of_them(text: str, beats: int | None) -> None:
    assert number(text, "time_signature", ".") == beats


@pytest.mark.parametrize(
    ("text", "canonical", "decimal", "value"),
    [
        ("55%", "energy", ".", 0.55),
        ("5,5 %", "energy", ",", 0.055),
        ("55%", "popularity", ".", 55),
        ("-5.2 dB", "loudness", ".", -5.2),
        ("120 BPM", "tempo", ".", 120),
        ("3:45", "duration_ms", ".", 225_000),
        ("1:03:45", "duration_ms", ".", 3_825_000),
        ("225 s", "duration_ms", ".", 225_000),
        ("3:75", "duration_ms", ".", None),
        ("225,000", "duration_ms", ".", 225_000),
        ("225.000", "duration_ms", ",", 225_000),
        ("1 225 000", "duration_ms", ".", 1_225_000),
        ("225,000", "duration_ms", ",", 225_000),
        ("225,00", "duration_ms", ".", None),
        ("1,225.000", "duration_ms", ",", None),
        ("1,234", "popularity", ".", None),
        ("0,5", "energy", ",", 0.5),
        ("0.5", "energy", ",", 0.5),
        ("0,5", "energy", ".", None),
        ("1e999", "energy", ".", None),
    ],
)
def test_numbers_with_units_groups_and_commas(text: str, canonical: str, decimal: str, value: float | None) -> None:
    found = number(text, canonical, decimal)  # type: ignore[arg-type] - a literal by construction
    assert found == (None if value is None else pytest.approx(value))


def test_a_unit_in_the_text_goes_before_that_of_the_column() -> None:
    assert number("3:45", "duration_ms", ".", 1000) == 225_000
    assert number("225", "duration_ms", ".", 1000) == 225_000
    assert number("217,123", "duration_ms", ",", 1000) == 217_123
    assert number("1,121", "duration_ms", ".", 1000) == 1_121_000
    assert number("55%", "energy", ".", 0.01) == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("text", "order", "written"),
    [
        ("2019", None, "2019"),
        ("2019.0", None, "2019"),
        ("2019-6", None, "2019-06"),
        ("2019-06-14T00:00:00Z", None, "2019-06-14"),
        ("2019/06/14", None, "2019-06-14"),
        ("22-02-1922", None, "1922-02-22"),
        ("2/22/1922", None, "1922-02-22"),
        ("1/2/1922", "day_first", "1922-02-01"),
        ("1/2/1922", "month_first", "1922-01-02"),
        ("1/2/1922", None, "1922"),
        ("1/2/1922", "year_first", "1922"),
        ("2/2/1922", None, "1922-02-02"),
        ("14 June 2019", None, "2019-06-14"),
        ("Jun 14, 2019", None, "2019-06-14"),
        ("June 2019", None, "2019-06"),
        ("14-Jun-2019", None, "2019-06-14"),
        ("14-Jun-19", None, None),
        ("1/2/22", None, None),
        ("2019-02-30", None, None),
        ("2019-13", None, None),
        ("0000", None, None),
        ("soon", None, None),
    ],
)
def test_of_a_date_as_much_is_kept_as_is_certain(text: str, order: str | None, written: str | None) -> None:
    assert date(text, order) == written  # type: ignore[arg-type] - a literal by construction


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("['Ann', 'Bob']", ["Ann", "Bob"]),
        ("""["Guns N' Roses"]""", ["Guns N' Roses"]),
        (r"['Guns N\' Roses', 'A\\B']", ["Guns N' Roses", r"A\B"]),
        ("['Tyler, The Creator',]", ["Tyler, The Creator"]),
        (r'["Beyonc\u00e9", "\ud83d\ude00", "\ud83d"]', ["Beyoncé", "\U0001f600", "\N{REPLACEMENT CHARACTER}"]),
        ("[]", []),
        ("[Alexandros]", None),
        ("[:SITD:]", None),
        ("['Ann', 'Bob", None),
        ("['Ann' 'Bob']", None),
        ("[['Ann']]", None),
        ("Ann", None),
    ],
)
def test_lists_are_told_from_names_with_brackets(text: str, texts: list[str] | None) -> None:
    assert texts_of_list(text) == texts


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=5))
def test_lists_as_python_and_json_write_them_are_read_back(texts: list[str]) -> None:
    assert texts_of_list(json.dumps(texts)) == texts
    printable = [text for text in texts if text.isprintable()]
    assert texts_of_list(repr(printable)) == printable


@given(st.text(st.sampled_from("[]'\",\\ a"), max_size=30))
def test_a_list_is_found_or_not_and_nothing_is_raised(text: str) -> None:
    found = texts_of_list(text)
    assert found is None or text.startswith("[")


def test_a_huge_list_that_is_never_closed_takes_no_time() -> None:
    assert texts_of_list("[" * 100_000) is None
    assert texts_of_list("[" + "'a'," * 100_000) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Ann, Bob,Cy", ["Ann", "Bob", "Cy"]),
        ("Tyler, The Creator, Kali Uchis", ["Tyler, The Creator", "Kali Uchis"]),
        ("Ann, Crosby, Stills, Nash & Young", ["Ann", "Crosby, Stills, Nash & Young"]),
        ("Crosby, Stills & Nash", ["Crosby, Stills & Nash"]),
        ("Hank Williams, Jr., Ann", ["Hank Williams, Jr.", "Ann"]),
        ("10,000 Maniacs, Ann", ["10,000 Maniacs", "Ann"]),
    ],
)
def test_names_with_commas_stay_whole_where_commas_join_credits(text: str, parts: list[str]) -> None:
    assert split_at(text, ",") == parts
