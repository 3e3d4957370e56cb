"""Take the pictures of the report that ``docs/images`` has: by day, by night, an artist's details, and on a phone.

``screenshots.py [REPORT]`` opens a report in this machine's Chromium: by default that of `make refit`.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "data" / "publications" / "sample" / "current" / "report.html"
IMAGES = ROOT / "docs" / "images"
LAPTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
COLOURS = 128


def leaderboard(page: Page) -> None:
    """Show the leaderboard."""
    page.evaluate("() => document.querySelector('#leaderboard').scrollIntoView({ behavior: 'instant' })")


def shrinkage(page: Page) -> None:
    """Show how far artists are pulled."""
    page.evaluate("() => document.querySelector('#shrinkage').scrollIntoView({ behavior: 'instant' })")


def details(page: Page) -> None:
    """Show an artist's details."""
    leaderboard(page)
    page.locator("#board .open").nth(2).click()


PICTURES = {
    "report-light": (LAPTOP, "light", leaderboard),
    "report-dark": (LAPTOP, "dark", shrinkage),
    "report-artist": (PHONE, "light", details),
    "report-phone": (PHONE, "dark", leaderboard),
}


def main(report: Path) -> int:
    """Take all pictures; return the exit status."""
    known = ("chromium", "chromium-browser", "google-chrome")
    browser = os.environ.get("ENCORE_CHROMIUM") or next(filter(None, map(shutil.which, known)), None)
    if browser is None:
        print("no browser: install one (apt-get install chromium), or set ENCORE_CHROMIUM to one", file=sys.stderr)
        return 1
    if not report.is_file():
        print(f"{report} is not there: run make refit first, or name another report", file=sys.stderr)
        return 1
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for name, (size, scheme, show) in PICTURES.items():
            page = started.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.goto(report.resolve().as_uri())
            page.wait_for_selector("html[data-drawn]", state="attached")
            show(page)
            path = IMAGES / f"{name}.png"
            page.screenshot(path=path)
            page.close()
            with Image.open(path) as picture:
                small = picture.convert("RGB").quantize(COLOURS)
            small.save(path, optimize=True)
            print(f"{path.relative_to(ROOT)} {path.stat().st_size:,} bytes")
        started.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT))
