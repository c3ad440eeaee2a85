"""The model that our search asks where to look next, on made-up fields whose extremes are known."""

import numpy as np
import pytest

from annotator.domain import Click
from annotator.robustness.attacks.ours import seek
from annotator.robustness.attacks.scored import Purse, Scored
from annotator.robustness.attacks.surrogate import Surface, expect
from annotator.robustness.contract import Region, Scores
from annotator.robustness.settings import Settings


class Drawn:
    """A round whose qualities are given."""

    def __init__(self, region, quality):
        self.region, self.quality = region, quality

    def click(self, row):
        return Click(tuple(self.region.positions[row]), 1)

    def score(self, rows, cancel=None):
        return Scores(self.quality[rows])


def grid(*size):
    lattice = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)
    lattice = lattice.reshape(-1, len(size))
    count = len(lattice)
    depth = np.minimum(lattice, np.array(size) - 1 - lattice).min(axis=1) + 1.0
    return Region(
        lattice + 0.5, lattice, count // 2, np.full(count, 1 / count), np.ones(count, int), depth
    )


def bumps(region, seed, width):
    """Hills and dales of different heights, between 0 and 1."""
    draw = np.random.default_rng(seed)
    centres = draw.uniform(0, region.lattice.max(axis=0), (12, region.lattice.shape[1]))
    heights = draw.normal(size=12)
    away = ((region.lattice[:, None] - centres) ** 2).sum(axis=-1)
    return 1 / (1 + np.exp(-(heights * np.exp(-away / (2 * width**2))).sum(axis=1) * 2))


def test_a_surface_passes_through_its_values_and_expects_nothing_there():
    places = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    surface = Surface.through(places, np.array([0.2, 0.5, 0.9]), 4.0)
    there = surface.improvement(places, 0.2)
    away = surface.improvement(np.array([[0.0, -2.0], [2.0, 2.0]]), 0.2)
    assert (there < 0.01).all()
    assert away[0] > away[1] > 0  # beyond the lowest value rather than between the others


@pytest.mark.parametrize("size", [(90, 110), (22, 22, 22)])
def test_our_search_misses_little_of_irregular_fields_at_its_usual_budget(size):
    region = grid(*size)
    missed = []
    for seed in range(4):
        quality = bumps(region, seed, size[0] / 8)
        for sign in (1, -1):
            row = seek(Scored(Drawn(region, quality), 32), sign, Settings()).row
            missed.append(sign * quality[row] - (sign * quality).min())
    assert max(missed) <= 0.02
    assert np.mean(missed) <= 0.005


def test_the_model_leaves_the_reserve_and_looks_at_nothing_twice():
    region = grid(40, 40)
    scored = Scored(Drawn(region, bumps(region, 3, 6.0)), 32)
    purse = Purse(scored, -1, 50)
    purse.look(np.arange(0, 1600, 80))
    expect(purse, 9, 7)
    assert purse.left == 7
    assert scored.asked == 43


def test_where_all_clicks_give_the_same_the_model_does_not_fail():
    region = grid(12, 12)
    found = seek(Scored(Drawn(region, np.full(144, 0.5)), 32), 1, Settings(evaluations=60))
    assert found.evaluations == 60
