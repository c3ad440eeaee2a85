"""What stands out of doors: primitives put together, standing on z = 0, facing -y."""

from collections.abc import Callable

import numpy as np

from models.agile3d.synthetic.surfaces import (
    Float,
    Rng,
    Surface,
    box,
    cylinder,
    disc,
    ellipsoid,
    join,
    patch,
)
from models.agile3d.synthetic.textures import any_colour, painted, saturated, smooth_field

Make = Callable[[Rng, float], Surface]


def _at(points: Float, *offset: float) -> Float:
    return points + np.asarray(offset, np.float32)


def _of(rng: Rng, points: Float, colour: np.ndarray, pattern: float = 0.2) -> Surface:
    return Surface.of(points, painted(rng, points, colour, pattern))


def _green(rng: Rng) -> np.ndarray:
    return np.array([rng.uniform(0.12, 0.4), rng.uniform(0.25, 0.5), rng.uniform(0.06, 0.2)])


def _tilted(points: Float, lean: np.ndarray) -> Float:
    """Shear upright points so that they lean by `lean` [2] metres a metre."""
    shift = np.c_[points[:, 2:] * lean, np.zeros(len(points))]
    tilted: Float = points + shift.astype(np.float32)
    return tilted


def _leaves(rng: Rng, size: np.ndarray, s: float, fill: float) -> Float:
    """Sample foliage: tufts of points in an ellipsoid on z = 0, denser near its surface."""
    area = 4 * np.pi * float((size / 2).mean()) ** 2
    tufts = rng.normal(size=(max(6, int(area * 2.5)), 3))
    tufts /= np.linalg.norm(tufts, axis=1, keepdims=True)
    tufts *= rng.uniform(0.55, 1.0, (len(tufts), 1)) * size / 2
    count = int(fill * area / s**2)
    spread = rng.uniform(0.12, 0.3)
    points = tufts[rng.integers(len(tufts), size=count)] + rng.normal(0, spread, (count, 3))
    points[:, 2] = np.maximum(points[:, 2] + size[2] / 2, 0.02)
    return points.astype(np.float32)


def tree(rng: Rng, s: float) -> Surface:
    """A tree: leaning trunk, a few boughs, a crown that is round, tall or a cone."""
    height = rng.uniform(3.0, 11.0)
    trunk = rng.uniform(0.25, 0.5) * height
    radius = rng.uniform(0.015, 0.03) * height
    wood = [cylinder(rng, radius, trunk + 0.25 * height, s, radius * 0.5)]
    for _ in range(int(rng.integers(0, 5))):
        lean = rng.normal(0, 0.6, 2)
        bough = cylinder(rng, radius * 0.4, 0.3 * height, s, radius * 0.15)
        wood.append(_at(_tilted(bough, lean), 0, 0, trunk))
    size = np.array([*rng.uniform(0.35, 0.75, 2), 1.0]) * (height - trunk)
    crown = _at(_leaves(rng, size, s, rng.uniform(0.5, 1.2)), 0, 0, trunk)
    if rng.random() < 0.25:
        narrow = np.clip((height - crown[:, 2:]) / (height - trunk), 0.05, 1) * 1.3
        crown[:, :2] *= narrow
    bark = np.array([0.35, 0.28, 0.22]) * rng.uniform(0.5, 1.4)
    made = join([_of(rng, np.concatenate(wood), bark, 0.5), _of(rng, crown, _green(rng), 0.7)])
    return Surface(_tilted(made.xyz, rng.normal(0, 0.04, 2)), made.rgb, made.part)


def bush(rng: Rng, s: float) -> Surface:
    """A bush of 0.5 to 2 m."""
    size = rng.uniform((0.5, 0.5, 0.4), (2.4, 2.2, 1.8))
    return _of(rng, _leaves(rng, size, s, rng.uniform(0.8, 1.5)), _green(rng), 0.7)


def hedge(rng: Rng, s: float) -> Surface:
    """A trimmed hedge of 2 to 8 m with a rough surface."""
    size = rng.uniform((2.0, 0.4, 0.6), (8.0, 1.0, 2.0)).tolist()
    points = box(rng, size, s, "xXyYZ")
    rough = rng.normal(0, rng.uniform(0.02, 0.06), points.shape)
    return _of(rng, (points + rough).astype(np.float32), _green(rng), 0.7)


