import numpy as np
import pytest
import torch

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Click, PointCloud, Prompt
from annotator.engine.contract import prompt_on
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineSession
from annotator.engine.weights import import_weights, verify_weights
from models.agile3d import labels_from_logits, neighbour_pairs, quantize
from tests.engine.helpers import Recorder
from tests.plugins.weights import install_random_weights, random_network


def room(points=3000, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(0, scale, (points, 3)).astype(np.float32)
    xyz[:, 2] *= 0.3
    return PointCloud(xyz, rgb=rng.integers(0, 256, (points, 3), np.uint8), name="room")


@pytest.fixture
def registry():
    install_random_weights("compact")
    return PluginRegistry.discover(disk=False)


@pytest.fixture
def engine(registry):
    values = {"voxel_size": 0.2, "keep_connected": False, "views": 1}
    return registry.open("agile3d", device="cpu", parameters=values)


@pytest.fixture
def many_views(registry):
    """Return an engine that averages over all views there are."""
    values = {"voxel_size": 0.2, "keep_connected": False, "views": 4}
    return registry.open("agile3d", device="cpu", parameters=values)


@pytest.mark.parametrize("shift", [0.0, -7.3])
def test_it_gives_what_the_network_gives_by_hand(engine, shift):
    cloud = room()
    cloud = PointCloud(cloud.xyz + np.float32(shift), rgb=cloud.rgb)
    clicks = [(10, 7), (500, 0), (900, 3), (20, 7)]
    mask = engine.predict(engine.encode(cloud), prompt_on(cloud, *clicks))
    shifted = cloud.xyz - cloud.xyz.min(axis=0)
    coords, rows, inverse = quantize(shifted, 0.2)
    voxels = torch.from_numpy(inverse[[row for row, _ in clicks]])
    objects = torch.tensor([2, 0, 1, 2])  # 3 and 7 become 1 and 2
    times = torch.arange(4)
    network = random_network()
    with torch.inference_mode():
        scene = network.encode(
            torch.from_numpy(coords),
            torch.from_numpy(cloud.rgb[rows].astype(np.float32) / 255),
            torch.from_numpy(shifted[rows] * np.float32(0.05 / 0.2)),
        )
        logits = network.decode(scene, voxels, objects, times, 2)
        labels = labels_from_logits(logits, voxels, objects, times).numpy()
    expected = np.array([0, 3, 7])[labels][inverse]
    np.testing.assert_array_equal(mask.labels, expected)
    chosen = logits.softmax(1).numpy()[np.arange(len(labels)), labels][inverse]
    free = ~np.isin(inverse, voxels.numpy())
    np.testing.assert_allclose(mask.confidence[free], chosen[free], atol=1e-6)
    assert (mask.confidence[~free] == 1).all()


def test_a_second_view_is_mirrored_half_a_voxel_away_and_the_answers_are_averaged(registry):
    values = {"voxel_size": 0.2, "keep_connected": False, "views": 2}
    engine = registry.open("agile3d", device="cpu", parameters=values)
    cloud = room()
    clicks = [(10, 1), (500, 0), (900, 2)]
    mask = engine.predict(engine.encode(cloud), prompt_on(cloud, *clicks))
    shifted = cloud.xyz - cloud.xyz.min(axis=0)
    mirrored = shifted * np.array([-1, 1, 1], np.float32)
    network, chance = random_network(), np.zeros((len(shifted), 3))
    for xyz, grid in ((shifted, shifted), (mirrored, mirrored + np.float32(0.1))):
        coords, rows, inverse = quantize(grid, 0.2)
        voxels = torch.from_numpy(inverse[[row for row, _ in clicks]])
        with torch.inference_mode():
            scene = network.encode(
                torch.from_numpy(coords),
                torch.from_numpy(cloud.rgb[rows].astype(np.float32) / 255),
                torch.from_numpy(xyz[rows] * np.float32(0.25)),
            )
            logits = network.decode(scene, voxels, torch.tensor([1, 0, 2]), torch.arange(3), 2)
        chance += logits.softmax(1).numpy()[inverse] / 2
    free = mask.confidence < 1
    assert free.mean() > 0.9
    np.testing.assert_allclose(mask.confidence[free], chance.max(axis=1)[free], atol=1e-5)
    certain = free & (np.diff(np.sort(chance, axis=1))[:, -1] > 1e-4)
    assert (mask.labels == chance.argmax(axis=1))[certain].all()


def test_each_view_divides_the_same_points_otherwise(many_views):
    cloud = room()
    encoding = many_views.encode(cloud)
    divisions = [view.voxels.inverse for view in encoding.views]
    assert len(divisions) == 4
    for number, one in enumerate(divisions):
        for other in divisions[:number]:
            together = np.unique(np.stack([one, other]), axis=1).shape[1]
            assert together > max(one.max(), other.max()) + 1
    cells = encoding.cells
    for division, of_cell in zip(divisions, cells.voxels, strict=True):
        np.testing.assert_array_equal(of_cell[cells.inverse], division)
    for view in encoding.views:
        turn = view.voxels.turn
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
        np.testing.assert_allclose(turn[2], (0, 0, 1), atol=1e-6)  # upright stays upright


@pytest.mark.parametrize(
    ("voxels", "clicks", "expected"),
    [
        (1, 60, 4),
        (55_000, 60, 4),
        (55_001, 60, 3),
        (110_001, 60, 1),
        (400_000, 1, 1),
        (55_000, 100, 2),
        (55_000, 300, 1),
        (3_000, 1000, 4),
    ],
)
def test_larger_scans_and_many_clicks_get_fewer_views(registry, voxels, clicks, expected):
    assert plugin_module(registry, "views").automatic_views(voxels, clicks) == expected


def test_the_embedded_network_chooses_how_many_views_it_takes(registry, monkeypatch):
    values = {"voxel_size": 0.2, "keep_connected": False}
    engine = registry.open("agile3d:compact", device="cpu", parameters=values)
    encoding, cloud = engine.encode(room()), room()
    assert len(encoding.views) == 4
    monkeypatch.setattr(plugin_module(registry, "views"), "WORK", 200 * len(encoding.voxels.rows))
    assert len(engine.encode_uncached(cloud).views) == 2
    # 90 clicks leave time for one of the four views
    prompt = prompt_on(cloud, *((17 * n, 1 + n % 2) for n in range(90)))
    single = registry.open("agile3d:compact", device="cpu", parameters={**values, "views": 1})
    alone = single.predict(single.encode(cloud), prompt)
    np.testing.assert_allclose(
        engine.predict(encoding, prompt).confidence, alone.confidence, atol=1e-6
    )


def test_a_turned_table_top_stays_level_in_every_view(registry):
    engine = registry.open("agile3d", device="cpu", parameters={"upright": True, "views": 4})
    heights = [
        np.sort(view.voxels.scaled_xyz[view.voxels.inverse][:, 2])
        for view in engine.encode(PointCloud(tilted_table(60))).views
    ]
    for height in heights[1:]:
        assert np.median(np.abs(height - heights[0])) < 0.05


@pytest.mark.parametrize("views", [1, 2, 4])
def test_clicked_points_get_their_object_and_the_latest_click_wins(registry, views):
    values = {"voxel_size": 0.2, "keep_connected": False, "views": views}
    engine = registry.open("agile3d", device="cpu", parameters=values)
    cloud = room()
    prompt = prompt_on(cloud, (1, 4), (2, 9), (3, 0), (1, 9))
    mask = engine.predict(engine.encode(cloud), prompt)
    assert mask.labels[[1, 2, 3]].tolist() == [9, 9, 0]
    assert (mask.confidence[[1, 2, 3]] == 1).all()


def test_order_of_the_tuple_does_not_matter_only_that_of_the_clicks(engine):
    cloud = room()
    encoding = engine.encode(cloud)
    prompt = prompt_on(cloud, (1, 4), (200, 9), (3, 0))
    reversed_prompt = Prompt(tuple(reversed(prompt.clicks)), prompt.object_ids)
    first, second = (engine.predict(encoding, p) for p in (prompt, reversed_prompt))
    np.testing.assert_array_equal(first.confidence, second.confidence)


def test_a_click_without_a_row_finds_the_nearest_voxel(engine):
    cloud = room()
    encoding = engine.encode(cloud)
    row = int(engine.engine.representatives(encoding)[17])
    position = tuple(float(v) + 0.001 for v in cloud.xyz[row])
    labels = engine.predict(encoding, Prompt.from_clicks([Click(position, 6)])).labels
    assert labels[row] == 6


@pytest.mark.parametrize("index", [-1, 3000])
def test_a_click_outside_the_scan_is_refused_in_words(engine, index):
    cloud = room()
    prompt = Prompt.from_clicks([Click((0, 0, 0), 1, index=index)])
    with pytest.raises(AnnotatorError, match=f"point {index} of a scan with 3000 points"):
        engine.predict(engine.encode(cloud), prompt)


def test_an_empty_scan_is_refused_in_words(engine):
    with pytest.raises(AnnotatorError, match="nothing has no points"):
        engine.encode(PointCloud(np.zeros((0, 3), np.float32), name="nothing"))


def test_far_too_small_voxels_are_refused_in_words(registry):
    engine = registry.open("agile3d", parameters={"voxel_size": 1e-9})
    with pytest.raises(AnnotatorError, match="larger voxel size"):
        engine.encode(room(10))


def test_a_colourless_scan_is_a_black_one(engine):
    cloud = room()
    black = PointCloud(cloud.xyz, rgb=np.zeros_like(cloud.rgb))
    masks = [
        engine.predict(engine.encode(c), prompt_on(c, (0, 1), (99, 2)))
        for c in (PointCloud(cloud.xyz), black)
    ]
    np.testing.assert_array_equal(masks[0].confidence, masks[1].confidence)


def test_encoding_several_views_reports_progress_in_order(many_views):
    fractions = []
    many_views.encode(room(), progress=lambda fraction, message="": fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert len(fractions) > 12
    assert fractions[-1] == pytest.approx(1)


def test_encoding_reports_progress_and_stops_between_stages(engine):
    token = CancelToken()
    fractions = []

    def stop_halfway(fraction, message=""):
        fractions.append(fraction)
        if fraction > 0.4:
            token.cancel()

    with pytest.raises(Cancelled):
        engine.encode(room(), progress=stop_halfway, cancel=token)
    assert fractions == sorted(fractions)
    assert len(fractions) > 3
    assert fractions[-1] < 1


@pytest.mark.parametrize("chosen", ["engine", "many_views"])
def test_a_stored_encoding_predicts_exactly_the_same(request, chosen):
    engine = request.getfixturevalue(chosen)
    cloud = room()
    encoding = engine.encode(cloud)
    arrays = engine.engine.encoding_to_arrays(encoding)
    rebuilt = engine.engine.encoding_from_arrays({k: v.copy() for k, v in arrays.items()})
    prompt = prompt_on(cloud, (5, 1), (600, 2))
    first, second = (engine.predict(e, prompt) for e in (encoding, rebuilt))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.confidence, second.confidence)


def test_keeping_connected_parts_drops_only_parts_without_a_click(registry):
    # Two far slabs; the network's random weights label some of the second like the click.
    cloud = room(2000)
    far = cloud.xyz.copy()
    far[1000:, 0] += 50
    cloud = PointCloud(far, rgb=cloud.rgb)
    masks = {}
    for keep in (False, True):
        engine = registry.open(
            "agile3d", parameters={"voxel_size": 0.3, "keep_connected": keep}, device="cpu"
        )
        masks[keep] = engine.predict(engine.encode(cloud), prompt_on(cloud, (0, 1), (1, 0)))
    kept, free = masks[True].labels, masks[False].labels
    assert kept[0] == 1
    assert not kept[1000:].any()
    changed = kept != free
    assert (free[changed] == 1).all()
    assert (kept[changed] == 0).all()


def plugin_module(registry, name):
    """Return a neighbour module of the loaded adapter."""
    import importlib

    package = type(registry.open("agile3d").engine).__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.{name}")


def test_connected_parts_agree_with_a_flood_fill(registry):
    connected = plugin_module(registry, "connected")
    rng = np.random.default_rng(5)
    coords = np.unique(rng.integers(-6, 6, (400, 3)), axis=0).astype(np.int32)
    labels = rng.integers(0, 3, len(coords))
    clicked = rng.choice(len(coords), 4, replace=False)
    own = np.arange(len(coords))
    result = connected.keep_connected(labels, own, neighbour_pairs(coords), clicked)
    reached, frontier = set(), list(map(int, clicked))
    while frontier:
        voxel = frontier.pop()
        reached.add(voxel)
        near = np.flatnonzero(
            (np.abs(coords - coords[voxel]).max(axis=1) == 1) & (labels == labels[voxel])
        )
        frontier += [int(v) for v in near if int(v) not in reached]
    expected = [label if i in reached else 0 for i, label in enumerate(labels)]
    assert result.tolist() == expected


def test_connected_parts_of_finer_cells_agree_with_a_flood_fill(registry):
    connected = plugin_module(registry, "connected")
    rng = np.random.default_rng(6)
    coords = np.unique(rng.integers(-5, 5, (250, 3)), axis=0).astype(np.int32)
    voxels = rng.permutation(np.r_[np.arange(len(coords)), rng.integers(0, len(coords), 400)])
    labels = rng.integers(0, 4, len(voxels))
    clicked = rng.choice(len(voxels), 5, replace=False)
    pairs = neighbour_pairs(coords)
    result = connected.keep_connected(labels, voxels, pairs, clicked)
    reached, frontier = set(), list(map(int, clicked))
    while frontier:
        cell = frontier.pop()
        reached.add(cell)
        away = np.abs(coords[voxels] - coords[voxels[cell]]).max(axis=1)
        near = np.flatnonzero((away <= 1) & (labels == labels[cell]))
        frontier += [int(c) for c in near if int(c) not in reached]
    expected = [label if i in reached else 0 for i, label in enumerate(labels)]
    assert result.tolist() == expected
    assert len(reached) < len(voxels)


@pytest.mark.parametrize(
    ("extent", "points", "expected"),
    [
        (8.0, 60_000, (0.05, 0.05)),  # a room: as trained
        (80.0, 60_000, (0.05, 0.05)),  # a sparse street: not coarser than trained
        (1.0, 400_000, (0.019, 0.021)),  # a dense table top: a fiftieth of it
        (1.0, 900, (0.024, 0.05)),  # a sparse one: so coarse that voxels touch
        (0.01, 5_000, (0.002, 0.002)),  # tiny: not below 2 mm
    ],
)
def test_the_automatic_voxel_size_follows_extent_and_density(registry, extent, points, expected):
    voxels = plugin_module(registry, "voxels")
    rng = np.random.default_rng(0)
    xyz = rng.uniform(0, extent, (points, 3)).astype(np.float32)
    xyz[:, 2] *= 0.001
    size = voxels.automatic_size(xyz)
    assert expected[0] <= size <= expected[1]


@pytest.mark.parametrize(
    ("extent", "points", "expected"),
    [
        (8.0, 6_000, (0.05, 0.05)),  # a room, however sparse
        (40.0, 60_000, (0.2, 0.4)),  # a street of 16 cm spacing
        (20.0, 600_000, (0.05, 0.05)),  # one scanned densely
        (1.0, 400_000, (0.019, 0.021)),  # a table top
    ],
)
def test_sparse_outdoor_scans_may_get_coarser_voxels(registry, extent, points, expected):
    voxels = plugin_module(registry, "voxels")
    xyz = np.random.default_rng(0).uniform(0, extent, (points, 3)).astype(np.float32)
    xyz[:, 2] *= 0.001
    size = voxels.automatic_size(xyz, sparse=True)
    assert expected[0] <= size <= expected[1]


def test_the_embedded_network_sees_streets_in_coarser_voxels(registry):
    xyz = np.random.default_rng(0).uniform(0, 40, (4000, 3)).astype(np.float32)
    xyz[:, 2] *= 0.001
    street = PointCloud(xyz)
    plain = registry.open("agile3d", device="cpu", parameters={"sparse": False}).encode(street)
    coarse = registry.open("agile3d:compact", device="cpu").encode(street)
    assert plain.voxels.size == 0.05
    assert coarse.voxels.size > 0.5


def test_the_automatic_voxel_size_bounds_the_number_of_voxels(registry, monkeypatch):
    voxels = plugin_module(registry, "voxels")
    monkeypatch.setattr(voxels, "MAX_VOXELS", 5000)
    xyz = np.random.default_rng(0).uniform(0, 20, (30_000, 3)).astype(np.float32)
    size = voxels.automatic_size(xyz)
    assert size > 0.05
    assert len(quantize(xyz, size)[0]) <= 5000


def test_strays_do_not_change_the_automatic_voxel_size(registry):
    voxels = plugin_module(registry, "voxels")
    xyz = np.random.default_rng(0).uniform(0, 1, (50_000, 3)).astype(np.float32)
    xyz[:, 2] = 0
    plain = voxels.automatic_size(xyz)
    strayed = xyz.copy()
    strayed[:20] += 900
    assert voxels.automatic_size(strayed) == pytest.approx(plain, rel=0.05)


def test_missing_weights_name_the_way_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path))
    with pytest.raises(AnnotatorError, match=r"agile3d-official.*weights import"):
        PluginRegistry.discover().open("agile3d:official")


