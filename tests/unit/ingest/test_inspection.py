"""Great Expectations in a thread of its own: what goes wrong there is heard of, and the thread ends with the ingest."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from schemas.errors import CorpusRejected
from schemas.expectations import Rule
from tasks.ingest import expecting
from tasks.ingest.frames import UNREADABLE
from tasks.ingest.inspection import Inspection
from tasks.ingest.tallies import Count, Tally

# Great Expectations comes by `expecting`, which knows which of its warnings to pass over.
from tasks.ingest import data_docs  # isort: skip
from tasks.ingest.remembering import KINDS, REMEMBERING  # isort: skip
from great_expectations.core.run_identifier import RunIdentifier  # isort: skip
from great_expectations.data_context.types.resource_identifiers import (  # isort: skip
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Ingest = Callable[..., Any]
    WriteCsv = Callable[..., Path]

RULES = (
    Rule("between", "energy", "energy: outside", low=0, high=1),
    Rule("not_null", "energy", "energy: missing"),
    Rule("pattern", "track_id", "track_id: odd", pattern="^[a-z]+$"),
)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    """Fail a test after which a thread runs that did not before."""
    before = {thread for thread in threading.enumerate() if not thread.daemon}
    yield
    assert {thread for thread in threading.enumerate() if not thread.daemon} <= before


def slow_to_set_up(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[str]:
    """Have Great Expectations take its time to be set up, and perhaps fail; return a note of it when it is."""
    real, done = expecting.Expectations, []

    def set_up() -> Any:
        time.sleep(0.2)
        done.append("set up")
        if error:
            raise error
        return real()

    monkeypatch.setattr(expecting, "Expectations", set_up)
    return done


def test_what_goes_wrong_in_setting_up_ends_the_ingest(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_to_set_up(monkeypatch, OSError(5, "a module cannot be read"))
    with pytest.raises(OSError, match="a module cannot be read"):
        ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{}]))


def test_rows_are_read_while_it_is_set_up(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = slow_to_set_up(monkeypatch)
    seen: list[tuple[int, bool]] = []
    corpus = write_csv(tmp_path / "x.csv", [{}] * 3)
    ingest(tmp_path / "out", corpus, partition_rows=1, progress=lambda rows, _: seen.append((rows, bool(done))))
    assert seen[-1] == (3, False)


def test_who_is_refused_or_interrupted_leaves_no_thread(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = slow_to_set_up(monkeypatch)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(tmp_path / "interrupted", write_csv(tmp_path / "x.csv", [{}]), progress=interrupted)
    with pytest.raises(CorpusRejected, match="bad"):
        ingest(tmp_path / "refused", write_csv(tmp_path / "y.csv", [{"popularity": "many"}, {}]), max_bad_share=0.1)
    assert done == ["set up"] * 2


def test_who_is_refused_before_a_row_is_judged_does_not_wait_for_it(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = slow_to_set_up(monkeypatch)
    with pytest.raises(CorpusRejected, match="popularity"):
        ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{}], ["track_id", "artists"]))
    assert not done


@pytest.mark.parametrize("mixed", [True, False])
def test_broken_rules_are_found_with_their_rows_whether_or_not_they_are_expected(mixed: bool) -> None:  # noqa: FBT001 - a case
    frame = pd.DataFrame({"energy": [0.5, 2.0, np.nan], "track_id": ["a", "b", "c"]}, index=[5, 7, 9])
    everywhere = pd.DataFrame({"energy": [2.0, 3.0], "track_id": ["1", "2"]}, index=[5, 7])
    with Inspection() as inspection:
        some = [(r.reason, rows.tolist()) for r, rows, _ in inspection.validate(RULES, frame, mixed=mixed)]
        every = [
            (r.reason, rows.tolist(), shown) for r, rows, shown in inspection.validate(RULES, everywhere, mixed=mixed)
        ]
    assert some == [("energy: outside", [7]), ("energy: missing", [9])]
    assert every == [("energy: outside", [5, 7], [2.0, 3.0]), ("track_id: odd", [5, 7], ["1", "2"])]


@pytest.mark.parametrize("kept", [True, False])
def test_it_finds_what_its_own_expectations_find(monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    rules = (*RULES, Rule("readable", "energy", "energy: cannot read"))
    values = {"energy": [0.5, 1.0, 0.0], "track_id": ["a", "b", None], UNREADABLE.format("energy"): [True] * 3}
    broken = {
        "energy": [0.5, 2.0, None],
        "track_id": ["a", "B", None],
        UNREADABLE.format("energy"): [True, False, True],
    }
    batch = expecting.Expectations()._frames.get_batch(
        batch_parameters={"dataframe": pd.DataFrame(values if kept else broken)}
    )

    ours = expecting._found(batch, rules, 3, expecting._LISTED)
    monkeypatch.setattr(expecting, "REMEMBERING", KINDS)
    theirs = expecting._found(batch, rules, 3, expecting._LISTED)
    assert repr(ours) == repr(theirs)  # in which a NaN is the same as another
    assert [one["unexpected_count"] for one in ours.values()] == ([0] * 4 if kept else [1] * 4)


def test_a_configuration_that_is_remembered_is_that_of_its_fields() -> None:
    expectation = REMEMBERING["between"](column="energy", min_value=0, max_value=1)
    assert expectation.configuration is expectation.configuration
    expectation.max_value = 2
    assert expectation.configuration.kwargs == {"column": "energy", "min_value": 0, "max_value": 2}
    assert "_made" not in expectation.dict()


def test_the_pages_are_those_of_great_expectations_own_site(tmp_path: Path) -> None:
    counts = [Count(9, 0, 2, [7.0, -1.0]), Count(9, 1, 1), Count(9, 0, 0)]
    tallies = {"rows-a": Tally(dict(zip(RULES, counts, strict=True))), "corpus": Tally({RULES[0]: Count(1)})}
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    site, context = data_docs.Site(ours), expecting._context()
    run = RunIdentifier(run_name="all-rows", run_time=datetime(1970, 1, 1, tzinfo=UTC))
    for name, tally in tallies.items():
        site.add(expecting._suite(name, tally.rules), tally)
        suite = context.suites.add(expecting._suite(name, tally.rules))
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(name), run, "corpus-rows")
        context.validation_results_store.add(key, data_docs.page(suite, tally))
    site.close()
    view = {"view": {"module_name": data_docs.__name__, "class_name": data_docs.ReproduciblePageView.__name__}}
    config = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(theirs)},
        "site_section_builders": {"expectations": view, "validations": view, "profiling": "none"},
    }
    context.add_data_docs_site("corpus", config)
    context.build_data_docs(site_names=["corpus"])
    written = {path.relative_to(theirs) for path in theirs.rglob("*.html")}
    assert written == {path.relative_to(ours) for path in ours.rglob("*.html")}
    for path in written - {Path("index.html")}:
        assert (ours / path).read_text() == data_docs._asking_nobody((theirs / path).read_text()), path
