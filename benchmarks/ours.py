"""Encore's side, in a process of its own: what it did goes to standard output as JSON.

``python benchmarks/ours.py STEP FROM TO``, where STEP is one of

- ``prepare``, from a corpus in CSV: ingest, group, and write what the peers read;
- ``group``, ``sample``, ``gate``: one step of a refit, from what the step before it left;
- ``gated``, from what group left: sample and gate in one process;
- ``phases``, from what group left: sample with cold caches, and once more part by part.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 3


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long some work took, and what it gave."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def group(ingested: Path, folder: Path, *, keep_rows: bool = False) -> dict[str, Any]:
    """Group what ingest left."""
    from schemas.parameters import GroupParameters
    from tasks.group.grouping import group_tracks

    seconds, design = timed(lambda: group_tracks(ingested, GroupParameters(), folder, keep_rows=keep_rows))
    return {"group": seconds, "tracks": design.observations, "artists": design.artists, "columns": len(design.columns)}


def sample(grouped: Path, folder: Path) -> dict[str, Any]:
    """Draw a posterior, as a refit does."""
    from schemas.parameters import SampleParameters
    from tasks.sample.sampling import sample_posterior

    return {"sample": timed(lambda: sample_posterior(grouped, SampleParameters(), folder))[0]}


def gate(sampled: Path, folder: Path, grouped: Path | None = None) -> dict[str, Any]:
    """Judge a posterior; what group left lies beside it unless given."""
    from schemas.parameters import GateParameters
    from tasks.gate.gating import gate_posterior

    seconds, verdict = timed(
        lambda: gate_posterior(grouped or sampled.parent / "group", sampled, GateParameters(), folder)
    )
    return {"gate": seconds, "passed": verdict.passed, "measured": verdict.measured}


def gated(grouped: Path, folder: Path) -> dict[str, Any]:
    """Draw a posterior and judge it."""
    sampled, judged = folder / "sampled", folder / "gated"
    sampled.mkdir()
    judged.mkdir()
    return sample(grouped, sampled) | gate(sampled, judged, grouped)


def phases(grouped: Path, folder: Path) -> dict[str, Any]:
    """Draw a posterior with cold caches, then once more part by part: the scales by NUTS, then all that is exact.

    NUTS is timed three times, for it is what all comparisons hang on.
    """
    import numpy as np
    import pyarrow.parquet  # noqa: F401 - imports are no part of what is timed, here or at the peers
    import scipy.linalg  # noqa: F401 - for its BLAS, too
    import xarray as xr  # noqa: F401
    from threadpoolctl import threadpool_limits

    from schemas.parameters import SampleParameters
    from tasks.sample.collapsed import CollapsedDensity
    from tasks.sample.grouped import Grouped
    from tasks.sample.nuts import import_nutpie, sample_scales
    from tasks.sample.posterior import from_scales
    from tasks.sample.scales import scales_for

    import_nutpie()
    parameters = SampleParameters()
    whole = sample(grouped, folder)["sample"]
    with threadpool_limits(1):
        loaded, data = timed(lambda: Grouped.load(grouped))
        density = CollapsedDensity(data.statistics, scales_for(data.design, parameters))
        used = time.process_time()
        runs = [timed(lambda: sample_scales(density, parameters, lambda _done, _all: None)) for _ in range(REPEATS)]
        used = (time.process_time() - used) / REPEATS
        chains = runs[0][1]
        exact, _ = timed(lambda: from_scales(data, density, chains, parameters))
    return {
        "everything": whole,
        "load": loaded,
        "scales": [seconds for seconds, _ in runs],
        "scales_cpu": used,
        "exact": exact,
        "distinct": len(data.statistics.sizes),
        "artists": len(data.artists),
        "gradients": int(np.sum(chains.statistics["n_steps"])),
    }


def prepare(corpus: Path, folder: Path) -> dict[str, Any]:
    """Ingest and group a corpus with one sub-genre a track, and write the same rows for the peers.

    A track found in several sub-genres keeps the first, for ``(1 | subgenre)`` knows no shares.
    """
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from schemas.parameters import IngestParameters, SampleParameters
    from tasks.ingest.corpus import ingest_corpus
    from tasks.ingest.sources import find_sources
    from tasks.sample.grouped import Grouped
    from tasks.sample.scales import resolved

    for name in ("ingested", "grouped", "peers"):
        (folder / name).mkdir(parents=True)
    ingest_corpus(find_sources([str(corpus)]), IngestParameters(), folder / "ingested", lambda *_: None)
    for partition in sorted((folder / "ingested" / "tracks").glob("*.parquet")):
        table = pq.read_table(partition)
        position = table.column_names.index("subgenres")
        one = pc.list_slice(table["subgenres"], 0, 1)
        pq.write_table(table.set_column(position, table.schema.field(position), one), partition)
    told = group(folder / "ingested", folder / "grouped", keep_rows=True)
    design = Grouped.load(folder / "grouped").design
    features, genres = design.names("feature"), design.names("genre")
    rows = {name: np.load(folder / "grouped" / "rows" / f"{name}.npy") for name in ("artist", "z", "y")}
    peers = folder / "peers"
    np.save(peers / "popularity.npy", rows["y"] + design.popularity_mean)
    np.save(peers / "features.npy", rows["z"][:, 1 : 1 + len(features)])
    np.save(peers / "subgenre.npy", rows["z"][:, 1 + len(features) :].argmax(axis=1))
    np.save(peers / "artist.npy", rows["artist"])
    block = {column.name: column.block for column in design.columns}
    priors = resolved(SampleParameters().priors, design)
    model = {
        "features": features,
        "subgenres": genres,
        "artists": design.artists,
        "blocks": design.blocks(),
        "block": [design.blocks().index(block[name]) for name in features],
        "priors": {name: [prior.family, *prior.arguments] for name, prior in priors.items()},
    }
    (peers / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return told | {"subgenres": len(genres), "features": len(features)}


if __name__ == "__main__":
    STEPS = {step.__name__: step for step in (prepare, group, sample, gate, gated, phases)}
    print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))))
