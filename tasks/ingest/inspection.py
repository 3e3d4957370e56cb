"""Great Expectations, which decides what is wrong with a corpus. Importing this costs seconds.

It is given canonical values and no stranger's text but ids and dates, since its Data Docs escape none; see `data_docs`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

with warnings.catch_warnings():
    # Great Expectations 1.24 imports sre_constants and sre_parse.
    warnings.filterwarnings("ignore", r"module 'sre_\w+' is deprecated", DeprecationWarning)
    import great_expectations as gx

from great_expectations import expectations as gxe
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from tasks.ingest.data_docs import finish, page, site_config
from tasks.ingest.extremes import Extremes, questioned
from tasks.ingest.frames import UNREADABLE, extreme_frame, row_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from tasks.ingest.tallies import Tally

    Rows = NDArray[np.int64]
    Broken = tuple[Rule, Rows, list[Any]]

# The same corpus must give the same bytes, so runs are numbered and not dated; the epoch is what "no date" looks like.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Rows are found by the frame's index: Great Expectations lists that at once, but gathers named columns one by one.
_COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


class Inspection:
    """A set-up of Great Expectations for one run; counts what it found, for the Data Docs."""

    def __init__(self) -> None:
        with _quiet():
            self._context = _context()
            asset = self._context.data_sources.add_pandas("corpus").add_dataframe_asset("rows")
            self._batch = asset.add_batch_definition_whole_dataframe("partition")
        self._definitions: dict[tuple[Rule, ...], gx.ValidationDefinition] = {}

    def inspect(
        self, rules: Sequence[Rule], values: pa.Table, unreadable: pa.Table, rows: Rows, tally: Tally, kept: Extremes
    ) -> list[tuple[Rule, Rows]]:
        """Hold rows against rules.

        Great Expectations is shown the rows that break one by a plain comparison, and decides. Of all others it is
        shown the extremes, once a source; see `confirm`.

        Parameters
        ----------
        rules : sequence of Rule
        values, unreadable : pyarrow.Table, n rows
            As `coercion.coerce` returns them.
        rows : ndarray of int64, shape (n,)
            Record numbers, ascending.
        tally : Tally
            Is told what was found.
        kept : Extremes
            Is told the extremes of the rows that keep the rules.

        Returns
        -------
        list of (Rule, ndarray of int64)
            The broken rules in their order, and the record numbers of the rows that break each.

        Raises
        ------
        RuntimeError
            If an expectation could not be evaluated, or is of another opinion than a plain comparison, which is a bug
            and not the corpus's fault.
        """
        found = Extremes.of(values, unreadable, rules)
        suspects = found.broken(rules)
        broken: list[Broken] = []
        if suspects:
            names = list(dict.fromkeys(rule.column for rule in suspects))
            values_asked, unreadable_asked = values.select(names), unreadable.select(names)
            wrong = questioned(values_asked, unreadable_asked, suspects)
            mask = pa.array(wrong)
            frame = row_frame(values_asked.filter(mask), unreadable_asked.filter(mask), suspects, rows[wrong])
            broken = self.validate(suspects, frame)
            decided = np.unique(np.concatenate([where for _, where, _ in broken])) if broken else rows[:0]
            if len(broken) != len(suspects) or not np.array_equal(decided, rows[wrong]):
                message = f"Great Expectations finds other rows than plain comparisons that break {suspects}"
                raise RuntimeError(message)
            asked = [rule for rule in rules if rule.column in names]
            mask = pa.array(~wrong)
            found = found.with_these(Extremes.of(values_asked.filter(mask), unreadable_asked.filter(mask), asked))
        kept.add(found)
        tally.add(rules, values, len(rows), broken)
        return [(rule, where) for rule, where, _ in broken]

    def confirm(self, rules: Sequence[Rule], kept: Extremes) -> None:
        """Have Great Expectations judge the extremes of all rows of a source that keep the rules.

        What it finds right of these is right of each of the rows.

        Parameters
        ----------
        rules : sequence of Rule
        kept : Extremes
            As `inspect` left them.

        Raises
        ------
        RuntimeError
            If it finds anything wrong, or could not look.
        """
        asked = kept.asked(rules)
        wrong = self.validate(asked, extreme_frame(kept, asked)) if asked else []
        if wrong:
            message = f"Great Expectations finds that rows which were kept break {[rule for rule, _, _ in wrong]}"
            raise RuntimeError(message)

    def validate(self, rules: Sequence[Rule], frame: pd.DataFrame) -> list[Broken]:
        """Hold a frame against rules.

        Parameters
        ----------
        rules : sequence of Rule
        frame : pandas.DataFrame
            Its index says which row is which.

        Returns
        -------
        list of (Rule, ndarray of int64, list)
            The broken rules in their order, the index of the rows that break each, and the first values that do.

        Raises
        ------
        RuntimeError
            If an expectation could not be evaluated.
        """
        with _quiet():
            result = self._definition(rules).run(batch_parameters={"dataframe": frame}, result_format=_COMPLETE)
            return _broken(result, rules, len(frame))

    def _definition(self, rules: Sequence[Rule]) -> Any:
        key = tuple(rules)
        if key not in self._definitions:
            name = f"suite-{len(self._definitions) + 1}"
            suite = self._context.suites.add(_suite(name, rules))
            definition = gx.ValidationDefinition(name=name, data=self._batch, suite=suite)
            self._definitions[key] = self._context.validation_definitions.add(definition)
        return self._definitions[key]

    @staticmethod
    def write_data_docs(folder: Path, tallies: Mapping[str, Tally]) -> None:
        """Write the Data Docs of what was found.

        Parameters
        ----------
        folder : Path
        tallies : mapping
            By name of the suite, which becomes a path in the Data Docs.
        """
        with _quiet():
            context = _context()  # the other one keeps a result of each partition
            for name, tally in tallies.items():
                suite = context.suites.add(_suite(name, tally.rules))
                run = RunIdentifier(run_name="all-rows", run_time=_EPOCH)
                key = ValidationResultIdentifier(ExpectationSuiteIdentifier(name), run, "corpus-rows")
                result = page(suite, tally, run, gx.__version__)
                context.validation_results_store.add(key, result)
            context.add_data_docs_site("corpus", site_config(folder))
            context.build_data_docs(site_names=["corpus"])
        finish(folder, len(tallies))


def _context() -> Any:
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _suite(name: str, rules: Sequence[Rule]) -> gx.ExpectationSuite:
    # Added one by one, each is compared with all before it.
    return gx.ExpectationSuite(name, expectations=[_expectation(rule, at) for at, rule in enumerate(rules)])


def _expectation(rule: Rule, position: int) -> Any:
    common: dict[str, Any] = {
        "column": UNREADABLE.format(rule.column) if rule.kind == "readable" else rule.column,
        "severity": rule.severity,
        "meta": {"rule": position},
    }
    if rule.kind == "readable":
        return gxe.ExpectColumnValuesToBeInSet(value_set=[True], **common)
    if rule.kind == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(**common)
    if rule.kind == "between":
        return gxe.ExpectColumnValuesToBeBetween(min_value=rule.low, max_value=rule.high, **common)
    return gxe.ExpectColumnValuesToMatchRegex(regex=rule.pattern, **common)


def _broken(result: Any, rules: Sequence[Rule], count: int) -> list[Broken]:
    broken = []
    for position, one in _evaluated(result, rules):
        rows = np.asarray(one.result.get("unexpected_index_list") or [], dtype=np.int64)
        whole = one.result.get("element_count") == count and one.result.get("unexpected_count") == len(rows)
        if not whole or one.success != (len(rows) == 0):
            raise _not_evaluated(rules[position], one.result)
        if len(rows):
            broken.append((rules[position], rows, one.result.get("partial_unexpected_list") or []))
    return broken


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
