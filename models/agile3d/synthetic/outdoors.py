"""Compose streets, yards and parks as labelled surfaces, tens of metres wide."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic import outdoor_things as things
from models.agile3d.synthetic.surfaces import Float, Rng, Surface, join, patch
from models.agile3d.synthetic.textures import any_colour, lit, painted

SPACING = 0.06
"""Distance of the samples on ground and houses in metres."""
_FINE = 0.025
_CELL = 0.25
_WALKED = 2.2
"""Below this height things are in each other's way; crowns of trees may meet."""


@dataclass(frozen=True, eq=False)
class OutdoorScene:
    """A complete scene before scanning.

    Attributes:
        surface: All points; `part` is the object, 1..n, 0 for what has no label.
        ground: [P] whether a point belongs to the ground, which hides nothing.
        size: Width and depth in metres; the corner is at the origin.
        walk: [S, 3] places on the ground along which a scanner may be carried.
    """

    surface: Surface
    ground: npt.NDArray[np.bool_]
    size: tuple[float, float]
    walk: Float


class Land:
    """Heights of the ground: a slope and gentle waves.

    Args:
        rng: Decides.
    """

    def __init__(self, rng: Rng) -> None:
        self._slope = rng.normal(0, 0.02, 2)
        self._waves = rng.normal(size=(2, 4)) * (2 * np.pi / rng.uniform(8, 25))
        self._phases = rng.uniform(0, 2 * np.pi, 4)
        self._depth = rng.uniform(0, 0.08)

    def height(self, xy: npt.NDArray[np.floating]) -> Float:
        """Return heights [P] at [P, 2]."""
        waves = np.sin(xy @ self._waves + self._phases).sum(axis=1)
        return np.asarray(xy @ self._slope + self._depth * waves, np.float32)


class _Plot:
    """Collects what stands on a piece of land and keeps things apart."""

    def __init__(self, rng: Rng, size: tuple[float, float]) -> None:
        self.rng, self.size, self.land = rng, size, Land(rng)
        self._taken = np.zeros([int(v / _CELL) + 1 for v in size], bool)
        self._made: list[Surface] = []
        self._ground: list[bool] = []
        self._levels: list[tuple[tuple[float, float, float, float], float]] = []

    def pave(self, area: tuple[float, float, float, float], level: float, colour: Float) -> None:
        """Add a piece of ground x0, x1, y0, y1; raised ones have a kerb.

        Args:
            area: Metres.
            level: Height over the land in metres.
            colour: Base colour [3].
        """
        x0, x1, y0, y1 = area
        flat = patch(self.rng, (x0, y0, level), (x1 - x0, 0, 0), (0, y1 - y0, 0), SPACING)
        points = [flat]
        for y in (y0, y1) if level > 0 else ():
            points.append(patch(self.rng, (x0, y, 0), (x1 - x0, 0, 0), (0, 0, level), SPACING / 2))
        whole = np.concatenate(points)
        self._levels.append((area, level))
        rough = self.rng.normal(0, self.rng.uniform(0, 0.015), len(whole))
        whole[:, 2] += self.land.height(whole[:, :2]) + rough.astype(np.float32)
        self._add(Surface.of(whole, painted(self.rng, whole, colour, 0.5)), ground=True)

    def place(self, item: Surface, x: float, y: float, yaw: float = 0.0) -> bool:
        """Put an item down if there is room.

        Args:
            item: Standing on z = 0.
            x: Metres.
            y: Metres.
            yaw: Turn about z before, radians.
        """
        put = item.turned(yaw).moved((x, y, 0))
        low = put.xyz[put.xyz[:, 2] < _WALKED, :2]
        if (low < 0).any() or (low >= np.asarray(self.size)).any():
            return False
        cells = np.unique((low / _CELL).astype(np.int64), axis=0)
        taken = self._taken[cells[:, 0], cells[:, 1]]
        if taken.mean() > 0.04:
            return False
        self._taken[cells[:, 0], cells[:, 1]] = True
        z = float(self.land.height(np.array([[x, y]]))[0]) + self._level(x, y)
        self._add(put.moved((0, 0, z)), ground=False)
        return True

    def scatter(
        self, make: things.Make, count: int, area: tuple[float, float, float, float], s: float
    ) -> None:
        """Put up to `count` things of a kind anywhere in an area, turned at random."""
        for _ in range(count):
            item = make(self.rng, s)
            for _ in range(5):
                x, y = self.rng.uniform(area[0::2], area[1::2])
                if self.place(item, x, y, self.rng.uniform(0, 2 * np.pi)):
                    break

    def _add(self, item: Surface, *, ground: bool) -> None:
        self._made.append(item)
        self._ground.append(ground)

    def _level(self, x: float, y: float) -> float:
        inside = [v for (x0, x1, y0, y1), v in self._levels if x0 <= x <= x1 and y0 <= y <= y1]
        return max(inside, default=0.0)

    def finish(self, walk: npt.NDArray[np.floating], unlabelled: float = 0.1) -> OutdoorScene:
        """Return everything under one light; some things lose their label."""
        sizes = [len(item) for item in self._made]
        whole = join(self._made)
        names = np.arange(1, len(sizes) + 1) * (self.rng.random(len(sizes)) >= unlabelled)
        part = np.repeat(names, sizes).astype(np.int32)
        rgb = lit(self.rng, whole.xyz, whole.rgb)
        ground = np.repeat(self._ground, sizes)
        places = np.c_[walk, self.land.height(walk)].astype(np.float32)
        return OutdoorScene(Surface(whole.xyz, rgb, part), ground, self.size, places)


