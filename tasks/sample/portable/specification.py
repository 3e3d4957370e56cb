"""All that the model needs to know, as numbers: for a PyMC in this process, or as files for one in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_ARRAYS = ("block", "counts", "means", "seen")


class Specification(NamedTuple):
    """The model of J artists, with D columns in Z of which F are features and G genres.

    Parameters
    ----------
    rows : Path
        The folder with ``artist.npy``, ``z.npy`` and ``y.npy``, of shapes (N,), (N, D) and (N,).
    popularity_mean : float
        In points; y is popularity less it.
    genres, blocks : int
        How many there are.
    slopes : bool
        Whether each genre has slopes of its own.
    likelihood : {"normal", "student_t"}
    parametrisation : {"auto", "centred", "non_centred"}
    fixed_tau : float or None
        In points, where it is not learned; 0 where artists do not differ.
    priors : dict
        By parameter, the family, its arguments, and whether it is relative to sigma.
    block : ndarray of int, shape (F,)
        The block of each feature.
    counts : ndarray, shape (J,)
        Tracks of each artist.
    means : ndarray, shape (J, D + 1)
        Means of [Z, y] over each artist's tracks.
    seen : ndarray, shape (D + 1, D + 1)
        Cross products of [Z, y] as far as artist effects leave them.
    """

    rows: Path
    popularity_mean: float
    genres: int
    blocks: int
    slopes: bool
    likelihood: str
    parametrisation: str
    fixed_tau: float | None
    priors: dict[str, tuple[str, tuple[float, ...], bool]]
    block: Any
    counts: Any
    means: Any
    seen: Any

    def row_arrays(self) -> tuple[Any, Any, Any]:
        """Return artist, z and y."""
        artist, z, y = (np.load(str(self.rows / f"{name}.npy"), allow_pickle=False) for name in ("artist", "z", "y"))
        return artist, z, y

    def write(self, folder: Path) -> None:
        """Write ``model.json`` and ``model.npz``; the rows stay where they are."""
        plain = {name: value for name, value in self._asdict().items() if name not in _ARRAYS}
        plain["rows"] = str(self.rows)
        (folder / "model.json").write_text(json.dumps(plain), encoding="utf-8")
        np.savez(folder / "model.npz", **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def read(cls, folder: Path) -> Specification:
        """Read what `write` wrote."""
        plain = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        plain["rows"] = Path(plain["rows"])
        plain["priors"] = {
            name: (family, tuple(arguments), relative)
            for name, (family, arguments, relative) in plain["priors"].items()
        }
        with np.load(str(folder / "model.npz"), allow_pickle=False) as arrays:
            return cls(**plain, **{name: arrays[name] for name in _ARRAYS})
