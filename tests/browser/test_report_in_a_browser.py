"""The report as people use it: with a mouse, a keyboard, a phone, by night, on paper, and without JavaScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Report = Callable[..., Path]
    Visit = Callable[..., Page]

pytestmark = pytest.mark.browser

MANY = 10_692
ROWS = "#board tbody tr:not(.spacer)"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def column(page: Page, place: int) -> list[str]:
    """Return the text of a column of the rows in view."""
    return page.eval_on_selector_all(ROWS, f"rows => rows.map(row => row.cells[{place}].textContent)")


def numbers(page: Page, place: int) -> list[float]:
    return [float(text.replace(",", "").replace("\u2212", "-")) for text in column(page, place)]


def sticking_out(page: Page) -> list[str]:
    """Return what reaches beyond the page's right edge, and does not scroll by itself."""
    found: list[str] = page.evaluate(
        """width => document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll('body *')]
            .filter(each => each.getBoundingClientRect().right > width + 1 && !each.closest('.scroll, #view, nav'))
            .map(each => `${each.tagName} ${each.className} ${each.id}`).slice(0, 9)""",
        (page.viewport_size or {"width": 0})["width"],
    )
    return found


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.textContent"))


def test_search_finds_a_name_at_once_and_says_how_many(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    assert page.inner_text("#count") == "10,692 artists"
    page.fill("#search", "BEYONCE")
    assert column(page, 1) == ["Beyoncé" + page.locator(f"{ROWS} small").first.text_content()]
    assert page.inner_text("#count") == "1 of 10,692 artists"
    page.fill("#search", "ros sig")
    assert page.locator(ROWS).count() == 1
    page.fill("#search", "nobody is called that")
    assert "No artist is like that" in page.inner_text("#board tbody")
    page.click("#reset")
    assert page.inner_text("#count") == "10,692 artists"
    assert page.locator(ROWS).count() > 10


def test_columns_sort_both_ways_and_say_so(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    # Tracks, raw mean, expected: the largest first, then the smallest.
    for place, name in ((3, "Tracks"), (4, "Raw mean"), (5, "Expected")):
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        assert page.get_attribute("#board [aria-sort]", "aria-sort") == "descending"
        assert numbers(page, place) == sorted(numbers(page, place), reverse=True)
        largest = numbers(page, place)[0]
        button.click()
        assert page.get_attribute("#board [aria-sort]", "aria-sort") == "ascending"
        assert numbers(page, place) == sorted(numbers(page, place))
        assert numbers(page, place)[0] < largest
        assert page.locator("#board [aria-sort]").count() == 1
    page.get_by_role("button", name="Artist", exact=True).click()
    names = column(page, 1)
    assert names[0].startswith("Artist 00000")
    page.get_by_role("button", name="Interval", exact=True).click()
    widths = [round(high - low, 1) for low, high in (map(float, text.split(" to ")) for text in column(page, 6))]
    assert widths == sorted(widths)


def test_filters_by_genre_and_number_of_tracks(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    options = page.eval_on_selector_all("#genre option", "each => each.map(one => one.textContent)")
    assert options == ["All genres", "<b>pop</b> (3,564)", "classical (3,564)", "rock (3,564)"]
    page.select_option("#genre", label="classical (3,564)")
    assert set(column(page, 2)) == {"classical"}
    assert page.inner_text("#count") == "3,564 of 10,692 artists"
    page.fill("#fewest", "5")
    page.fill("#most", "6")
    assert set(numbers(page, 3)) == {5, 6}
    assert set(column(page, 2)) == {"classical"}
    page.click("#reset")
    assert page.inner_text("#count") == "10,692 artists"
    assert page.input_value("#fewest") == ""


def test_a_click_on_an_artist_shows_the_details(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    page.fill("#search", "sigur")
    tracks, raw, expected = (column(page, place)[0] for place in (3, 4, 5))
    page.click(f"{ROWS} .open")
    text = page.inner_text("#artist")
    assert page.inner_text("#artist h2") == "Sigur Rós"
    assert f"{expected} points" in text
    assert f"Judging by {tracks} track" in text
    assert f"an average of {raw}" in text
    assert "with a probability of 90" in text
    page.keyboard.press("Escape")
    assert not page.is_visible("#artist")
    assert focused(page) == "Sigur Rós"
    # Beside the name, too.
    page.locator(f"{ROWS} td").nth(4).click()
    assert page.is_visible("#artist")
    page.get_by_role("button", name="Close").click()
    assert not page.is_visible("#artist")


def test_everything_can_be_done_with_the_keyboard_alone(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    press = page.keyboard.press
    press("Tab")
    assert focused(page) == "To the leaderboard"
    press("Enter")
    press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "search"
    page.keyboard.type("artist 0000")
    press("ArrowDown")
    first = focused(page)
    assert first.startswith("Artist 0000")
    press("ArrowDown")
    second = focused(page)
    assert second != first
    press("Enter")
    assert page.inner_text("#artist h2") == second
    assert focused(page) == "Close"
    press("Escape")
    assert focused(page) == second
    press("End")
    assert page.evaluate("() => document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "12"
    press("Home")
    assert focused(page) == first
    press("ArrowUp")
    assert page.evaluate("() => document.activeElement.id") == "search"
    for _ in range(20):  # on, past the filters, to the head of the table: sort from there
        press("Tab")
        if focused(page) == "Tracks":
            break
    press("Enter")
    assert page.get_attribute("#board [aria-sort]", "aria-sort") == "descending"
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_ten_thousand_artists_are_a_few_dozen_rows(report: Report, visit: Visit) -> None:
    page = visit(report(MANY, ("Beyoncé", "Sigur Rós")))
    assert page.locator(ROWS).count() < 60
    height = page.evaluate("() => document.getElementById('view').scrollHeight")
    for share in (0.25, 0.5, 0.75, 1):
        page.evaluate(f"() => {{ document.getElementById('view').scrollTop = {share} * {height}; }}")
        page.wait_for_function(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 50)))"
        )
        ranks = numbers(page, 0)
        assert ranks == list(range(int(ranks[0]), int(ranks[0]) + len(ranks)))
        assert page.locator(ROWS).count() < 60
    assert ranks[-1] == MANY
    # As high as if all rows were there.
    row = page.locator(ROWS).first.bounding_box()
    assert row
    assert height == pytest.approx(MANY * row["height"], rel=0.01)
    assert page.get_attribute("#board", "aria-rowcount") == str(MANY + 1)


def test_a_page_of_800_000_artists_opens_and_says_whom_it_holds(report: Report, visit: Visit) -> None:
    path = report(800_000)
    assert path.stat().st_size <= 15_000_000
    page = visit(path)
    assert page.inner_text("#count") == "60,000 artists"
    words = " ".join(page.inner_text("#leaderboard").split())
    assert "This page holds 60,000 of 800,000 artists: the 24,000 with the highest expected popularity" in words
    assert "All 800,000 are in artists.parquet" in words
    page.get_by_role("button", name="Rank").click()
    assert numbers(page, 0)[0] == 800_000
    page.get_by_role("button", name="Tracks", exact=True).click()
    most = numbers(page, 3)[0]
    page.fill("#fewest", str(int(most)))
    assert set(numbers(page, 3)) == {most}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["laptop", "phone"])
def test_nothing_sticks_out(report: Report, visit: Visit, scheme: str, *, phone: bool) -> None:
    page = visit(report(3_000, slopes=True), color_scheme=scheme, **(PHONE if phone else {}))
    assert sticking_out(page) == []
    page.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert sticking_out(page) == []
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    dark = sum(map(int, re.findall(r"\d+", background))) < 200
    assert dark == (scheme == "dark")
    # Charts follow, too.
    label = page.evaluate("() => getComputedStyle(document.querySelector('[data-chart=genres] svg text')).fill")
    assert (sum(map(int, re.findall(r"\d+", label))) > 400) == dark
    if phone:
        page.locator(f"{ROWS} .open").first.tap()
        box = page.locator("#artist").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_charts_are_drawn_described_and_have_a_table_behind_them(report: Report, visit: Visit) -> None:
    page = visit(report(3_000))
    charts = page.locator("[data-chart]")
    assert charts.count() >= 6
    for place in range(charts.count()):
        chart = charts.nth(place)
        assert chart.get_attribute("data-drawn") == "yes"
        assert chart.locator("svg path").count() > 0
        assert chart.get_attribute("aria-label")
        assert chart.locator("xpath=ancestor::section//details//table").count() > 0
        assert "undefined" not in (chart.text_content() or "")
    page.locator("#genres summary").click()
    assert page.is_visible("#genres td")


def test_a_dot_among_few_is_an_artist_to_open(report: Report, visit: Visit) -> None:
    page = visit(report(40))
    page.locator("[data-chart=shrinkage] .mark-symbol.role-mark path").first.click(force=True)
    name = page.inner_text("#artist h2")
    assert name.startswith("Artist 000")


def test_names_of_strangers_are_text_and_break_nothing(report: Report, visit: Visit, names: tuple[str, ...]) -> None:
    from tasks.publish.visible import visible

    for options in ({}, PHONE):
        page = visit(report(len(names) + 3, names, slopes=True), **options)
        shown = page.evaluate(f"() => [...document.querySelectorAll('{ROWS} th bdi')].map(each => each.textContent)")
        seen = set(shown)
        page.evaluate("() => { document.getElementById('view').scrollTop = 1e6; }")
        page.wait_for_function(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 50)))"
        )
        seen |= set(
            page.evaluate(f"() => [...document.querySelectorAll('{ROWS} th bdi')].map(each => each.textContent)")
        )
        assert {visible(name) for name in names} <= seen
        heights = page.eval_on_selector_all(ROWS, "rows => rows.map(row => row.offsetHeight)")
        assert len(set(heights)) == 1
        inside = page.evaluate(
            f"""() => [...document.querySelectorAll('{ROWS} td, {ROWS} th')].every(each => {{
                const box = each.getBoundingClientRect();
                const board = document.getElementById('view').getBoundingClientRect();
                return !box.width || box.left >= board.left - 1 && box.right <= board.right + 1;
            }})"""
        )
        assert inside
        assert all(text.strip() for text in shown)
        assert sticking_out(page) == []
        assert page.evaluate("() => window.harmed") is None
        # Vega has a form of its own, and nothing in it.
        made = "img, iframe, form:not(.vega-bindings), bdi *, svg[onload], option *"
        assert page.eval_on_selector_all(made, "found => found.length") == 0
    for name in ("__proto__", "W" * 10_000, "\u202eevil\u202c \u2067x"):
        page.fill("#search", visible(name)[:40])
        page.locator(f"{ROWS} .open").first.click()
        assert page.inner_text("#artist h2") == visible(name)
        box = page.locator("#artist").bounding_box()
        assert box
        assert box["width"] <= 390
        page.keyboard.press("Escape")


def test_without_javascript_the_top_and_the_numbers_are_there(report: Report, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report(MANY, ("Beyoncé", "Sigur Rós")).as_uri())
    assert page.locator("#board tbody tr").count() == 50
    assert "Search, filters and charts need JavaScript" in page.inner_text("noscript")
    page.locator("#genres summary").click()
    assert page.is_visible("#genres td")
    context.close()


def test_paper_has_no_buttons_and_has_the_first_rows_and_the_charts(report: Report, visit: Visit) -> None:
    page = visit(report(3_000), color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert not page.is_visible("#tools")
    assert not page.is_visible("nav")
    assert numbers(page, 0) == list(range(1, 51))
    # Dark letters on white, though the screen is dark.
    ink = page.evaluate("() => getComputedStyle(document.querySelector('h1')).color")
    assert sum(map(int, re.findall(r"\d+", ink))) < 200
    assert page.is_visible("[data-chart=genres] svg")
    page.emulate_media(media="screen")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.locator(ROWS).count() < 50


def test_who_wants_no_motion_gets_none(report: Report, visit: Visit) -> None:
    page = visit(report(40), reduced_motion="reduce")
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"
