"""One corpus through the steps, and where what it came from ranks among what they say.

The steps are the functions that the doors call, on real files: `group_tracks` on partitions of Parquet as ingest writes
them, `sample_posterior` on what that left.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from prior_corpora import draw_corpus
from quantities import effect_ranks, later_places, log_likelihoods, rank, scalars, table_places
from simulated import write_ingested

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from variants import Variant

    from schemas.parameters import SampleParameters

    Draws = dict[str, NDArray[np.float64]]

# Ranks are among this many draws, so that 50, 80 and 95 % of the 200 possible ones are whole numbers of them.
KEPT = 199
PLACES = KEPT + 1
LEVELS = (0.5, 0.8, 0.95)
LONGER = 4  # times as many draws where they are worth less than `KEPT` independent ones
SCALES = ("sigma", "tau", "tau_genre", "tau_block", "tau_slope", "nu")


@dataclass(frozen=True)
class Ranked:
    """What one corpus says.

    Parameters
    ----------
    number : int
        Of the corpus.
    ranks : dict of str to int
        From 0 to `KEPT`, of each quantity.
    covered : dict of str to list of float
        Share of the artists, or of the tracks, inside the intervals of `LEVELS`.
    ess : float
        The smallest bulk ESS of any scale.
    divergences, tracks : int
    off : dict of str to int
        Ranks of sigma and tau among draws that are 10 % too large, to see what a fault of that size would look like.
    """

    number: int
    ranks: dict[str, int]
    covered: dict[str, list[float]]
    ess: float
    divergences: int
    tracks: int
    off: dict[str, int]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def rank_corpus(variant: Variant, number: int, folder: Path, **sampling: Any) -> Ranked:
    """Draw a corpus, fit it, and rank what it came from.

    Parameters
    ----------
    variant : Variant
    number : int
        Of the corpus, and the sampler's seed.
    folder : Path
        Empty.
    **sampling
        Sample parameters other than the variant's; there is no second, longer try then.

    Returns
    -------
    Ranked
    """
    from tasks.group.grouping import group_tracks

    drawn = draw_corpus(variant, number)
    source = write_ingested(folder / "ingested", drawn.tracks, partitions=2)
    grouped = folder / "grouped"
    grouped.mkdir()
    parameters = variant.sample_parameters(number, **sampling)
    design = group_tracks(source, variant.group_parameters, grouped, keep_rows=parameters.row_by_row)
    blocks = [column.block for column in design.columns if column.kind == "feature"]
    assert blocks == [variant.block_of(name) for name in variant.features]
    for longer in (1,) if sampling else (1, LONGER):
        sampled = folder / f"sampled-{longer}"
        draws, divergences = fitted(
            grouped, parameters.model_copy(update={"draws": longer * parameters.draws}), sampled
        )
        ess = smallest_ess(draws)
        if ess >= KEPT:
            break
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.items()}
    kept = thinned(flat)
    ranks = {label: rank(value, kept[name][(slice(None), *at)]) for label, name, at, value in scalars(variant, drawn)}
    ranks["log likelihood"] = rank(*log_likelihoods(drawn, kept))
    later = later_places(drawn, grouped, flat, design.popularity_mean)
    inside = dict(later)
    if "artist_effect" in drawn.truth:
        effects = effect_ranks(drawn.truth["artist_effect"], kept["artist_effect"])
        # Artists of `prior_corpora.layout`.
        ranks |= {
            f"artist_effect[{name}]": int(effects[at]) for at, name in enumerate(("1 track", "2 tracks", "14 tracks"))
        }
        inside["artist effects"] = (effects + 0.5) / PLACES
    ranks |= {name.replace("tracks", "track", 1): int(places[0] * PLACES) for name, places in later.items()}
    if not variant.student_t:
        inside |= table_places(drawn, sampled / "artists.parquet")
    covered = {
        name: [float(np.mean(np.abs(inside[name] - 0.5) < level / 2)) for level in LEVELS] for name in sorted(inside)
    }
    off = {name: rank(float(drawn.truth[name]), 1.1 * kept[name]) for name in ("sigma", "tau") if name in drawn.truth}
    return Ranked(number, ranks, covered, ess, divergences, len(drawn.popularity), off)


def fitted(grouped: Path, parameters: SampleParameters, folder: Path) -> tuple[Draws, int]:
    """Sample, and read the draws, shaped (chains, draws, ...), and the number of divergences from the file."""
    import h5py

    from tasks.sample.sampling import sample_posterior

    folder.mkdir()
    sample_posterior(grouped, parameters, folder)
    with h5py.File(folder / "posterior.nc") as file:
        # Coordinates have one axis.
        draws = {name: values[...] for name, values in file["posterior"].items() if values.ndim > 1}
        return draws, int(file["sample_stats"]["diverging"][...].sum())


def smallest_ess(draws: Draws) -> float:
    """Return the smallest bulk ESS of any scale that moves."""
    from arviz_stats.base import array_stats

    stacked = np.concatenate(
        [draws[name].reshape(*draws[name].shape[:2], -1) for name in SCALES if name in draws], axis=2
    )
    moving = np.moveaxis(stacked[..., np.ptp(stacked, axis=(0, 1)) > 0], 2, 0)
    return float(np.min(array_stats.ess(moving, method="bulk", chain_axis=1, draw_axis=2)))


def thinned(flat: Draws) -> Draws:
    """Return `KEPT` draws, evenly from all chains; fewer by whole parts of `PLACES` where there are fewer."""
    count = len(flat["mu"])
    some = np.arange(count)[:: max(count // PLACES, 1)]
    return {name: values[some[1:]] for name, values in flat.items()}
