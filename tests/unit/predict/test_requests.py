"""What is said of requests that cannot be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from schemas.errors import InvalidParameter
from tasks.predict.requests import as_columns, columns_used, read_requests

if TYPE_CHECKING:
    from conftest import Made


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"energy": 1.5}, "row 41: energy is 1.5, and can only be within 0..1 share"),
        ({"energy": float("inf")}, "row 41: energy is inf, and can only be within 0..1 share"),
        ({"loudness": "-71"}, r"row 41: loudness is -71, and can only be within -70..10 dB"),
        ({"energy": "loud"}, "row 41: energy is 'loud', which is no number"),
        ({"energy": [1]}, r"row 41: energy is '\[1\]', which is no number"),
        ({"genres": "pop;metal"}, "row 41: the model knows no genre 'metal'; it knows 'pop', 'rock', 'hip;hop'"),
        ({"artist": ["Eminem", "50 Cent"]}, "row 41: artist is .*; give the name of one artist"),
        ({"genres": "pip"}, "row 41: the model knows no genre 'pip'; there is 'pop'"),
        (
            {"enrgy": 0.5},
            "column 'enrgy' is none that predictions read; if it is energy, call it so, else leave it out",
        ),
        ({"Energy": 0.5}, "column 'Energy' is none that predictions read"),
        ({"genre": "pop", "genres": "pop"}, "columns 'genre' and 'genres' both give genres; leave one out"),
    ],
)
def test_a_mistake_is_named_with_its_row(made: Made, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        read_requests(as_columns([request_]), made.design, first_row=41)


def test_what_predictions_do_not_read_is_named(made: Made) -> None:
    names = ["artists", "track_name", "popularity", "energy", "tempo", "my_id"]
    used, ignored = columns_used(names, made.design)
    assert used == {"artist": "artists", "energy": "energy"}
    assert ignored == ["track_name", "popularity", "tempo", "my_id"]


def test_missing_numbers_are_not_given(made: Made) -> None:
    cells = ["", " ", "NA", "nan", "null", None, float("nan"), "0.25", 1, np.float32(0.5)]
    asked = read_requests({"energy": cells}, made.design)
    assert np.isnan(asked.features[:7, 0]).all()
    assert asked.features[7:, 0].tolist() == [0.25, 1.0, 0.5]


def test_names_are_read_as_ingest_reads_them(made: Made) -> None:
    cells = [" Eminem\n", 311, "a\0b", "\ud800", "", None, "null"]
    names = read_requests({"artist": cells}, made.design).artists
    assert names == ["Eminem", "311", "a\N{REPLACEMENT CHARACTER}b", "?", None, None, "null"]