def car(rng: Rng, s: float) -> Surface:
    """A car: lower body, narrower cabin with dark panes, four wheels; or a van."""
    van = rng.random() < 0.25
    length, width = rng.uniform(3.6, 4.9), rng.uniform(1.6, 1.95)
    low = rng.uniform(0.6, 0.85)
    height = rng.uniform(1.9, 2.4) if van else rng.uniform(1.35, 1.75)
    clear = rng.uniform(0.15, 0.3)
    body = _at(ellipsoid(rng, (length, width, low), s, 8), 0, 0, clear)
    cabin = length * (0.85 if van else rng.uniform(0.45, 0.65))
    upper = ellipsoid(rng, (cabin, width * 0.92, (height - low - clear) * 2), s, 5)
    upper = _at(upper[upper[:, 2] > (height - low - clear)], 0, 0, 2 * (low + clear) - height)
    shell = np.concatenate([body, _at(upper, rng.uniform(-0.2, 0.3), 0, 0)])
    paint = any_colour(rng) if rng.random() < 0.7 else saturated(rng)
    rgb = painted(rng, shell, paint, 0.1)
    glass = (shell[:, 2] > low + clear + 0.08) & (shell[:, 2] < height - 0.12)
    rgb[glass & (rng.random() < 0.8)] *= 0.3
    seen = ~glass | (rng.random(len(shell)) < rng.uniform(0.3, 1.0))
    wheel = _wheel(rng, rng.uniform(0.28, 0.36), s)
    x, y = length * 0.31, width / 2 - 0.08
    wheels = np.concatenate([_at(wheel, a, b, 0) for a in (-x, x) for b in (-y, y)])
    dark = np.full(3, rng.uniform(0.05, 0.2), np.float32)
    return join([Surface.of(shell[seen], rgb[seen]), _of(rng, wheels, dark)])


def _wheel(rng: Rng, radius: float, s: float) -> Float:
    """A wheel that rolls along x."""
    flat = np.concatenate([cylinder(rng, radius, 0.2, s), disc(rng, radius, s)])
    return np.stack([flat[:, 0], flat[:, 2] - 0.1, flat[:, 1] + radius], axis=1)


def bicycle(rng: Rng, s: float) -> Surface:
    """A bicycle or scooter: two thin wheels, a frame and a saddle."""
    radius = rng.uniform(0.28, 0.36)
    wheel = _wheel(rng, radius, s)
    wheel[:, 1] *= 0.2
    bar = patch(rng, (-0.5, -0.02, radius), (1.0, 0, 0.15), (0, 0.04, 0.1), s)
    post = cylinder(rng, 0.025, 0.65, s)
    saddle = box(rng, (0.25, 0.14, 0.06), s)
    handle = box(rng, (0.06, 0.5, 0.05), s)
    wheels = [_at(wheel, x, 0, 0) for x in (-0.5, 0.5)]
    posts = [_at(post, -0.2, 0, 0.3), _at(post, 0.4, 0, 0.35)]
    parts = [*wheels, *posts, bar, _at(saddle, -0.2, 0, 0.95), _at(handle, 0.4, 0, 1.0)]
    return _of(rng, np.concatenate(parts), any_colour(rng))


def pole(rng: Rng, s: float) -> Surface:
    """A lamp post, a traffic sign, a traffic light or a bare pole."""
    kind = rng.random()
    height = rng.uniform(4.0, 8.0) if kind < 0.4 else rng.uniform(2.0, 3.6)
    radius = rng.uniform(0.03, 0.1)
    post = [cylinder(rng, radius, height, s, radius * rng.uniform(0.6, 1.0))]
    metal = np.full(3, rng.uniform(0.2, 0.7), np.float32)
    if kind < 0.4:
        arm = rng.uniform(0.4, 1.8)
        post.append(_at(box(rng, (arm, 0.07, 0.07), s), arm / 2, 0, height - 0.1))
        post.append(_at(ellipsoid(rng, (0.6, 0.25, 0.15), s), arm, 0, height - 0.2))
        return _of(rng, np.concatenate(post), metal)
    if kind < 0.85:
        w, h = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.9)
        plate = box(rng, (w, rng.choice([0.03, 0.25]), h), s)
        sign = _of(rng, _at(plate, 0, -0.05, height - h), saturated(rng), 0.6)
        return join([_of(rng, post[0], metal), sign])
    return _of(rng, post[0], metal)


