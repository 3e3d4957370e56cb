"""A small part of `make fuzz`, and that it would notice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from damage import MUTATIONS, corpus
from plainly import PlainInspection
from trial import BROKEN, REFUSED, TABLE, Judges, attempt, sentence
from writing import Corpus, File

from schemas.errors import CorpusRejected
from tasks.ingest import corpus as ingestion

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 7
GOOD = b"track_id,artists,popularity\n" + b"".join(b"%022d,Ann,%d\n" % (n, n) for n in range(20))


@pytest.fixture
def good() -> Corpus:
    """Return a corpus of twenty good rows."""
    return Corpus([File("good.csv", GOOD, 20)], {})


def test_mutated_corpora_end_in_a_table_or_in_a_sentence() -> None:
    judges = Judges(10)
    ended = Counter()
    for number in range(len(MUTATIONS)):
        made, what = corpus(SEED, number)
        outcome = attempt(made, judges.of(number))
        assert outcome.kind != BROKEN, (SEED, number, what, outcome.said)
        ended[outcome.kind] += 1
    assert min(ended[TABLE], ended[REFUSED]) >= 5


def test_the_same_number_is_the_same_corpus() -> None:
    for number in (3, 17, 30):
        assert corpus(SEED, number) == corpus(SEED, number)


def outcome_when(monkeypatch: pytest.MonkeyPatch, good: Corpus, change: Callable[..., Any]) -> str:
    """Return what is said of a good corpus, where something in ingestion is broken."""
    whole = ingestion.sifting.sift
    monkeypatch.setattr(ingestion.sifting, "sift", lambda *given: change(whole, *given))
    outcome = attempt(good, PlainInspection())
    assert outcome.kind == BROKEN
    return outcome.said


def test_a_traceback_is_noticed(monkeypatch: pytest.MonkeyPatch, good: Corpus) -> None:
    assert "ZeroDivisionError" in outcome_when(monkeypatch, good, lambda *_: 1 // 0)


def test_a_refusal_of_several_lines_is_noticed(monkeypatch: pytest.MonkeyPatch, good: Corpus) -> None:
    error = CorpusRejected("one")
    error.args = ("one\ntwo",)

    def refuse(*_: object) -> None:
        raise error

    assert "no sentence" in outcome_when(monkeypatch, good, refuse)


def test_a_row_too_few_is_noticed(good: Corpus) -> None:
    assert attempt(good, PlainInspection()).kind == TABLE
    good.files[0].rows = 21
    outcome = attempt(good, PlainInspection())
    assert (outcome.kind, outcome.said[:32]) == (BROKEN, "20 rows were read, where another")


def test_a_row_that_should_not_be_there_is_noticed(monkeypatch: pytest.MonkeyPatch, good: Corpus) -> None:
    monkeypatch.setattr(PlainInspection, "inspect", lambda *_: [])
    good.files[0].content += b"%022d,Bob,101\n" % 99
    good.files[0].rows = 21
    assert "popularity is" in attempt(good, PlainInspection()).said


def test_a_file_written_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch, good: Corpus) -> None:
    def stray(whole: Callable[..., Any], source: Any, parameters: Any, folder: Any, *rest: Any) -> Any:
        (folder.parents[2] / "stray").touch()
        return whole(source, parameters, folder, *rest)

    assert "stray" in outcome_when(monkeypatch, good, stray)


def test_refusals_are_counted_by_their_kind() -> None:
    one = "a.csv has no column for popularity and artists: say which it is; its columns are x, y"
    other = "b1.csv has no column for artists: say which it is; its columns are z"
    assert sentence(one, ["a.csv"]) == sentence(other, ["b1.csv"]) == "FILE has no column for ..."
