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
import pandas as pd
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
from tasks.ingest.extremes import Extremes, breaking
from tasks.ingest.frames import UNREADABLE, extreme_frame, row_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from tasks.ingest.tallies import Tally

    Rows = NDArray[np.int64]
    Broken = tuple[Rule, Rows, list[Any]]

# The same corpus must give the same bytes, so runs are numbered and not dated; the epoch is what "no date" looks like.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Rows are found by the frame's index: Great Expectations lists that at once, but gathers named columns one by one.
_COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}

# So many rows that break rules are kept for Great Expectations to be shown at once: a run of it takes milliseconds.
_MOST_WAITING = 50_000


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

        A plain comparison finds the rows that break one, and Great Expectations is shown those, of many partitions at a
        time. Of all others it is shown the extremes, once a source. What this returns holds only if `confirm` passes.

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
            Is told the extremes of the rows that keep the rules, and which rows Great Expectations has yet to judge.

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
        broken: list[tuple[Rule, Rows]] = []
        if suspects:
            names = list(dict.fromkeys(rule.column for rule in suspects))
            values_asked, unreadable_asked = values.select(names), unreadable.select(names)
            masks = breaking(values_asked, unreadable_asked, suspects)
            wrong = np.logical_or.reduce(masks)
            mask = pa.array(wrong)
            frame = row_frame(values_asked.filter(mask), unreadable_asked.filter(mask), suspects, rows[wrong])
            broken = [(rule, rows[one]) for rule, one in zip(suspects, masks, strict=True)]
            kept.ask(suspects, frame, [where for _, where in broken])
            asked = [rule for rule in rules if rule.column in names]
            mask = pa.array(~wrong)
            found = found.with_these(Extremes.of(values_asked.filter(mask), unreadable_asked.filter(mask), asked))
        kept.add(found)
        tally.add(rules, values, len(rows), broken)
        if kept.waiting > _MOST_WAITING:
            self._answer(kept, tally)
        return broken

    def confirm(self, rules: Sequence[Rule], kept: Extremes, tally: Tally) -> None:
        """Have Great Expectations judge what it has not of a source: rows that break rules, and extremes of all others.

        What it finds right of the extremes is right of each of the rows.

        Parameters
        ----------
        rules : sequence of Rule
        kept : Extremes
            As `inspect` left them.
        tally : Tally
            Is told some of the values that break rules.

        Raises
        ------
        RuntimeError
            If it is of another opinion than plain comparisons, or could not look.
        """
        self._answer(kept, tally)
        asked = kept.asked(rules)
        if not asked:
            return
        alike, frame = extreme_frame(kept, asked)
        if wrong := self.validate(alike, frame):
            message = f"Great Expectations finds that rows which were kept break {[rule for rule, _, _ in wrong]}"
            raise RuntimeError(message)

    def _answer(self, kept: Extremes, tally: Tally) -> None:
        """Show Great Expectations the rows that wait for it."""
        for suspects, frames, expected in kept.questions():
            frame = pd.concat(frames)
            found = {rule: (where, examples) for rule, where, examples in self.validate(suspects, frame)}
            for rule, wanted in zip(suspects, expected, strict=True):
                where, examples = found.get(rule, (None, ()))
                if where is None or not np.array_equal(np.sort(where), np.concatenate(wanted)):
                    message = f"Great Expectations finds other rows than plain comparisons that break {rule}"
                    raise RuntimeError(message)
                tally.show(rule, examples)

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
