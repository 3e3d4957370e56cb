"""The model in PyMC is the one that docs/model.md writes down, in whatever coordinates NUTS moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from scipy import stats
from small import make_rows

from schemas.parameters import SampleParameters
from schemas.priors import Priors
from tasks.sample.model import build
from tasks.sample.scales import resolved, scales_for

if TYPE_CHECKING:
    from pathlib import Path

    from small import Rows

    from schemas.distributions import Prior

Form = Literal["auto", "centred", "non_centred"]
EFFECTS = ("beta", "genre_effect", "slope_deviation", "artist_effect")
RELATIVE = Priors(tau="exponential(1) relative to sigma", tau_block="half_cauchy(1) relative to sigma")


@pytest.fixture
def kept(tmp_path: Path) -> Rows:
    """Return a small corpus with slopes, whose rows are kept."""
    rows = make_rows(7, slopes=True)
    (tmp_path / "rows").mkdir()
    for name in ("artist", "z", "y"):
        np.save(tmp_path / "rows" / f"{name}.npy", getattr(rows, name))
    return replace(rows, grouped=replace(rows.grouped, folder=tmp_path))


class Model:
    """What PyMC makes of a corpus and parameters."""

    def __init__(self, rows: Rows, parameters: SampleParameters) -> None:
        self.model = build(rows.grouped, scales_for(rows.grouped.design, parameters), parameters)
        variables = {v.name: v for v in (*self.model.deterministics, *self.model.free_RVs)}
        self.names = list(variables)
        options = {"inputs": self.model.value_vars, "on_unused_input": "ignore", "mode": "FAST_COMPILE"}
        values = self.model.replace_rvs_by_values(list(variables.values()))
        self._values = self.model.compile_fn(values, **options)
        self._log_p = self.model.compile_fn(self.model.logp(jacobian=False), **options)

    def point(self, seed: int) -> dict[str, Any]:
        """Return some point, unconstrained."""
        generator = np.random.default_rng(seed)
        return {
            name: value + generator.normal(0, 0.4, np.shape(value))
            for name, value in self.model.initial_point().items()
        }

    def natural(self, point: dict[str, Any]) -> dict[str, Any]:
        """Return every variable at a point."""
        return dict(zip(self.names, self._values(point), strict=True))

    def log_density(self, point: dict[str, Any]) -> float:
        """Return the log density of the scales, the coefficients and the effects, not of what stands for them."""
        here, log_p = self.natural(point), float(self._log_p(point))
        for name in EFFECTS:
            raw = f"{name}_raw"
            if raw in point:  # effects are linear in it, each in its own
                width = self.natural(point | {raw: point[raw] + 1})[name] - here[name]
                log_p -= float(np.log(width).sum())
        return log_p


def prior_density(prior: Prior, value: Any) -> float:
    """Return the log density of a prior by SciPy."""
    a = prior.arguments
    family = {
        "normal": lambda: stats.norm(a[0], a[1]),
        "exponential": lambda: stats.expon(scale=1 / a[0]),
        "half_normal": lambda: stats.halfnorm(scale=a[0]),
        "half_cauchy": lambda: stats.halfcauchy(scale=a[0]),
        "half_student_t": lambda: stats.t(a[0], scale=a[1]),
        "gamma": lambda: stats.gamma(a[0], scale=1 / a[1]),
        "lognormal": lambda: stats.lognorm(a[1], scale=np.exp(a[0])),
    }[prior.family]()
    return float(family.logpdf(value).sum())


def written_out(rows: Rows, parameters: SampleParameters, here: dict[str, Any]) -> float:
    """Return the log density of the model, from its formula."""
    priors, design = resolved(parameters.priors, rows.grouped.design), rows.grouped.design
    total = prior_density(priors["mu"], here["mu"])
    for name in ("sigma", "tau", "tau_block", "tau_genre", "tau_slope", "nu"):
        if f"{name}_over_sigma" in here:
            total += prior_density(priors[name], here[f"{name}_over_sigma"])
        elif name in here and not (name == "tau" and parameters.pooling == "none"):
            total += prior_density(priors[name], here[name])
    block = [design.blocks().index(column.block) for column in design.columns if column.kind == "feature"]
    tau = here.get("tau", np.array(0.0))
    for name, sd in (
        ("beta", here["tau_block"][block]),
        ("genre_effect", here["tau_genre"]),
        ("slope_deviation", here["tau_slope"][block]),
        ("artist_effect", tau),
    ):
        if name in here:
            total += float(stats.norm.logpdf(here[name], 0, sd).sum())
    theta = np.concatenate([[here["mu"] - 50.0], here["beta"], here["genre_effect"], here["slope_deviation"].ravel()])
    expected = rows.z @ theta + here.get("artist_effect", np.zeros(12))[rows.artist]
    if parameters.likelihood == "student_t":
        return total + float(stats.t.logpdf(rows.y, here["nu"], expected, here["sigma"]).sum())
    return total + float(stats.norm.logpdf(rows.y, expected, here["sigma"]).sum())


@pytest.mark.parametrize("form", ["auto", "centred", "non_centred"])
@pytest.mark.parametrize(
    ("likelihood", "pooling", "priors"),
    [
        ("normal", "partial", RELATIVE),
        ("student_t", "partial", Priors()),
        ("normal", "none", Priors()),
        ("student_t", "complete", Priors()),
    ],
)
def test_it_is_the_model_that_is_written_down(
    likelihood: Literal["normal", "student_t"],
    pooling: Literal["partial", "none", "complete"],
    priors: Priors,
    form: Form,
    kept: Rows,
) -> None:
    parameters = SampleParameters(
        engine="rows", likelihood=likelihood, pooling=pooling, priors=priors, parametrisation=form
    )
    model = Model(kept, parameters)
    points = [model.point(seed) for seed in range(4)]
    ours = np.array([model.log_density(point) for point in points])
    theirs = np.array([written_out(kept, parameters, model.natural(point)) for point in points])
    np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], atol=1e-7)
    assert np.ptp(theirs) > 1


def test_forms_differ_in_what_nuts_moves_in(kept: Rows) -> None:
    # tau changes, and what stands for the artists' effects does not: a centred one then stays where it is, a non-
    # centred one is stretched with tau, and those in between the less, the more tracks an artist has.
    counts, stretched = kept.grouped.statistics.counts, {}
    for form in ("auto", "centred", "non_centred"):
        parameters = SampleParameters(engine="rows", parametrisation=form)
        model = Model(kept, parameters)
        point = model.point(1)
        further = point | {"tau_log__": point["tau_log__"] + np.log(3)}

        def width(here: dict[str, Any], model: Model = model) -> np.ndarray:
            more = here | {"artist_effect_raw": here["artist_effect_raw"] + 1}
            return model.natural(more)["artist_effect"] - model.natural(here)["artist_effect"]

        stretched[form] = width(further) / width(point)
    np.testing.assert_allclose(stretched["centred"], 1)
    np.testing.assert_allclose(stretched["non_centred"], 3)
    order = np.argsort(counts, kind="stable")
    assert (np.diff(stretched["auto"][order]) <= 1e-12).all()
    assert 1 < stretched["auto"].min() < stretched["auto"].max() < 3


@pytest.mark.parametrize(
    "prior",
    [
        "exponential(0.1)",
        "half_normal(9)",
        "half_cauchy(4)",
        "half_student_t(3, 0.5)",
        "gamma(2, 0.1)",
        "lognormal(0.2, 0.5)",
    ],
)
def test_nu_has_its_prior_above_two_and_none_below(prior: str, kept: Rows) -> None:
    parameters = SampleParameters(likelihood="student_t", pooling="complete", priors=Priors(nu=prior))
    model, parsed = Model(kept, parameters), resolved(parameters.priors, kept.grouped.design)["nu"]
    start, found, expected = model.point(3), [], []
    for nu in (2.001, 2.5, 4.0, 10.0, 40.0):
        point = start | {"nu_interval__": np.log(nu - 2)}
        here = model.natural(point)
        assert here["nu"] == pytest.approx(nu)
        expected.append(prior_density(parsed, nu))
        found.append(model.log_density(point) - (written_out(kept, parameters, here) - expected[-1]))
    np.testing.assert_allclose(np.diff(found), np.diff(expected), atol=1e-7)
    assert model.natural(start | {"nu_interval__": np.array(-50.0)})["nu"] >= 2
