"""Canvases with people at many scales, to train the detector on.

A canvas shows one photo at a random scale and place, or four. LSPE's photos name one person
and may show others, and so do COCO's where only people with labelled joints have a box: what
lies outside of the boxes counts little as "nobody".
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io
from numpy.typing import NDArray

from models.clickpose.compact.frame import box_of
from models.clickpose.training.coco import photos_of
from models.clickpose.training.labelled import read_photo
from models.clickpose.training.lspe import read_lspe

Floats = NDArray[np.float64]
CANVAS, CELL = 320, 8
SMALLEST = 2 * CELL
"""Longer side of a person, pixels of the canvas; smaller ones are neither people nor nobody."""
UNSURE = 0.15
"""Weight of "nobody" where people may be unlabelled."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo with boxes of people.

    Attributes:
        path: The photo.
        boxes: (left, top, right, bottom), pixels, [n, 4].
        crowds: Boxes of people who are not told apart, [m, 4].
        complete: Whether everyone is labelled.
    """

    path: Path
    boxes: Floats
    crowds: Floats
    complete: bool


@dataclass(frozen=True, eq=False)
class Canvas:
    """A training picture.

    Attributes:
        rgb: [CANVAS, CANVAS, 3].
        boxes: [n, 4] pixels of the canvas.
        weights: How much a cell counts as "nobody", [CANVAS / 8, CANVAS / 8].
    """

    rgb: NDArray[np.uint8]
    boxes: Floats
    weights: NDArray[np.float32]


def from_lspe(folder: Path) -> list[Scene]:
    """Return LSPE's training photos; a box is the joints' with a margin of 6 % a side."""
    scenes = []
    for person in read_lspe(folder, held_back=False):
        box = box_of(person.joints[person.known])
        grown = box + np.array([-1, -1, 1, 1]) * 0.06 * (box[2:] - box[:2]).max()
        scenes.append(Scene(person.path, grown[None], np.zeros((0, 4)), False))
    return scenes


def from_clothing(folder: Path) -> list[Scene]:
    """Return the Clothing Co-Parsing photos with pixel labels: one whole person each."""
    scenes = []
    for path in sorted((folder / "annotations" / "pixel-level").glob("*.mat")):
        rows, columns = np.nonzero(scipy.io.loadmat(str(path))["groundtruth"])
        if not len(rows):
            continue
        box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
        photo = folder / "photos" / f"{path.stem}.jpg"
        scenes.append(Scene(photo, box.astype(np.float64), np.zeros((0, 4)), True))
    return scenes


def from_coco(table: Path, photos: Path, reserved: set[int], complete: bool = True) -> list[Scene]:
    """Return the photos of a COCO file that are there and not reserved.

    Args:
        table: COCO JSON with boxes of people, of other things too or not.
        photos: Folder of photos named by their number.
        reserved: Photo numbers left out.
        complete: Whether the table names everyone; if it does not, photos without a named person
            say nothing and are left out.
    """
    content: dict[str, Any] = json.loads(table.read_text())
    person = {c["id"] for c in content["categories"] if c["name"] == "person"}
    found: dict[int, tuple[list[Any], list[Any]]] = {i["id"]: ([], []) for i in content["images"]}
    for one in content["annotations"]:
        if one["category_id"] in person and one["image_id"] in found:
            found[one["image_id"]][bool(one.get("iscrowd"))].append(one["bbox"])
    return [
        Scene(path, _corners(found[key][0]), _corners(found[key][1]), complete)
        for key, path in photos_of(content, photos, reserved).items()
        if complete or found[key][0]
    ]


def from_empty(photos: Path, reserved: set[int]) -> list[Scene]:
    """Return the photos of a folder, named by their number, as photos that show nobody."""
    nobody = np.zeros((0, 4))
    paths = [path for path in sorted(photos.glob("*.jpg")) if int(path.stem) not in reserved]
    return [Scene(path, nobody, nobody, True) for path in paths]


def _corners(boxes: list[Any]) -> Floats:
    array = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:]], axis=1)


def canvas_of(scenes: list[Scene], random: np.random.Generator) -> Canvas:
    """Place one scene, or four in quarters, on a canvas."""
    rgb = np.full((CANVAS, CANVAS, 3), 127, np.uint8)
    weights = np.ones((CANVAS // CELL,) * 2, np.float32)
    boxes: list[Floats] = [np.zeros((0, 4))]
    half = int(random.integers(CANVAS * 3 // 8, CANVAS * 5 // 8)) // CELL * CELL
    ends = (0, half, CANVAS)
    quarters = [(a, b) for a in (0, 1) for b in (0, 1)]
    cells = quarters if len(scenes) >= len(quarters) else [None]
    for scene, cell in zip(scenes, cells, strict=False):
        top, bottom = (0, CANVAS) if cell is None else ends[cell[0] : cell[0] + 2]
        left, right = (0, CANVAS) if cell is None else ends[cell[1] : cell[1] + 2]
        part, found, counted = _placed(scene, right - left, bottom - top, random)
        rgb[top:bottom, left:right] = part
        weights[top // CELL : bottom // CELL, left // CELL : right // CELL] = counted
        boxes.append(found + np.array([left, top, left, top]))
    return Canvas(_recoloured(rgb, random), np.concatenate(boxes), weights)


def _placed(
    scene: Scene, wide: int, high: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], Floats, NDArray[np.float32]]:
    photo = read_photo(scene.path)
    scale = _scale(scene, photo.shape, wide, high, random)
    mirrored = random.random() < 0.5
    if len(scene.boxes):
        focus = scene.boxes[random.integers(len(scene.boxes))]
        centre = (focus[:2] + focus[2:]) / 2
        spread = 0.5 * np.maximum(np.array([wide, high]) - scale * (focus[2:] - focus[:2]), 20)
        target = np.array([wide, high]) / 2 + random.uniform(-1, 1, 2) * spread
        target = _covering(target, centre * scale, np.array(photo.shape[1::-1]) * scale, wide, high)
    else:
        centre = random.uniform(0.2, 0.8, 2) * np.array(photo.shape[1::-1])
        target = np.array([wide, high]) / 2
    matrix = np.array([[scale, 0, target[0] - scale * centre[0]],
                       [0, scale, target[1] - scale * centre[1]]])  # fmt: skip
    if mirrored:
        matrix[0] = [-scale, 0, wide - matrix[0, 2]]
    small, warp = _shrunk(photo, matrix)
    rgb = cv2.warpAffine(small, warp, (wide, high), borderValue=(127, 127, 127))
    counted = _counted(scene, matrix, wide, high)
    return np.asarray(rgb, np.uint8), _inside(_moved(scene.boxes, matrix), wide, high), counted


def _scale(
    scene: Scene, shape: tuple[int, ...], wide: int, high: int, random: np.random.Generator
) -> float:
    """Choose by the length that a person shall have on the canvas."""
    side = min(wide, high)
    if not len(scene.boxes):
        return float(side / max(shape[:2]) * np.exp(random.uniform(-0.2, 0.8)))
    focus = scene.boxes[random.integers(len(scene.boxes))]
    length = np.exp(random.uniform(np.log(0.12), np.log(1.05))) * side
    # a small photo would leave most of the canvas empty
    least = 0.85 * side / max(shape[:2])
    return float(np.clip(length / (focus[2:] - focus[:2]).max(), least, max(least, 4.0)))


def _covering(target: Floats, centre: Floats, size: Floats, wide: int, high: int) -> Floats:
    """Move where a photo's point [2] lands, so that the photo leaves as little empty as it can."""
    space = np.array([wide, high]) - size
    low, high_end = np.minimum(space, 0), np.maximum(space, 0)
    moved: Floats = np.clip(target - centre, low, high_end) + centre
    return moved


