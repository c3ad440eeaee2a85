"""The correction loop: persons whose clicked joints stay where they were put.

The published code means to freeze a clicked joint but writes the freeze into a copy, so the
joint drifts, and forgets it in the next round. Here every person carries the joints that were
clicked; the network holds them through all pose layers, and their coordinates are put back
unrounded. `pin=False` gives the published behaviour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.clickpose.network import ClickPose, Encoding, OnStage
from models.clickpose.preprocess import LONG, SHORT, batched, input_size, normalised, resized

Floats = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a photo; edits return another one.

    Attributes:
        joints: (x, y) in the photo's pixels, [K, 2].
        box: (left, top, right, bottom), pixels, [4].
        fixed: Whether each joint was put where it is by hand, [K].
        score: Probability that this is a person, 0..1; None before the network has seen it.
    """

    joints: Floats
    box: Floats
    fixed: NDArray[np.bool_]
    score: float | None = None

    def click(self, places: Mapping[int, Point]) -> "Person":
        """Put joints, by index, to (x, y) and fix them; the box grows to hold all joints.

        Raises:
            ValueError: If there is no such joint, or a coordinate is not finite.
        """
        joints, fixed = self.joints.copy(), self.fixed.copy()
        for joint, place in places.items():
            self._check(joint)
            if not np.isfinite(place).all():
                raise ValueError(f"joint {joint} cannot be put to {place}")
            joints[joint], fixed[joint] = place, True
        return replace(self, joints=joints, fixed=fixed, box=_covering(self.box, joints))

    def release(self, joints: Iterable[int]) -> "Person":
        """Let fixed joints move again, from where they are.

        Raises:
            ValueError: If there is no such joint.
        """
        fixed = self.fixed.copy()
        for joint in joints:
            self._check(joint)
            fixed[joint] = False
        return replace(self, fixed=fixed)

    def _check(self, joint: int) -> None:
        if not 0 <= joint < len(self.joints):
            raise ValueError(f"there is no joint {joint}; a person has {len(self.joints)}")


@dataclass(frozen=True)
class PhotoEncoding:
    """A photo's encoding and its size.

    Attributes:
        width: Of the photo, pixels.
        height: Of the photo, pixels.
        encoding: Of a batch of one.
    """

    width: int
    height: int
    encoding: Encoding


