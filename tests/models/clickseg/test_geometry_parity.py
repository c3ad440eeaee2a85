"""Disks and zoom-in boxes are the published ones."""

import numpy as np
import pytest
import torch

from models.clickseg.disks import (
    PlacedClick,
    hard_disks,
    mirror_points,
    pad_points,
    soft_disks,
    stack_points,
)
from models.clickseg.zoom import Box, View, Zoom, box_iou
from tests.models.clickseg.parity import golden, placed

SIZE = (40, 48)


def single_points(centres):
    """One click inside for each element of a batch."""
    points = torch.full((len(centres), 2, 3), -1.0, dtype=torch.float64)
    points[:, 0, :2] = torch.from_numpy(centres)
    points[:, 0, 2] = 0
    return points


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_hard_disks_are_exact(dtype):
    data = golden("disk.npz")
    points = single_points(data["centres_yx"]).to(dtype)
    name = "hard" if dtype == torch.float64 else "hard_float32_points"
    drawn = hard_disks(points, *SIZE)
    np.testing.assert_array_equal(drawn[:, 0].numpy(), data[name])
    assert not drawn[:, 1].any()


@pytest.mark.parametrize("name", ["multi", "empty_neg"])
def test_disks_of_several_clicks_join(name):
    data = golden("disk.npz")
    points = torch.from_numpy(data[f"{name}_points"])
    np.testing.assert_array_equal(hard_disks(points, *SIZE)[0].numpy(), data[f"{name}_hard"])


def test_soft_disks_and_their_gradient_are_the_closed_form():
    data = golden("disk.npz")
    points = single_points(data["centres_yx"]).requires_grad_()
    drawn = soft_disks(points, *SIZE)[:, 0]
    np.testing.assert_allclose(drawn.detach().numpy(), data["ramp"], atol=1e-12, rtol=0)
    (slope,) = torch.autograd.grad(drawn.sum(), points)
    np.testing.assert_allclose(slope[:, 0, :2].numpy(), data["ramp_sum_grad_yx"], atol=1e-9, rtol=0)


def test_overlapping_soft_disks_stay_within_one():
    clicks = [PlacedClick(True, 10, 10), PlacedClick(True, 12, 13), PlacedClick(False, 30, 30)]
    drawn = soft_disks(pad_points(clicks), *SIZE)
    assert drawn.max() == 1.0
    first, second = (soft_disks(pad_points([c]), *SIZE)[0, 0] for c in clicks[:2])
    assert torch.equal(drawn[0, 0], torch.maximum(first, second))
    assert drawn[0, 1].sum() > 70


def test_points_of_several_prompts_stack():
    prompts = [
        [PlacedClick(True, 3, 4)],
        [PlacedClick(False, 1, 2), PlacedClick(True, 5, 6), PlacedClick(False, 7, 8)],
    ]
    stacked = stack_points([pad_points(clicks) for clicks in prompts])
    assert stacked.shape == (2, 4, 3)
    for clicks, points in zip(prompts, stacked, strict=True):
        alone = hard_disks(pad_points(clicks), 20, 20)
        assert torch.equal(hard_disks(points[None], 20, 20), alone)


def test_mirroring_leaves_empty_slots_alone():
    points = mirror_points(pad_points([PlacedClick(True, 3, 0.5)]), 48)
    assert points[0].tolist() == [[3, 46.5, 0], [-1, -1, -1]]


def zoom_cases():
    data = golden("zoom_roi.npz")
    for number in range(len(data["roi"])):
        case = {key: values[number] for key, values in data.items()}
        case["clicks"] = placed(case["clicks"][: case["n_clicks"]])
        yield case


def box_of(numbers):
    return Box(*(int(n) for n in numbers))


def test_boxes_sizes_and_clicks_in_them_are_exact():
    for case in zoom_cases():
        mask = torch.zeros(*case["image_hw"])
        top, bottom, left, right = case["mask_box"]
        mask[top : bottom + 1, left : right + 1] = 1
        box = Zoom().candidate(mask, case["clicks"])
        assert box == box_of(case["roi"])
        for target in (400, 600):
            view = View.of(box, target)
            assert [view.height, view.width] == case[f"resized_hw_{target}"].tolist()
        points = View.of(box, 400).place(pad_points(case["clicks"]))[0]
        for number, place in enumerate(case["clicks_in_crop"][: case["n_clicks"]]):
            found = points[points[:, 2] == number][0, :2]
            np.testing.assert_allclose(found.numpy(), place, atol=1e-9, rtol=0)


def test_overlap_and_containment_of_boxes_are_exact():
    for case in zoom_cases():
        other = box_of(case["other_roi"])
        overlap = box_iou(box_of(case["roi"]), other)
        assert overlap == pytest.approx(case["box_iou"], abs=1e-9)
        inside = all(other.holds(c) for c in case["clicks"] if c.inside)
        assert inside == case["positive_clicks_inside_other"]
        kept = Zoom().keeps(other, box_of(case["roi"]), case["clicks"])
        assert kept == (inside and overlap >= 0.5)


def test_no_box_without_an_object():
    assert Zoom().candidate(torch.full((30, 30), 0.5), [PlacedClick(True, 3, 3)]) is None
