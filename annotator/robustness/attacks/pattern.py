"""Pattern search on a region's lattice: several places at once, the worse ones given up."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from annotator.robustness.attacks.scored import Purse
from annotator.robustness.contract import Rows


@dataclass(frozen=True)
class Place:
    """Where one search stands.

    Attributes:
        row: The best candidate so far.
        step: How far it looks around, in steps of the lattice; below 1 it is done.
        diagonal: Whether it looks along the diagonals next.
    """

    row: int
    step: float
    diagonal: bool = False


def search(purse: Purse, rows: list[int], step: float) -> None:
    """Walk downhill from several candidates; after every turn of looks the worse half goes.

    Args:
        purse: Pays for looks and remembers them.
        rows: Where to begin, best first.
        step: First distance to look at.
    """
    places = [Place(row, step) for row in rows]
    turn = max(1, purse.left // (len(rows).bit_length() + 1))
    pause = purse.left - turn
    while places and purse.left > 0:
        places = _forward(purse, places)
        if purse.left <= pause and len(places) > 1:
            places = sorted(places, key=lambda place: purse.value(place.row))
            places = places[: (len(places) + 1) // 2]
            pause = purse.left - turn


def _forward(purse: Purse, places: list[Place]) -> list[Place]:
    """Look around all places at once and move them; those that are done are left out."""
    looks = [_around(purse, place) for place in places]
    purse.look(np.concatenate(looks))
    moved = [_moved(purse, *pair) for pair in zip(places, looks, strict=True)]
    unique = {place.row: place for place in moved if place.step >= 1}
    return list(unique.values())


def _around(purse: Purse, place: Place) -> Rows:
    """Return the candidates nearest to the points of the pattern."""
    region = purse.scored.region
    centre = region.lattice[place.row]
    pattern = _pattern(len(centre), place.diagonal)
    length = max(1.0, place.step / np.sqrt(len(centre))) if place.diagonal else place.step
    rows: Rows = np.asarray(region.tree.query(centre + np.round(length) * pattern)[1], np.int64)
    return rows


def _pattern(dimensions: int, diagonal: bool) -> Rows:
    if diagonal:
        return np.array(list(product((-1, 1), repeat=dimensions)))
    axes = np.eye(dimensions, dtype=np.int64)
    return np.concatenate([axes, -axes])


def _moved(purse: Purse, place: Place, looks: Rows) -> Place:
    best = min(looks.tolist(), key=purse.value)
    if purse.value(best) < purse.value(place.row):
        return Place(best, place.step)
    if not place.diagonal:
        return replace(place, diagonal=True)
    # at 1 both patterns failed: every neighbour is worse
    return Place(place.row, place.step / 2)
