"""Compose furnished rooms and tabletops as labelled surfaces."""

from dataclasses import dataclass

import numpy as np

from models.agile3d.synthetic import furniture
from models.agile3d.synthetic.layout import Space, against_wall, anywhere
from models.agile3d.synthetic.library import FurnitureLibrary
from models.agile3d.synthetic.surfaces import Float, Rng, Surface, join, patch
from models.agile3d.synthetic.textures import any_colour, lit, painted, wall_colour

SPACING = 0.02
"""Distance of the samples on room surfaces in metres."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A complete scene before scanning.

    Attributes:
        surface: All points; `part` is the object, 1..n, 0 for what has no label.
        size: Width, depth, height in metres; the corner is at the origin.
        models: Numbers of the library items in it.
    """

    surface: Surface
    size: tuple[float, float, float]
    models: tuple[int, ...]


class _Composer:
    """Collects objects while a scene is furnished."""

    def __init__(
        self, rng: Rng, size: tuple[float, float, float], library: FurnitureLibrary | None
    ) -> None:
        self.rng = rng
        self.size = size
        self.space = Space(size)
        self._library = library
        self._made: list[Surface] = []
        self._count = 0
        self.palette = [any_colour(rng) for _ in range(3)]
        self.models: list[int] = []
        self.standing: list[Surface] = []

    def add(self, item: Surface) -> None:
        """Take over an item; each of its parts becomes an object."""
        parts = item.part + self._count + 1
        self._made.append(Surface(item.xyz, item.rgb, parts.astype(np.int32)))
        self._count += int(item.part.max(initial=0)) + 1

    def draw(self, place: str) -> Surface:
        """Draw an item: two thirds from the library if there is one."""
        drawn = None
        if self._library is not None and self.rng.random() < 0.67:
            drawn = self._library.draw(self.rng, place)
        if drawn is None:
            return self._matched(_varied(self.rng, furniture.make(self.rng, place, SPACING)))
        self.models.append(drawn[1])
        surface = drawn[0]
        kept = self.rng.random(len(surface)) < (0.015 / SPACING) ** 2
        return self._matched(_varied(self.rng, surface.taken(kept) if kept.sum() > 30 else surface))

    def _matched(self, item: Surface) -> Surface:
        """Give half of the things one of the room's few colours: neighbours often share one."""
        if self.rng.random() < 0.5:
            return item
        wanted = self.palette[self.rng.integers(len(self.palette))]
        pull = self.rng.uniform(0.5, 1.0) * (wanted - item.rgb.mean(axis=0))
        return item.coloured(item.rgb + pull.astype(np.float32))

    def stand(self, item: Surface) -> bool:
        """Add an item where it is if there is room."""
        if not len(item) or not self.space.fits(item):
            return False
        self.space.take(item)
        self.standing.append(item)
        self.add(item)
        return True

    def finish(self) -> Surface:
        """Return everything as one surface under one light; some objects lose their label."""
        whole = join(self._made)
        unlabelled = self.rng.random(self._count + 1) < 0.04
        part = np.where(unlabelled[whole.part], 0, whole.part).astype(np.int32)
        return Surface(whole.xyz, lit(self.rng, whole.xyz, whole.rgb), part)


def _varied(rng: Rng, item: Surface) -> Surface:
    """Stretch, mirror and sometimes recolour an item."""
    factors = rng.uniform(0.85, 1.15) * rng.uniform(0.93, 1.07, 3)
    factors[0] *= rng.choice([-1, 1])
    varied = item.scaled(factors.tolist())
    kind = rng.random()
    if kind < 0.25:
        return varied.coloured(varied.rgb[:, rng.permutation(3)] * rng.uniform(0.7, 1.3))
    if kind < 0.45:
        tint = any_colour(rng) * rng.uniform(0.7, 1.4)
        return varied.coloured(varied.rgb.mean(axis=1, keepdims=True) * tint * 1.5)
    return varied


def compose_room(
    rng: Rng,
    library: FurnitureLibrary | None = None,
    size: tuple[float, float, float] | None = None,
) -> Scene:
    """Compose a furnished room.

    Args:
        rng: Decides everything.
        library: Catalogue furniture to mix with the procedural one.
        size: Width, depth, height in metres; drawn by default.
    """
    if size is None:
        side = np.exp(rng.uniform(np.log(2.2), np.log(9.0), 2))
        size = (float(side[0]), float(side[1]), float(rng.uniform(2.3, 3.0)))
    composer = _Composer(rng, size, library)
    _shell(composer)
    _partitions(composer)
    area = size[0] * size[1]
    density = rng.uniform(0.6, 1.4)
    _furnish(composer, "rug", int(rng.random() < 0.3), tries=1)
    _furnish(composer, "wallside", 1 + int(density * area * 0.28))
    _seat_around_tables(composer)
    _furnish(composer, "floor", 1 + int(density * area * 0.35))
    _furnish(composer, "wall", 1 + int(density * (size[0] + size[1]) * 0.3))
    _furnish(composer, "ceiling", int(rng.random() < 0.4), tries=2)
    _scatter(composer, 1 + int(density * area * rng.uniform(0.2, 1.0)))
    return Scene(composer.finish(), size, tuple(composer.models))


