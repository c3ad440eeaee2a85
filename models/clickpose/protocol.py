"""The published protocol of simulated corrections: who is whom, and which joint is worst."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from models.clickpose.decoder import Poses

COCO_SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
    *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""Per-keypoint deviations of COCO's object keypoint similarity."""


def similarity(
    joints: Tensor, truth: Tensor, visible: Tensor, area: Tensor, sigmas: Tensor
) -> Tensor:
    """Object keypoint similarity, mean over the labelled joints.

    Args:
        joints: [..., K, 2].
        truth: [..., K, 2], in the same units.
        visible: Positive where labelled, [..., K].
        area: Of the person, units squared, [...].
        sigmas: [K].

    Returns:
        0..1, [...]; 0 where nothing is labelled.
    """
    distance = (joints - truth).square().sum(-1)
    spread = (2 * sigmas).square() * (area[..., None] + 1e-9) * 2
    labelled = (visible > 0).to(distance.dtype)
    hits = torch.exp(-distance / spread) * labelled
    return hits.sum(-1) / (labelled.sum(-1) + 1e-9)


def match_cost(
    poses: Poses, truth: Tensor, visible: Tensor, area: Tensor, sigmas: Tensor
) -> Tensor:
    """Cost of taking each prediction of one photo for each true person.

    Twice the focal class cost, ten times the L1 distance of the labelled joints over their
    number, four times one minus the similarity.

    Args:
        poses: Of a batch of one, n predictions.
        truth: Joints in 0..1, [m, K, 2].
        visible: [m, K].
        area: Relative to the photo's area, [m].
        sigmas: [K].

    Returns:
        [n, m].
    """
    chance = poses.logits[0, :, 1:2].sigmoid()
    hit = 0.25 * (1 - chance) ** 2 * -(chance + 1e-8).log()
    miss = 0.75 * chance**2 * -(1 - chance + 1e-8).log()
    joints = poses.joints[0][:, None]
    labelled = (visible > 0).to(truth.dtype)
    distance = ((joints - truth[None]).abs() * labelled[None, ..., None]).sum((-1, -2))
    like = similarity(joints, truth[None], visible[None], area[None], sigmas)
    return 2 * (hit - miss) + 10 * distance + 4 * (1 - like)


def match(cost: Tensor) -> list[tuple[int, int]]:
    """Assign predictions to persons at least total cost: (prediction, person) pairs."""
    rows, columns = linear_sum_assignment(cost.cpu().numpy())
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True)]


def worst_joint(joints: Tensor, truth: Tensor, visible: Tensor) -> int:
    """The labelled joint with the largest |dx| + |dy|; [K, 2], [K, 2], [K]."""
    return int(((joints - truth).abs().sum(-1) * visible).argmax())


def corrected(joints: Tensor, boxes: Tensor, clicks: list[tuple[int, int, Tensor]]) -> Poses:
    """Put clicked joints in place and enlarge their persons' boxes to hold all joints.

    Args:
        joints: [n, K, 2] in 0..1.
        boxes: (cx, cy, w, h), [n, 4].
        clicks: Person, joint, (x, y) each.

    Returns:
        A batch of one without logits, ready for `ClickPose.refine`.
    """
    joints, boxes = joints.clone(), boxes.clone()
    for person, joint, place in clicks:
        joints[person, joint] = place
        low = torch.minimum(boxes[person, :2] - boxes[person, 2:] / 2, joints[person].amin(0))
        high = torch.maximum(boxes[person, :2] + boxes[person, 2:] / 2, joints[person].amax(0))
        boxes[person] = torch.cat([(low + high) / 2, high - low])
    return Poses(boxes.new_zeros(1, len(boxes), 0), boxes[None], joints[None])


def kept(poses: Poses, width: int, height: int, count: int) -> dict[str, NDArray[np.float32]]:
    """The best (person, class) pairs of one photo, in pixels, as published.

    All classes compete, so that one person may appear twice.

    Returns:
        scores [n], labels [n], boxes [n, 4] (left, top, right, bottom), joints [n, K, 2].
    """
    chances = poses.logits[0].sigmoid()
    best, order = chances.flatten().topk(min(count, chances.numel()))
    rows = order // chances.shape[1]
    scale = poses.boxes.new_tensor([width, height])
    centre, size = poses.boxes[0, rows, :2], poses.boxes[0, rows, 2:]
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1) * scale.repeat(2)
    out = {
        "scores": best,
        "labels": order % chances.shape[1],
        "boxes": boxes,
        "joints": poses.joints[0, rows] * scale,
    }
    return {name: value.float().cpu().numpy() for name, value in out.items()}
