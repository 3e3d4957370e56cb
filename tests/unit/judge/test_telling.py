"""What an evaluation says in words is what its numbers say, and no more."""

from __future__ import annotations

import pytest

from schemas.evaluation import Evaluation, Score
from tasks.judge.telling import conclusions, markdown, records, tables, text


def score(**changed: object) -> Score:
    """Make a score of the reference on held-out tracks, but for what is changed."""
    plain: dict[str, object] = {
        "judged": "known",
        "pooling": "partial",
        "features": True,
        "tracks": 1200,
        "artists": 300,
        "elpd": -5000.25,
        "elpd_se": 40.0,
        "difference": 0.0,
        "difference_se": 0.0,
        "mae": 10.5,
        "rmse": 13.25,
        "inside_50": 0.512,
        "inside_90": 0.9,
    }
    return Score.model_validate(plain | changed)


def rivals(
    none: tuple[float, float | None], complete: tuple[float, float | None], judged: str = "known"
) -> list[Score]:
    """Return the reference and two others, with their differences to it and the standard errors of those."""
    return [
        score(judged=judged),
        *(
            score(judged=judged, pooling=pooling, difference=difference, difference_se=error)
            for pooling, (difference, error) in (("none", none), ("complete", complete))
        ),
    ]


def evaluation(scores: list[Score]) -> Evaluation:
    return Evaluation(
        key="0" * 32,
        sources=({"name": "tracks.csv", "sha256": "0" * 64},),
        parameters={},
        steps={},
        tracks=9000,
        artists=3000,
        held_out=1200,
        reference="partial + features",
        scores=tuple(scores),
        conclusions=conclusions(scores),
    )


@pytest.mark.parametrize(
    ("none", "complete", "said"),
    [
        (
            (-82.0, 14.0),
            (-216.0, 24.0),
            "better than no pooling by 82.0 ± 14.0 ELPD and than complete pooling by 216.0",
        ),
        ((7.0, 8.6), (-181.3, 24.9), "nor worse than no pooling (-7.0 ± 8.6)"),
        ((82.0, 14.0), (-1.0, 14.0), "worse than no pooling by 82.0 ± 14.0 ELPD; neither"),
        ((-20.0, 10.0), (-20.1, 10.0), "better than complete pooling by 20.1 ± 10.0 ELPD; neither"),
        ((-3.9, 0.1), (-4.1, 0.1), "better than complete pooling by 4.1 ± 0.1 ELPD; neither"),
        ((-20.0, None), (-20.0, None), "neither clearly better nor worse than no pooling (20.0 ± ?)"),
    ],
)
def test_a_difference_is_called_one_beyond_two_standard_errors(
    none: tuple[float, float | None], complete: tuple[float, float | None], said: str
) -> None:
    (sentence,) = conclusions(rivals(none, complete))
    assert sentence.startswith("On 1,200 held-out tracks of known artists, partial pooling predicts ")
    assert said in sentence


def test_nothing_is_concluded_from_what_no_pooling_says_of_a_new_artist() -> None:
    (sentence,) = conclusions(rivals((-9000.0, 10.0), (-50.0, 8.0), judged="new"))
    assert "no pooling" not in sentence
    assert "better than complete pooling by 50.0 ± 8.0" in sentence
    (table,) = tables(rivals((-9000.0, 10.0), (-50.0, 8.0), judged="new"), "partial + features")
    assert "no pooling says nothing" in table.note


def test_features_are_compared_where_there_are_any() -> None:
    scores = [*rivals((-82.0, 14.0), (-216.0, 24.0)), score(features=False, difference=-30.0, difference_se=5.0)]
    assert "than itself without features by 30.0 ± 5.0" in conclusions(scores)[0]
    plain = [one.model_copy(update={"features": False}) for one in rivals((-82.0, 14.0), (-216.0, 24.0))]
    assert "features" not in conclusions(plain)[0]
    assert "better than no pooling by 82.0" in conclusions(plain)[0]


def test_tables_have_a_row_for_each_model_and_fit_a_terminal() -> None:
    scores = [*rivals((-82.0, 14.0), (-12_216.0, 2400.0)), *rivals((-82.0, 14.0), (-216.0, 24.0), judged="again")]
    shown = text(evaluation(scores))
    rows = [line for line in shown.splitlines() if line.startswith(("partial", "none", "complete"))]
    assert len(rows) == 6
    assert max(len(line) for line in rows) <= 80
    assert rows[0].split() == ["partial", "+", "features", "-5,000.2", "reference", "10.50", "13.25", "51.2%", "90.0%"]
    assert "Held-out tracks of known artists: 1,200 tracks of 300 artists" in shown


def test_markdown_has_the_same_rows_the_picture_and_the_conclusions() -> None:
    made = evaluation(rivals((-82.0, 14.0), (-216.0, 24.0)))
    page = markdown(made, "sample", picture="shrinkage.png")
    assert "| complete + features | -5,000.2 | -216.0 ± 24.0 |" in page
    assert "(shrinkage.png)" in page
    assert all(sentence in page for sentence in made.conclusions)
    assert "(shrinkage.png)" not in markdown(made, "sample")


def test_the_table_in_prefect_has_plain_values() -> None:
    first, *_ = records(rivals((-82.0, 14.0), (-216.0, None)))
    assert first["ELPD"] == -5000.2
    assert first["judged on"] == "1,200 held-out tracks of known artists"
    assert records(rivals((-82.0, 14.0), (-216.0, None)))[2]["its standard error"] is None
