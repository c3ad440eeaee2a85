"""Clicks are simulated as published; training learns, resumes and exports."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.agile3d.config import Agile3DConfig
from models.agile3d.synthetic.scan import Scan
from models.agile3d.synthetic.store import save_scan
from models.agile3d.training.benchmark import load_network
from models.agile3d.training.crops import (
    draw_crop,
    draw_objects,
    matched,
    melted,
    patched,
    recoloured,
)
from models.agile3d.training.disturb import (
    cluttered,
    cut,
    doubled,
    grained,
    loosened,
    regrouped,
)
from models.agile3d.training.evaluate import evaluate, mean_iou
from models.agile3d.training.export import export, load_average, mixed
from models.agile3d.training.losses import click_weights, layer_loss
from models.agile3d.training.simulator import error_regions
from models.agile3d.training.train import Recipe, Trainer

TINY = Agile3DConfig(
    init_dim=8,
    planes=(8, 8, 8, 8, 8, 8, 8, 8),
    layers=(1,) * 8,
    conv1_kernel=3,
    hidden=16,
    heads=2,
    ffn=16,
    decoder_layers=2,
    position_extent=4.0,
    geometry=True,
    reach=True,
)


def _blocks(seed=0):
    """A floor with three coloured cubes."""
    rng = np.random.default_rng(seed)
    floor = np.c_[rng.uniform(0, 2.5, (6000, 2)), np.zeros(6000)]
    parts, labels = [floor], [np.full(6000, 1)]
    for number, (x, y) in enumerate(((0.6, 0.6), (1.8, 0.7), (1.2, 1.9)), start=2):
        parts.append(rng.uniform((x - 0.25, y - 0.25, 0.05), (x + 0.25, y + 0.25, 0.55), (1500, 3)))
        labels.append(np.full(1500, number))
    xyz, label = np.concatenate(parts).astype(np.float32), np.concatenate(labels)
    rgb = np.random.default_rng(1).integers(0, 255, (6, 3), dtype=np.uint8)[label]
    order = rng.permutation(len(xyz))
    return Scan(xyz[order], rgb[order], label[order].astype(np.int32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scans")
    save_scan(path / "scan000000.npz", _blocks())
    return path


def _wall():
    """A flat sheet of 2 m by 2 m in the plane y = 0, its halves labelled 1 and 2."""
    x, z = np.meshgrid(np.arange(0, 2, 0.04), np.arange(0, 2, 0.04))
    xyz = np.stack([x.ravel(), np.zeros(x.size), z.ravel()], axis=1).astype(np.float32)
    return xyz, np.where(xyz[:, 0] < 1, 1, 2).astype(np.int64)


def _trainer(folder, **changes):
    recipe = replace(Recipe(steps=40, max_voxels=1500, warm_up=2, rounds=1), **changes)
    return Trainer(TINY, recipe, sorted(folder.glob("scan*.npz")))


def test_the_first_click_lands_deepest_inside_the_object():
    xyz = np.stack(np.meshgrid(np.arange(9), np.arange(9), [0.0]), -1).reshape(-1, 3)
    truth = ((xyz[:, 0] >= 2) & (xyz[:, 0] <= 6) & (xyz[:, 1] >= 2) & (xyz[:, 1] <= 6)).astype(int)
    (region,) = error_regions(xyz.astype(np.float32) * 0.05, truth, np.zeros_like(truth))
    assert xyz[region.voxel].tolist() == [4, 4, 0]
    assert region.truth == 1
    assert region.depth == pytest.approx(0.15)


def test_errors_are_told_apart_by_truth_and_prediction():
    xyz = np.c_[np.arange(12) * 0.05, np.zeros(12), np.zeros(12)].astype(np.float32)
    truth = np.array([1, 1, 1, 1, 1, 1, 2, 2, 0, 0, 0, 0])
    predicted = np.array([0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2])
    regions = error_regions(xyz, truth, predicted)
    assert regions[0].truth == 1  # the deepest first
    assert sorted(region.truth for region in regions) == [0, 1, 2]
    assert error_regions(xyz, truth, truth) == []


def test_depths_do_not_depend_on_the_shortcut():
    xyz = np.random.default_rng(0).uniform(0, 4, (3000, 3)).astype(np.float32)
    truth = (xyz[:, 0] > 2).astype(np.int64)
    (region,) = error_regions(xyz, truth, np.zeros_like(truth))
    outside = xyz[truth == 0]
    distances = [np.linalg.norm(outside - p, axis=1).min() for p in xyz[truth == 1]]
    assert region.depth == pytest.approx(max(distances), rel=1e-5)


def test_voxels_near_clicks_weigh_more():
    xyz = torch.tensor([[0.0, 0, 0], [0.15, 0, 0], [1.0, 0, 0]])
    weights = click_weights(xyz, torch.tensor([0]))
    assert weights.tolist() == pytest.approx([2.0, 1.4, 0.8])


def test_the_loss_prefers_right_labels():
    truth = torch.tensor([0, 0, 1, 2])
    right = torch.nn.functional.one_hot(truth, 3).float() * 8
    even = torch.ones(4)
    assert layer_loss(right, truth, even) < 0.1
    assert layer_loss(right.flip(0), truth, even) > 2


def test_crops_are_small_and_objects_are_renumbered():
    rng = np.random.default_rng(0)
    crop = draw_crop(rng, _blocks(), 600)
    assert len(crop.coords) <= 600
    assert len(np.unique(crop.coords, axis=0)) == len(crop.coords)
    truth, count = draw_objects(rng, crop.labels)
    assert set(np.unique(truth)) <= set(range(count + 1))
    assert count >= 1


def test_recoloured_scans_stay_within_the_colour_range():
    for seed in range(20):
        made = recoloured(np.random.default_rng(seed), np.random.default_rng(1).random((50, 3)))
        assert made.min() >= 0
        assert made.max() <= 1


def test_melting_joins_what_touches_and_keeps_the_rest_in_place():
    flat = np.stack(np.meshgrid(np.arange(20), np.arange(20), [0.0]), -1).reshape(-1, 3) * 0.03
    spike = np.array([[0.3, 0.3, 0.08]])
    xyz = np.concatenate([flat, spike]).astype(np.float32)
    made = melted(np.random.default_rng(0), xyz)
    assert made[-1, 2] < 0.07  # pulled to the sheet
    assert np.abs(made[:-1, :2] - xyz[:-1, :2]).max() < 0.05


def test_clutter_adds_things_and_buries_what_they_cover():
    piece, buried = _blocks(), 0
    for seed in range(10):
        made = cluttered(np.random.default_rng(seed), piece)
        old = (made.labels > 0) & (made.labels <= 4)
        assert len(made.xyz) == len(made.rgb) == len(made.labels)
        buried += len(piece.xyz) - old.sum()
        assert old.sum() > 0.3 * len(piece.xyz)
        assert (~old).sum() > 0
        assert made.xyz[~old, 2].min() > -0.01  # stands on something, not in the ground
    assert buried > 500


def test_cuts_divide_things_but_leave_most_of_them():
    piece, shares = _blocks(), []
    for seed in range(10):
        made = cut(np.random.default_rng(seed), piece)
        shares.append(len(made.xyz) / len(piece.xyz))
        assert set(np.unique(made.labels)) == {1, 2, 3, 4}
    assert 0.3 < min(shares) < 0.98


def test_ghosts_shift_some_points_of_a_region_alike():
    xyz, _ = _wall()
    made = doubled(np.random.default_rng(1), xyz)
    moved = np.abs(made - xyz).max(axis=1) > 1e-6
    assert 0.05 < moved.mean() < 0.7
    assert (made - xyz)[moved].std(axis=0).max() < 1e-5


def test_loosened_borders_move_by_centimetres_only():
    xyz, labels = _wall()
    changed = 0
    for seed in range(8):
        made = loosened(np.random.default_rng(seed), xyz, labels)
        moved = made != labels
        changed += moved.sum()
        assert np.abs(xyz[moved, 0] - 1).max(initial=0) < 0.25
    assert changed > 20


def test_regrouping_joins_touching_things_only_and_divides_others():
    xyz, labels = _wall()
    apart = np.concatenate([xyz, xyz + np.float32([0, 3, 0])])
    both = np.concatenate([labels, labels + 2])
    counts = set()
    for seed in range(20):
        made = regrouped(np.random.default_rng(seed), apart, both)
        near, far = made[: len(xyz)], made[len(xyz) :]
        assert not set(near) & set(far)
        counts.add(len(np.unique(made)))
    assert min(counts) < 4 < max(counts)


def test_grain_spreads_the_colours_within_things():
    xyz, labels = _wall()
    plain = np.full((len(xyz), 3), 0.5, np.float32)
    spreads = [grained(np.random.default_rng(i), xyz, labels, plain).std() for i in range(12)]
    assert 0.03 < np.mean(spreads) < 0.3
    assert all(np.isfinite(spreads))


def test_crops_of_streets_are_reduced_to_the_size_of_rooms():
    rng = np.random.default_rng(0)
    xyz = rng.uniform(0, 40, (12_000, 3)).astype(np.float32)
    xyz[:, 2] *= 0.001
    street = Scan(xyz, np.zeros((12_000, 3), np.uint8), np.ones(12_000, np.int32))
    crop = draw_crop(rng, street, 4000)
    assert np.ptp(crop.xyz, axis=0).max() < 8
    assert len(crop.coords) > 100


def test_matched_things_share_colours_but_keep_their_texture():
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(1, 9), 200)
    base = rng.uniform(0.3, 0.7, (9, 3))[labels]
    rgb = (base + rng.normal(0, 0.02, base.shape)).astype(np.float32)
    spreads = []
    for seed in range(12):
        made = matched(np.random.default_rng(seed), labels, rgb)
        means = np.stack([made[labels == i].mean(axis=0) for i in range(1, 9)])
        spreads.append(means.std(axis=0).mean())
        assert made[labels == 3].std(axis=0) == pytest.approx(
            rgb[labels == 3].std(axis=0), abs=1e-3
        )
    before = np.stack([rgb[labels == i].mean(axis=0) for i in range(1, 9)]).std(axis=0).mean()
    assert np.mean(spreads) < 0.9 * before


def test_patches_have_hard_edges_and_leave_colours_in_range():
    xyz = np.random.default_rng(0).uniform(0, 3, (4000, 3)).astype(np.float32)
    rgb = np.full((4000, 3), 0.5, np.float32)
    labels = np.ones(4000, np.int64)
    made = [patched(np.random.default_rng(seed), xyz, labels, rgb) for seed in range(8)]
    assert all(m.min() >= 0 and m.max() <= 1 for m in made)
    assert max(len(np.unique(m, axis=0)) for m in made) >= 2
    assert all(len(np.unique(m, axis=0)) <= 4 for m in made)  # two sides a wave


def test_training_can_begin_with_weights_of_a_smaller_reach(folder, tmp_path):
    earlier = _trainer(folder)
    earlier.save(tmp_path / "run.pt")
    export(load_average(tmp_path / "run.pt"), tmp_path / "first.safetensors", licence="MIT")
    recipe = Recipe(steps=40, max_voxels=1500)
    later = Trainer(replace(TINY, surface=True), recipe, sorted(folder.glob("scan*.npz")))
    later.start_from(tmp_path / "first.safetensors")
    old, new = earlier.average.reach.weights, later.network.reach.weights
    kept = len(old.bias)
    assert torch.allclose(new.weight[:kept], old.weight.half().float())
    assert len(new.bias) > kept
    assert torch.equal(later.average.reach.weights.weight, new.weight)


def test_codes_of_a_piece_equal_those_of_the_whole_with_its_margin():
    from models.agile3d.encodings import FourierPositions

    codes = FourierPositions(16, extent=4.0)
    whole = torch.rand(50, 3) * 5
    whole[0] = 0
    piece = whole[(whole > 1.5).all(dim=1)]
    low = piece.amin(dim=0)
    everything = codes(whole)[(whole > 1.5).all(dim=1)]
    assert torch.allclose(codes(piece, margin=low), everything, atol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss(folder, precision):
    trainer = _trainer(folder, rounds=0, steps=60, precision=precision)
    losses = [trainer.train_step()["loss"] for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert {p.dtype for p in trainer.network.parameters()} == {torch.float32}


def test_mixed_precision_begins_with_nearly_the_same_loss(folder):
    plain, mixed_one = (
        _trainer(folder, precision=p).train_step()["loss"] for p in ("float32", "bfloat16")
    )
    assert mixed_one != plain
    assert mixed_one == pytest.approx(plain, rel=0.05)


def test_a_precision_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="float32 or bfloat16"):
        Recipe(precision="float8")


def test_a_resumed_run_equals_an_unbroken_one(folder, tmp_path):
    whole = _trainer(folder)
    for _ in range(4):
        whole.train_step()
    first = _trainer(folder)
    for _ in range(2):
        first.train_step()
    first.save(tmp_path / "run.pt")
    second = _trainer(folder, seed=0)
    second.load(tmp_path / "run.pt")
    for _ in range(2):
        second.train_step()
    for a, b in zip(
        whole.network.state_dict().values(), second.network.state_dict().values(), strict=True
    ):
        assert torch.allclose(a, b, atol=1e-5)


def test_exported_weights_predict_as_the_average_does(folder, tmp_path):
    trainer = _trainer(folder)
    for _ in range(5):
        trainer.train_step()
    trainer.save(tmp_path / "run.pt")
    average = load_average(tmp_path / "run.pt")
    export(average, tmp_path / "small.safetensors", licence="MIT")
    again = load_network(tmp_path / "small.safetensors")
    assert again.config == TINY
    kept = dict(average.named_parameters())
    for name, value in again.named_parameters():
        assert torch.allclose(value, kept[name].half().float()), name


def test_evaluation_reports_one_curve_a_draw(folder):
    curves = evaluate(_trainer(folder).average, _blocks(), 2, objects=2, clicks_per_object=2)
    assert curves.shape == (2, 2)
    assert ((curves >= 0) & (curves <= 1)).all()


def test_mean_iou_counts_objects_alike():
    truth, predicted = np.array([1, 1, 1, 2]), np.array([1, 1, 0, 2])
    assert mean_iou(truth, predicted, 2) == pytest.approx((2 / 3 + 1) / 2)


def test_mixed_networks_lie_between_the_two(folder):
    first, second = _trainer(folder).network, _trainer(folder, seed=5).network
    before = {name: value.clone() for name, value in first.state_dict().items()}
    after = mixed(first, second, 0.25).state_dict()
    for name, value in second.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(after[name], 0.75 * before[name] + 0.25 * value)
        else:
            assert torch.equal(after[name], before[name])