class PosePredictor:
    """Finds and corrects persons in pixels of the photo.

    Args:
        network: On any device, in evaluation mode.
        short: Shorter side of the network's input, pixels.
        long: What its longer side may not exceed, pixels.
        pin: Hold clicked joints; otherwise they drift as in the published code.
    """

    def __init__(
        self, network: ClickPose, *, short: int = SHORT, long: int = LONG, pin: bool = True
    ) -> None:
        self.network = network
        self.short, self.long, self.pin = short, long, pin

    @torch.inference_mode()
    def encode(self, photo: NDArray[np.uint8], on_stage: OnStage | None = None) -> PhotoEncoding:
        """Encode a photo; everything that corrections need is kept in the result.

        Args:
            photo: RGB, [H, W, 3].
            on_stage: Told the fraction done; may raise to stop.

        Raises:
            ValueError: If the photo is not [H, W, 3] bytes.
        """
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise ValueError(f"a photo is [H, W, 3] bytes, not {photo.shape} {photo.dtype}")
        high, wide = photo.shape[:2]
        size = input_size(wide, high, self.short, self.long)
        images, padding = batched([normalised(resized(photo, *size))])
        device = self.network.label_enc.weight.device
        encoding = self.network.encode(images.to(device), padding.to(device), on_stage=on_stage)
        return PhotoEncoding(wide, high, encoding)

    def people(self, photo: PhotoEncoding, threshold: float = 0.2, limit: int = 20) -> list[Person]:
        """Persons of the first pass, best first.

        Args:
            photo: From `encode`.
            threshold: Least score, 0..1.
            limit: Most persons.
        """
        poses = photo.encoding.poses
        scores = poses.logits[0, :, 1].sigmoid()
        order = scores.argsort(descending=True, stable=True)[:limit]
        return [
            self._person(photo, poses.boxes[0, row], poses.joints[0, row], float(scores[row]))
            for row in order.tolist()
            if scores[row] >= threshold
        ]

    def in_box(self, photo: PhotoEncoding, box: Iterable[float]) -> Person:
        """Find the person in a box (left, top, right, bottom), pixels.

        The joints start where the network expects them in a box of its best rank.

        Raises:
            ValueError: If the box is empty or not finite.
        """
        edges = np.asarray(tuple(box), dtype=np.float64)
        if edges.shape != (4,) or not np.isfinite(edges).all() or (edges[2:] <= edges[:2]).any():
            raise ValueError(f"a person's box needs left < right and top < bottom, not {edges}")
        joints = self._template(edges)
        return self.refine(photo, [Person(joints, edges, np.zeros(len(joints), np.bool_))])[0]

    @torch.inference_mode()
    def refine(self, photo: PhotoEncoding, persons: list[Person]) -> list[Person]:
        """Let the joints of persons that were not clicked follow those that were.

        Persons do not influence each other: give those that were clicked, keep the others.

        Args:
            photo: From `encode`.
            persons: With any number of fixed joints, none included.

        Returns:
            The same persons. With `pin`, fixed joints are exactly where they were and inside
            the box.
        """
        if not persons:
            return []
        device = self.network.label_enc.weight.device
        scale = np.array([photo.width, photo.height], dtype=np.float64)
        boxes = np.stack([p.box for p in persons]) / np.tile(scale, 2)
        centred = np.concatenate(
            [(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1
        )
        joints = np.stack([p.joints for p in persons]) / scale
        fixed = np.stack([p.fixed for p in persons])
        given = (torch.from_numpy(a[None]).float().to(device) for a in (centred, joints, ~fixed))
        poses = self.network.refine(
            photo.encoding, *(next(given), next(given)), next(given) if self.pin else None
        )
        scores = poses.logits[0, :, 1].sigmoid().tolist()
        found = zip(poses.boxes[0], poses.joints[0], scores, strict=True)
        moved = [self._person(photo, *one) for one in found]
        return [self._held(old, new) for old, new in zip(persons, moved, strict=True)]

    def _held(self, old: Person, new: Person) -> Person:
        if not self.pin:
            return replace(new, fixed=old.fixed)
        joints = np.where(old.fixed[:, None], old.joints, new.joints)
        box = _covering(new.box, joints[old.fixed])
        return replace(new, joints=joints, box=box, fixed=old.fixed)

    def _person(
        self, photo: PhotoEncoding, box: torch.Tensor, joints: torch.Tensor, score: float
    ) -> Person:
        scale = np.array([photo.width, photo.height], dtype=np.float64)
        cx, cy, w, h = box.double().tolist()
        edges = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]) * np.tile(scale, 2)
        places = joints.double().cpu().numpy() * scale
        return Person(places, edges, np.zeros(len(places), np.bool_), score)

    @torch.inference_mode()
    def _template(self, box: Floats) -> Floats:
        """Joints in a box, at the learned offsets of the best rank scaled to it."""
        decoder = self.network.transformer.decoder
        content = decoder.keypoint_embed.weight[: self.network.config.keypoints]
        shift = decoder.pose_embed[-1](content).sigmoid().double().cpu().numpy()
        joints: Floats = box[:2] + shift * (box[2:] - box[:2])
        return joints


def _covering(box: Floats, joints: Floats) -> Floats:
    """The box, enlarged to hold joints [n, 2]; never shrunk."""
    if not len(joints):
        return box
    return np.concatenate([np.minimum(box[:2], joints.min(0)), np.maximum(box[2:], joints.max(0))])
