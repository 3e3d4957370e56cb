"""A publication loads wherever people work with data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_up import write_inputs

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.parameters import PublishParameters
from tasks.publications import Publication
from tasks.publish.history import promote, prune
from tasks.publish.publisher import publish
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.publication import Publication as Published

KEYS = ("ab" * 16, "cd" * 16)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Published]]:
    """Publish two versions into a folder."""
    folder = tmp_path_factory.mktemp("loads")
    inputs = write_inputs(folder / "inputs", artists=30)
    root = folder / "publications"
    return root, [
        publish(root, "weekly", key, inputs, {"sample": {}}, 7, PublishParameters(figures=False)) for key in KEYS
    ]


@pytest.fixture(scope="module")
def bucket(made: tuple[Path, list[Published]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the same into an object store in memory."""
    import fsspec

    root, published = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        store = open_store("memory://loads/publications")
        with store.press("weekly") as press:
            for each in published:
                press.put(root / "weekly" / "versions" / each.version, each.version)
                press.point(each.version)
        yield store.where
        fsspec.filesystem("memory").store.clear()


@pytest.fixture
def current(made: tuple[Path, list[Published]]) -> Path:
    return made[0] / "weekly" / "current"


def test_arviz_opens_the_posterior(current: Path) -> None:
    arviz = pytest.importorskip("arviz")
    posterior = arviz.from_netcdf(current / "posterior.nc")
    assert {"mu", "sigma", "tau"} <= set(posterior["posterior"].data_vars)
    assert arviz.summary(posterior, var_names=["mu"]).shape[0] == 1


def test_pandas_polars_and_duckdb_read_the_same_artists(current: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb
    import pandas as pd
    import polars as pl

    frame = pd.read_parquet(current / "artists.parquet")
    assert len(frame) == 30
    monkeypatch.chdir(current)
    sql = duckdb.sql("select * from 'artists.parquet'").df()
    polars = pl.read_parquet("artists.parquet")
    assert sql["artist"].tolist() == frame["artist"].tolist() == polars["artist"].to_list()
    assert sql["mean"].tolist() == frame["mean"].tolist() == polars["mean"].to_list()
    assert polars.schema["tracks"] == pl.Int64


def test_python_opens_it(made: tuple[Path, list[Published]]) -> None:
    root, published = made
    publication = Publication.open("weekly", to=root)
    assert publication.version == published[1].version
    assert publication.artists["rank"].tolist() == list(range(1, 31))
    assert set(publication.coefficients["name"]) >= {"mu", "sigma", "tau"}
    assert len(publication.genres) == 3
    assert publication.posterior["posterior"]["mu"].dims == ("chain", "draw")
    assert publication.manifest.key == KEYS[1]
    artist = publication.artists["artist"][0]
    predicted = publication.predict([{"artist": artist}, {}])
    assert predicted["tracks"].tolist()[1] == 0
    assert predicted["mean"][0] == pytest.approx(publication.predictor.predict([{"artist": artist}])["mean"][0].as_py())
    assert publication.artist_draws([artist]).shape[2] == 1
    assert publication.file("artists.parquet") == root / "weekly" / "versions" / publication.version / "artists.parquet"
    assert repr(publication) == f"<Publication weekly {publication.version} in {root}>"


def test_it_is_found_by_whatever_names_it(made: tuple[Path, list[Published]], monkeypatch: pytest.MonkeyPatch) -> None:
    root, (first, second) = made
    for what in (
        root / "weekly",
        str(root / "weekly") + "/",
        root / "weekly" / "current",
        root / "weekly" / "versions" / second.version,
        root / "weekly" / "versions" / second.version / "manifest.json",
        f"file://{root}/weekly",
        second,
    ):
        assert Publication.open(what).version == second.version
    assert Publication.open("weekly", first.version[:16], to=root).version == first.version
    assert Publication.open(root / "weekly", "previous").version == first.version
    assert Publication.open(first).version == first.version
    monkeypatch.chdir(root)
    assert Publication.open(Path("weekly")).version == second.version
    assert Publication.open("./weekly").version == second.version


@pytest.mark.parametrize("what", ["{}", "{}/weekly", "{}/weekly/current.json", "{}/weekly/versions/{}"])
def test_from_a_store_only_what_is_read_is_fetched(bucket: str, made: tuple[Path, list[Published]], what: str) -> None:
    version = made[1][1].version
    where = what.format(bucket, version)
    publication = Publication.open("weekly", to=where) if where == bucket else Publication.open(where)
    assert publication.version == version
    assert publication.path == f"{bucket}/weekly/versions/{version}"
    here = publication.file("artists.parquet").parent
    assert not (here / "report.html").exists()
    assert len(publication.artists) == 30
    assert publication.predict([{}])["basis"].tolist() == ["nobody seen"]
    assert publication.posterior["posterior"]["sigma"].shape == (2, 100)


@pytest.mark.parametrize(
    ("what", "version", "error", "said"),
    [
        ("weakly", None, PublicationConflict, "there is weekly"),
        ("weekly", "2099", PublicationConflict, "has no version '2099'"),
        ("Weekly!", None, InvalidParameter, "cannot name a publication"),
        ("VERSION", "previous", InvalidParameter, "is one version already; leave out version='previous'"),
        ("NOWHERE", None, PublicationConflict, "there is no publication none"),
    ],
)
def test_what_is_not_there_is_a_sentence(
    made: tuple[Path, list[Published]], what: str, version: str | None, error: type[Exception], said: str
) -> None:
    root, published = made
    what = {"VERSION": published[0].path, "NOWHERE": str(root / "none")}.get(what, what)
    with pytest.raises(error, match=said):
        Publication.open(what, version, to=root)


def test_what_is_open_is_not_pruned_and_stays_what_it_was(tmp_path: Path) -> None:
    import tiny

    store = open_store(tmp_path)
    first, second = (tiny.release(store, key=key) for key in KEYS)
    opened = Publication.open("weekly", first, to=tmp_path)
    assert prune(store, "weekly", 1).removed == ()
    promote(store, "weekly", second)
    assert opened.file("artists.parquet").read_bytes() == b"A" * 100
    del opened
    assert [row.version for row in prune(store, "weekly", 1).removed] == [first]


def test_opening_one_imports_nothing_heavy() -> None:
    heavy = ("pandas", "pyarrow", "xarray", "numpy", "fsspec")
    code = f"import sys, tasks.publications; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
