"""What real rooms do to labelled things: clutter, gaps, ghosts, loose borders, other groupings.

Generated scans are too tidy. Real ones have a fifth of their points on things that nobody
labelled, surfaces that such things cut to pieces, layers that do not quite coincide, labels
that end some centimetres beside the edge, and people who call two touching things one.
"""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from models.agile3d.synthetic.scan import Scan
from models.agile3d.synthetic.textures import smooth_field

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int64]
Rng = np.random.Generator


def cluttered(rng: Rng, piece: Scan, most: int = 6) -> Scan:
    """Put copies of the piece's smaller things, or of pieces of things, onto others.

    Args:
        rng: Decides.
        piece: Points, at least one.
        most: Largest number of copies. Half of them are unlabelled, the rest new objects.
    """
    scan = piece
    for _ in range(int(rng.integers(1, most + 1))):
        rows = _some_thing(rng, piece)
        xyz = _laid(rng, piece.xyz[rows], piece.xyz[rng.integers(len(piece.xyz))])
        label = 0 if rng.random() < 0.5 else int(scan.labels.max()) + 1
        rgb = np.clip(piece.rgb[rows] * rng.uniform(0.6, 1.3, 3), 0, 255).astype(np.uint8)
        buried = ((scan.xyz > xyz.min(axis=0)) & (scan.xyz < xyz.max(axis=0))).all(axis=1)
        kept = ~buried | (rng.random(len(scan.xyz)) < 0.15)
        scan = Scan(
            np.concatenate([scan.xyz[kept], xyz]),
            np.concatenate([scan.rgb[kept], rgb]),
            np.concatenate([scan.labels[kept], np.full(len(xyz), label, np.int32)]),
        )
    return scan


def _some_thing(rng: Rng, piece: Scan) -> Int:
    """Return the rows of a small object, or of a ball of points."""
    centre = piece.xyz[rng.integers(len(piece.xyz))]
    ids = np.unique(piece.labels[piece.labels > 0])
    if len(ids) and rng.random() < 0.6:
        rows = np.flatnonzero(piece.labels == rng.choice(ids))
        if np.ptp(piece.xyz[rows], axis=0).max() < 1.2:
            return rows
        centre = piece.xyz[rng.choice(rows)]
    near = ((piece.xyz - centre) ** 2).sum(axis=1) < rng.uniform(0.08, 0.35) ** 2
    return np.flatnonzero(near)


def _laid(rng: Rng, xyz: Float, place: Float) -> Float:
    """Return points turned at random, scaled, and put down with their lowest at a place."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] if rng.random() < 0.3 else _about_z(rng)
    made = (xyz - xyz.mean(axis=0)) @ turn * rng.uniform(0.6, 1.2)
    laid: Float = (made - (0, 0, made[:, 2].min()) + place).astype(np.float32)
    return laid


def _about_z(rng: Rng) -> npt.NDArray[np.float64]:
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def cut(rng: Rng, piece: Scan) -> Scan:
    """Cut bands out of large things, as the shadows of what stands before them do."""
    labels, sizes = np.unique(piece.labels, return_counts=True)
    for _ in range(int(rng.integers(1, 5))):
        rows = np.flatnonzero(piece.labels == rng.choice(labels, p=sizes / sizes.sum()))
        if len(rows) < 50:
            continue
        middle = piece.xyz[rng.choice(rows)]
        angle = rng.uniform(0, 2 * np.pi)
        offset = piece.xyz[rows] - middle
        across = offset[:, 0] * np.cos(angle) + offset[:, 1] * np.sin(angle)
        gone = np.abs(across) < rng.uniform(0.05, 0.35)
        if rng.random() < 0.5:
            gone &= np.abs(offset[:, 2]) < rng.uniform(0.2, 1.5)
        if gone.mean() > 0.6:
            continue
        kept = np.delete(np.arange(len(piece.xyz)), rows[gone])
        piece = Scan(piece.xyz[kept], piece.rgb[kept], piece.labels[kept])
    return piece


def doubled(rng: Rng, xyz: Float) -> Float:
    """Shift a part of the points of a region: views that do not quite coincide."""
    centre = xyz[rng.integers(len(xyz))]
    near = ((xyz - centre) ** 2).sum(axis=1) < rng.uniform(0.5, 2.5) ** 2
    moved = near & (rng.random(len(xyz)) < rng.uniform(0.2, 0.6))
    shift = rng.normal(0, 0.018, 3)
    result: Float = (xyz + moved[:, None] * shift).astype(np.float32)
    return result


def loosened(rng: Rng, xyz: Float, labels: Int) -> Int:
    """Move the borders of labels by some centimetres, smoothly along the border."""
    reach = rng.uniform(0.02, 0.09)
    wave = rng.uniform(0.3, 1.2)
    shift = np.stack([smooth_field(rng, xyz, wave) for _ in range(3)], axis=1) * reach
    _, nearest = cKDTree(xyz).query(xyz + shift)
    moved: Int = labels[nearest]
    return moved


def regrouped(rng: Rng, xyz: Float, labels: Int) -> Int:
    """Join some touching things to one and divide some others: labels follow people's use."""
    labels = labels.copy()
    _, nearest = cKDTree(xyz).query(xyz, k=min(7, len(xyz)))
    pairs = np.stack([np.repeat(labels, nearest.shape[1]), labels[nearest.ravel()]], axis=1)
    touching = np.unique(pairs[(pairs > 0).all(axis=1) & (pairs[:, 0] < pairs[:, 1])], axis=0)
    for a, b in rng.permutation(touching)[: int(rng.integers(0, 3))].tolist():
        labels[labels == b] = a
    ids, sizes = np.unique(labels[labels > 0], return_counts=True)
    for chosen in rng.permutation(ids[sizes > 60])[: int(rng.integers(0, 3))].tolist():
        rows = np.flatnonzero(labels == chosen)
        normal = rng.normal(size=3) * (1, 1, rng.choice([0.1, 3]))
        side = (xyz[rows] - xyz[rng.choice(rows)]) @ normal > 0
        labels[rows[side]] = labels.max() + 1
    return labels


def grained(rng: Rng, xyz: Float, labels: Int, rgb: Float) -> Float:
    """Give every thing a texture of its own: blotches, edges of prints, and grain.

    Args:
        rng: Decides.
        xyz: [N, 3] metres.
        labels: [N] things.
        rgb: [N, 3] in 0..1.
    """
    ids, member = np.unique(labels, return_inverse=True)
    phase = rng.uniform(0, 40, (len(ids), 3))[member].astype(np.float32)
    rough = (rng.uniform(0, 0.3, len(ids)) * (rng.random(len(ids)) < 0.75))[member]
    field = smooth_field(rng, xyz + phase, rng.uniform(0.06, 0.5), 6)
    sharp = rng.random(len(ids))[member] < 0.3
    level = np.where(sharp, np.sign(field) * 0.6, field) * rough
    tint = 1 + rng.normal(0, 0.3, (len(ids), 3))[member]
    grain = rng.normal(0, 1, (len(xyz), 1)) * rng.uniform(0, 0.12, len(ids))[member][:, None]
    result: Float = np.clip(rgb + level[:, None] * tint + grain, 0, 1).astype(np.float32)
    return result
