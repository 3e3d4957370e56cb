"""A few track counts in place of many: what keeps the cost of the density the same for ten million tracks.

The likelihood depends on a track count u through 1 / v_u and log v_u alone: with rho = tau^2 / sigma^2, through
u rho / (1 + u rho) and log(1 + u rho). The first is a smooth function of log u + log rho. A matrix of such a function
has singular values that fall off geometrically, so that some 40 counts span what thousands do, to rounding. An
interpolative decomposition, by a QR decomposition with pivoting (Cheng, Gimbutas, Martinsson and Rokhlin 2005, SIAM J.
Sci. Comput. 26(4)), finds those counts, and the coefficients of all others in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Ratios of variances beyond which no posterior with data goes; the functions are all but constant there anyway.
_WIDEST = (1e-8, 1e8)
_TOLERANCE = 1e-14
_POINTS_A_UNIT = 4.0  # of log rho; the narrowest feature of the kernel is a few units wide


class Skeleton(NamedTuple):
    """Some of U counts, and the coefficients of all of them in those.

    Parameters
    ----------
    chosen : ndarray of int, shape (K,)
        Positions among the counts, in their order.
    coefficients : ndarray, shape (U, K)
        Rows add up to 1.
    """

    chosen: NDArray[np.int64]
    coefficients: Floats


def skeleton_of(sizes: Floats, ratios: tuple[float, float] = _WIDEST) -> Skeleton:
    """Choose the counts that span the others.

    Parameters
    ----------
    sizes : ndarray, shape (U,)
        Distinct track counts.
    ratios : tuple of float
        The range of tau^2 / sigma^2 over which they have to.

    Returns
    -------
    Skeleton
        Of all counts where none can be spared.
    """
    from scipy.linalg import qr, solve_triangular

    logs = np.log(sizes)
    low, high = np.log(ratios)
    points = int(_POINTS_A_UNIT * (high - low + np.ptp(logs))) + 32
    sums = np.add.outer(np.linspace(low, high, points), logs)
    # Scaled so that no count and no ratio is small beside the others: sqrt(u rho) / (1 + u rho) is a kernel of the sum.
    shrinkage = 0.5 / np.cosh(sums / 2)
    logarithms = np.logaddexp(0, sums)
    logarithms /= logarithms.max()
    rows = np.vstack([shrinkage, logarithms, np.full((8, len(sizes)), 1.0)])
    factor, order = qr(rows, mode="r", pivoting=True, check_finite=False)
    diagonal = np.abs(np.diagonal(factor))
    count = int((diagonal > _TOLERANCE * diagonal[0]).sum())
    coefficients = np.empty((len(sizes), count))
    coefficients[order[:count]] = np.eye(count)
    coefficients[order[count:]] = solve_triangular(factor[:count, :count], factor[:count, count:]).T
    ascending = np.argsort(order[:count])
    return Skeleton(order[:count][ascending].astype(np.int64), coefficients[:, ascending])
