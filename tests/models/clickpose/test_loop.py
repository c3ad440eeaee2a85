"""Corrections by clicks, on a network of tiny size and any number of joints."""

import argparse
from functools import cache

import numpy as np
import pytest
import torch

from models.checkpoint import CheckpointError, load_checkpoint, load_state
from models.clickpose import ClickPose, ClickPoseConfig, PosePredictor, config_of
from models.clickpose.deformable import sample_by_grid, sample_levels

WIDTH, HEIGHT = 90, 70


def tiny(keypoints=5) -> ClickPoseConfig:
    return ClickPoseConfig(
        keypoints=keypoints,
        groups=4,
        queries=12,
        hidden=32,
        feedforward=32,
        encoder_layers=1,
        box_layers=1,
        pose_layers=2,
        labels=7,
        blocks=(1, 1, 1, 1),
        width=4,
    )


@cache
def made(keypoints=5):
    """A predictor with random weights that move joints far, and an encoded photo."""
    torch.manual_seed(keypoints)
    network = ClickPose(tiny(keypoints)).eval()
    with torch.no_grad():
        for head in network.pose_embed:
            head.layers[-1].weight.mul_(8)
    predictor = PosePredictor(network, short=64, long=128)
    photo = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return predictor, predictor.encode(photo)


def people(keypoints=5):
    predictor, photo = made(keypoints)
    return predictor.people(photo, threshold=0.0)


@pytest.mark.parametrize("keypoints", [1, 5, 14, 21])
def test_any_number_of_joints_works(keypoints):
    predictor, photo = made(keypoints)
    persons = people(keypoints)
    assert len(persons) == 4
    (after,) = predictor.refine(photo, [persons[0].click({keypoints - 1: (3.0, 4.0)})])
    assert after.joints.shape == (keypoints, 2)
    assert np.isfinite(after.joints).all()


def test_1000_random_click_sequences_never_move_a_clicked_joint():
    predictor, photo = made()
    rng = np.random.default_rng(1)
    persons = [people()[i % 4] for i in range(1000)]
    put: list[dict] = [{} for _ in persons]
    followed = 0.0
    for _ in range(4):
        clicked = []
        for person, places in zip(persons, put, strict=True):
            count = int(rng.integers(0, 4))
            new = {
                int(j): tuple(rng.uniform(-0.02, 1.02, 2) * (WIDTH, HEIGHT))
                for j in rng.choice(5, count, replace=False)
            }
            places.update(new)
            clicked.append(person.click(new))
        persons = predictor.refine(photo, clicked)
        for before, person, places in zip(clicked, persons, put, strict=True):
            for joint, place in places.items():
                assert np.abs(person.joints[joint] - place).max() <= 1e-6
                assert (person.box[:2] <= place).all()
                assert (person.box[2:] >= place).all()
            free = ~person.fixed
            assert set(np.flatnonzero(person.fixed)) == set(places)
            followed = max(followed, np.abs(before.joints - person.joints)[free].max(initial=0))
    assert followed > 1


def test_the_published_variant_lets_a_clicked_joint_drift():
    pinned, photo = made()
    drifting = PosePredictor(pinned.network, pin=False)
    (after,) = drifting.refine(photo, [people()[0].click({2: (40.0, 30.0)})])
    assert np.abs(after.joints[2] - (40, 30)).max() > 0.5


def test_a_person_refined_alone_moves_as_among_others():
    predictor, photo = made()
    clicked = [p.click({1: (20.0 + i, 30.0)}) for i, p in enumerate(people())]
    together = predictor.refine(photo, clicked)
    for i, person in enumerate(clicked):
        (alone,) = predictor.refine(photo, [person])
        np.testing.assert_allclose(alone.joints, together[i].joints, atol=1e-4)
        np.testing.assert_allclose(alone.box, together[i].box, atol=1e-4)


def test_a_released_joint_moves_again_and_a_fixed_one_stays():
    predictor, photo = made()
    person = people()[0].click({0: (10.0, 12.0), 3: (50.0, 40.0)})
    (held,) = predictor.refine(photo, [person])
    (after,) = predictor.refine(photo, [held.release([0])])
    assert np.abs(after.joints[0] - (10, 12)).max() > 0.01
    np.testing.assert_array_equal(after.joints[3], (50, 40))
    np.testing.assert_array_equal(person.joints[0], (10, 12))


def test_a_missed_person_is_added_by_a_box():
    predictor, photo = made()
    person = predictor.in_box(photo, (10, 5, 60, 65))
    assert not person.fixed.any()
    assert 0 < person.score < 1
    with pytest.raises(ValueError, match="left < right"):
        predictor.in_box(photo, (10, 5, 10, 65))


def test_a_correction_runs_neither_backbone_nor_encoder_nor_value_projections():
    predictor, photo = made()
    ran = []
    names = ("backbone", "transformer.encoder", "input_proj", "value_proj")
    hooks = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in predictor.network.named_modules()
        if name and any(part in name for part in names)
    ]
    assert len(hooks) > 20
    predictor.refine(photo, people()[:1])
    assert ran == []
    predictor.encode(np.zeros((70, 90, 3), np.uint8))
    for hook in hooks:
        hook.remove()
    assert len(ran) > 20


def test_wrong_joints_are_refused():
    person = people()[0]
    with pytest.raises(ValueError, match="no joint 5"):
        person.click({5: (0.0, 0.0)})
    with pytest.raises(ValueError, match="cannot be put"):
        person.click({0: (float("nan"), 0.0)})
    with pytest.raises(ValueError, match="no joint -1"):
        person.release([-1])


def test_an_official_checkpoint_loads_without_running_code(tmp_path):
    network = made(14)[0].network
    path = tmp_path / "pose.pth"
    torch.save({"model": network.state_dict(), "args": argparse.Namespace(lr=1), "epoch": 3}, path)
    state = load_checkpoint(path)
    other = ClickPose(config_of(state, queries=12))
    assert load_state(other, state).complete
    assert other.config == tiny(14)
    with pytest.raises(CheckpointError, match="not of a Click-Pose"):
        config_of({"label_enc.weight": torch.zeros(3, 3)})


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_sampling_and_its_gradients_equal_those_of_grid_sample(dtype):
    torch.manual_seed(0)
    shapes = ((7, 9), (4, 5), (1, 1))
    values = torch.randn(2, 84, 3, 8, dtype=dtype, requires_grad=True)
    places = (torch.rand(2, 6, 3, 3, 4, 2, dtype=dtype) * 2 - 0.5).requires_grad_()
    with torch.no_grad():
        places[0, 0] = 1e30
    shares = torch.rand(2, 6, 3, 3, 4, dtype=dtype).requires_grad_()
    back = torch.randn(2, 6, 24, dtype=dtype)
    both = []
    for sample in (sample_levels, sample_by_grid):
        out = sample(values, shapes, places, shares)
        grads = torch.autograd.grad((out[1] * back[1]).sum(), (values, places, shares))
        both.append((out, *grads))
    for mine, grid in zip(*both, strict=True):
        torch.testing.assert_close(mine, grid, atol=1e-4, rtol=1e-4)
    assert not both[0][0][0, 0].any()
