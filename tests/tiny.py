"""Publications of a few bytes, for tests of where they lie and of what is done with them."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING

from schemas.publication import MANIFEST, Manifest, PublishedFile
from schemas.reports import IngestReport, RowCounts, SamplingReport, SourceReport
from schemas.verdict import Verdict
from tasks.stores import store as stores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.stores import Press, Store

KEY = "0123456789abcdef" * 2
MEASURED = {
    "max_rhat": 1.0,
    "min_ess_bulk": 900.0,
    "min_ess_tail": 900.0,
    "divergences": 0.0,
    "min_bfmi": 1.0,
    "treedepth_share": 0.0,
}


def manifest_of(name: str, version: str, key: str, files: Mapping[str, bytes], **more: object) -> Manifest:
    """Return a manifest of some files."""
    source = SourceReport(id=1, name="a.csv", sha256="ab" * 32, layout="114k", why="columns", rows_in=3)
    corpus = IngestReport(
        sources=(source,),
        rows=RowCounts(rows_in=3, kept=3, repeats=0, quarantined=0),
        reasons={},
        columns=("artists", "popularity"),
        conflicts=0,
        mean_popularity=50.0,
        share_of_zeros=0.0,
    )
    sampling = SamplingReport(
        engine="collapsed",
        sampler="NUTS",
        pooling="partial",
        priors={},
        new_artist={"mean": 50.0, "sd": 19.0, "low": 18.8, "high": 81.2},
        interval=0.9,
        versions={},
    )
    verdict = Verdict(
        passed=True, chains=2, draws=4, parameters=1, constants=(), measured=MEASURED, thresholds={}, shortfalls=()
    )
    plain: dict[str, object] = {
        "name": name,
        "version": version,
        "created": "2026-11-22T16:05:01+00:00",
        "key": key,
        "corpus": corpus,
        "observations": 3,
        "artists": 2,
        "genres": (),
        "features": (),
        "parameters": {},
        "seed": 1,
        "sampling": sampling,
        "verdict": verdict,
        "scales": {"mu": {"mean": 50.0, "sd": 1.0}},
        "steps": {},
        "code": {},
        "packages": {},
        "files": {
            path: PublishedFile(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for path, content in files.items()
        },
    }
    return Manifest.model_validate(plain | more)


def artists(*rows: tuple[str, int, float, float]) -> bytes:
    """Return ``artists.parquet`` of (artist, tracks, mean, sd), by rank."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.publication import artists_schema

    ordered = sorted(rows, key=lambda row: -row[2])
    columns = {
        "rank": range(1, len(ordered) + 1),
        **dict(zip(("artist", "tracks", "mean", "sd"), zip(*ordered, strict=True), strict=True)),
    }
    blank = dict.fromkeys(artists_schema().names, [None] * len(ordered))
    table = pa.table({name: pa.array(list(cells)) for name, cells in (blank | columns).items()})
    with io.BytesIO() as file:
        pq.write_table(table.select(artists_schema().names).cast(artists_schema()), file)
        return file.getvalue()


def put(press: Press, name: str, version: str, key: str, files: Mapping[str, bytes], **more: object) -> None:
    """Add a version without pointing to it."""
    staged = press.home / f"staged-{version}"
    for path, content in files.items():
        (staged / path).parent.mkdir(parents=True, exist_ok=True)
        (staged / path).write_bytes(content)
    staged.mkdir(parents=True, exist_ok=True)
    text = manifest_of(name, version, key, files, **more).model_dump_json()
    (staged / MANIFEST).write_text(text, encoding="utf-8")
    press.put(staged, version)
    with contextlib.suppress(FileNotFoundError):
        _remove(staged)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def release(
    store: Store, name: str = "weekly", key: str = KEY, files: Mapping[str, bytes] | None = None, **more: object
) -> str:
    """Publish a version and point to it."""
    content = {"artists.parquet": b"A" * 100, "figures/a.png": b"png"} if files is None else files
    with store.press(name) as press:
        version = stores.next_version(store, name, key)
        put(press, name, version, key, content, **more)
        press.point(version)
    return version