def test_weights_of_another_network_are_refused_in_words():
    path = install_random_weights("official", random_network("compact"))
    with pytest.raises(AnnotatorError, match=r"agile3d:official cannot be used.*another network"):
        PluginRegistry.discover().open("agile3d:official")
    path.write_bytes(b"damaged")
    with pytest.raises(AnnotatorError, match="no readable safetensors"):
        PluginRegistry.discover().open("agile3d:official")


def test_the_official_checkpoint_is_imported_and_segments(tmp_path):
    import argparse

    network = random_network("official")
    content = {"model": network.state_dict(), "args": argparse.Namespace(voxel_size=0.05)}
    torch.save(content, tmp_path / "checkpoint1099.pth")
    registry = PluginRegistry.discover(disk=False)
    record = import_weights(tmp_path / "checkpoint1099.pth", registry)
    assert record.spec.name == "agile3d-official"
    assert "455 tensors" in verify_weights(registry, "agile3d-official")[0].message
    engine = registry.open("agile3d:official", device="cpu", parameters={"voxel_size": 0.5})
    cloud = room(400)
    labels = engine.predict(engine.encode(cloud), prompt_on(cloud, (0, 3))).labels
    assert labels[0] == 3


def test_a_click_travels_through_the_session_to_a_mask(registry):
    session = EngineSession(registry, device="cpu")
    recorder = Recorder(session)
    cloud = room()
    session.use("agile3d:compact", {"voxel_size": 0.2})
    session.open_asset(1, cloud)
    generation = session.request(1, prompt_on(cloud, (10, 7), (500, 0)))
    try:
        labels = recorder.wait("done", generation=generation).result.labels
    finally:
        session.close()
    assert labels[[10, 500]].tolist() == [7, 0]
    assert recorder.kinds(asset_id=None) == ["loading", "ready"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_in_float32_agrees_with_the_cpu(registry):
    cloud = room(8000)
    prompt = prompt_on(cloud, (10, 7), (500, 0), (900, 3), (20, 7))
    values = {"voxel_size": 0.1, "keep_connected": False}
    masks = []
    for device in ("cpu", "cuda"):
        engine = registry.open("agile3d", device=device, parameters=values)
        masks.append(engine.predict(engine.encode(cloud), prompt))
    assert (masks[0].labels == masks[1].labels).mean() > 0.999
    np.testing.assert_allclose(masks[0].confidence, masks[1].confidence, atol=2e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_mostly_agrees_on_cuda(registry, dtype):
    cloud = room(8000)
    prompt = prompt_on(cloud, (10, 7), (500, 0), (900, 3), (20, 7))
    labels = []
    for precision in ("float32", dtype):
        engine = registry.open(
            "agile3d", device="cuda", dtype=precision, parameters={"voxel_size": 0.1}
        )
        labels.append(engine.predict(engine.encode(cloud), prompt).labels)
    agreement = (labels[0] == labels[1]).mean()
    assert agreement > 0.9, f"argmax agreement with float32 is {agreement:.4f}"


def tilted_table(degrees, offset=(0.0, 0.0, 0.0)):
    """A table top of 0.8 m with a box on it, turned about x; return xyz."""
    rng = np.random.default_rng(3)
    top = np.c_[rng.uniform(0, 0.8, (6000, 2)), rng.normal(0, 0.001, 6000)]
    box = rng.uniform((0.3, 0.3, 0.0), (0.42, 0.4, 0.15), (2500, 3))
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return ((np.concatenate([top, box]) @ turn.T) + offset).astype(np.float32)


@pytest.mark.parametrize("degrees", [50, 90, 130, 180 - 45])
def test_a_tilted_table_top_is_turned_level_with_its_things_above(registry, degrees):
    voxels = plugin_module(registry, "voxels")
    xyz = tilted_table(degrees, (1.0, -2.0, 0.5))
    made = voxels.voxelise(PointCloud(xyz), upright=True)
    height = made.scaled_xyz[:, 2] * made.size / voxels.TRAINED_SIZE
    top = np.median(height)
    assert (np.abs(height - top) < 0.02).mean() > 0.7  # level
    assert height.max() - top == pytest.approx(0.15, abs=0.03)  # the box stands on it
    assert top - height.min() < 0.03


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (10, 1.0), (60, 6.0)])
def test_level_scans_and_rooms_are_not_turned(registry, degrees, scale):
    voxels = plugin_module(registry, "voxels")
    made = voxels.voxelise(PointCloud(tilted_table(degrees) * np.float32(scale)), upright=True)
    assert np.array_equal(made.turn, np.eye(3))


def test_clicks_by_position_find_their_voxel_in_a_turned_scan(registry):
    engine = registry.open("agile3d", device="cpu", parameters={"upright": True})
    cloud = PointCloud(tilted_table(60))
    encoding = engine.encode(cloud)
    assert not np.array_equal(encoding.voxels.turn, np.eye(3))
    row = int(engine.engine.representatives(encoding)[33])
    position = tuple(float(v) for v in cloud.xyz[row])
    labels = engine.predict(encoding, Prompt.from_clicks([Click(position, 5)])).labels
    assert labels[row] == 5