def compose_outdoors(rng: Rng) -> OutdoorScene:
    """Compose a street (three in five) or an open place."""
    return compose_street(rng) if rng.random() < 0.6 else compose_park(rng)


def compose_street(rng: Rng) -> OutdoorScene:
    """Compose a street: road, kerbs, pavements, houses or gardens on either side."""
    length, road = rng.uniform(22, 42), rng.uniform(4.5, 8.5)
    paths, fronts = rng.uniform(1.4, 3.5, 2), rng.uniform(5, 9, 2)
    edges = np.cumsum([0, fronts[0], paths[0], road, paths[1], fronts[1]])
    plot = _Plot(rng, (float(length), float(edges[-1])))
    grey = np.full(3, rng.uniform(0.25, 0.5), np.float32)
    kerb = rng.uniform(0.06, 0.16)
    plot.pave((0, length, edges[2], edges[3]), 0.0, grey)
    for low, high in ((edges[1], edges[2]), (edges[3], edges[4])):
        plot.pave((0, length, low, high), kerb, grey + rng.uniform(0.0, 0.25))
    for side, (low, high) in enumerate(((0, edges[1]), (edges[4], edges[5]))):
        _line_street(plot, low, high, facing=np.pi if side == 0 else 0.0)
    for y in (edges[2] + 1.0, edges[3] - 1.0):
        _park_cars(plot, y)
    _furnish_street(plot, edges)
    x = np.linspace(length * 0.1, length * 0.9, 24)
    y = (edges[2] + edges[3]) / 2 + rng.uniform(-1, 1) * road * 0.3
    return plot.finish(np.c_[x, np.full(24, y)])


def _line_street(plot: _Plot, low: float, high: float, facing: float) -> None:
    """Fill one side of a street with houses, gardens and fences.

    Args:
        plot: Where.
        low: Smaller y of the strip.
        high: Larger y of the strip.
        facing: Turn that makes a house look to the road.
    """
    rng = plot.rng
    length = plot.size[0]
    green = np.array([0.3, 0.38, 0.18], np.float32) * rng.uniform(0.6, 1.3)
    plot.pave((0, length, low, high), 0.0, green if rng.random() < 0.6 else np.full(3, 0.5))
    back = rng.uniform(0, 2.5)
    depth = max(3.0, high - low - back - 0.6)
    road_side = high if facing > 0 else low
    inward = -1 if facing > 0 else 1
    x = rng.uniform(0, 2)
    while x < length - 4:
        width = float(rng.uniform(6, 14))
        if rng.random() < 0.75 and x + width < length:
            house = things.building(rng, SPACING, width, depth - 0.5)
            y = road_side + inward * (back + 0.4 + depth / 2)
            plot.place(house, x + width / 2, y, facing)
        x += width + (0.05 if rng.random() < 0.5 else rng.uniform(0.5, 4))
    if rng.random() < 0.6:
        _border(plot, road_side + inward * 0.3)
    garden = (0.5, length - 0.5, low + 0.5, high - 0.5)
    plot.scatter(things.bush, int(rng.integers(0, 6)), garden, _FINE * 1.6)
    plot.scatter(things.tree, int(rng.integers(0, 4)), garden, 0.05)


