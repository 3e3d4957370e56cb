"""A real browser, and reports to open in it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from made_up import HOSTILE, write_inputs
from playwright.sync_api import sync_playwright
from prefect_ui import PICTURES

from schemas.parameters import PublishParameters
from tasks.publish.publisher import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAMES = (
    *HOSTILE,
    "</script><script>window.harmed = 1</script>",
    "--><svg onload=window.harmed=1>",
    "__proto__",
    "constructor",
    "toString",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1|cmd",
    "C:\\Windows\\..\\con",
    "\u200b\u200b",
    "\u3164",
    "a\u0301\u0302\u0303\u0304" * 40,
    "wide \ufdfd\ufdfd\ufdfd\ufdfd",
    "W" * 10_000,
    "two  spaces",
    "\u2066isolate",
)
# Nothing is asked of anybody.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
# No WebGL, but for pictures: to draw a run's timeline on the processor, sixty times a second, takes more than a refit.
FLAT = ("--disable-gpu", "--disable-software-rasterizer")
GENRES = ("rock", "<b>pop</b>", "classical")


@pytest.fixture(scope="session")
def names() -> tuple[str, ...]:
    """Return names that somebody might give an artist to harm a page, or to break its layout."""
    return NAMES


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the Chromium of this machine, or skip."""
    known = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("ENCORE_CHROMIUM") or next(filter(None, map(shutil.which, known)), None)
    if not found:
        pytest.skip("NO BROWSER IS TESTED: install one (apt-get install chromium), or set ENCORE_CHROMIUM to one")
    # Chromium refuses to sandbox itself for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        arguments += QUIET if os.environ.get(PICTURES) else [*QUIET, *FLAT]
        started = driver.chromium.launch(executable_path=found, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that publishes made-up artists and returns the report: one for each number of artists."""
    made: dict[tuple[Any, ...], Path] = {}

    def make(artists: int, names: tuple[str, ...] = (), **options: Any) -> Path:
        key = (artists, names, *options.items())
        if key not in made:
            folder = tmp_path_factory.mktemp("report")
            inputs = write_inputs(folder, artists=artists, names=names, genres=GENRES, **options)
            # Each artist in one genre, taking turns by name.
            path = inputs.group / "statistics" / "means.npy"
            means = np.load(path)
            first = means.shape[1] - 1 - len(GENRES)
            means[:, first : first + len(GENRES)] = np.eye(len(GENRES))[np.arange(artists) % len(GENRES)]
            np.save(path, means)
            parameters = PublishParameters(figures=False)
            published = publish(folder / "published", "weekly", "ab" * 16, inputs, {}, 7, parameters)
            made[key] = folder / "published" / "weekly" / "versions" / published.version / "report.html"
        return made[key]

    return make


class Opened:
    """A report in the browser, and what went wrong in it: it has to be nothing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: self.trouble.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: Path) -> Page:
        """Open a report, and wait until everything is drawn."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", state="attached")
        return self.page


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a report; in the end, nothing may have gone wrong and nobody have been asked."""
    opened: list[tuple[Opened, Path]] = []
    contexts = []

    def go(path: Path, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        each = Opened(context.new_page())
        opened.append((each, path))
        return each.open(path)

    yield go
    for each, path in opened:
        assert each.trouble == []
        assert [url for url in each.requests if not url.startswith("data:")] == [path.as_uri()]
    for context in contexts:
        context.close()
