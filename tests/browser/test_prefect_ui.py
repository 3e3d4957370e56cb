"""What people do who live in Prefect's UI, in a browser, against the server that `encore serve` starts."""

from __future__ import annotations

import csv
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from prefect_ui import PrefectUi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.ui, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = {"ingest", "group", "sample", "gate", "publish"}
FIRST = ("Amber", "Copper", "Northern", "Paper", "Velvet")
SECOND = ("Almanac", "Ferry", "Harbours", "Lanterns", "Orchard", "Satellite", "Tides", "Weather")
FOREIGN = {"PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILES_PATH", "PREFECT_SERVER_DATABASE_CONNECTION_URL"}


@dataclass(frozen=True)
class Served:
    """An `encore serve` at work: what it has said, and where things are."""

    said: str
    folder: Path
    environment: dict[str, str]

    @property
    def ui(self) -> str:
        """Where it says the UI is."""
        return re.findall(r"^UI +(\S+)$", self.said, re.MULTILINE)[0]

    @property
    def publications(self) -> str:
        """Where it says publications are to be read."""
        return re.findall(r"^publications +(\S+)$", self.said, re.MULTILINE)[0]

    def current(self, name: str) -> str:
        """Return the version that readers see; empty where there is none."""
        pointer = self.folder / "publications" / name / "current"
        return pointer.resolve().name if pointer.exists() else ""

    def encore(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours."""
        command = [sys.executable, "-m", "flows.cli", *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=False
        )

    def verify(self, name: str) -> None:
        """Check a publication as `encore verify` does, and that nothing half-written lies beside it."""
        run = self.encore("verify", name, "--to", str(self.folder / "publications"))
        assert run.returncode == 0, run.stderr
        versions = sorted(path.name for path in (self.folder / "publications" / name / "versions").iterdir())
        assert not [version for version in versions if version.startswith(".")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    """Start `encore serve` from nothing; it has to end by itself when it is told to."""
    assert browser.is_connected()  # before anything is started for it
    folder = tmp_path_factory.mktemp("served")
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    options = ["--home", str(folder / "server"), "--to", str(folder / "publications")]
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve", *options],
            cwd=REPOSITORY,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 240
        while "Ctrl-C stops it all" not in (said := log.read_text(encoding="utf-8")):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        yield Served(said, folder, environment)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert log.read_text(encoding="utf-8").endswith("stopped\n")
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def ui(served: Served, browser: Browser) -> Iterator[PrefectUi]:
    """Open a page of its own for each test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield PrefectUi(context.new_page(), served.ui)
    context.close()


def write_corpus(path: Path, seed: int = 1, points: float = 0.0) -> Path:
    """Write 400 tracks of 40 made-up artists, all of them more popular by so many points."""
    chance = random.Random(seed)  # noqa: S311 - the same corpus each time
    level = {f"{one} {other}": chance.uniform(25, 65) + points for one in FIRST for other in SECOND}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "popularity"])
        for track in range(400):
            by = chance.choice(list(level))
            popularity = round(min(100.0, max(0.0, chance.gauss(level[by], 10))))
            writer.writerow([f"{seed:011d}{track:011d}", f"song {track}", by, popularity])
    return path