def _shrunk(photo: NDArray[np.uint8], matrix: Floats) -> tuple[NDArray[np.uint8], Floats]:
    shrink = int(1 / max(abs(matrix[1, 1]), 1e-3))
    if shrink < 2:
        return photo, matrix
    size = (max(photo.shape[1] // shrink, 1), max(photo.shape[0] // shrink, 1))
    factors = np.array([photo.shape[1] / size[0], photo.shape[0] / size[1]])
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    scaled = np.concatenate([matrix[:, :2] * factors, matrix[:, 2:]], axis=1)
    return np.asarray(small, np.uint8), scaled


def _moved(boxes: Floats, matrix: Floats) -> Floats:
    ends = np.stack([boxes[:, :2], boxes[:, 2:]]) @ matrix[:, :2].T + matrix[:, 2]
    moved: Floats = np.concatenate([ends.min(0), ends.max(0)], axis=1)
    return moved


def _inside(boxes: Floats, wide: int, high: int) -> Floats:
    """Clip boxes; small ones and those with less than 30 % in the picture are gone."""
    clipped = np.clip(boxes, 0, np.array([wide, high, wide, high]))
    sizes = [np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (clipped, boxes)]
    big = (clipped[:, 2:] - clipped[:, :2]).max(axis=1, initial=0) >= SMALLEST
    kept: Floats = clipped[(sizes[0] > 0.3 * sizes[1]) & big]
    return kept


def _counted(scene: Scene, matrix: Floats, wide: int, high: int) -> NDArray[np.float32]:
    weights = np.full((high // CELL, wide // CELL), 1.0 if scene.complete else UNSURE, np.float32)
    for box in _moved(scene.boxes, matrix):
        _fill(weights, box, 1.0)
    gone = _moved(scene.boxes, matrix)
    kept = {tuple(b) for b in np.clip(gone, 0, np.array([wide, high, wide, high]))}
    shown = {tuple(b) for b in _inside(gone, wide, high)}
    for box in [*(np.array(b) for b in kept - shown), *_moved(scene.crowds, matrix)]:
        _fill(weights, box, 0.0)
    return weights


def _fill(weights: NDArray[np.float32], box: Floats, value: float) -> None:
    left, top, right, bottom = np.clip(np.round(box / CELL), 0, 1e4).astype(int)
    weights[top:bottom, left:right] = value


def _recoloured(rgb: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    gain = np.exp(random.normal(0, 0.15)) * np.exp(random.normal(0, 0.04, 3))
    pixels = ((rgb.astype(np.float32) - 127) * np.exp(random.normal(0, 0.12)) + 127) * gain
    out: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return out
