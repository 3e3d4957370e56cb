"""Prefect's UI as somebody at its screen has it: what to press and what there is to read.

Whatever shows on the page comes late, and the page itself asks the server now and then only; so everything here waits
for what it wants to see, and looks at the page anew where that takes long.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 240.0
_A_MOMENT, _A_WHILE = 4_000.0, 15_000.0
PICTURES = "ENCORE_PICTURES"
_WIDTH, _COLOURS = 1280, 128
_BUSY = 503
_STARTED = re.compile("/create_flow_run$")
_ENDED = re.compile(r"^\s*(Completed|Nothing new|Failed|Crashed|Cancelled)\s*$")


class PrefectUi:
    """A page of the UI.

    Parameters
    ----------
    page : Page
        Of a browser.
    address : str
        Of the UI.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        page.set_default_timeout(60_000)
        expect.set_options(timeout=30_000)

    def deployments(self) -> list[str]:
        """Open the list of deployments, and return their names with their flows'."""
        self.page.goto(f"{self.address}/deployments")
        rows = self.page.locator("tr").filter(has=self.page.locator("a"))
        expect(rows.first).to_be_visible()
        return [" ".join(row.split()) for row in rows.all_inner_texts()]

    def open_form(self, deployment: str = "on-demand") -> None:
        """Go by *Deployments*, the deployment, *Run* and *Custom run* to the form of a refit."""
        self.page.goto(f"{self.address}/deployments")
        self.page.get_by_role("link", name=deployment, exact=True).click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").click()
        expect(self.field("Do every step again")).to_be_visible()

    def field(self, *titles: str) -> Locator:
        """Return a field of the form, by the titles of its groups and its own."""
        found = self.page.locator("body")
        for title in titles:
            words = re.compile(rf"^{re.escape(title)}( \(Optional\))?$")
            label = self.page.locator(":scope > .p-label__header .schema-form-property__label", has_text=words)
            found = found.locator(".schema-form-property").filter(has=label)
        return found.first

    def fill(self, value: object, *titles: str) -> None:
        """Write into a field; into the first line of one that has several."""
        self.field(*titles).locator("textarea, input").first.fill(str(value))

    def choices(self, *titles: str) -> list[str]:
        """Return what a field has to choose from."""
        self.field(*titles).locator(".p-select-button__icon").click(force=True)
        options = self.page.locator(".p-select-option")
        expect(options.first).to_be_visible()
        texts = [text.strip() for text in options.all_inner_texts()]
        self.page.keyboard.press("Escape")
        return texts

    def submit(self) -> None:
        """Press *Submit* of the form."""
        self.page.get_by_role("button", name="Submit").click()

    def start(self) -> None:
        """Submit the form, and go to the run's page."""
        for patience in (_A_WHILE, _A_WHILE, 3 * _A_WHILE):
            # A page that was just drawn may not notice the first press, as people know.
            with contextlib.suppress(TooLate), self.page.expect_response(_STARTED, timeout=patience) as answer:
                self.submit()
            # Nor does SQLite always find the time to write, on a busy machine; the UI says so.
            if answer.is_done() and answer.value.status != _BUSY:
                break
        assert answer.value.ok, answer.value.text()
        key = answer.value.json()["id"]
        # The notice that links to the run slides in and away again.
        expect(self.page.get_by_role("button", name="View run").first).to_be_visible()
        self.page.goto(f"{self.address}/runs/flow-run/{key}")

    def refit(self, corpus: object, name: str, **values: object) -> None:
        """Fill the form, start the refit, and go to its page.

        Parameters
        ----------
        corpus : path-like
        name : str
        **values
            By group and field, as ``sample__draws_a_chain``: see `_GROUPS`.
        """
        self.open_form()
        self.fill(corpus, "Corpus")
        self.fill(name, "Publish as")
        for key, value in values.items():
            group, _, title = key.partition("__")
            self.fill(value, _GROUPS[group], title.replace("_", " ").capitalize())
        self.start()

    @property
    def run_id(self) -> str:
        """The id of the run whose page is open."""
        return self.page.url.partition("/flow-run/")[2].partition("?")[0]

    def badge(self) -> Locator:
        """Return where the state of the run stands."""
        return self.page.locator(".page-heading-flow-run .state-badge")

    def see(self, locator: Locator, seconds: float = PATIENCE) -> None:
        """Wait until something can be seen, and look at the page anew now and then."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                locator.first.wait_for(timeout=_A_MOMENT)
            except TooLate:
                if time.monotonic() > deadline:
                    raise
                self.page.reload()
            else:
                return

    def see_state(self, state: str, seconds: float = PATIENCE) -> None:
        """Wait until a run is in a state; fail at once where it has ended in another."""
        wanted = self.badge().filter(has_text=re.compile(rf"^\s*{state}\s*$"))
        ended = self.badge().filter(has_text=_ENDED)
        self.see(wanted.or_(ended), seconds)
        expect(wanted).to_be_visible()

    def tab(self, name: str) -> None:
        """Open a tab of a run's page."""
        self.page.locator(".p-tab-navigation, .p-tabs").get_by_text(name, exact=True).first.click()

    def task_runs(self) -> dict[str, str]:
        """Return the state of each step by its name, as the tab *Task Runs* has them."""
        self.tab("Task Runs")
        items = self.page.locator(".task-run-list-item")
        expect(items.first).to_be_visible()
        found = {}
        for item in items.all():
            name = item.locator(".task-run-list-item__breadcrumbs").inner_text().strip()
            found[name] = item.locator(".state-badge").first.inner_text().strip()
        return found

    def log(self) -> Locator:
        """Open the tab *Logs*, and return the log of the run."""
        self.tab("Logs")
        return self.page.locator(".flow-run-logs")

    def open_artifact(self, key: str) -> None:
        """Open an artifact of the run."""
        self.tab("Artifacts")
        # Those of the task runs come when they are scrolled to.
        self.page.mouse.wheel(0, 2_000)
        card = self.page.locator(".p-tabs__content").get_by_text(key, exact=True)
        expect(card.first).to_be_visible()
        card.first.click()
        self.page.wait_for_url("**/artifacts/artifact/**")
        expect(self.page.get_by_text("Show raw data").or_(self.page.locator("table")).first).to_be_visible()

    def says(self, text: str | re.Pattern[str]) -> None:
        """Check that a text can be read on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def picture(self, name: str, height: int = 900) -> None:
        """Take a picture of the page for the documentation, where the environment names a folder for them."""
        folder = os.environ.get(PICTURES)
        if not folder:
            return
        self.page.set_viewport_size({"width": _WIDTH, "height": height})
        self.page.mouse.wheel(0, -10_000)
        self.page.wait_for_timeout(_A_MOMENT)  # until what moves has come to rest
        path = Path(folder) / f"{name}.png"
        self.page.screenshot(path=path)
        with Image.open(path) as taken:
            small = taken.convert("RGB").quantize(_COLOURS)
        small.save(path, optimize=True)

    def press(self, button: str, confirm: str) -> None:
        """Press a button of the run's page, and confirm it in the dialogue that opens."""
        self.page.get_by_role("button", name=button, exact=True).click()
        self._confirm(confirm)

    def answer(self, *, publish: bool, why: str) -> None:
        """Press *Resume* of a run that is held, and answer what is asked."""
        self.page.get_by_role("button", name="Resume", exact=True).click()
        dialogue = self.dialogue()
        expect(dialogue).to_contain_text("points on average")
        if publish:
            dialogue.get_by_role("switch").click()
        expect(dialogue.get_by_role("switch")).to_have_attribute("aria-checked", str(publish).lower())
        dialogue.locator("textarea").fill(why)
        if publish:
            self.picture("ui-approval", 800)
        self._confirm("Submit")

    def _confirm(self, button: str) -> None:
        """Press a button of the dialogue until that closes: see `start`."""
        for _ in range(3):
            self.dialogue().get_by_role("button", name=button, exact=True).click()
            with contextlib.suppress(AssertionError):
                expect(self.dialogue()).to_have_count(0, timeout=_A_WHILE)
                return
        expect(self.dialogue()).to_have_count(0)

    def dialogue(self) -> Locator:
        """Return the dialogue that is open."""
        return self.page.locator(".p-modal")


_GROUPS = {
    "ingest": "1. Ingest",
    "group": "2. Group",
    "sample": "3. Sample",
    "gate": "4. Gate",
    "publish": "5. Publish",
    "approval": "Approval",
}
