"""Where to look next: a smooth surface through what was scored, and what it leaves open.

A Gaussian process with a Matern-3/2 kernel over the region's lattice; next are the candidates
of largest expected improvement (Jones, Schonlau and Welch, J. Global Optimization 1998).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from annotator.robustness.attacks.cells import about_so_many
from annotator.robustness.attacks.scored import Purse
from annotator.robustness.contract import Floats, Rows

TOGETHER = 4
"""Candidates looked at between two surfaces, at least half a length of the kernel apart."""

MOST = 256
"""Scores through which a surface is laid: its cost grows with their cube."""

_POOL = 2000
_LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
_NOISE = 1e-4


@dataclass(frozen=True, eq=False)
class Surface:
    """A fitted Gaussian process.

    Attributes:
        places: [N, D] of the lattice.
        mean: Of all values.
        variance: Of the process.
        length: Of the kernel, in steps of the lattice.
        factor: [N, N] lower Cholesky factor of the kernel between places.
        whitened: [N] values less their mean, solved by the factor.
        fit: Logarithm of the likelihood, up to a constant.
    """

    places: Floats
    mean: float
    variance: float
    length: float
    factor: Floats
    whitened: Floats
    fit: float

    @classmethod
    def through(cls, places: Floats, values: Floats, length: float) -> "Surface":
        """Fit a surface of one length through values [N] at places [N, D]."""
        kernel = _kernel(cdist(places, places), length) + _NOISE * np.eye(len(places))
        factor: Floats = cholesky(kernel, lower=True)
        mean = float(values.mean())
        whitened: Floats = solve_triangular(factor, values - mean, lower=True)
        variance = float(whitened @ whitened) / len(values) + 1e-12
        fit = -0.5 * len(values) * np.log(variance) - np.log(np.diag(factor)).sum()
        return cls(places, mean, variance, length, factor, whitened, float(fit))

    def improvement(self, places: Floats, best: float) -> Floats:
        """Return by how much places [K, D] are expected to go below the best value, [K]."""
        near = _kernel(cdist(self.places, places), self.length)
        solved = solve_triangular(self.factor, near, lower=True)
        left = np.maximum(1.0 - (solved**2).sum(axis=0), 1e-12)
        spread = np.sqrt(self.variance * left)
        ahead = (best - self.mean - solved.T @ self.whitened) / spread
        density = np.exp(-0.5 * ahead**2) / np.sqrt(2 * np.pi)
        gain: Floats = spread * (ahead * ndtr(ahead) + density)
        return gain


def _kernel(away: Floats, length: float) -> Floats:
    scaled = np.sqrt(3.0) * away / length
    result: Floats = (1.0 + scaled) * np.exp(-scaled)
    return result


def expect(purse: Purse, edge: int, reserve: int) -> None:
    """Look where most improvement is expected, until only a reserve of the budget is left.

    Args:
        purse: Pays for looks; has scored a cover of the region.
        edge: Of the cover's cells; lengths of the kernel are from half of it to eight of it.
        reserve: Evaluations to leave.
    """
    region = purse.scored.region
    coarse = about_so_many(region, _POOL).rows
    while purse.left > reserve and 1 < len(purse.values) < MOST:
        near = region.tree.query_ball_point(region.lattice[purse.best()], edge / 2)
        pool = np.setdiff1d(np.union1d(coarse, near).astype(np.int64), list(purse.values))
        rows = _promising(purse, pool, edge, min(TOGETHER, purse.left - reserve))
        if len(rows) == 0:
            return
        purse.look(rows)


def _promising(purse: Purse, pool: Rows, edge: int, count: int) -> Rows:
    """Return up to `count` candidates of a pool, largest expected improvement first."""
    lattice = purse.scored.region.lattice
    values = np.array(list(purse.values.values()))
    places = lattice[list(purse.values)].astype(np.float64)
    surfaces = [Surface.through(places, values, edge * length) for length in _LENGTHS]
    surface = max(surfaces, key=lambda found: found.fit)
    there = lattice[pool].astype(np.float64)
    gain = surface.improvement(there, float(values.min())) if len(pool) else np.zeros(0)
    chosen: list[int] = []
    while len(chosen) < count and (gain > 0).any():
        chosen.append(int(np.argmax(gain)))
        away = np.abs(there - there[chosen[-1]]).max(axis=1)
        gain = np.where(away < max(surface.length / 2, 1.0), 0.0, gain)
    rows: Rows = pool[chosen]
    return rows
