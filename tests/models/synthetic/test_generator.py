"""The generator makes labelled scans that look like scans."""

import numpy as np
import pytest

from models.agile3d.synthetic import furniture
from models.agile3d.synthetic.__main__ import make_scan
from models.agile3d.synthetic.layout import Space
from models.agile3d.synthetic.rooms import Scene, compose_room, compose_tabletop
from models.agile3d.synthetic.scan import ScanSettings, scan
from models.agile3d.synthetic.statistics import describe
from models.agile3d.synthetic.store import load_scan, save_scan
from models.agile3d.synthetic.surfaces import Surface, box


@pytest.fixture(scope="module")
def room():
    return compose_room(np.random.default_rng(3), size=(3.0, 2.5, 2.4))


def test_every_procedural_kind_makes_a_finite_coloured_thing():
    for place, kinds in furniture.PROCEDURAL.items():
        for number, kind in enumerate(kinds):
            made = kind.make(np.random.default_rng(number), 0.03)
            assert len(made) > 20, (place, number)
            assert np.isfinite(made.xyz).all()
            assert made.rgb.min() >= 0
            assert made.rgb.max() <= 1


def test_a_room_has_many_objects_inside_its_walls(room):
    ids = np.unique(room.surface.part)
    assert len(ids[ids > 0]) >= 6
    assert (room.surface.xyz > -0.5).all()
    assert (room.surface.xyz < np.array(room.size) + 0.5).all()


def test_a_scan_misses_what_no_camera_saw(room):
    few = scan(np.random.default_rng(0), room, ScanSettings(cameras=1, holes=0))
    many = scan(np.random.default_rng(0), room, ScanSettings(cameras=20, holes=0))
    assert len(few.xyz) < 0.7 * len(many.xyz)
    assert len(many.xyz) < len(room.surface)


def test_a_scan_has_the_spacing_asked_for(room):
    fine = scan(np.random.default_rng(0), room, ScanSettings(spacing=0.03, holes=0))
    coarse = scan(np.random.default_rng(0), room, ScanSettings(spacing=0.06, holes=0))
    assert len(coarse.xyz) < 0.5 * len(fine.xyz)


def test_hidden_surfaces_are_not_scanned():
    rng = np.random.default_rng(0)
    outer, inner = box(rng, (1.2, 1.2, 1.2), 0.02), box(rng, (0.4, 0.4, 0.4), 0.02)
    # In a corner, where no camera walks.
    points = np.concatenate([outer, inner + np.float32([0, 0, 0.4])]) + np.float32([0.7, 0.7, 0])
    part = np.repeat([1, 2], [len(outer), len(inner)]).astype(np.int32)
    closed = Surface(points, np.full_like(points, 0.5), part)
    seen = scan(rng, Scene(closed, (10, 10, 2.5), ()), ScanSettings(cameras=30, holes=0))
    outside = (seen.labels == 1).sum()
    assert outside > 500
    assert (seen.labels == 2).sum() < 0.02 * outside


def test_colourless_scans_are_black(room):
    plain = scan(np.random.default_rng(0), room, ScanSettings(colourless=True))
    assert not plain.rgb.any()


def test_the_same_seed_makes_the_same_scan():
    first, second = make_scan(11, None), make_scan(11, None)
    assert np.array_equal(first.xyz, second.xyz)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.xyz[:100], make_scan(12, None).xyz[:100])


def test_tabletops_are_enlarged_to_room_size():
    scene = compose_tabletop(np.random.default_rng(1))
    assert 3 < scene.size[0] < 7
    assert len(np.unique(scene.surface.part)) > 3


def test_stored_scans_come_back_to_the_millimetre(tmp_path, room):
    made = scan(np.random.default_rng(0), room)
    save_scan(tmp_path / "scan.npz", made)
    again = load_scan(tmp_path / "scan.npz")
    assert np.abs(again.xyz - made.xyz).max() < 0.00051
    assert np.array_equal(again.rgb, made.rgb)
    assert np.array_equal(again.labels, made.labels)


def test_things_do_not_stand_in_each_other():
    space = Space((3.0, 3.0, 2.5))
    rng = np.random.default_rng(0)
    cube = Surface.of(box(rng, (0.8, 0.8, 0.8), 0.03), np.array([0.5, 0.5, 0.5]))
    assert space.fits(cube.moved((1.5, 1.5, 0)))
    space.take(cube.moved((1.5, 1.5, 0)))
    assert not space.fits(cube.moved((1.7, 1.5, 0)))
    assert space.fits(cube.moved((0.5, 0.5, 0)))
    assert not space.fits(cube.moved((0.1, 0.5, 0)))  # through the wall


def test_small_things_rest_on_what_carries_them():
    space = Space((3.0, 3.0, 2.5))
    rng = np.random.default_rng(0)
    grey = np.array([0.5, 0.5, 0.5])
    space.take(Surface.of(box(rng, (0.8, 0.8, 0.7), 0.03), grey).moved((1.5, 1.5, 0)))
    cup = Surface.of(box(rng, (0.1, 0.1, 0.1), 0.01), grey)
    assert space.support(cup.moved((1.5, 1.5, 0))) == pytest.approx(0.7, abs=0.01)
    assert space.support(cup.moved((0.5, 0.5, 0))) == pytest.approx(0.0, abs=0.01)


def test_statistics_count_objects_and_voxels(room):
    made = scan(np.random.default_rng(0), room, ScanSettings(spacing=0.03, holes=0))
    figures = describe(made)
    assert figures.points == len(made.xyz)
    assert figures.objects == len(np.unique(made.labels[made.labels > 0]))
    assert 0.01 < figures.spacing < 0.04
    assert figures.object_extent[2] > 2  # a wall


def test_large_rooms_are_divided_by_walls_that_small_things_avoid():
    from models.agile3d.synthetic.rooms import _Composer, _partitions

    divided = 0
    for seed in range(8):
        composer = _Composer(np.random.default_rng(seed), (6.0, 5.0, 2.5), None)
        composer.palette.append(np.full(3, 0.9, np.float32))
        _partitions(composer)
        made = composer.finish()
        if not len(made):
            continue
        divided += 1
        inside = (made.xyz > -0.2).all() and (made.xyz[:, :2] < (6.2, 5.2)).all()
        assert inside
        middle = made.xyz[made.xyz[:, 2].argmax()] - np.float32([0, 0, 0.2])
        block = np.random.default_rng(0).uniform(-0.12, 0.12, (500, 3)) + middle
        item = Surface.of(block.astype(np.float32), np.ones((500, 3), np.float32))
        assert not composer.space.fits(item)
    assert divided >= 3
