"""Both generations of PyMC write down one density, whatever is asked of the model: no draws, no Monte Carlo error."""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small import make_rows

from schemas.parameters import SampleParameters
from tasks.sample import portable
from tasks.sample.model import build, specified
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from tasks.sample.room import Room

pytestmark = pytest.mark.pymc3

FORMS = ("auto", "centred", "non_centred")
RELATIVE = {"tau": "exponential(1) relative to sigma", "tau_block": "half_cauchy(1) relative to sigma"}
MODELS: list[dict[str, Any]] = [
    {"pooling": pooling, "likelihood": likelihood, "parametrisation": form, "priors": priors}
    for (pooling, likelihood, priors), form in itertools.product(
        [
            ("partial", "normal", RELATIVE),
            ("partial", "student_t", {}),
            ("none", "normal", {}),
            ("complete", "student_t", {}),
        ],
        FORMS,
    )
] + [
    {"likelihood": "student_t", "priors": {"nu": prior, "sigma": prior, "tau_slope": prior}}
    for prior in ("half_normal(9)", "half_cauchy(4)", "half_student_t(3, 0.5)", "gamma(2, 0.1)", "lognormal(0.2, 0.5)")
]
# What PyMC3 calls the unconstrained form of a variable that has a lower bound.
THEIRS = {"nu_interval__": "nu_lowerbound__"}


def test_both_generations_have_one_density(room: Room, tmp_path: Path) -> None:
    ours, folders = [], []
    for slopes in (True, False):
        rows = make_rows(7, slopes=slopes)
        kept = tmp_path / f"rows {slopes}" / "rows"
        kept.mkdir(parents=True)
        for name in ("artist", "z", "y"):
            np.save(kept / f"{name}.npy", getattr(rows, name))
        grouped = replace(rows.grouped, folder=kept.parent)
        for number, chosen in enumerate(MODELS if slopes else MODELS[:1]):
            parameters = SampleParameters.model_validate({"engine": "pymc3"} | chosen)
            scales = scales_for(grouped.design, parameters)
            model = build(grouped, scales, parameters)
            generator = np.random.default_rng(number)
            points = [
                {name: value + generator.normal(0, 0.4, np.shape(value)) for name, value in start.items()}
                for start in [model.initial_point()] * 4
            ]
            density = model.compile_fn(model.logp(), inputs=model.value_vars, mode="FAST_COMPILE")
            ours.append([float(density(point)) for point in points])
            folder = tmp_path / f"model {slopes} {number}"
            folder.mkdir()
            specified(grouped, scales, parameters).write(folder)
            flat = {f"{n}/{THEIRS.get(name, name)}": v for n, point in enumerate(points) for name, v in point.items()}
            np.savez(folder / "points.npz", allow_pickle=False, **flat)
            folders.append(folder)
    command = [room.python, "-I", Path(__file__).with_name("in_the_room.py"), Path(portable.__file__).parents[1]]
    # In Python: there is little to compute, and much to compile.
    flags = {"THEANO_FLAGS": f"base_compiledir={tmp_path / 'compiled'},blas__ldflags=,cxx=", "THEANORC": os.devnull}
    done = subprocess.run(
        [*command, *folders], env=os.environ | flags, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs = [np.load(folder / "densities.npy", allow_pickle=False) for folder in folders]
    assert len(theirs) == len(MODELS) + 1
    for one, other, folder in zip(ours, theirs, folders, strict=True):
        # PyMC3 has a constant or two with seven digits.
        np.testing.assert_allclose(one, other, rtol=1e-8, err_msg=folder.name)
        np.testing.assert_allclose(np.diff(one), np.diff(other), atol=1e-9, err_msg=folder.name)
        assert np.ptp(other) > 1
