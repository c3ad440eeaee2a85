"""Outdoor scenes look like streets and parks, and their scans like a laser's."""

from dataclasses import replace

import numpy as np
import pytest

from models.agile3d.synthetic import outdoor_things as things
from models.agile3d.synthetic.__main__ import main, make_outdoor_scan
from models.agile3d.synthetic.lidar import LidarSettings, _eyes, scan_outdoors
from models.agile3d.synthetic.outdoors import OutdoorScene, compose_park, compose_street
from models.agile3d.synthetic.statistics import describe
from models.agile3d.synthetic.store import load_scan
from models.agile3d.synthetic.surfaces import Surface, patch

TRIPOD = LidarSettings(stations=1, noise=0.0, drift=0.0, lost=0.0, moved=False)


@pytest.fixture(scope="module")
def street():
    return compose_street(np.random.default_rng(5))


@pytest.fixture(scope="module")
def scanned(street):
    return scan_outdoors(np.random.default_rng(0), street, replace(TRIPOD, stations=3))


def _field(*walls):
    """Flat ground of 20 m by 20 m, 1, with walls across it, 2 and on, seen from the middle."""
    rng = np.random.default_rng(0)
    parts = [patch(rng, (0, 0, 0), (20, 0, 0), (0, 20, 0), 0.06)]
    parts += [patch(rng, (x, 4, 0), (0, 12, 0), (0, 0, h), 0.06) for x, h in walls]
    xyz = np.concatenate(parts)
    part = np.repeat(np.arange(len(parts)) + 1, [len(p) for p in parts]).astype(np.int32)
    surface = Surface(xyz, np.full_like(xyz, 0.5), part)
    return OutdoorScene(surface, part == 1, (20.0, 20.0), np.float32([[10, 10, 0]]))


@pytest.mark.parametrize(
    ("make", "tallest"),
    [
        (things.tree, 13), (things.bush, 2.5), (things.hedge, 2.5), (things.car, 2.5),
        (things.bicycle, 1.5), (things.pole, 8.5), (things.bollard, 1.2), (things.person, 2.2),
        (things.bench, 1.1), (things.container, 2.3), (things.stone, 1.2), (things.fence, 2.1),
    ],
)  # fmt: skip
def test_outdoor_things_stand_on_the_ground_at_their_size(make, tallest):
    for seed in range(4):
        made = make(np.random.default_rng(seed), 0.04)
        assert len(made) > 10
        assert -0.25 < made.low[2] < 0.3
        assert made.high[2] < tallest
        assert made.rgb.min() >= 0
        assert made.rgb.max() <= 1


def test_houses_have_openings_set_back():
    house = things.building(np.random.default_rng(0), 0.06, 10.0, 6.0)
    front = house.xyz[(house.xyz[:, 1] < -2.6) & (house.xyz[:, 2] < 2.5)]
    outer = (front[:, 1] < -2.99).mean()
    assert 0.3 < outer < 0.95
    assert 2.5 < house.high[2] < 18


def test_a_street_has_ground_houses_and_many_things(street):
    ids, sizes = np.unique(street.surface.part[street.surface.part > 0], return_counts=True)
    assert len(ids) > 15
    assert sizes.max() > 5 * np.median(sizes)
    ground = street.surface.xyz[street.ground, 2]
    assert np.ptp(ground) < 6  # slopes and kerbs, no cliffs
    assert street.surface.high[2] > 4


def test_kerbs_raise_the_pavement(street):
    rng = np.random.default_rng(0)
    level = compose_street(rng)
    ground = level.surface.taken(level.ground)
    columns = np.abs(ground.xyz[:, 0] - level.size[0] / 2) < 0.3
    across, z = ground.xyz[columns, 1], ground.xyz[columns, 2]
    order = np.argsort(across)
    steps = np.array([np.ptp(z[order][i : i + 30]) for i in range(0, columns.sum() - 30, 10)])
    assert (steps > 0.05).sum() >= 2


def test_a_wall_hides_what_is_behind_it():
    scene = _field((13.0, 3.0), (15.0, 1.0))
    seen = scan_outdoors(np.random.default_rng(0), scene, TRIPOD)
    assert (seen.labels == 2).sum() > 1000
    assert (seen.labels == 3).sum() < 0.02 * (seen.labels == 2).sum()
    ground = seen.xyz[seen.labels == 1] + np.float32([10, 10, 0])
    shadow = (ground[:, 0] > 13.5) & (np.abs(ground[:, 1] - 10) < 3)
    assert shadow.sum() < 0.01 * len(ground)


def test_points_lie_wider_apart_far_away():
    far = replace(TRIPOD, spacing=0.01, step=0.006, rings=380)
    seen = scan_outdoors(np.random.default_rng(0), _field((13.0, 3.0)), far)
    ground = np.linalg.norm(seen.xyz[seen.labels == 1, :2], axis=1)
    density = [((ground > a) & (ground < a + 1)).sum() / (2 * a + 1) for a in (3, 6, 9)]
    assert density[0] > 2 * density[1] > 4 * density[2] / 2


def test_carried_sensors_draw_rings_on_the_ground():
    sensor = replace(TRIPOD, rings=32, low=-0.5, high=0.2, step=0.005, spacing=0.01)
    scene = _field()
    (eye,) = _eyes(np.random.default_rng(3), scene, sensor)
    seen = scan_outdoors(np.random.default_rng(3), scene, sensor)
    assert len(seen.xyz) > 2000
    residues = _residues(seen.xyz + np.float32([10, 10, 0]), eye)
    # Points anywhere on the ground would be 0.25 off on average.
    assert np.abs(residues).mean() < 0.02


def _residues(xyz, eye):
    offset = xyz - eye
    elevation = np.arctan2(offset[:, 2], np.linalg.norm(offset[:, :2], axis=1))
    ring = (elevation + 0.5) / (0.7 / 31)
    return ring - np.round(ring)


def test_colour_comes_from_photographs_echoes_or_not_at_all(street):
    for colour, channels in (("photo", 3), ("echo", 1), ("none", 0)):
        made = scan_outdoors(np.random.default_rng(0), street, replace(TRIPOD, colour=colour))
        grey = (made.rgb[:, 0] == made.rgb[:, 1]).all()
        assert bool(made.rgb.any()) == (channels > 0)
        assert grey == (channels < 3)


def test_scans_are_thinned_to_the_spacing_asked_for(street, scanned):
    coarse = replace(TRIPOD, stations=3, spacing=0.15)
    thinned = scan_outdoors(np.random.default_rng(0), street, coarse)
    assert len(thinned.xyz) < 0.4 * len(scanned.xyz)
    figures = describe(scanned, 0.0)
    assert figures.spacings[0] < figures.spacing < figures.spacings[1]
    assert figures.points_per_voxel >= 2.5
    assert 12 < figures.extent < 60


def test_the_same_seed_makes_the_same_outdoor_scan(tmp_path):
    main([str(tmp_path), "--outdoors", "--first", "3", "--count", "1"])
    stored = load_scan(tmp_path / "scan000003.npz")
    again = make_outdoor_scan(3)
    assert np.abs(stored.xyz - again.xyz).max() < 0.00051
    assert np.array_equal(stored.labels, again.labels)
    assert np.abs(stored.xyz).max() < 32


def test_parks_have_a_path_and_things_on_the_lawn():
    made = compose_park(np.random.default_rng(2))
    ids = np.unique(made.surface.part[~made.ground])
    assert len(ids) >= 4
    inside = (made.walk[:, :2] > 0).all() and (made.walk[:, :2] < made.size).all()
    assert inside
