"""The model card, as a Markdown renderer shows it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from tasks.publish.text import MINUS, markdown, shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

KEY = "0123456789abcdef" * 2


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


@pytest.fixture
def card(
    release: Callable[..., Any],
    root: Path,
    make_inputs: Callable[..., Inputs],
    tmp_path: Path,
    hostile: tuple[str, ...],
) -> str:
    # As many artists as a card lists, each with a hostile name.
    chosen = make_inputs(tmp_path / "hostile", artists=10, names=hostile[:10])
    release(KEY, chosen)
    return (root / "weekly" / "current" / "model_card.md").read_text(encoding="utf-8")


def test_hostile_names_are_shown_as_text(card: str, hostile: tuple[str, ...]) -> None:
    page = rendered(card)
    cells = {unescape(re.sub("<.*?>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", page)}
    for name in hostile[:10]:
        assert shortened(name) in cells
    assert not {"script", "img", "a", "b", "i"} & set(re.findall(r"<(\w+)", page))


def test_its_tables_are_tables(card: str) -> None:
    page = rendered(card)
    assert page.count("<table>") == 6
    assert "29 % of <b>tracks" not in page
    board = page.partition("<table>")[2].partition("</table>")[0]
    assert board.count("<tr>") == 11
    assert all(row.count("<td") == 6 for row in board.split("<tr>")[2:])


def test_it_says_how_far_to_trust_it_and_how_to_load_it(card: str) -> None:
    for text in (
        "Zeros",
        "Time",
        "Cause",
        "pd.read_parquet",
        "duckdb.sql",
        "az.from_netcdf",
        "normal\\(50, 52\\.12\\)",
    ):
        assert text in card


def test_it_says_where_the_variance_goes_and_what_was_expected(card: str) -> None:
    page = re.sub(r"<[^>]*>", " ", rendered(card))
    words = " ".join(unescape(page).split())
    assert "energy (block) 1.1 % 0.1 % to 2.1 %" in words
    assert f"shared {MINUS}1.3 %" in words
    assert "How far tracks differ (sd of popularity) 21.7 to 115.1 20.0 below" in words
    assert "at least 51.7 % of the tracks lie outside 0 to 100" in words
    assert "partial pooling, normal errors" in words


def test_slopes_and_student_errors_are_in_the_formula(
    release: Callable[..., Any], root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    release(KEY, make_inputs(tmp_path / "sloped", slopes=True, student=True))
    text = (root / "weekly" / "current" / "model_card.md").read_text(encoding="utf-8")
    assert "`popularity = mu + features + genre + slopes + artist + error`, with `error ~ sigma Student-t(nu)`" in text
    assert "Each genre has slopes of its own" in text


@pytest.mark.parametrize(
    "name",
    [
        "`code`",
        "# heading",
        "- item",
        "1. item",
        "> quote",
        "![x](y)",
        "[x]: http://evil.example",
        "<https://evil.example>",
        "&lt;script&gt;",
        "a\n\n# b",
        "***",
        "~~gone~~",
        "\\",
        "    indented",
    ],
)
def test_no_name_is_more_than_a_line_of_text(name: str) -> None:
    page = rendered(f"x {markdown(name)} x")
    assert re.fullmatch(r"<p>[^<]*</p>\n", page)
    assert unescape(page[3:-5]) == f"x {shortened(name)} x"