def bollard(rng: Rng, s: float) -> Surface:
    """A bollard or hydrant."""
    points = cylinder(rng, rng.uniform(0.05, 0.18), rng.uniform(0.5, 1.1), s)
    return _of(rng, points, any_colour(rng), 0.4)


def person(rng: Rng, s: float) -> Surface:
    """Somebody standing or walking: two legs, a trunk, two arms and a head."""
    h = rng.uniform(1.1, 1.95)
    stride = rng.uniform(0, 0.35)
    leg = cylinder(rng, 0.05 * h, 0.5 * h, s, 0.04 * h)
    legs = [_at(_tilted(leg, np.array([0, k * stride])), k * 0.055 * h, 0, 0) for k in (-1, 1)]
    legs = [_at(part, 0, -0.25 * k * stride * h, 0) for k, part in zip((-1, 1), legs, strict=True)]
    trunk = _at(ellipsoid(rng, (0.26 * h, 0.15 * h, 0.4 * h), s, 3), 0, 0, 0.47 * h)
    arm = cylinder(rng, 0.03 * h, 0.38 * h, s)
    swing = rng.uniform(-0.4, 0.4)
    arms = [_at(_tilted(arm, np.array([0.1 * k, k * swing])), k * 0.15 * h, 0, 0.45 * h)
            for k in (-1, 1)]  # fmt: skip
    head = _at(ellipsoid(rng, (0.11 * h, 0.13 * h, 0.15 * h), s), 0, 0, 0.86 * h)
    skin = np.array([0.75, 0.58, 0.47]) * rng.uniform(0.4, 1.2)
    return join([_of(rng, np.concatenate(legs), any_colour(rng)), _of(rng, head, skin),
                 _of(rng, np.concatenate([trunk, *arms]), any_colour(rng), 0.3)])  # fmt: skip


def bench(rng: Rng, s: float) -> Surface:
    """A bench with or without a back."""
    w, d, h = rng.uniform(1.2, 2.2), rng.uniform(0.35, 0.5), rng.uniform(0.4, 0.5)
    parts = [_at(box(rng, (w, d, 0.06), s), 0, 0, h)]
    parts += [_at(box(rng, (0.08, d, h), s), x, 0, 0) for x in (-w / 2.5, w / 2.5)]
    if rng.random() < 0.6:
        parts.append(_at(box(rng, (w, 0.05, 0.4), s), 0, d / 2, h + 0.05))
    return _of(rng, np.concatenate(parts), any_colour(rng), 0.4)


def container(rng: Rng, s: float) -> Surface:
    """A waste bin, a cabinet, a crate or a skip."""
    large = rng.random() < 0.2
    size = rng.uniform((1.8, 1.2, 1.0), (4.0, 2.2, 2.2)) if large else rng.uniform(0.4, 1.3, 3)
    return _of(rng, box(rng, size.tolist(), s, "xXyYZ"), any_colour(rng), 0.4)


def stone(rng: Rng, s: float) -> Surface:
    """A boulder or a heap of earth."""
    size = rng.uniform((0.3, 0.3, 0.2), (1.6, 1.4, 0.9)).tolist()
    points = ellipsoid(rng, size, s)
    bumps = 1 + 0.2 * smooth_field(rng, points, 0.6)
    grey = np.full(3, rng.uniform(0.3, 0.6), np.float32)
    return _of(rng, (points * bumps[:, None]).astype(np.float32), grey, 0.8)


def fence(rng: Rng, s: float, length: float | None = None) -> Surface:
    """A fence along x: pickets, rails, wire mesh, or a low wall."""
    length = rng.uniform(2.0, 10.0) if length is None else length
    height = rng.uniform(0.7, 1.9)
    colour = any_colour(rng)
    kind = rng.random()
    if kind < 0.3:
        return _of(rng, box(rng, (length, rng.uniform(0.15, 0.4), height), s, "xXyYZ"), colour, 0.6)
    sheet = patch(rng, (-length / 2, 0, 0), (length, 0, 0), (0, 0, height), s * 0.7)
    if kind < 0.65:
        step = rng.uniform(0.12, 0.3)
        kept = sheet[:, 0] % step < step * rng.uniform(0.3, 0.6)
    elif kind < 0.85:
        kept = sheet[:, 2] % (height / 3) < 0.1
    else:
        kept = rng.random(len(sheet)) < 0.4
    posts = [_at(box(rng, (0.08, 0.08, height * 1.05), s), x, 0, 0)
             for x in np.arange(-length / 2, length / 2 + 0.01, 2.0)]  # fmt: skip
    return _of(rng, np.concatenate([sheet[kept], *posts]), colour)