def _border(plot: _Plot, y: float) -> None:
    """Put fences or hedges along x, with gaps."""
    rng = plot.rng
    for x in np.arange(3, plot.size[0] - 3, 6.0):
        if rng.random() < 0.7:
            made = things.hedge if rng.random() < 0.3 else things.fence
            plot.place(made(rng, 0.035), float(x), y)


def _park_cars(plot: _Plot, y: float) -> None:
    rng = plot.rng
    x = rng.uniform(2.5, 6)
    while x < plot.size[0] - 2.5:
        if rng.random() < 0.55:
            turn = rng.integers(2) * np.pi + rng.normal(0, 0.04)
            plot.place(things.car(rng, 0.035), x, y + rng.normal(0, 0.12), turn)
        x += rng.uniform(5.2, 7.5)


def _furnish_street(plot: _Plot, edges: npt.NDArray[np.floating]) -> None:
    """Put posts and trees along the kerbs, and people and small things on the pavements."""
    rng, length = plot.rng, plot.size[0]
    for kerb, inward in ((edges[2] - 0.35, -1), (edges[3] + 0.35, 1)):
        pitch = rng.uniform(3, 9)
        row = [things.tree, things.bollard, things.pole][rng.integers(3)]
        for x in np.arange(rng.uniform(1, 4), length - 1, pitch):
            make = row if rng.random() < 0.8 else things.pole
            fine = 0.05 if make is things.tree else _FINE
            plot.place(make(rng, fine), float(x), kerb, rng.integers(4) * np.pi / 2)
        area = (0.5, length - 0.5, *sorted((kerb, kerb + inward * 1.6)))
        for make, most in ((things.person, 6), (things.container, 3), (things.bicycle, 3),
                           (things.bench, 2), (things.bollard, 3)):  # fmt: skip
            plot.scatter(make, int(rng.integers(0, most + 1)), area, _FINE)


def compose_park(rng: Rng) -> OutdoorScene:
    """Compose a park, a yard or a garden: lawn, a path, trees, things about, perhaps houses."""
    size = (float(rng.uniform(16, 38)), float(rng.uniform(16, 38)))
    plot = _Plot(rng, size)
    green = np.array([0.3, 0.38, 0.18], np.float32) * rng.uniform(0.6, 1.4)
    base = green if rng.random() < 0.7 else any_colour(rng)
    middle, half = size[1] * rng.uniform(0.35, 0.65), rng.uniform(0.8, 3.0)
    plot.pave((0, size[0], 0, middle - half), 0.0, base)
    plot.pave((0, size[0], middle - half, middle + half), 0.01, any_colour(rng))
    plot.pave((0, size[0], middle + half, size[1]), 0.0, base * rng.uniform(0.85, 1.15))
    for y, facing in ((3.6, np.pi), (size[1] - 3.6, 0.0)):
        if rng.random() < 0.4:
            house = things.building(rng, SPACING, float(rng.uniform(6, 14)), 6.5)
            plot.place(house, rng.uniform(7, max(7.1, size[0] - 7)), y, facing)
        elif rng.random() < 0.5:
            _border(plot, 0.6 if facing else size[1] - 0.6)
    share = size[0] * size[1] / 600
    whole = (0.5, size[0] - 0.5, 0.5, size[1] - 0.5)
    for make, most, s in ((things.tree, 9, 0.05), (things.bush, 7, 0.04), (things.bench, 4, _FINE),
                          (things.person, 5, _FINE), (things.stone, 3, 0.035),
                          (things.container, 3, _FINE), (things.car, 2, 0.035),
                          (things.pole, 4, _FINE), (things.bicycle, 2, _FINE),
                          (things.hedge, 2, 0.035), (things.fence, 2, 0.035)):  # fmt: skip
        plot.scatter(make, int(rng.uniform(0, most + 1) * share), whole, s)
    x = np.linspace(size[0] * 0.12, size[0] * 0.88, 24)
    wander = middle + np.sin(x / size[0] * np.pi * 2) * rng.uniform(0, size[1] * 0.2)
    return plot.finish(np.c_[x, wander])
