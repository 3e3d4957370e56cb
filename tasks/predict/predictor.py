"""A publication that says how popular a track will be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from threadpoolctl import threadpool_limits

from schemas.errors import InvalidParameter
from schemas.predictions import NOBODY, as_table
from schemas.publication import ARTIST_MEANS, ARTISTS, DESIGN, POSTERIOR
from schemas.reports import Design
from tasks.mixture import Mixture
from tasks.predict.draws import read_posterior, stored_effects
from tasks.predict.levels import Published, effect_draws, student_centres
from tasks.predict.lookup import Artists, rows_of
from tasks.predict.requests import as_columns, read_requests, rows_for
from tasks.predictive import Known, conditional
from tasks.published import published_file, read_manifest, version_folder
from tasks.stores.holding import Hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.publication import Manifest
    from tasks.predict.requests import Columns

    Floats = NDArray[np.float64]

# Parts of mixtures held at once: 2 MB an array, which a processor's cache holds.
_PARTS = 1 << 18
_NUMBERS = ("mean", "sd", "low", "high", "p_zero", "p_hundred")
_LOWEST, _HIGHEST = 0.0, 100.0  # popularity
#: The files of a publication that predictions read.
READ = (DESIGN, ARTIST_MEANS, POSTERIOR, ARTISTS)


class Predictor:
    """Predictions from one version of a publication.

    Parameters
    ----------
    folder : Path
        The version.
    manifest : Manifest
        Its manifest.

    Attributes
    ----------
    folder : Path
    manifest : Manifest
    design : Design
        The columns of the regression: which features and genres the model knows.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._hold = Hold(folder)  # not pruned beneath us: some files are opened only when they are asked for
        self._files: dict[str, Path] = {}
        self.design = Design.model_validate_json(self._file(DESIGN).read_bytes())
        self._artists = Artists(self._file(ARTIST_MEANS), self.design)
        self._posterior = read_posterior(self._file(POSTERIOR), self.design)

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """Open a publication, having checked that the files it needs are those that were published.

        Parameters
        ----------
        folder : Path or str
            A version, ``current``, or the folder that has it. A pointer is followed once: what is published later makes
            no difference.

        Raises
        ------
        PublicationConflict
            If there is no publication, it is damaged, or it was made before publications held what predictions need.
        """
        version = version_folder(Path(folder))
        return cls(version, read_manifest(version))

    def _file(self, name: str) -> Path:
        if name not in self._files:  # compared with its hash once
            self._files[name] = published_file(self.folder, self.manifest, name)
        return self._files[name]

    def predict(self, requests: Any, *, interval: float | None = None) -> pa.Table:
        """Predict the popularity of tracks.

        The prediction is an equal mixture over the draws of the posterior: given each draw it is the normal
        distribution of `tasks.predictive.conditional`. Ends of intervals are quantiles of the mixture, exact to 1e-8
        points, kept within 0..100: what the model puts beyond an end is popularity at that end, with probability
        ``p_zero`` and ``p_hundred``. With errors of Student's t, see `levels.student_centres`.

        Parameters
        ----------
        requests : table, data frame or sequence of mappings, C rows
            ``artist``, a name as credited, or none for an artist nobody has seen (as one is whose name is not there);
            ``genres``, text with ``;`` between several, or a list; audio features in their own units. What is not given
            is the average of the artist's own tracks; for an artist nobody has seen, of all tracks.
        interval : float, optional
            Probability inside the intervals; as published unless given.

        Returns
        -------
        pyarrow.Table, C rows
            `schemas.predictions.predictions_schema`, in the order of the requests.

        Raises
        ------
        InvalidParameter
            If a request or the interval cannot be used.
        """
        return as_table(self.predict_columns(as_columns(requests), interval=interval))

    def predict_columns(
        self, columns: Columns, *, interval: float | None = None, first_row: int | None = 1
    ) -> dict[str, list[Any]]:
        """Predict as `predict` does, from columns of plain values to such columns; NaN where there is no number.

        Parameters
        ----------
        columns : mapping of str to sequence, each of length C
        interval : float, optional
        first_row : int, optional
            Number of the first request, where they are a part of many; None where errors need not say which.

        Returns
        -------
        dict of str to list
        """
        inside = self.manifest.sampling.interval if interval is None else interval
        if not 0 < inside < 1:
            message = f"interval is {inside:g}; give a probability between 0 and 1, such as 0.9"
            raise InvalidParameter(message)
        asked = read_requests(columns, self.design, first_row)
        known = self._artists.known(asked.artists)
        z = rows_for(asked, known.means[:, :-1], self.design)
        published = self._published(asked.artists)
        size = max(1, _PARTS // len(self._posterior.draws.sigma))
        numbers = np.empty((len(_NUMBERS), len(asked.artists)))
        with threadpool_limits(1):  # with more, BLAS adds in another order, and the same request gives other bits
            for start in range(0, len(asked.artists), size):
                part = slice(start, start + size)
                some = Known(known.counts[part], known.means[part])
                numbers[:, part] = _summary(self._mixture(asked.artists[part], some, z[part], published), inside)
        return {
            "row": [(first_row or 1) + row for row in range(len(asked.artists))],
            "artist": asked.artists,
            "tracks": [int(count) for count in known.counts],
            "basis": [_basis(name, count, published) for name, count in zip(asked.artists, known.counts, strict=True)],
            **{name: values.tolist() for name, values in zip(_NUMBERS, numbers, strict=True)},
        }

    def _published(self, names: Sequence[str | None]) -> Published | None:
        """Return what was published of artists' levels, where predictions need it."""
        if self._posterior.freedom is None:
            return None
        if self._posterior.pooled:  # all there is to an artist is what its tracks are like
            return Published({}, {})
        distinct = sorted({name for name in names if name is not None})
        found, moments = rows_of(self._file(ARTISTS), distinct, ["mean", "sd"])
        moments[:, 0] -= self.design.popularity_mean
        levels = {distinct[place]: values for place, values in zip(found, moments, strict=True)}
        return Published(stored_effects(self._file(POSTERIOR), distinct), levels)

    def _mixture(self, names: Sequence[str | None], known: Known, z: Floats, published: Published | None) -> Mixture:
        """Return the predictive distributions of some tracks, in points."""
        draws, freedom = self._posterior.draws, self._posterior.freedom
        if published is None or freedom is None:
            centre, spread = conditional(draws, known, z)
            return Mixture(centre + self.design.popularity_mean, spread)
        centre = student_centres(draws, known, z, names, published, self.manifest.seed)
        return Mixture(centre + self.design.popularity_mean, draws.sigma[:, None], freedom[:, None])

    def artist_draws(self, names: Sequence[str], *, seed: int | None = None) -> Floats:
        """Return draws of ``artist_effect``: points of popularity of an artist, net of genre and features.

        Where the publication holds an artist's draws, these are they. For the others each is an exact draw given the
        published draw of coefficients and scales: a_j ~ N(w_j (ybar_j - zbar_j' theta), tau^2 (1 - w_j)). An artist's
        draws do not depend on which others are asked for.

        Parameters
        ----------
        names : sequence of str, length C
            As credited.
        seed : int, optional
            Of the draws that are not published; that of the publication unless given.

        Returns
        -------
        ndarray, shape (chain, draw, C)

        Raises
        ------
        InvalidParameter
            If there is no such artist, artists do not differ in this model, or its errors are Student's t and the draws
            of an artist were not published.
        """
        with threadpool_limits(1):  # here and below, as in `predict_columns`
            return self._by_chain(self._effects(names, self._seen(names), seed))

    def level_draws(self, names: Sequence[str], *, seed: int | None = None) -> Floats:
        """Return draws of the expected popularity of a track like the artist's own; otherwise as `artist_draws`.

        ``mean`` and ``sd`` in ``artists.parquet`` are those of these draws, without Monte Carlo error.
        """
        known = self._seen(names)
        with threadpool_limits(1):
            levels = self._effects(names, known, seed) + self.design.popularity_mean
            for place, mean in enumerate(known.means):
                levels[:, place] += self._posterior.draws.theta @ mean[:-1]
        return self._by_chain(levels)

    def like(self, name: str) -> list[str]:
        """Return the names of up to three artists that are much like `name`, for one who may have misspelt it."""
        return self._artists.like(name)

    def _by_chain(self, draws: Floats) -> Floats:
        chains = self._posterior.chains
        return draws.reshape(chains, len(draws) // chains, -1)

    def _seen(self, names: Sequence[str]) -> Known:
        known = self._artists.known(names)
        for name, count in zip(names, known.counts, strict=True):
            if not count:
                close = self.like(name)
                also = f"; there is {', '.join(map(repr, close))}" if close else ""
                message = f"{self.manifest.name} has seen no artist {name!r}{also}"
                raise InvalidParameter(message)
        return known

    def _effects(self, names: Sequence[str], known: Known, seed: int | None) -> Floats:
        """Return draws of the effects of artists that have been seen, shape (S, C)."""
        if self._posterior.pooled:
            message = f"{self.manifest.name} was fitted with complete pooling: artists do not differ"
            raise InvalidParameter(message)
        stored = stored_effects(self._file(POSTERIOR), names)
        others = [place for place, name in enumerate(names) if name not in stored]
        if others and self._posterior.freedom is not None:
            message = (
                f"draws of {names[others[0]]!r} were not published, and with errors of Student's t they cannot be made "
                "afterwards; refit with a larger artist_draws"
            )
            raise InvalidParameter(message)
        draws = self._posterior.draws
        effects = np.empty((len(draws.sigma), len(names)))
        for place, name in enumerate(names):
            if name in stored:
                effects[:, place] = stored[name]
        some = Known(known.counts[others], known.means[others])
        own_seed = self.manifest.seed if seed is None else seed
        effects[:, others] = effect_draws(draws, some, [names[place] for place in others], own_seed)
        return effects


def _basis(name: str | None, tracks: float, published: Published | None) -> str:
    if not tracks:
        return NOBODY
    text = f"{tracks:,.0f} track{'' if tracks == 1 else 's'}"
    approximate = published is not None and name in published.levels and name not in published.effects
    return f"{text}, level as normal" if approximate else text


def _summary(mixture: Mixture, inside: float) -> Floats:
    """Return `_NUMBERS` of each mixture, shape (6, C)."""
    tail = (1 - inside) / 2
    at_zero, at_hundred = mixture.cdf(_LOWEST), 1 - mixture.cdf(_HIGHEST)
    mean, sd = mixture.moments()
    low, high = np.full_like(mean, _LOWEST), np.full_like(mean, _HIGHEST)
    # Where an end lies beyond 0 or 100, it is there; only the others have to be looked for.
    for end, probability, known in ((low, tail, at_zero >= tail), (high, 1 - tail, at_hundred >= tail)):
        if not known.all():
            end[~known] = mixture.some(~known).quantile(probability)
    return np.stack([mean, sd, np.clip(low, _LOWEST, _HIGHEST), np.clip(high, _LOWEST, _HIGHEST), at_zero, at_hundred])
