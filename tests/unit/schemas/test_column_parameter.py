"""Naming columns by hand: what may be said, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import InvalidParameter
from schemas.parameters import IngestParameters


def test_columns_are_read_by_their_canonical_name() -> None:
    parameters = IngestParameters(column=("popularity = chart=points ", "artists=Artist(s)"))
    assert parameters.columns == {"popularity": "chart=points", "artists": "Artist(s)"}


def test_the_order_in_which_columns_are_named_does_not_matter() -> None:
    one, other = ("popularity=a", "artists=b"), ("artists=b", "popularity=a")
    assert IngestParameters(column=one) == IngestParameters(column=other)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (("popularty=x",), "no canonical column 'popularty'; give one of popularity"),
        (("zzz=x",), "no canonical column 'zzz'; give one of track_id, track_name, artists"),
        (("popularity",), "as canonical=theirs"),
        (("popularity=",), "as canonical=theirs"),
        (("=x",), "as canonical=theirs"),
        (("popularity=x", "popularity=y"), "popularity is given 2 columns; give it one"),
    ],
)
def test_what_names_no_column_is_refused(column: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        IngestParameters(column=column)


@pytest.mark.parametrize("command", ["refit", "evaluate"])
def test_the_command_line_names_the_option_and_what_was_given(command: str) -> None:
    result = CliRunner().invoke(app, [command, "x.csv", "--name", "a", "--column", "popularty=x"])
    assert isinstance(result.exception, InvalidParameter)
    assert str(result.exception) == (
        "--column popularty=x: there is no canonical column 'popularty'; give one of popularity"
    )


def test_the_form_shows_a_list_of_texts() -> None:
    field = IngestParameters.model_json_schema()["properties"]["column"]
    assert (field["type"], field["items"], field["title"]) == ("array", {"type": "string"}, "Columns")