@pytest.fixture(scope="module")
def label(served: Served, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Publish `label` by the form, and return the address of that run's page."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    ui = PrefectUi(context.new_page(), served.ui)
    ui.refit(write_corpus(tmp_path_factory.mktemp("label") / "tracks.csv"), "label")
    ui.see_state("Completed")
    address = ui.page.url
    context.close()
    return address


def test_the_server_says_where_it_is_and_has_four_deployments(served: Served, ui: PrefectUi) -> None:
    shown = [row.split()[:2] for row in ui.deployments()]
    assert shown == [["hourly", "ingest"], ["nightly", "refit"], ["on-demand", "refit"], ["weekly", "evaluate"]]
    # Once the worker has asked for work.
    ui.see(ui.page.locator("tr", has_text="on-demand").get_by_text("Ready", exact=True))
    ui.page.goto(served.publications)
    ui.says("Nothing has been published yet.")


def test_the_form_explains_itself(ui: PrefectUi) -> None:
    ui.open_form()
    for title in ("1. Ingest", "2. Group", "3. Sample", "4. Gate", "5. Publish", "Approval"):
        expect(ui.field(title)).to_be_visible()
    expect(ui.field("Corpus")).to_contain_text("Files, folders, patterns or addresses of tracks")
    expect(ui.field("Publish as")).to_contain_text("lower-case letters, digits")
    expect(ui.field("3. Sample", "Draws a chain")).to_contain_text("Kept draws of each chain.")
    expect(ui.field("3. Sample", "Draws a chain").locator("input")).to_have_value("1000")
    expect(ui.field("Approval", "Hold above")).to_contain_text("0: never")
    ui.fill("data/publications", "Folder of publications")
    ui.picture("ui-form")
    assert ui.choices("3. Sample", "Engine") == ["auto", "collapsed", "rows", "pymc", "numpyro", "pymc3"]
    assert ui.choices("5. Publish", "Promote") == ["not_worse", "always", "never"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (("Publish as",), "My Label", "use up to 64 lower-case letters, digits, dashes, underscores and single dots"),
        (("1. Ingest", "Largest share of bad rows"), 7, "7 is greater than the maximum of 1"),
        (("3. Sample", "Draws a chain"), 2, "2 is less than the minimum of 4"),
    ],
)
def test_what_a_form_cannot_mean_is_refused_at_once(
    ui: PrefectUi, field: tuple[str, ...], value: object, sentence: str
) -> None:
    ui.open_form()
    ui.fill(value, *field)
    ui.submit()
    ui.says(re.compile(re.escape(sentence)))
    expect(ui.page).to_have_url(re.compile("/run"))  # still in the form


def test_what_only_we_can_tell_is_refused_in_the_words_of_the_form(ui: PrefectUi, tmp_path: Path) -> None:
    ui.refit(write_corpus(tmp_path / "tracks.csv"), "refused", ingest__reject_on="weather")
    ui.see_state("Failed")
    ui.says("refit-refused-on-demand")
    expect(ui.log()).to_contain_text("1. Ingest, Reject on: unknown limit 'weather'")
    expect(ui.log()).not_to_contain_text("Traceback")
    ui.open_artifact("refit-refused")
    ui.says("refused: stopped, nothing was published")
    ui.says("1. Ingest, Reject on: unknown limit 'weather'; give all, none, or some of tracks, zeros, genres, drift")


def test_from_the_form_to_the_report(served: Served, ui: PrefectUi, label: str) -> None:
    ui.page.goto(label)
    ui.see_state("Completed")
    ui.says("refit-label-on-demand")
    ui.picture("ui-run")
    states = ui.task_runs()
    assert states.keys() >= STEPS
    assert set(states.values()) == {"Completed"}
    expect(ui.log()).to_contain_text("400 rows in: 400 kept")
    expect(ui.log()).to_contain_text("passed: ")
    ui.open_artifact("refit-label")
    ui.says("label: published")
    ui.says(re.compile("passed: .* largest R-hat"))
    ui.picture("ui-summary", 1000)
    rows = ui.page.locator("table tbody tr")
    expect(rows).to_have_count(10)
    first = rows.first.locator("td").nth(1).inner_text()
    with ui.page.context.expect_page() as opened:
        ui.page.get_by_role("link", name="report", exact=True).click()
    report = opened.value
    assert report.url.startswith(served.publications)
    report.bring_to_front()
    report.wait_for_selector("html[data-drawn]", state="attached", timeout=120_000)
    expect(report.locator("#board tbody tr:not(.spacer)").first).to_contain_text(first)
    for link in ("model card", "checks on the data", "manifest"):
        address = ui.page.get_by_role("link", name=link, exact=True).get_attribute("href") or ""
        assert ui.page.request.get(address).ok
    served.verify("label")


def test_the_gate_says_why(served: Served, ui: PrefectUi, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "tracks.csv")
    ui.refit(corpus, "gated", sample__draws_a_chain=20, sample__tuning_steps=20, gate__rungs=0)
    ui.see_state("Failed")
    assert ui.task_runs() == {"ingest": "Completed", "group": "Completed", "sample": "Completed", "gate": "Failed"}
    expect(ui.log()).to_contain_text("the posterior of gated is not fit to publish")
    expect(ui.log()).not_to_contain_text("Traceback")
    run = ui.page.url
    ui.open_artifact("refit-gated")
    ui.says("gated: the gate stopped it, nothing was published")
    ui.says(re.compile(r'try this: tune and sample longer \("Tuning steps" 1000, "Draws a chain" 2000\)'))
    ui.says(re.compile(r"quantities fell short; the worst:"))
    picture = ui.page.get_by_role("img", name="Rank plots")
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.complete && one.naturalWidth") > 300
    ui.picture("ui-gate", 1700)
    ui.page.goto(run)
    ui.open_artifact("gate")
    expect(ui.page.locator("table thead")).to_contain_text(re.compile("check.*value.*threshold.*fell short.*of what"))
    expect(ui.page.locator("table tbody tr").filter(has_text="R-hat").first).to_contain_text("1.01")
    assert served.current("gated") == ""


