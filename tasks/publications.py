"""A publication for people who work in Python: its tables, its posterior, and predictions from it.

from tasks.publications import Publication

publication = Publication.open("sample")
publication.artists.head()
publication.predict([{"artist": "Eminem"}])
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.publication import ARTISTS, CURRENT, MANIFEST, POINTER, POSTERIOR, VERSIONS
from tasks.addresses import is_address
from tasks.published import published_file
from tasks.stores import open_store
from tasks.stores.holding import Hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from schemas.publication import Manifest
    from tasks.predict import Predictor
    from tasks.stores import Store

TO = "data/publications"
_TRIES = 5


class Publication:
    """One version of a publication. It never changes, whatever is published after it was opened.

    While it is open, `encore prune` leaves its version alone (in a folder; see docs/publication.md for other stores).

    Parameters
    ----------
    store : Store
    name, version : str
    """

    def __init__(self, store: Store, name: str, version: str) -> None:
        self._store, self.name, self.version = store, name, version
        self._hold = Hold(store.folder(name, version, ()))
        #: Manifest: what went in, what the gate measured, and every file with its hash.
        self.manifest: Manifest = store.manifest(name, version)

    @classmethod
    def open(cls, what: Any, version: str | None = None, *, to: Path | str = TO) -> Self:
        """Open a publication.

        Parameters
        ----------
        what : str, Path or what `flows.refit.refit` returned
            A name under `to`; or the folder or address of a publication, of its ``current`` or of one of its versions.
        version : str, optional
            A version, the start of one or of its key, or ``current``, ``previous`` or ``newest``; what readers see
            unless given.
        to : Path or str
            Where publications lie: a folder, or an address such as ``s3://bucket/prefix``.

        Raises
        ------
        PublicationConflict
            If there is none, or no such version.
        InvalidParameter
            If it is not clear what is meant.
        """
        text = os.fspath(getattr(what, "path", what))
        place, name, own = _meant(text, os.fspath(to), named=isinstance(what, str))
        if own and version:
            message = f"{text} is one version already; leave out version={version!r}"
            raise InvalidParameter(message)
        store = open_store(place)
        for attempt in range(_TRIES):
            chosen = own or _chosen(store, name, version)
            try:
                return cls(store, name, chosen)
            except (FileNotFoundError, PublicationConflict):
                # It may have been pruned between our two looks, if readers are on another by now.
                if own or attempt == _TRIES - 1 or _chosen(store, name, version) == chosen:
                    raise
        raise AssertionError

    @property
    def path(self) -> str:
        """Where it lies: a folder or an address."""
        return self._store.address(self.name, self.version)

    def file(self, name: str) -> Path:
        """Return the path of one of its files on this machine, having compared it with the manifest.

        Parameters
        ----------
        name : str
            Such as ``artists.parquet``: a path in the version. From a store it is fetched, once.

        Raises
        ------
        PublicationConflict
            If there is no such file, or it is not what was published.
        """
        return published_file(self._store.folder(self.name, self.version, [name]), self.manifest, name)

    @cached_property
    def artists(self) -> pd.DataFrame:
        """``artists.parquet``, by rank."""
        return self._frame(ARTISTS)

    @cached_property
    def coefficients(self) -> pd.DataFrame:
        """``coefficients.parquet``: the intercept, the scales, the features and slopes by genre."""
        return self._frame("coefficients.parquet")

    @cached_property
    def genres(self) -> pd.DataFrame:
        """``genres.parquet``, the highest first."""
        return self._frame("genres.parquet")

    @cached_property
    def posterior(self) -> Any:
        """``posterior.nc`` as an xarray DataTree, such as ArviZ works with."""
        import xarray as xr

        return xr.load_datatree(self.file(POSTERIOR), engine="h5netcdf")

    @cached_property
    def predictor(self) -> Predictor:
        """What predicts from it; see `tasks.predict.Predictor` for all that it can do."""
        from tasks.predict import READ, Predictor

        return Predictor(self._store.folder(self.name, self.version, READ), self.manifest)

    def predict(self, requests: Any, *, interval: float | None = None) -> pd.DataFrame:
        """Predict the popularity of tracks; see `tasks.predict.Predictor.predict`.

        Parameters
        ----------
        requests : table, data frame or sequence of mappings
            A row a track: ``artist``, ``genres`` and audio features, as far as they are known.
        interval : float, optional
            Probability inside the intervals; as published unless given.

        Returns
        -------
        pandas.DataFrame
            In the order of the requests.
        """
        frame: pd.DataFrame = self.predictor.predict(requests, interval=interval).to_pandas()
        return frame

    def artist_draws(self, names: Sequence[str], *, seed: int | None = None) -> NDArray[np.float64]:
        """Return draws of ``artist_effect``, shape (chain, draw, artist); see `Predictor.artist_draws`."""
        return self.predictor.artist_draws(names, seed=seed)

    def __repr__(self) -> str:
        return f"<Publication {self.name} {self.version} in {self._store.where}>"

    def _frame(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_parquet(self.file(name))


def _meant(text: str, to: str, *, named: bool) -> tuple[str, str, str]:
    """Return the store, the name and, where one is meant, the version of what somebody wrote."""
    address, text = is_address(text), text.removeprefix("file://")
    if named and not address and "/" not in text and os.sep not in text:
        return to, text, ""
    path = text.rstrip("/") if address else str(Path(text).expanduser().absolute())
    parts = path.split("/")
    if parts[-1] == MANIFEST:
        parts.pop()
    if len(parts) > 2 and parts[-2] == VERSIONS:  # noqa: PLR2004 - name, versions, version
        return "/".join(parts[:-3]) or "/", parts[-3], parts[-1]
    if parts[-1] in {CURRENT, POINTER, VERSIONS}:
        parts.pop()
    return "/".join(parts[:-1]) or "/", parts[-1], ""


def _chosen(store: Store, name: str, version: str | None) -> str:
    from tasks.stores.choosing import resolved

    return resolved(store, name, version or "current")