def compose_tabletop(
    rng: Rng, library: FurnitureLibrary | None = None, scale: float = 5.0
) -> Scene:
    """Compose small things on a table, enlarged so that 1 cm becomes a voxel of 5 cm.

    Args:
        rng: Decides everything.
        library: Catalogue furniture to mix with the procedural one.
        scale: Enlargement.
    """
    size = (float(rng.uniform(0.7, 1.3)), float(rng.uniform(0.6, 1.0)), 0.7)
    composer = _Composer(rng, size, library)
    fine = 0.005
    top = patch(rng, (0, 0, 0), (size[0], 0, 0), (0, size[1], 0), fine)
    composer.add(Surface.of(top, painted(rng, top, any_colour(rng), 0.5)))
    for _ in range(int(rng.integers(4, 14))):
        item = _miniature(composer)
        for _ in range(6):
            if composer.stand(_dropped(composer, anywhere(rng, item, size))):
                break
    whole = composer.finish()
    big = (size[0] * scale, size[1] * scale, size[2] * scale)
    return Scene(whole.scaled((scale,) * 3), big, tuple(composer.models))


def _miniature(composer: _Composer) -> Surface:
    """Draw a thing of table size, sampled finely."""
    rng = composer.rng
    item = furniture.make(rng, str(rng.choice(["small", "small", "floor"])), 0.02)
    size = float((item.high - item.low).max())
    factor = rng.uniform(0.06, 0.3) / max(size, 0.05)
    return _varied(rng, item.scaled((factor,) * 3))


def _shell(composer: _Composer) -> None:
    """Add floor, walls, door, windows and sometimes a ceiling, each an object."""
    rng, (w, d, h) = composer.rng, composer.size
    floor = patch(rng, (0, 0, 0), (w, 0, 0), (0, d, 0), SPACING)
    composer.add(Surface.of(floor, painted(rng, floor, any_colour(rng), 0.6)))
    colour = wall_colour(rng)
    composer.palette.append(colour)
    for start, along in (((0, 0), (w, 0)), ((0, d), (w, 0)), ((0, 0), (0, d)), ((w, 0), (0, d))):
        if rng.random() < 0.12:
            continue  # Scans often lack a wall, or the room is open on one side.
        own = wall_colour(rng) if rng.random() < 0.25 else colour
        _wall(composer, np.array(start, float), np.array(along, float), h, own)
    if rng.random() < 0.25:
        ceiling = patch(rng, (0, 0, h), (w, 0, 0), (0, d, 0), SPACING)
        composer.add(Surface.of(ceiling, painted(rng, ceiling, wall_colour(rng), 0.1)))


def _partitions(composer: _Composer) -> None:
    """Divide larger rooms by up to two walls that end somewhere in the room."""
    rng, (w, d, h) = composer.rng, composer.size
    if min(w, d) < 3.5:
        return
    for _ in range(int(rng.integers(0, 3))):
        across, along = (0, 1) if rng.random() < 0.5 else (1, 0)
        start, run = np.zeros(2), np.zeros(2)
        start[across] = composer.size[across] * rng.uniform(0.25, 0.75)
        run[along] = composer.size[along] * rng.uniform(0.25, 0.8)
        if rng.random() < 0.5:
            start[along] = composer.size[along] - run[along]
        height = h if rng.random() < 0.7 else float(rng.uniform(1.0, 1.6))
        wall = _wall(composer, start, run, height, composer.palette[-1])
        composer.space.take(wall)


