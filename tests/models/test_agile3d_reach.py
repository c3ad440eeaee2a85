"""Clicks reach along the surface; what they are close to is found once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.agile3d import Agile3D
from models.agile3d.config import Agile3DConfig
from models.agile3d.paths import PATHS, Surface
from models.agile3d.reach import Reach
from models.agile3d.scene import SceneEncoding

VOXEL = 0.05
SIDE = 24


def _step_scene(two_colours=False):
    """A floor along x that meets a wall; return coords, colours, xyz."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    floor = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    wall = np.stack([np.full_like(x, SIDE), x, y + 1], axis=-1).reshape(-1, 3)
    coords = np.concatenate([floor, wall]).astype(np.int32)
    colours = np.full((len(coords), 3), 0.5, np.float32)
    if two_colours:
        colours[(coords[:, 1] >= SIDE // 2)] = (0.9, 0.1, 0.1)
    xyz = (coords * np.float32(VOXEL)).astype(np.float32)
    return tuple(torch.from_numpy(a) for a in (coords, colours, xyz))


def _row(coords, *cell):
    return int((coords == torch.tensor(cell)).all(dim=1).nonzero()[0, 0])


def test_the_corner_of_floor_and_wall_is_dear():
    coords, colours, xyz = _step_scene()
    costs = Surface.of(coords, colours, xyz).distances(_row(coords, 12, 12, 0))
    flat, behind = _row(coords, 2, 12, 0), _row(coords, SIDE, 12, 2)
    # Both are about half a metre away on foot; the second is round the corner.
    assert (costs[:, behind] > 1.5 * costs[:, flat]).all()


def test_a_change_of_colour_is_dear_for_the_paths_that_see_colour():
    coords, colours, xyz = _step_scene(two_colours=True)
    start = _row(coords, 6, 6, 0)
    same, other = _row(coords, 14, 6, 0), _row(coords, 6, 14, 0)
    shape, both, squared = Surface.of(coords, colours, xyz).distances(start)
    assert shape[other] == pytest.approx(float(shape[same]), rel=0.2)
    assert both[other] > 1.5 * both[same]
    assert squared[other] > 1.5 * squared[same]


def test_there_is_no_path_to_what_does_not_touch():
    coords, colours, xyz = _step_scene()
    coords = torch.cat([coords, torch.tensor([[60, 60, 60]], dtype=torch.int32)])
    colours = torch.cat([colours, colours[:1]])
    xyz = torch.cat([xyz, torch.tensor([[3.0, 3.0, 3.0]])])
    costs = Surface.of(coords, colours, xyz).distances(0)
    assert torch.isinf(costs[:, -1]).all()
    assert torch.isfinite(costs[:, :-1]).all()
    assert costs[:, 0].tolist() == [0.0] * PATHS


def _scene(surface=True):
    coords, colours, xyz = _step_scene()
    features = torch.randn(len(coords), 16, generator=torch.Generator().manual_seed(0))
    measured = Surface.of(coords, colours, xyz) if surface else None
    return SceneEncoding(features, features, xyz, measured)


def test_what_a_click_is_close_to_is_found_once_and_forgotten_when_memory_is_short(monkeypatch):
    from models.agile3d import reach as module

    scene, reach = _scene(), Reach(16, surface=True)
    queries = torch.randn(2, 16)
    first = reach(queries, [3, 40], scene)
    assert sorted(scene.closeness) == [3, 40]
    assert torch.equal(reach(queries, [3, 40], scene), first)
    monkeypatch.setattr(module, "_KEPT_BYTES", 2 * scene.closeness[3].numel() * 4)
    reach(queries, [3, 99], scene)
    assert sorted(scene.closeness) == [3, 99]
    many = torch.cat([queries, queries[:1]])
    assert reach(many, [3, 99, 40], scene).shape == (3, scene.voxel_count)
    assert sorted(scene.closeness) == [3, 99]


def test_without_a_surface_only_the_free_distance_counts():
    scene = _scene(surface=False)
    added = Reach(16)(torch.randn(1, 16), [5], scene)[0]
    near, far = added[6], added[-1]
    assert near > far


def test_a_network_with_a_surface_predicts_and_learns():
    config = Agile3DConfig(
        init_dim=8,
        planes=(8,) * 8,
        layers=(1,) * 8,
        conv1_kernel=3,
        hidden=16,
        heads=2,
        ffn=16,
        decoder_layers=2,
        position_extent=4.0,
        geometry=True,
        reach=True,
        surface=True,
    )
    torch.manual_seed(0)
    network = Agile3D(config)
    scene = network.encode(*_step_scene())
    clicks = (torch.tensor([5, 700]), torch.tensor([1, 2]), torch.arange(2), 2)
    network.decode(scene, *clicks)[:, 1].mean().backward()
    assert network.reach is not None
    assert (network.reach.weights.bias.grad != 0).all()
    bare = replace(scene, surface=None, closeness={})
    with pytest.raises(RuntimeError):
        network.decode(bare, *clicks)
