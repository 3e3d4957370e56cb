"""Wrong parameters are told in the words of the form, and mendable errors without a traceback."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from typing import Any

import pytest

from flows.form import Gating, Ingestion, Name, Sampling, Sources
from flows.given import as_fields, checked
from flows.logs import Mendable
from schemas.errors import EncoreError, InvalidParameter
from schemas.parameters import GateParameters, IngestParameters, SampleParameters
from schemas.publication import checked_name


def flow(
    sources: Sources,
    name: Name,
    ingestion: Ingestion = IngestParameters(),  # noqa: B008 - frozen
    sampling: Sampling = SampleParameters(),  # noqa: B008
    gating: Gating = GateParameters(),  # noqa: B008
) -> None:
    """Take parameters as our flows do."""


SIGNATURE = inspect.signature(flow, eval_str=True)
NEEDED = {"sources": ["a.csv"], "name": "label"}


def test_what_fits_comes_out_as_what_the_flow_wants() -> None:
    made = checked(SIGNATURE, {**NEEDED, "sampling": {"draws": 50}})
    assert made["sampling"] == SampleParameters(draws=50)
    assert made["gating"] == GateParameters()
    given = IngestParameters(min_tracks=3)
    assert checked(SIGNATURE, {**NEEDED, "ingestion": given})["ingestion"] is given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"sampling": {"draws": 2}},
            "3. Sample, Draws a chain: input should be greater than or equal to 4, and is '2'",
        ),
        ({"sampling": {"engine": "stan"}}, "3. Sample, Engine: input should be 'auto', 'collapsed'"),
        ({"sampling": {"priors": {"tau": "wide"}}}, "3. Sample, Priors, Tau: artists: "),
        (
            {"sampling": {"engine": "collapsed", "likelihood": "student_t"}},
            "3. Sample: the collapsed engine works from",
        ),
        ({"ingestion": {"reject_on": "weather"}}, "1. Ingest, Reject on: unknown limit 'weather'; give all, none"),
        ({"ingestion": {"column": ["popularity"]}}, "1. Ingest, Columns, item 1: Give it as canonical=theirs"),
        ({"gating": {"min_rhat": 1}}, "4. Gate, min_rhat: there is no such parameter"),
        ({"sources": "a.csv"}, "Corpus: input should be a valid list"),
    ],
)
def test_what_does_not_fit_is_told_in_the_words_of_the_form(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        checked(SIGNATURE, {**NEEDED, **given})
    assert str(caught.value).startswith(said)
    assert "pydantic" not in str(caught.value)


def test_each_wrong_value_has_a_line() -> None:
    with pytest.raises(InvalidParameter) as caught:
        checked(SIGNATURE, {**NEEDED, "sampling": {"draws": 2, "tune": 1}})
    assert len(str(caught.value).splitlines()) == 3


def test_the_pattern_of_a_name_is_what_we_take() -> None:
    schema = Name.__metadata__[0].json_schema_extra
    pattern = schema["pattern"]
    for name in ("label", "a", "0.b-c_d", "x" * 64, "x" * 65, "My Label", "-a", "", "a..b", "a.b.c", "a/b"):
        try:
            fits = bool(checked_name(name))
        except InvalidParameter:
            fits = False
        assert bool(re.search(pattern, name)) == fits, name


def test_advice_names_the_fields_of_the_form() -> None:
    assert (
        as_fields("tune and sample longer (--tune 1000 --draws 2000)")
        == 'tune and sample longer ("Tuning steps" 1000, "Draws a chain" 2000)'
    )
    assert as_fields("refit with --force") == 'refit with "Do every step again"'
    assert as_fields("--nobody-knows this") == "--nobody-knows this"
    assert as_fields("an engine") == "an engine"


def record(error: Exception, message: str) -> logging.LogRecord:
    """Return what Prefect logs when an error ends a run."""
    try:
        raise error
    except type(error):
        return logging.LogRecord("prefect.flow_runs", logging.ERROR, "", 1, message, None, sys.exc_info())


def test_a_mendable_error_is_logged_as_its_sentence_and_once() -> None:
    first = record(EncoreError("no such file\x1b[31m\n  try this"), "Encountered exception during execution: ...")
    assert Mendable().filter(first)
    text = logging.Formatter().format(first)
    assert text.startswith("no such file")
    assert text.endswith("\n  try this")
    assert "Traceback" not in text
    assert "\x1b" not in text
    assert not Mendable().filter(record(EncoreError("no"), "Engine execution exited with unexpected exception"))


def test_a_bug_keeps_its_traceback() -> None:
    bug = record(ValueError("?"), "Engine execution exited with unexpected exception")
    assert Mendable().filter(bug)
    assert "Traceback" in logging.Formatter().format(bug)
