"""Engines that are broken on purpose, each in one place, to see whether anybody would notice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.sample.scales import Scales

    Floats = NDArray[np.float64]
    Patch = pytest.MonkeyPatch


def tau_ten_percent_too_large(patch: Patch) -> None:
    """Let everything that follows from draws of tau follow from 1.1 of them."""
    from tasks.sample import posterior

    true = posterior._taus
    patch.setattr(posterior, "_taus", lambda scales, values: 1.1 * true(scales, values))


def no_jacobian(patch: Patch) -> None:
    """Take the density of the logarithm of a scale for that of the scale."""
    from tasks.sample.scales import Scales

    true = Scales.log_prior

    def without(scales: Scales, unconstrained: Floats) -> tuple[float, Floats]:
        log_p, gradient = true(scales, unconstrained)
        return log_p - float(unconstrained.sum()), gradient - 1

    patch.setattr(Scales, "log_prior", without)


def no_jacobian_of_the_coordinates(patch: Patch) -> None:
    """Take the density of a bent coordinate for that of the logarithm it stands for."""
    from tasks.sample.coordinates import Coordinates

    def without(coordinates: Coordinates, bent: Floats) -> tuple[float, Floats]:
        straight, slope, _ = coordinates._straightened(bent)
        log_p, gradient = coordinates._density(straight)
        return log_p, gradient * slope

    patch.setattr(Coordinates, "_in_bent", without)


def a_forgotten_genre(patch: Patch) -> None:
    """Never tell the density which tracks are of the last genre."""
    from tasks.sample.collapsed import CollapsedDensity

    true = CollapsedDensity.__init__

    def forgetful(density: CollapsedDensity, statistics: Statistics, scales: Scales) -> None:
        column = len(scales.group) - 1
        within, between = statistics.within.copy(), statistics.between.copy()
        for sums in (within[None], between):
            sums[:, column, :] = sums[:, :, column] = 0
        true(density, replace(statistics, within=within, between=between), scales)

    patch.setattr(CollapsedDensity, "__init__", forgetful)


def sigma_squared_for_sigma(patch: Patch) -> None:
    """Trust artists as if the variance of a track were its sd."""
    from tasks.sample import exact

    true = exact.weight
    patch.setattr(exact, "weight", lambda sigma, tau, counts: true(np.sqrt(sigma), tau, counts))


def artists_without_their_own_noise(patch: Patch) -> None:
    """Draw every artist's effect as the mean of what it might be."""
    from tasks.sample import posterior

    class Silent:
        def standard_normal(self, shape: tuple[int, ...]) -> Floats:
            return np.zeros(shape)

    true = posterior.draw_artist_effects
    patch.setattr(posterior, "draw_artist_effects", lambda *given: true(*given[:-1], Silent()))


def a_prior_twice(patch: Patch) -> None:
    """Count the prior of every scale twice."""
    from tasks.sample.scales import Scales

    true = Scales.log_prior

    def twice(scales: Scales, unconstrained: Floats) -> tuple[float, Floats]:
        log_p, gradient = true(scales, unconstrained)
        return 2 * log_p - float(unconstrained.sum()), 2 * gradient - 1

    patch.setattr(Scales, "log_prior", twice)


def two_chains_that_are_one(patch: Patch) -> None:
    """Hand out the first chain as the second."""
    from tasks.sample import nuts

    true = nuts.run

    def copied(values: NDArray[Any]) -> NDArray[Any]:
        changed = values.copy()
        changed[1] = changed[0]
        return changed

    def run(*given: Any, **more: Any) -> nuts.Chains:
        chains = true(*given, **more)
        return nuts.Chains(*({name: copied(values) for name, values in part.items()} for part in chains))

    patch.setattr(nuts, "run", run)


def a_wrong_sign_in_the_gradient(patch: Patch) -> None:
    """Give the likelihood's derivative by tau the other sign."""
    from tasks.sample.collapsed import CollapsedDensity

    true = CollapsedDensity.likelihood

    def wrong(density: CollapsedDensity, values: Floats) -> tuple[float, Floats]:
        log_p, gradient = true(density, values)
        gradient[1] *= -1
        return log_p, gradient

    patch.setattr(CollapsedDensity, "likelihood", wrong)


BY_CALIBRATION: tuple[Callable[[Patch], None], ...] = (
    no_jacobian,
    a_forgotten_genre,
    sigma_squared_for_sigma,
    artists_without_their_own_noise,
    a_prior_twice,
)
