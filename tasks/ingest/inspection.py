"""Great Expectations, which decides what is wrong with a corpus. Importing this costs seconds.

It is given canonical values and no stranger's text but ids and dates, since its Data Docs escape none; see `data_docs`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

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

from tasks.ingest.data_docs import finish, scrubbed, site_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.expectations import Rule

    Rows = NDArray[np.int64]

# The same corpus must give the same bytes, so runs are numbered and not dated; the epoch is what "no date" looks like.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Rows are found by the frame's index: Great Expectations lists that at once, but gathers named columns one by one.
_COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
_UNREADABLE = "{} is readable"


class Inspection:
    """A set-up of Great Expectations for one corpus; keeps what it found for the Data Docs."""

    def __init__(self) -> None:
        with _quiet():
            config = DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
                analytics_enabled=False,
            )
            self._context = gx.get_context(mode="ephemeral", project_config=config)
            asset = self._context.data_sources.add_pandas("corpus").add_dataframe_asset("rows")
            self._batch = asset.add_batch_definition_whole_dataframe("partition")
        self._definitions: dict[str, tuple[gx.ValidationDefinition, tuple[Rule, ...]]] = {}
        self._runs = 0

    def add_suite(self, name: str, rules: Sequence[Rule]) -> None:
        """Make a suite of expectations from rules; `name` becomes a path in the Data Docs."""
        suite = gx.ExpectationSuite(name)
        for position, rule in enumerate(rules):
            suite.add_expectation(_expectation(rule, position))
        with _quiet():
            suite = self._context.suites.add(suite)
            definition = gx.ValidationDefinition(name=name, data=self._batch, suite=suite)
            self._definitions[name] = self._context.validation_definitions.add(definition), tuple(rules)

    def inspect(self, suite: str, run: str, frame: pd.DataFrame) -> list[tuple[Rule, Rows]]:
        """Hold rows against a suite.

        Parameters
        ----------
        suite : str
            One added before.
        run : str
            What to call this in the Data Docs; becomes a path in them.
        frame : pandas.DataFrame
            As `row_frame` makes it; its index says which row is which.

        Returns
        -------
        list of (Rule, ndarray of int64)
            The broken rules in their order, and the index of the rows that break each.

        Raises
        ------
        RuntimeError
            If an expectation could not be evaluated, which is a bug and not the corpus's fault.
        """
        definition, rules = self._definitions[suite]
        run_id = RunIdentifier(run_name=run, run_time=_EPOCH + timedelta(seconds=self._runs))
        self._runs += 1
        with _quiet():
            result = definition.run(batch_parameters={"dataframe": frame}, result_format=_COMPLETE, run_id=run_id)
            broken = _broken(result, rules, len(frame))
            key = ValidationResultIdentifier(
                expectation_suite_identifier=ExpectationSuiteIdentifier(suite),
                run_id=run_id,
                batch_identifier=result.batch_id,
            )
            self._context.validation_results_store.update(key, scrubbed(result))
        return broken

    def write_data_docs(self, folder: Path) -> None:
        """Write the Data Docs of everything inspected so far."""
        with _quiet():
            self._context.add_data_docs_site("corpus", site_config(folder))
            self._context.build_data_docs(site_names=["corpus"])
        finish(folder, self._runs)


def row_frame(values: pa.Table, unreadable: pa.Table, rules: Sequence[Rule], rows: Rows) -> pd.DataFrame:
    """Return what the rules need to know of rows, as a numpy-backed frame.

    Parameters
    ----------
    values, unreadable : pyarrow.Table, n rows
        As `coercion.coerce` returns them.
    rules : sequence of Rule
    rows : ndarray of int64, shape (n,)
        Record numbers, the index of the frame.
    """
    columns: dict[str, NDArray[Any]] = {}
    for rule in rules:
        column = values[rule.column]
        if rule.kind == "readable":
            columns[_UNREADABLE.format(rule.column)] = ~unreadable[rule.column].to_numpy()
        elif rule.kind == "pattern":
            columns[rule.column] = column.to_numpy()
        elif rule.kind == "not_null" and str(column.type).startswith(("list", "string")):
            # Whether something is there is all that matters, and all that the Data Docs may see.
            columns[rule.column] = np.where(column.is_null().to_numpy(), np.nan, 1.0)
        else:
            columns[rule.column] = column.cast("float64").to_numpy()
    return pd.DataFrame({name: pd.Series(array, rows, array.dtype) for name, array in columns.items()}, rows)


def statistics_frame(statistics: Mapping[str, float]) -> pd.DataFrame:
    """Return statistics of a whole corpus as a frame of one row."""
    return pd.DataFrame(dict(statistics), index=[0])


def _expectation(rule: Rule, position: int) -> Any:
    common: dict[str, Any] = {
        "column": _UNREADABLE.format(rule.column) if rule.kind == "readable" else rule.column,
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


def _broken(result: Any, rules: Sequence[Rule], count: int) -> list[tuple[Rule, Rows]]:
    found: dict[int, Rows] = {}
    for one in result.results:
        position = one.expectation_config.meta["rule"]
        crash = _crash(one.exception_info)
        rows = np.asarray(one.result.get("unexpected_index_list") or [], dtype=np.int64)
        whole = one.result.get("element_count") == count and one.result.get("unexpected_count") == len(rows)
        if crash or not whole or one.success != (len(rows) == 0):
            rule = rules[position]
            message = f"Great Expectations could not evaluate {rule.kind} of {rule.column}: {crash or one.result}"
            raise RuntimeError(message)
        found[position] = rows
    if sorted(found) != list(range(len(rules))):
        message = f"Great Expectations evaluated {len(found)} of {len(rules)} expectations"
        raise RuntimeError(message)
    return [(rules[position], rows) for position, rows in sorted(found.items()) if len(rows)]


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
