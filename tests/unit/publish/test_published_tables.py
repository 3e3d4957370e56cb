"""What the tables of a publication hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.publication import artists_schema, coefficients_schema
from tasks.publish.tables import published_artists

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

    Release = Callable[..., Any]

KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2


def table(root: Path, name: str) -> Any:
    return pq.read_table(root / "weekly" / "current" / f"{name}.parquet")


def means(path: Path) -> dict[str, float]:
    read = pq.read_table(path)
    return dict(zip(read["artist"].to_pylist(), read["mean"].to_pylist(), strict=True))


def test_artists_are_ranked_by_posterior_mean(release: Release, root: Path, inputs: Inputs) -> None:
    release(KEY)
    artists = table(root, "artists")
    assert artists.schema.equals(artists_schema(), check_metadata=True)
    assert artists["rank"].to_pylist() == list(range(1, 31))
    published = artists["mean"].to_pylist()
    assert published == sorted(published, reverse=True)
    assert dict(zip(artists["artist"].to_pylist(), published, strict=True)) == means(inputs.sample / "artists.parquet")


def test_equal_means_are_ranked_by_name(inputs: Inputs) -> None:
    sampled = pq.read_table(inputs.sample / "artists.parquet")
    level = sampled.set_column(sampled.schema.get_field_index("mean"), "mean", [np.full(30, 50.0)])
    names = published_artists(level, None)["artist"].to_pylist()
    assert names == sorted(names, key=str.encode)


def test_the_first_publication_has_no_changes(release: Release, root: Path) -> None:
    release(KEY)
    assert table(root, "artists")["change"].null_count == 30


def test_change_is_against_the_publication_before(
    release: Release, root: Path, inputs: Inputs, other_inputs: Inputs
) -> None:
    release(KEY)
    release(OTHER_KEY, other_inputs)
    before, after = (means(each.sample / "artists.parquet") for each in (inputs, other_inputs))
    rows = table(root, "artists").to_pylist()
    assert "Somebody New" in after
    for row in rows:
        if row["artist"] == "Somebody New":
            assert row["change"] is None
        else:
            assert row["change"] == pytest.approx(after[row["artist"]] - before[row["artist"]])


def test_forcing_the_same_again_compares_with_what_was_before_it(
    release: Release, root: Path, other_inputs: Inputs
) -> None:
    release(KEY)
    release(OTHER_KEY, other_inputs)
    once = table(root, "artists")
    release(OTHER_KEY, other_inputs, force=True)
    assert table(root, "artists").equals(once)


def test_a_damaged_publication_is_not_compared_with(release: Release, root: Path, other_inputs: Inputs) -> None:
    damaged = release(KEY)
    (root / "weekly" / "versions" / damaged.version / "artists.parquet").write_bytes(b"PAR1")
    release(OTHER_KEY, other_inputs)
    assert table(root, "artists")["change"].null_count == 28


def test_coefficients_have_a_row_each(release: Release, root: Path, inputs: Inputs) -> None:
    release(KEY)
    rows = {row["name"]: row for row in table(root, "coefficients").to_pylist()}
    assert table(root, "coefficients").schema == coefficients_schema()
    assert [(row["name"], row["kind"], row["block"]) for row in rows.values()] == [
        ("mu", "intercept", ""),
        ("sigma", "scale", ""),
        ("tau", "scale", ""),
        ("tau_genre", "scale", ""),
        ("tau_block[energy]", "scale", "energy"),
        ("tau_block[mood]", "scale", "mood"),
        ("tau_block[rhythm]", "scale", "rhythm"),
        ("danceability", "feature", "rhythm"),
        ("energy", "feature", "energy"),
        ("loudness", "feature", "energy"),
        ("valence", "feature", "mood"),
    ]
    import xarray as xr

    with xr.open_datatree(inputs.sample / "posterior.nc", engine="h5netcdf") as tree:
        sigma = tree["posterior"]["sigma"].to_numpy()
        energy = tree["posterior"]["beta"].sel(feature="energy").to_numpy()
    assert rows["sigma"]["mean"] == pytest.approx(sigma.mean())
    assert rows["sigma"]["sd"] == pytest.approx(sigma.std(ddof=1))
    assert [rows["energy"]["low"], rows["energy"]["high"]] == pytest.approx(np.quantile(energy, [0.05, 0.95]))


def test_slopes_have_a_row_for_each_genre_and_feature(
    release: Release, root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    sloped = make_inputs(tmp_path / "sloped", slopes=True, student=True)
    release(KEY, sloped)
    rows = table(root, "coefficients").to_pylist()
    assert [row["name"] for row in rows if row["kind"] in {"intercept", "scale"}] == [
        *("mu", "sigma", "tau", "tau_genre", "nu"),
        *(f"{name}[{block}]" for name in ("tau_block", "tau_slope") for block in ("energy", "mood", "rhythm")),
    ]
    slopes = {(row["genre"], row["name"]): row for row in rows if row["kind"] == "slope"}
    assert len(slopes) == 12
    assert all(row["genre"] == "" for row in rows if row["kind"] != "slope")
    import xarray as xr

    with xr.open_datatree(sloped.sample / "posterior.nc", engine="h5netcdf") as tree:
        posterior = tree["posterior"].to_dataset()
        draws = posterior["beta"].sel(feature="valence") + posterior["slope_deviation"].sel(
            feature="valence", genre="<b>pop</b>"
        )
        expected = [float(draws.mean()), *np.quantile(draws.to_numpy(), [0.05, 0.95])]
    row = slopes["<b>pop</b>", "valence"]
    assert [row["mean"], row["low"], row["high"]] == pytest.approx(expected)
    assert row["block"] == "mood"


def test_genres_come_with_the_highest_first(release: Release, root: Path) -> None:
    release(KEY)
    rows = table(root, "genres").to_pylist()
    assert [row["name"] for row in rows] == ["rock", "<b>pop</b>", "classical"]
    assert {row["kind"] for row in rows} == {"genre"}
    assert all(row["low"] < row["mean"] < row["high"] for row in rows)


@pytest.mark.parametrize("figures", [True, False])
@pytest.mark.parametrize("pooling", ["complete", "none"])
def test_a_model_with_next_to_nothing_in_it_is_published(
    release: Release,
    root: Path,
    make_inputs: Callable[..., Inputs],
    tmp_path: Path,
    *,
    pooling: str,
    figures: bool,
) -> None:
    bare = make_inputs(tmp_path / "bare", genres=(), features=False, pooling=pooling, artists=3)
    release(KEY, bare, figures=figures)
    scales = {"complete": ["mu", "sigma"], "none": ["mu", "sigma", "tau"]}[pooling]
    assert table(root, "coefficients")["name"].to_pylist() == scales
    assert table(root, "genres").num_rows == 0
    page = (root / "weekly" / "current" / "report.html").read_text(encoding="utf-8")
    assert "This model has no genres." in page
    assert "This model has no audio features." in page


def test_the_posterior_opens_as_it_was(release: Release, root: Path, inputs: Inputs) -> None:
    release(KEY)
    published = (root / "weekly" / "current" / "posterior.nc").read_bytes()
    assert published == (inputs.sample / "posterior.nc").read_bytes()