@pytest.mark.usefixtures("label")
def test_a_cancelled_refit_leaves_nothing_half_written(served: Served, ui: PrefectUi, tmp_path: Path) -> None:
    before = served.current("label")
    more = write_corpus(tmp_path / "more.csv", seed=2)
    ui.refit(more, "label", sample__draws_a_chain=100_000, sample__chains=64)
    ui.see_state("Running")
    ui.see(ui.log().get_by_text("400 tracks of 40 artists"))
    ui.press("Cancel", "Confirm")
    ui.see_state("Cancelled")
    assert "publish" not in ui.task_runs()
    assert served.current("label") == before
    served.verify("label")


def test_retry_goes_on_at_the_first_missing_step(served: Served, ui: PrefectUi, tmp_path: Path) -> None:
    corpus = tmp_path / "late.csv"
    ui.refit(corpus, "late")
    ui.see_state("Failed")
    ui.open_artifact("refit-late")
    ui.says(re.compile("late.csv"))
    ui.says(re.compile("the corpus was rejected, nothing was published"))
    ui.page.go_back()
    write_corpus(corpus)
    ui.press("Retry", "Retry")
    ui.see_state("Completed")
    served.verify("late")


def test_retry_after_a_crash_does_again_only_what_was_not_done(served: Served, ui: PrefectUi, tmp_path: Path) -> None:
    ui.refit(write_corpus(tmp_path / "tracks.csv", seed=3), "crashed", sample__draws_a_chain=25_000)
    ui.see(ui.log().get_by_text("400 tracks of 40 artists"))
    kill_run(ui.run_id)
    ui.see_state("Crashed")
    assert served.current("crashed") == ""
    work = served.folder / "publications" / ".work"
    left = [*(work / "ingest").rglob("report.json"), *(work / "group").rglob("design.json")]
    before = {path: path.stat().st_mtime_ns for path in left}
    assert len(before) > 1
    ui.press("Retry", "Retry")
    ui.see_state("Completed")
    served.verify("crashed")
    # What ingest and group had left, of this run and others, is what it was.
    assert before == {path: path.stat().st_mtime_ns for path in before}


def kill_run(key: str) -> None:
    """Kill the process of a flow run, as a machine that runs out of memory would."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            of_run = key.encode() in (process / "environ").read_bytes()
            of_run = of_run and b"prefect.engine" in (process / "cmdline").read_bytes()
        except OSError:  # ended, or somebody else's
            continue
        if of_run:
            os.kill(int(process.name), signal.SIGKILL)
            return
    pytest.fail(f"no process belongs to run {key}")


@pytest.mark.usefixtures("label")
def test_what_moves_too_far_is_published_when_somebody_says_yes(served: Served, ui: PrefectUi, tmp_path: Path) -> None:
    before = served.current("label")
    moved = write_corpus(tmp_path / "moved.csv", points=8)

    ui.refit(moved, "label", approval__hold_above=2)
    ui.see_state("Suspended")
    run = ui.page.url
    ui.open_artifact("approval-label")
    ui.says("label: held, is this to be published?")
    ui.says(re.compile("differ from .* by 8.0 points on average, and 2 are allowed"))
    ui.page.goto(run)
    ui.answer(publish=False, why="ask the label first")
    ui.see_state("Failed")
    ui.open_artifact("refit-label")
    ui.says(re.compile(r"label is not published: .* and the answer was no \(ask the label first\)"))
    assert served.current("label") == before

    # Nobody answers within four seconds, nor ever.
    ui.refit(moved, "label", approval__hold_above=2, approval__patience=0.001)
    ui.see_state("Failed")
    assert served.current("label") == before

    ui.refit(moved, "label", approval__hold_above=2)
    ui.see_state("Suspended")
    ui.answer(publish=True, why="the label knows")
    ui.see_state("Completed")
    assert served.current("label") not in {"", before}
    served.verify("label")
