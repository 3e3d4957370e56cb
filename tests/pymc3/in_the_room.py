"""Run in PyMC3's room: the log density of models at points, as NUTS sees it.

``python in_the_room.py FOLDER-OF-PORTABLE FOLDER...``: each folder holds a model and ``points.npz``, whose names are
``<number>/<variable>``, and is left ``densities.npy``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(sys.argv[1])
from portable.dialects import pymc3
from portable.model import build
from portable.specification import Specification

for name in sys.argv[2:]:
    folder = Path(name)
    with np.load(folder / "points.npz", allow_pickle=False) as kept:
        points: dict[str, dict[str, np.ndarray]] = {}
        for key in kept.files:
            number, _, variable = key.partition("/")
            points.setdefault(number, {})[variable] = kept[key]
    model = build(Specification.read(folder), pymc3())
    density = model.fn(model.logpt)
    found = [float(density(points[number])) for number in sorted(points)]
    np.save(folder / "densities.npy", np.array(found))
