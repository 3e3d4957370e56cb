"""The report: one page, with nothing from outside, in which strangers' names are text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from tasks.publish import board, report
from tasks.publish.text import MINUS
from tasks.publish.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

    Release = Callable[..., Any]

KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2
_VOID = {"meta", "input", "path", "br", "link", "img"}


class Page(HTMLParser):
    """A page as a browser takes it: its tags, the names in it, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.names: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag == "bdi":
            self.names.append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that what is closed was open."""
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        if self.open and self.open[-1] == "bdi":
            self.names[-1] += data
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    def count(self, tag: str) -> int:
        """Return how many there are of a tag."""
        return sum(each == tag for each, _ in self.tags)

    @property
    def words(self) -> str:
        """Its text with white space squeezed."""
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def read(root: Path) -> Callable[[], str]:
    return lambda: (root / "weekly" / "current" / "report.html").read_text(encoding="utf-8")


def test_every_tag_is_closed(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    assert Page(read()).open == []


def test_hostile_names_are_shown_as_text(release: Release, read: Callable[[], str], hostile: tuple[str, ...]) -> None:
    release(KEY)
    page = Page(read())
    for name in hostile:
        assert visible(name) in page.names
    assert "<b>pop</b>" in page.names
    assert "a|b<i>.csv" in page.names
    assert page.count("script") == 5
    assert not {"img", "b", "iframe", "base", "form", "object"} & {tag for tag, _ in page.tags}
    assert not [name for _, given in page.tags for name in given if name.startswith("on")]


def test_nothing_turns_the_text_around_or_drives_a_terminal(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    # Vega's own script has patterns of such letters.
    ours = re.sub(r"<script>.*?</script>", "", read(), flags=re.DOTALL)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", ours)


def test_a_name_cannot_end_the_data_of_the_page(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    blocks = re.findall(r'<script type="application/json" id="([a-z-]+)">(.*?)</script>', read(), re.DOTALL)
    assert [name for name, _ in blocks] == ["board-data", "chart-specs"]
    data, specs = (json.loads(text) for _, text in blocks)
    assert "<script>alert(1)</script>" in data["a"]
    assert not set("<>&") & set("".join(text for _, text in blocks))
    assert data["a"].index("東京事変") >= 0
    assert {len(data[each]) for each in ("a", "r", "t", "w", "m", "l", "h", "nl", "nh", "c", "g")} == {30}
    assert {"shrinkage", "block-0", "genres", "variance", "priors"} <= set(specs)


def test_the_page_needs_nothing_from_outside(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    page = Page(read())
    assert not [given for _, given in page.tags if {"src", "srcset", "xlink:href"} & set(given)]
    links = [given["href"] for tag, given in page.tags if "href" in given and given.get("rel") != "icon"]
    assert links
    assert all(str(link).startswith("#") for link in links)
    targets = {given.get("id") for _, given in page.tags}
    assert {str(link)[1:] for link in links} <= targets
    style = read().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert [given["href"] for tag, given in page.tags if tag == "link"] == ["data:,"]


def test_only_our_own_scripts_may_run(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    text = read()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = str(next(given["content"] for tag, given in Page(text).tags if "http-equiv" in given))
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 3
    allowed = policy.partition("script-src ")[2].partition(";")[0]
    assert set(allowed.split()) == {f"'sha256-{digest}'" for digest in digests}
    assert "default-src 'none'" in policy


def test_the_licences_of_what_is_inside_stand_in_the_page(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    assert "University of Washington Interactive Data Lab" in read()
    assert "Mike Bostock" in read()


def test_it_says_in_plain_words_what_the_numbers_are(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = Page(read()).words
    assert "a popularity between 0 and 100 points" in words
    assert "with a probability of 90 %" in words
    assert "Next track of somebody new" in words


def test_data_quality_adds_up(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = Page(read()).words
    for text in ("Repeats 4", "Quarantined 5", "Popularity 0 29.3 %", "popularity is not in 0..100 3", "no artist 2"):
        assert text in words


def test_the_verdict_is_there_check_by_check(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = Page(read()).words
    assert "1.004 at most 1.010 ✓ passed" in words
    assert "812 at least 200 ✓ passed" in words


def test_what_the_model_does_not_expect_is_noted_and_so_are_earlier_tries(
    release: Release, read: Callable[[], str]
) -> None:
    release(KEY)
    words = Page(read()).words
    assert "29 % of <b>tracks</b> are at 0, 2 % to 5 % were expected ! take note" in words
    assert "This is try 2: the effective sample size was small. Before it: try 1: smallest ESS 12" in words


def test_the_first_publication_says_so(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    assert "This is the first publication under this name." in read()


def test_what_changed_is_counted(release: Release, read: Callable[[], str], other_inputs: Inputs) -> None:
    first = release(KEY)
    release(OTHER_KEY, other_inputs)
    words = Page(read()).words
    # 30 artists before, 28 now, one of them new: 27 stayed.
    assert f"Against version {first.version} : 1 artist new, 3 gone" in words


def test_a_long_leaderboard_is_cut_with_a_note(
    release: Release, read: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOST_ROWS", 10)
    release(KEY)
    text = read()
    shown = text.partition('<table id="board"')[2].partition("</table>")[0]
    assert shown.count('<tr><td class="n rank">') == 10
    words = Page(text).words
    assert (
        "This page holds 10 of 30 artists: the 4 with the highest expected popularity, the 2 with the lowest" in words
    )
    assert "All 30 are in artists.parquet" in words


def test_tables_can_be_read_out_loud(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    page = Page(read())
    assert all(given.get("scope") in {"col", "row"} for tag, given in page.tags if tag == "th")
    assert page.count("caption") == page.count("table")
    charts = [given for _, given in page.tags if "data-chart" in given]
    assert len(charts) == 7
    assert all(given.get("aria-label") for given in charts)
    # A table behind each chart, which opens without JavaScript.
    assert page.count("details") >= len({str(given["data-chart"]).partition("-")[0] for given in charts})


def test_it_knows_day_and_night_and_small_screens(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    text = read()
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def section(text: str, name: str) -> str:
    """Return the text of a section of the page, as it is read."""
    return Page(text.partition(f'<section id="{name}">')[2].partition("</section>")[0]).words


def test_the_variance_is_shared_out_in_plain_words(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = section(read(), "variance")
    assert "energy energy, loudness 1.1 % 0.1 % to 2.1 %" in words
    assert "artists whose track it is, features and genre being equal 40.0 %" in words
    assert f"shared parts that go together; below 0 where one takes back what another adds {MINUS}1.3 %" in words
    assert "Energy 1.1 % of the variance of popularity" in section(read(), "features")


def test_what_the_priors_expected_stands_beside_what_was_seen(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = section(read(), "priors")
    assert f"Mean popularity of all tracks {MINUS}31.0 to 133.0 50.4 51.2 within" in words
    assert "How far tracks differ sd of popularity 21.7 to 115.1 51.2 20.0 below" in words
    assert "How far artists differ sd of their tracks' means 19.9 to 108.1 46.7 118.0 above" in words
    assert "Wide priors: in half of the corpora that they expect, at least 51.7 %" in words


def test_blocks_stand_together_among_the_correlations(release: Release, read: Callable[[], str]) -> None:
    release(KEY)
    words = section(read(), "features")
    assert "first of block mood" in words
    order = [words.index(name) for name in ("energy first of block energy", "loudness", "valence first of block mood")]
    assert order[0] < order[2]


def test_slopes_are_there_where_the_model_has_them(
    release: Release, read: Callable[[], str], make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    release(KEY)
    assert '"#slopes"' not in read()
    release(OTHER_KEY, make_inputs(tmp_path / "sloped", slopes=True, student=True))
    text = read()
    assert Page(text).open == []
    assert '"#slopes"' in text
    slopes = text.partition('<section id="slopes">')[2].partition("</section>")[0]
    page = Page(slopes)
    # The genre whose slopes differ most comes first, and the slope that is far from the common one is marked.
    assert page.names[0] == "classical"
    assert page.count("b") == 1 + 1  # the one in the legend
    assert re.search(r"classical.*?<b>\+1\.\d</b>", slopes, re.DOTALL)
    assert "<b>pop</b>" in page.names
    assert "Student-t errors" in section(text, "diagnostics")
    assert "how far genres differ in the effects of a block" in section(text, "diagnostics")


def test_many_genres_are_cut_with_a_note(
    release: Release,
    read: Callable[[], str],
    make_inputs: Callable[..., Inputs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "_MOST_SLOPES", 2)
    release(KEY, make_inputs(tmp_path / "sloped", slopes=True))
    assert "Here are the 2 of 3 genres that differ most." in section(read(), "slopes")


def test_without_pooling_no_shares_are_claimed(
    release: Release, read: Callable[[], str], make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    release(KEY, make_inputs(tmp_path / "none", pooling="none"))
    assert "how far artists differ is not estimated" in section(read(), "variance")
    assert "artists have a prior so wide that it says nothing" in section(read(), "priors")
