"""Great Expectations, set up. Importing this costs seconds: `inspection` does, in the one thread that uses it.

It is given canonical values and no stranger's text but ids and dates, since its Data Docs escape none; see `data_docs`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.ingest.memory import uncollected

with uncollected(), warnings.catch_warnings():
    # Great Expectations 1.24 imports sre_constants and sre_parse.
    warnings.filterwarnings("ignore", r"module 'sre_\w+' is deprecated", DeprecationWarning)
    import great_expectations as gx

from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from schemas.expectations import row_rules
from tasks.ingest.data_docs import Site, rehearse
from tasks.ingest.frames import UNREADABLE
from tasks.ingest.remembering import KINDS, REMEMBERING
from tasks.ingest.tallies import Count, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from schemas.expectations import Rule
    from tasks.ingest.inspection import Broken

# To count what breaks a rule takes a third less than to list it, too.
_COUNTED = {"result_format": "BASIC"}
# Rows are found by the frame's index: Great Expectations lists that at once, but gathers named columns one by one.
_LISTED = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


class Expectations:
    """A set-up of Great Expectations for one run.

    Batches are held against suites without its books: those compare each suite with all before it, and keep every
    result as JSON.
    """

    def __init__(self) -> None:
        with _quiet():
            asset = _context().data_sources.add_pandas("corpus").add_dataframe_asset("rows")
            self._frames = asset.add_batch_definition_whole_dataframe("partition")
            # Templates are compiled with the first page, which is wanted when there is much else to do.
            tally = Tally({rule: Count(2, 0, 1, [0]) for rule in row_rules(("popularity",))})
            rehearse(_suite("rows", tally.rules), tally)

    def validate(self, rules: Sequence[Rule], frame: pd.DataFrame, *, mixed: bool = False) -> list[Broken]:
        """Hold a frame against rules; see `inspection.Inspection.validate`."""
        rows = frame.index.to_numpy().astype(np.int64)
        with _quiet():
            batch = self._frames.get_batch(batch_parameters={"dataframe": frame})
            found = {} if mixed else _found(batch, rules, len(rows), _COUNTED)
            known = {rule for rule, one in found.items() if one["unexpected_count"] in {0, len(rows)}}
            if unlisted := [rule for rule in rules if rule not in known]:
                found |= _found(batch, unlisted, len(rows), _LISTED)
        broken = []
        for rule in rules:
            if found[rule]["unexpected_count"]:
                where = np.asarray(found[rule].get("unexpected_index_list", rows), dtype=np.int64)
                broken.append((rule, where, found[rule].get("partial_unexpected_list") or []))
        return broken

    @staticmethod
    def site(folder: Path) -> Site:
        """Return the Data Docs in a folder, without a page."""
        return Site(folder)

    @staticmethod
    def document(site: Site, name: str, tally: Tally) -> None:
        """Write the pages of a suite; see `inspection.Documents.add`."""
        with _quiet():
            site.add(_suite(name, tally.rules), tally)


def _context() -> Any:
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _suite(name: str, rules: Sequence[Rule], kinds: Mapping[str, Any] = KINDS) -> gx.ExpectationSuite:
    # Added one by one, each is compared with all before it.
    return gx.ExpectationSuite(name, expectations=[_expectation(rule, at, kinds) for at, rule in enumerate(rules)])


def _expectation(rule: Rule, position: int, kinds: Mapping[str, Any]) -> Any:
    common: dict[str, Any] = {
        "column": UNREADABLE.format(rule.column) if rule.kind == "readable" else rule.column,
        "severity": rule.severity,
        "meta": {"rule": position},
    }
    if rule.kind == "readable":
        common |= {"value_set": [True]}
    elif rule.kind == "between":
        common |= {"min_value": rule.low, "max_value": rule.high}
    elif rule.kind == "pattern":
        common |= {"regex": rule.pattern}
    return kinds[rule.kind](**common)


def _found(batch: Any, rules: Sequence[Rule], rows: int, how: Mapping[str, object]) -> dict[Rule, dict[str, Any]]:
    """Return what Great Expectations found of each rule, having checked that it says one thing only."""
    found = {}
    for position, one in _evaluated(batch.validate(_suite("rules", rules, REMEMBERING), result_format=how), rules):
        count = one.result.get("unexpected_count", -1)
        listed = len(one.result.get("unexpected_index_list") or []) if how is _LISTED else count
        if one.result.get("element_count") != rows or not 0 <= count == listed or one.success != (count == 0):
            raise _not_evaluated(rules[position], one.result)
        found[rules[position]] = one.result
    return found


def _evaluated(result: Any, rules: Sequence[Rule]) -> list[tuple[int, Any]]:
    """Return the result of each rule with its position, in order, having checked that they are all there."""
    found = {}
    for one in result.results:
        position = one.expectation_config.meta["rule"]
        if crash := _crash(one.exception_info):
            raise _not_evaluated(rules[position], crash)
        found[position] = one
    if sorted(found) != list(range(len(rules))):
        message = f"Great Expectations evaluated {len(found)} of {len(rules)} expectations"
        raise RuntimeError(message)
    return sorted(found.items())


def _not_evaluated(rule: Rule, why: object) -> RuntimeError:
    return RuntimeError(f"Great Expectations could not evaluate {rule.kind} of {rule.column}: {why}")


def _crash(info: Mapping[str, Any] | None) -> str:
    """Return the message of an exception that an expectation swallowed; it is nested where a metric raised it."""
    entries = [info or {}, *(entry for entry in (info or {}).values() if isinstance(entry, dict))]
    return "; ".join(str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception"))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Great Expectations' remarks about its own set-up out of the log."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
