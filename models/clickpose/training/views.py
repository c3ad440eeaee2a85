"""Augmented views of labelled people."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clickpose.compact.frame import MARGIN, SIDE, Frame, box_of
from models.clickpose.compact.network import MIRROR
from models.clickpose.compact.predictor import BODY
from models.clickpose.training.labelled import Labelled

Floats = NDArray[np.float64]
View = tuple[NDArray[np.uint8], Floats, NDArray[np.bool_]]


def plain_view(person: Labelled) -> View:
    """Return the view as predictions see it: RGB, joints in the view, which are known."""
    return _seen(person, Frame.around(_box(person)), False)


def augmented_view(person: Labelled, random: np.random.Generator) -> View:
    """Return a moved, scaled, turned, perhaps mirrored and recoloured view."""
    box = _box(person)
    size = (box[2:] - box[:2]).max()
    box = box + np.tile(random.uniform(-0.1, 0.1, 2) * size, 2)
    turn = random.normal(0, 0.35) if random.random() < 0.6 else 0.0
    if random.random() < 0.05:
        turn = random.uniform(-np.pi, np.pi)
    mirrored = random.random() < 0.5
    margin = MARGIN * float(np.exp(random.uniform(-0.2, 0.25)))
    rgb, joints, known = _seen(person, Frame.around(box, margin, turn, mirrored), mirrored)
    return _recoloured(rgb, random), joints, known


def _box(person: Labelled) -> Floats:
    """Return the box of the joints; of a body, what would be it in the middle."""
    if person.body is None:
        return box_of(person.joints[person.known])
    spare = (1 - 1 / BODY) / 2 * float((person.body[2:] - person.body[:2]).max())
    box: Floats = person.body + np.array([spare, spare, -spare, -spare])
    return box


def _seen(person: Labelled, frame: Frame, mirrored: bool) -> View:
    joints, known = frame.to_view(person.joints), person.known
    if mirrored:
        joints, known = joints[list(MIRROR)], known[list(MIRROR)]
    inside = ((joints >= 0) & (joints < SIDE)).all(axis=1)
    return frame.cut(person.photo()), joints, known & inside


def _recoloured(rgb: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    pixels: NDArray[np.float32] = rgb.astype(np.float32)
    if random.random() < 0.1:
        pixels[:] = pixels.mean(axis=2, keepdims=True)
    if random.random() < 0.15:
        blurred = cv2.GaussianBlur(pixels, (0, 0), float(random.uniform(0.5, 1.5)))
        pixels = np.asarray(blurred, np.float32)
    gain = np.exp(random.normal(0, 0.15)) * np.exp(random.normal(0, 0.05, 3))
    shifted = (pixels - 127) * np.exp(random.normal(0, 0.15)) + 127
    out: NDArray[np.uint8] = np.clip(shifted * gain, 0, 255).astype(np.uint8)
    return out