def _wall(
    composer: _Composer,
    start: Float | np.ndarray,
    along: Float | np.ndarray,
    height: float,
    colour: Float,
) -> Surface:
    """Add a wall with openings; doors and window panes are objects in the openings.

    Returns:
        The wall itself.
    """
    rng = composer.rng
    length = float(np.linalg.norm(along))
    direction = along / length
    wall = patch(rng, (*start, 0), (*along, 0), (0, 0, height), SPACING)
    solid = np.ones(len(wall), bool)
    position = (wall[:, :2] - start) @ direction
    for _ in range(int(rng.integers(0, 3))):
        door = rng.random() < 0.5
        width = rng.uniform(0.7, 1.0) if door else rng.uniform(0.5, min(2.2, length * 0.6))
        if width > length - 0.2:
            continue
        low = 0.0 if door else rng.uniform(0.5, 1.1)
        high = rng.uniform(1.95, 2.15) if door else rng.uniform(low + 0.5, 2.2)
        first = rng.uniform(0.1, length - width - 0.1)
        hole = (np.abs(position - first - width / 2) < width / 2) & (wall[:, 2] > low)
        hole &= wall[:, 2] < high
        if not hole.any() or not solid[hole].all():
            continue
        solid &= ~hole
        if rng.random() < 0.8:
            composer.add(_panel(rng, wall[hole], direction, door=door))
    made = Surface.of(wall[solid], painted(rng, wall[solid], colour, 0.2))
    composer.add(made)
    return made


def _panel(rng: Rng, points: Float, direction: np.ndarray, *, door: bool) -> Surface:
    """Return a door leaf or window set back in its opening; half the windows are frames only."""
    outward = np.array([direction[1], -direction[0], 0]) * rng.uniform(-0.12, 0.12)
    along = points[:, :2] @ direction
    edge = np.minimum(along - along.min(), along.max() - along)
    edge = np.minimum(edge, np.minimum(points[:, 2] - points[:, 2].min(),
                                       points[:, 2].max() - points[:, 2]))  # fmt: skip
    if not door and rng.random() < 0.5:
        points = points[edge < 0.12]
        edge = edge[edge < 0.12]
    rgb = painted(rng, points, any_colour(rng) if door else np.array([0.7, 0.78, 0.85]), 0.2)
    rgb[edge < 0.07] = wall_colour(rng)
    return Surface.of(points + outward, rgb)


def _furnish(composer: _Composer, place: str, count: int, tries: int = 8) -> None:
    """Put `count` things in a place, giving up on each after some tries."""
    rng, size = composer.rng, composer.size
    for _ in range(count):
        item = composer.draw(place)
        for _ in range(tries):
            if composer.stand(_proposed(rng, item, place, size)):
                break


def _proposed(rng: Rng, item: Surface, place: str, size: tuple[float, float, float]) -> Surface:
    if place == "wallside":
        return against_wall(rng, item, size)
    if place == "wall":
        height = float(item.high[2])
        z = rng.uniform(0.0, 0.4) if height > 1.5 else rng.uniform(0.8, 1.7)
        z = max(0.0, min(z, size[2] - height - 0.05))
        return against_wall(rng, item, size).moved((0, 0, z))
    placed = anywhere(rng, item, size)
    return placed.moved((0, 0, size[2] - placed.high[2])) if place == "ceiling" else placed


def _seat_around_tables(composer: _Composer) -> None:
    """Push chairs under the edges of whatever has table height."""
    rng = composer.rng
    for item in list(composer.standing):
        extent = item.high - item.low
        if not (0.6 < extent[2] < 0.95 and extent[:2].min() > 0.5 and rng.random() < 0.7):
            continue
        for _ in range(int(rng.integers(1, 5))):
            chair = _varied(rng, furniture.chair(rng, SPACING))
            side = int(rng.integers(4))
            turned = chair.turned(side * np.pi / 2 + rng.normal(0, 0.2))
            away = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)][side], float)
            centre = (item.low + item.high)[:2] / 2 + rng.normal(0, 0.15, 2)
            reach = abs(float(extent[:2] @ away)) / 2 + rng.uniform(-0.1, 0.3)
            composer.stand(turned.moved((*(centre + away * reach), 0.0)))


def _scatter(composer: _Composer, count: int) -> None:
    """Drop small things on furniture, on each other and on the floor."""
    rng = composer.rng
    for _ in range(count):
        item = composer.draw("small")
        for _ in range(6):
            if not composer.standing or rng.random() < 0.2:
                target = anywhere(rng, item, composer.size)
            else:
                base = composer.standing[rng.integers(len(composer.standing))]
                x, y = base.xyz[rng.integers(len(base)), :2]
                target = item.turned(rng.uniform(0, 2 * np.pi)).moved((x, y, 0))
            if composer.stand(_dropped(composer, target)):
                break


def _dropped(composer: _Composer, item: Surface) -> Surface:
    """Let an item fall from above; outside the room, so that it is refused, if it would tip."""
    level = composer.space.support(item)
    return item.moved((0, 0, -10.0 if level is None or level > 1.7 else level + 0.005))