def building(rng: Rng, s: float, width: float, depth: float) -> Surface:
    """A house whose front looks to -y: walls with openings set back, a roof, balconies.

    Args:
        rng: Decides.
        s: Distance of the samples in metres.
        width: Along x.
        depth: Along y; the front is at y = -depth / 2.
    """
    storey, floors = rng.uniform(2.6, 3.4), int(rng.integers(1, 5))
    height = storey * floors + rng.uniform(0, 0.8)
    walls = [_windowed(rng, w, storey, floors, height, s) for w in (width, width, depth, depth)]
    front, back, left, right = walls
    y, x = depth / 2, width / 2
    faces = [
        front + np.array([0, -y, 0], np.float32),
        back * np.array([1, -1, 1], np.float32) + np.array([0, y, 0], np.float32),
        left[:, [1, 0, 2]] + np.array([-x, 0, 0], np.float32),
        right[:, [1, 0, 2]] * np.array([-1, 1, 1], np.float32) + np.array([x, 0, 0], np.float32),
    ]
    made = np.concatenate(faces)
    wall = _of(rng, made, any_colour(rng) * 0.4 + rng.uniform(0.3, 0.55), 0.4)
    extras = [_roof(rng, width, depth, height, s)]
    for _ in range(int(rng.integers(0, 4)) if floors > 1 else 0):
        balcony = box(rng, (rng.uniform(1.2, 3.0), rng.uniform(0.6, 1.3), 1.0), s, "xXyz")
        place = rng.uniform(-x * 0.6, x * 0.6), -y - 0.5, storey * rng.integers(1, floors)
        extras.append(_of(rng, _at(balcony, *place), any_colour(rng)))
    return join([wall, *extras])


def _windowed(rng: Rng, width: float, storey: float, floors: int, height: float, s: float) -> Float:
    """Sample a wall in the plane y = 0 whose openings lie 0.1 to 0.3 m behind, or are holes."""
    wall = patch(rng, (-width / 2, 0, 0), (width, 0, 0), (0, 0, height), s)
    pitch, share = rng.uniform(1.6, 3.2), rng.uniform(0.35, 0.6)
    sill = rng.uniform(0.7, 1.1)
    across = (wall[:, 0] + width / 2 + 0.3) % pitch / pitch < share
    level = wall[:, 2] % storey
    window = across & (level > sill) & (level < storey - 0.45) & (wall[:, 2] < storey * floors)
    door = np.abs(wall[:, 0] - rng.uniform(-width / 3, width / 3)) < rng.uniform(0.5, 1.4)
    opening = window | (door & (wall[:, 2] < 2.2))
    wall[opening, 1] += rng.uniform(0.08, 0.3)
    # Glass is hardly seen by a laser.
    kept = ~opening | (rng.random(len(wall)) < rng.choice([0.1, 0.5, 1.0]))
    seen: Float = wall[kept]
    return seen


def _roof(rng: Rng, width: float, depth: float, height: float, s: float) -> Surface:
    """A flat roof, or two slopes with eaves."""
    tiles = np.array([0.45, 0.25, 0.2]) * rng.uniform(0.5, 1.3)
    if rng.random() < 0.4:
        flat = patch(rng, (-width / 2, -depth / 2, height), (width, 0, 0), (0, depth, 0), s * 1.5)
        return _of(rng, flat, tiles, 0.3)
    over, rise = rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.9) * depth / 2
    edge, drop = depth / 2 + over, rise * over / (depth / 2)
    slopes = [
        patch(rng, (-width / 2 - over, k * edge, height - drop), (width + 2 * over, 0, 0),
              (0, -k * edge, rise + drop), s * 1.5)
        for k in (-1, 1)
    ]  # fmt: skip
    return _of(rng, np.concatenate(slopes), tiles, 0.4)
