"""Procedural furniture: primitives put together, standing on z = 0 with the back towards +y."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.agile3d.synthetic.surfaces import (
    Float,
    Rng,
    Surface,
    box,
    cylinder,
    ellipsoid,
    join,
    patch,
)
from models.agile3d.synthetic.textures import any_colour, painted

Make = Callable[[Rng, float], Surface]


def _paint(rng: Rng, points: Float, part: int = 0, pattern: float = 0.3) -> Surface:
    return Surface.of(points, painted(rng, points, any_colour(rng), pattern)).as_part(part)


def _at(points: Float, *offset: float) -> Float:
    return points + np.asarray(offset, np.float32)


def _legs(rng: Rng, w: float, d: float, h: float, s: float) -> Float:
    """Four legs at the corners of w x d, round or square."""
    thick = rng.uniform(0.02, 0.045)
    leg = cylinder(rng, thick, h, s) if rng.random() < 0.5 else box(rng, (2 * thick,) * 2 + (h,), s)
    x, y = w / 2 - thick, d / 2 - thick
    return np.concatenate([_at(leg, a, b, 0) for a in (-x, x) for b in (-y, y)])


def table(rng: Rng, s: float) -> Surface:
    """A table on legs, a pedestal or side panels."""
    w, d, h = rng.uniform(0.5, 2.0), rng.uniform(0.45, 1.0), rng.uniform(0.38, 0.8)
    thick = rng.uniform(0.02, 0.06)
    round_top = rng.random() < 0.25
    top = cylinder(rng, d / 2, thick, s) if round_top else box(rng, (w, d, thick), s)
    kind = rng.random()
    if round_top or kind < 0.15:
        pole = cylinder(rng, rng.uniform(0.03, 0.08), h, s)
        under = np.concatenate([pole, cylinder(rng, d / 4, 0.03, s)])
    elif kind < 0.75:
        under = _legs(rng, w, d, h, s)
    else:
        panel = box(rng, (0.03, d * 0.95, h), s)
        under = np.concatenate([_at(panel, -w / 2 + 0.03, 0, 0), _at(panel, w / 2 - 0.03, 0, 0)])
    main = _paint(rng, _at(top, 0, 0, h))
    return join([main, _paint(rng, under) if rng.random() < 0.5 else
                 Surface.of(under, painted(rng, under, main.rgb.mean(axis=0)))])  # fmt: skip


def desk(rng: Rng, s: float) -> Surface:
    """A desk with a drawer block on one side."""
    w, d, h = rng.uniform(1.0, 1.8), rng.uniform(0.55, 0.85), rng.uniform(0.68, 0.78)
    block = _at(box(rng, (0.4, d * 0.95, h), s), (w / 2 - 0.2) * rng.choice([-1, 1]), 0, 0)
    top = _at(box(rng, (w, d, 0.03), s), 0, 0, h)
    return _paint(rng, np.concatenate([top, block, _legs(rng, w, d, h, s)]))


def chair(rng: Rng, s: float) -> Surface:
    """A chair with four legs or a swivel foot, a third with arms."""
    w, d, h = rng.uniform(0.38, 0.6), rng.uniform(0.38, 0.6), rng.uniform(0.4, 0.5)
    back = rng.uniform(0.3, 0.65)
    seat = _at(box(rng, (w, d, rng.uniform(0.02, 0.1)), s), 0, 0, h)
    rest = _at(box(rng, (w, rng.uniform(0.02, 0.08), back), s), 0, d / 2, h)
    upper = [seat, rest]
    if rng.random() < 0.35:
        arm = box(rng, (0.05, d, 0.22), s)
        upper += [_at(arm, -w / 2, 0, h), _at(arm, w / 2, 0, h)]
    if rng.random() < 0.3:
        foot = np.concatenate([cylinder(rng, 0.03, h, s), cylinder(rng, w / 2, 0.06, s, 0.03)])
    else:
        foot = _legs(rng, w, d, h, s)
    return join([_paint(rng, np.concatenate(upper)), _paint(rng, foot)])


def stool(rng: Rng, s: float) -> Surface:
    """A stool or pouffe."""
    r, h = rng.uniform(0.15, 0.28), rng.uniform(0.35, 0.8)
    if rng.random() < 0.35:
        return _paint(rng, ellipsoid(rng, (2 * r, 2 * r, h * 0.7), s, 6))
    seat = _at(cylinder(rng, r, 0.05, s), 0, 0, h)
    return _paint(rng, np.concatenate([seat, _legs(rng, 1.4 * r, 1.4 * r, h, s)]))


def sofa(rng: Rng, s: float) -> Surface:
    """A sofa or armchair with cushions; loose pillows are parts of their own."""
    seats = int(rng.integers(1, 4))
    w, d, h = seats * rng.uniform(0.55, 0.75), rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.45)
    back, arm = rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.22)
    blocks = [box(rng, (w, d, h * 0.7), s)]
    blocks.append(_at(box(rng, (w, 0.2, h + back), s), 0, d / 2 - 0.1, 0))
    for x in (-w / 2 - arm / 2, w / 2 + arm / 2):
        blocks.append(_at(box(rng, (arm, d, h + rng.uniform(0.1, 0.25)), s), x, 0, 0))
    for i in range(seats):
        cushion = ellipsoid(rng, (w / seats, d - 0.2, 0.22), s, 8)
        blocks.append(_at(cushion, (i + 0.5) * w / seats - w / 2, -0.1, h * 0.7 - 0.05))
    parts = [_paint(rng, np.concatenate(blocks))]
    for i in range(int(rng.integers(0, 3))):
        x = rng.uniform(-w / 2 + 0.2, w / 2 - 0.2)
        parts.append(pillow(rng, s).moved((x, d / 2 - 0.35, h + 0.05)).as_part(i + 1))
    return join(parts)


def pillow(rng: Rng, s: float) -> Surface:
    """A pillow, lying or upright."""
    size = (rng.uniform(0.35, 0.7), rng.uniform(0.1, 0.45), rng.uniform(0.1, 0.4))
    return _paint(rng, ellipsoid(rng, size, s, rng.uniform(2.5, 5)))


def bed(rng: Rng, s: float) -> Surface:
    """A bed with mattress, headboard and pillows (parts of their own)."""
    w, d, h = rng.uniform(0.85, 1.9), rng.uniform(1.9, 2.15), rng.uniform(0.3, 0.6)
    base = box(rng, (w, d, h * 0.6), s)
    head = _at(box(rng, (w, 0.06, rng.uniform(0.6, 1.2)), s), 0, d / 2, 0)
    mattress = _at(ellipsoid(rng, (w, d, 0.3), s, 10), 0, 0, h * 0.6 - 0.05)
    cover = _paint(rng, mattress, pattern=0.7)
    parts = [_paint(rng, np.concatenate([base, head])), cover]
    for i in range(int(rng.integers(0, 3))):
        x = (i - 0.5) * w / 2 if w > 1.2 else 0.0
        parts.append(pillow(rng, s).moved((x, d / 2 - 0.3, h + 0.15)).as_part(i + 1))
    return join(parts)


def cupboard(rng: Rng, s: float) -> Surface:
    """A closed cupboard, wardrobe, chest of drawers or kitchen unit with lines and handles."""
    w, d, h = rng.uniform(0.35, 2.0), rng.uniform(0.3, 0.65), rng.uniform(0.45, 2.3)
    body = box(rng, (w, d, h), s)
    rgb = painted(rng, body, any_colour(rng), 0.3)
    columns, rows = rng.integers(1, 4), rng.integers(1, 4)
    front = body[:, 1] < -d / 2 + 1e-3
    line = (np.abs((body[:, 0] / w + 0.5) * columns % 1 - 0.5) > 0.5 - 0.012 * columns / w) | (
        np.abs(body[:, 2] / h * rows % 1 - 0.5) > 0.5 - 0.012 * rows / h
    )
    rgb[front & line] *= 0.55
    return Surface.of(body, rgb)


def shelf(rng: Rng, s: float) -> Surface:
    """An open shelf; its rows of books are half the time parts of their own."""
    w, d, h = rng.uniform(0.4, 1.8), rng.uniform(0.22, 0.4), rng.uniform(0.7, 2.3)
    boards = max(2, round(h / rng.uniform(0.28, 0.42)))
    levels = np.linspace(0, h - 0.02, boards + 1)
    frame = [_at(box(rng, (0.025, d, h), s), x, 0, 0) for x in (-w / 2, w / 2)]
    frame += [_at(box(rng, (w, d, 0.02), s), 0, 0, z) for z in levels]
    if rng.random() < 0.7:
        frame.append(_at(box(rng, (w, 0.01, h), s), 0, d / 2, 0))
    parts = [_paint(rng, np.concatenate(frame))]
    separate = rng.random() < 0.3
    for i in range(boards):
        if rng.random() < 0.65:
            row = books(rng, s, w * rng.uniform(0.3, 0.95), float(levels[1] - levels[0]))
            x = (w - float(np.ptp(row.xyz[:, 0]))) / 2 * rng.uniform(-0.9, 0.9)
            parts.append(row.moved((x, 0, levels[i] + 0.02)).as_part(i + 1 if separate else 0))
    return join(parts)


def books(rng: Rng, s: float, length: float = 0.3, room: float = 0.4) -> Surface:
    """A row of upright books of many colours."""
    made, x = [], -length / 2
    while x < length / 2:
        w = rng.uniform(0.02, 0.06)
        size = (w, rng.uniform(0.14, 0.22), min(rng.uniform(0.18, 0.3), room * 0.9))
        made.append(_paint(rng, _at(box(rng, size, s, "xXyZ"), x + w / 2, 0, 0), pattern=0.1))
        x += w
    return join(made)


def lamp(rng: Rng, s: float) -> Surface:
    """A floor lamp."""
    h = rng.uniform(1.2, 1.9)
    shade = _at(cylinder(rng, rng.uniform(0.12, 0.25), 0.25, s, rng.uniform(0.06, 0.2)), 0, 0, h)
    pole = np.concatenate([cylinder(rng, 0.015, h, s), cylinder(rng, 0.14, 0.03, s)])
    return join([_paint(rng, shade), _paint(rng, pole)])


def bin_(rng: Rng, s: float) -> Surface:
    """A waste bin, basket or bucket, open at the top."""
    r, h = rng.uniform(0.1, 0.25), rng.uniform(0.22, 0.6)
    if rng.random() < 0.4:
        return _paint(rng, box(rng, (2 * r, 1.6 * r, h), s, "xXyYz"))
    return _paint(rng, cylinder(rng, r * rng.uniform(0.7, 1), h, s, r, lid=rng.random() < 0.3))


def crate(rng: Rng, s: float) -> Surface:
    """A box, suitcase or small appliance."""
    return _paint(rng, box(rng, rng.uniform(0.15, 0.6, 3).tolist(), s))


def bag(rng: Rng, s: float) -> Surface:
    """A backpack, bag or heap of clothes."""
    size = rng.uniform((0.25, 0.15, 0.12), (0.6, 0.45, 0.55)).tolist()
    lumps = [ellipsoid(rng, size, s, rng.uniform(1.8, 4))]
    for _ in range(int(rng.integers(0, 3))):
        small = [v * rng.uniform(0.4, 0.7) for v in size]
        where = rng.uniform(-0.4, 0.4, 2) * size[:2]
        lumps.append(_at(ellipsoid(rng, small, s, 2.5), *where, size[2] * rng.uniform(0, 0.5)))
    return _paint(rng, np.concatenate(lumps))


def screen(rng: Rng, s: float) -> Surface:
    """A monitor or television on a foot: dark front, any frame."""
    w = rng.uniform(0.4, 1.2)
    panel = _at(box(rng, (w, rng.uniform(0.03, 0.08), w * 0.58), s), 0, 0, 0.1)
    foot = np.concatenate([cylinder(rng, 0.02, 0.12, s), cylinder(rng, w / 5, 0.02, s)])
    dark = np.full(3, rng.uniform(0.02, 0.2), np.float32)
    return join([Surface.of(panel, painted(rng, panel, dark, 0.2)), _paint(rng, foot)])


def laptop(rng: Rng, s: float) -> Surface:
    """An open laptop."""
    base = box(rng, (0.34, 0.24, 0.02), s)
    lid = patch(rng, (-0.17, 0.12, 0.02), (0.34, 0, 0), (0, 0.08, 0.22), s)
    return _paint(rng, np.concatenate([base, lid]), pattern=0)


def vessel(rng: Rng, s: float) -> Surface:
    """A bottle, vase, cup or pot: stacked frustums."""
    r, h = rng.uniform(0.03, 0.12), rng.uniform(0.07, 0.3)
    middle, top = r * rng.uniform(0.8, 1.5), r * rng.uniform(0.3, 1.2)
    body = cylinder(rng, r, h * 0.6, s, middle, lid=False)
    neck = _at(cylinder(rng, middle, h * 0.4, s, top), 0, 0, h * 0.6)
    return _paint(rng, np.concatenate([body, neck]))


def plant(rng: Rng, s: float) -> Surface:
    """A pot with leaves."""
    scale = rng.uniform(0.4, 1.6)
    pot = cylinder(rng, 0.1 * scale, 0.2 * scale, s, 0.13 * scale)
    count = int(600 * scale * (0.015 / s))
    crown = rng.normal((0, 0, 0.5 * scale), 0.14 * scale, (count, 3))
    crown[:, 2] = np.maximum(crown[:, 2], 0.15 * scale)
    green = np.array([0.15, rng.uniform(0.25, 0.5), 0.12])
    leaves = Surface.of(crown, painted(rng, crown.astype(np.float32), green, 0.5))
    return join([_paint(rng, pot), leaves])


def basin(rng: Rng, s: float) -> Surface:
    """A toilet or washbasin on a foot."""
    w, h = rng.uniform(0.38, 0.6), rng.uniform(0.38, 0.8)
    bowl = _at(ellipsoid(rng, (w, w * 1.1, 0.25), s, 3), 0, 0, h - 0.2)
    foot = box(rng, (w * 0.5, w * 0.6, h - 0.1), s)
    tank = _at(box(rng, (w, 0.18, 0.35), s), 0, w * 0.55, h - 0.05)
    white = np.full(3, rng.uniform(0.75, 0.95), np.float32)
    points = np.concatenate([bowl, foot, tank] if rng.random() < 0.6 else [bowl, foot])
    return Surface.of(points, painted(rng, points, white, 0))


def picture(rng: Rng, s: float) -> Surface:
    """A picture, mirror, board or clock to hang on a wall."""
    w, h = rng.uniform(0.25, 1.3), rng.uniform(0.25, 0.9)
    return _paint(rng, box(rng, (w, rng.uniform(0.02, 0.06), h), s, "xXyzZ"), pattern=0.8)


def wall_unit(rng: Rng, s: float) -> Surface:
    """A cupboard, air conditioner or shelf to hang on a wall."""
    size = (rng.uniform(0.4, 1.8), rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.8))
    return _paint(rng, box(rng, size, s))


def curtain(rng: Rng, s: float) -> Surface:
    """A folded curtain or hanging towel."""
    w, h = rng.uniform(0.4, 2.4), rng.uniform(0.8, 2.3)
    sheet = patch(rng, (-w / 2, 0, 0), (w, 0, 0), (0, 0, h), s)
    depth = rng.uniform(0.01, 0.05) * np.sin(sheet[:, 0] * rng.uniform(20, 60))
    sheet[:, 1] = depth - 0.06
    return _paint(rng, sheet, pattern=0.6)


def pendant(rng: Rng, s: float) -> Surface:
    """A lamp below the ceiling; its top is the hook."""
    shade = ellipsoid(rng, rng.uniform((0.2, 0.2, 0.15), (0.6, 0.6, 0.4)).tolist(), s, 3)
    cord = _at(cylinder(rng, 0.01, rng.uniform(0.05, 0.8), s), 0, 0, float(shade[:, 2].max()))
    return _paint(rng, np.concatenate([shade, cord]))


def rug(rng: Rng, s: float) -> Surface:
    """A carpet."""
    size = (rng.uniform(0.8, 2.5), rng.uniform(0.6, 1.8), 0.012)
    return _paint(rng, box(rng, size, s, "Z"), pattern=0.8)


@dataclass(frozen=True)
class Kind:
    """How often a kind of thing occurs at a place, and how to make it."""

    make: Make
    weight: float


PROCEDURAL: dict[str, Sequence[Kind]] = {
    "wallside": (Kind(cupboard, 4), Kind(shelf, 2), Kind(sofa, 1.5), Kind(bed, 1.2),
                 Kind(desk, 1.5), Kind(table, 1), Kind(basin, 0.7), Kind(crate, 0.5)),
    "floor": (Kind(table, 2), Kind(chair, 3), Kind(stool, 1.2), Kind(lamp, 0.6), Kind(bin_, 1.5),
              Kind(crate, 1.2), Kind(bag, 1.2), Kind(plant, 0.7), Kind(sofa, 0.7)),
    "small": (Kind(crate, 1), Kind(vessel, 2), Kind(books, 1), Kind(laptop, 0.7), Kind(screen, 1.5),
              Kind(pillow, 1), Kind(bag, 0.7), Kind(plant, 0.3)),
    "wall": (Kind(picture, 3), Kind(wall_unit, 2), Kind(curtain, 3)),
    "ceiling": (Kind(pendant, 1),),
    "rug": (Kind(rug, 1),),
}  # fmt: skip


def make(rng: Rng, place: str, spacing: float) -> Surface:
    """Make a random thing for a place.

    Args:
        rng: Decides everything.
        place: "wallside", "floor", "small" (on other things), "wall", "ceiling" or "rug".
        spacing: Distance of the samples in metres.
    """
    kinds = PROCEDURAL[place]
    weights = np.array([k.weight for k in kinds])
    chosen = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
    return chosen.make(rng, spacing)
