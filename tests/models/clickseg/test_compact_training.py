"""Preparing photos, simulated clicks, losses, training and evaluation of the compact network."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.io import savemat

from models.clickseg.compact import Click, CompactClickNet, CompactConfig
from models.clickseg.compact.zoom import ZoomSettings
from models.clickseg.training.evaluate import (
    Sample,
    Trace,
    benchmark_samples,
    held_back_samples,
    summary,
    trace,
)
from models.clickseg.training.losses import click_loss, normalised_focal, soft_dice
from models.clickseg.training.prepare import fingerprint, is_held_back, prepare, read_photos
from models.clickseg.training.saliency import salient_layers
from models.clickseg.training.samples import PhotoStore, draw_view
from models.clickseg.training.simulator import iou, loose_click, next_click, squared_depth
from models.clickseg.training.sources import VOID, Photo, read_numbers
from models.clickseg.training.train import Recipe, Trainer, run

PARITY = Path(__file__).resolve().parents[4] / "shared" / "parity" / "clickseg"
SMALL = CompactConfig(64, 32, 16, 8, heads=2, embedding=8, attention=1)


def blob(seed: int, size: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A bright disk on a dark, noisy ground, and its mask."""
    rng = np.random.default_rng(seed)
    y, x, radius = (*rng.integers(30, 60, 2).tolist(), int(rng.integers(15, 25)))
    rows, columns = np.mgrid[:size, :size]
    mask = ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2).astype(np.uint8)
    image = rng.integers(20, 60, (size, size, 3)) + mask[..., None] * np.asarray([150, 100, 20])
    return image.astype(np.uint8), mask


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("prepared")
    photos = (Photo(f"coco-{i}", image, [("object", mask)])
              for i, (image, mask) in ((i, blob(i)) for i in range(40)))  # fmt: skip
    assert prepare(photos, out) == 40
    return out


# --- Preparing -------------------------------------------------------------------------------


def write_coco(root: Path, numbers: list[int]) -> None:
    (root / "train2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    images, marks = [], []
    for number in numbers:
        image, _ = blob(number)
        cv2.imwrite(str(root / "train2017" / f"{number:012d}.jpg"), image)
        images.append({"id": number, "file_name": f"{number:012d}.jpg", "width": 96, "height": 96})
        square = [10, 20, 50, 20, 50, 60, 10, 60]
        runs = {"size": [96, 96], "counts": [90 * 96, 3 * 96, 3 * 96]}
        marks.append({"image_id": number, "segmentation": [square], "iscrowd": 0})
        marks.append({"image_id": number, "segmentation": runs, "iscrowd": 1})
    content = {"images": images, "annotations": marks}
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(content))


def test_coco_photos_keep_polygons_and_mark_crowds_unknown(tmp_path: Path):
    write_coco(tmp_path / "COCO_Tiny", [7, 8, 9])
    photos = list(read_photos(tmp_path, {"coco": {8}}))
    assert [photo.name for photo in photos] == ["coco-000000000007", "coco-000000000009"]
    kind, labels = photos[0].layers[0]
    assert kind == "object"
    assert (labels[21:60, 11:50] == 1).all()
    assert (labels[:, 90:93] == VOID).all()
    assert labels[0, 0] == 0


def test_a_photo_of_two_collections_is_read_once(tmp_path: Path):
    write_coco(tmp_path / "COCO_Tiny", [7])
    write_coco(tmp_path / "COCO-MINI", [7, 9])
    assert len(list(read_photos(tmp_path, {}))) == 2


def test_polygons_of_yolo_files_are_relative_to_the_photo(tmp_path: Path):
    root = tmp_path / "coco128_yolo"
    labels = root / "instance_segmentation" / "labels" / "train2017"
    labels.mkdir(parents=True)
    (root / "images" / "train2017").mkdir(parents=True)
    cv2.imwrite(str(root / "images" / "train2017" / "000000000009.jpg"), blob(9)[0])
    (labels / "000000000009.txt").write_text("51 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n")
    (photo,) = read_photos(tmp_path, {})
    assert (photo.layers[0][1][25:72, 25:72] == 1).all()
    assert photo.layers[0][1].mean() == pytest.approx(0.25, abs=0.02)


def test_clothes_become_a_person_and_parts(tmp_path: Path):
    root = tmp_path / "clothing-co-parsing"
    (root / "annotations" / "pixel-level").mkdir(parents=True)
    (root / "photos").mkdir()
    cv2.imwrite(str(root / "photos" / "0001.jpg"), blob(1)[0])
    parts = np.zeros((96, 96), np.uint8)
    parts[10:40, 20:60], parts[40:80, 20:60] = 19, 41
    savemat(root / "annotations" / "pixel-level" / "0001.mat", {"groundtruth": parts})
    (photo,) = read_photos(tmp_path, {})
    (first, person), (second, kept) = photo.layers
    assert (first, second) == ("object", "part")
    assert person.sum() == (parts > 0).sum()
    assert set(np.unique(kept)) == {0, 19, 41}


def test_every_persons_segmentation_is_a_layer(tmp_path: Path):
    data = tmp_path / "BSDS500" / "BSDS500" / "data"
    (data / "groundTruth" / "train").mkdir(parents=True)
    (data / "images" / "train").mkdir(parents=True)
    truth = np.empty((1, 2), object)
    for person in range(2):
        segments = np.ones((96, 96), np.uint16)
        segments[20:60, 20:60] = 2 + person
        truth[0, person] = {"Segmentation": segments}
    for name in ("100", "200"):
        savemat(data / "groundTruth" / "train" / f"{name}.mat", {"groundTruth": truth})
        cv2.imwrite(str(data / "images" / "train" / f"{name}.jpg"), blob(1)[0])
    (photo,) = read_photos(tmp_path, {"bsds": {200}})
    assert [kind for kind, _ in photo.layers] == ["part", "part"]
    assert len(np.unique(photo.layers[0][1][20:60, 20:60])) == 1


def test_saliency_joins_the_regions_a_person_drew():
    regions = np.zeros((90, 90), np.uint8)
    regions[:, :45], regions[:, 45:] = 1, 2
    regions[30:60, 20:45], regions[30:60, 45:70] = 3, 4
    salient = np.zeros((90, 90), np.float32)
    salient[31:59, 21:69] = 0.95
    photo = Photo("bsds-1", np.zeros((90, 90, 3), np.uint8), [("part", regions)])
    joined, alone = salient_layers(photo, salient)
    assert joined.sum() == 30 * 50
    assert (joined[30:60, 20:70] == 1).all()
    assert (alone == (salient > 0.5)).all()
    assert salient_layers(photo, np.full((90, 90), 0.45, np.float32)) == []


def test_photos_that_look_like_evaluation_images_are_left_out(tmp_path: Path):
    rng = np.random.default_rng(0)
    smooth = [cv2.resize(rng.integers(0, 255, (7, 9, 3), dtype=np.uint8), (90, 70))
              for _ in range(2)]  # fmt: skip
    photos = [Photo(f"coco-{i}", s, [("object", np.zeros((70, 90), np.uint8))])
              for i, s in enumerate(smooth)]  # fmt: skip
    larger = cv2.resize(smooth[0], (180, 140), interpolation=cv2.INTER_CUBIC)
    assert (fingerprint(larger) != fingerprint(smooth[0])).sum() <= 6
    assert prepare(iter(photos), tmp_path, excluded=[larger]) == 1
    assert json.loads((tmp_path / "index.json").read_text())[0]["name"] == "coco-1"


def test_preparing_again_keeps_what_is_there(tmp_path: Path):
    image, mask = blob(0)
    photos = [Photo(f"coco-{i}", image, [("object", mask)]) for i in range(3)]
    assert prepare(iter(photos[:2]), tmp_path) == 2
    changed = (tmp_path / "images" / "coco-0.npy").stat().st_mtime_ns
    assert prepare(iter(photos), tmp_path) == 3
    assert (tmp_path / "images" / "coco-0.npy").stat().st_mtime_ns == changed


def test_the_held_back_split_is_small_and_decided_by_name():
    held = sum(is_held_back(f"coco-{i:012d}") for i in range(2000))
    assert 60 < held < 180
    assert is_held_back("coco-1") == is_held_back("coco-1")


def test_numbers_are_read_one_a_line(tmp_path: Path):
    (tmp_path / "reserved.txt").write_text("000000000724\n21077\n\nnot a number 5\n")
    assert read_numbers(tmp_path / "reserved.txt") == {724, 21077}
    assert read_numbers(None) == set()


# --- Views and clicks ------------------------------------------------------------------------


def test_a_view_depends_on_the_generator_alone(prepared: Path):
    store = PhotoStore(prepared, "train")
    first, again = (draw_view(np.random.default_rng(5), store, 64, 3) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.targets, again.targets)
    assert first.image.shape == (64, 64, 3)
    assert first.targets.shape == (3, 64, 64)


def test_every_view_shows_something_of_every_object(prepared: Path):
    store = PhotoStore(prepared, "train")
    for seed in range(40):
        view = draw_view(np.random.default_rng(seed), store, 64, 2, pasted=0.5)
        assert set(np.unique(view.targets)) <= {0, 1, VOID}
        assert (view.targets == 1).any(axis=(1, 2)).all()


def test_the_splits_share_no_photo(prepared: Path):
    names = [{photo.name for photo in PhotoStore(prepared, split).all()}
             for split in ("train", "val")]  # fmt: skip
    assert not names[0] & names[1]
    assert len(names[0] | names[1]) == 40


def test_the_next_click_is_in_the_middle_of_the_deepest_error():
    target = np.zeros((40, 60), np.uint8)
    target[5:26, 5:26] = 1
    assert next_click(target, np.zeros((40, 60), bool)) == Click(True, 15.0, 15.0)
    predicted = target == 1
    predicted[30:39, 40:49] = True
    assert next_click(target, predicted) == Click(False, 34.0, 44.0)
    assert next_click(target, target == 1) is None


def test_a_tie_is_an_outside_click_and_unknown_pixels_are_no_error():
    target = np.zeros((20, 40), np.uint8)
    target[5:10, 5:10] = 1
    predicted = np.zeros((20, 40), bool)
    predicted[5:10, 25:30] = True
    assert next_click(target, predicted) == Click(False, 7.0, 27.0)
    target[5:10, 25:30] = VOID
    assert next_click(target, predicted) == Click(True, 7.0, 7.0)
    assert next_click(target, predicted, [Click(True, 7.0, 7.0)]) == Click(True, 6.0, 6.0)


def test_next_clicks_match_the_official_ones():
    if not (PARITY / "clicker.npz").is_file():
        pytest.skip("official click cases are not beside the repository")
    cases = np.load(PARITY / "clicker.npz")
    for index, (height, width) in enumerate(cases["hw"]):
        truth = cases["gt"][index, :height, :width]
        target = np.where(truth == -1, VOID, truth).astype(np.uint8)
        predicted = cases["pred"][index, :height, :width] > 0
        rows = cases["prev_clicks"][index, : cases["n_prev"][index]]
        clicks = [Click(bool(p), float(y), float(x)) for p, y, x in rows]
        wanted = Click(*(t(v) for t, v in zip((bool, float, float), cases["next_click"][index],
                                              strict=True)))  # fmt: skip
        found = next_click(target, predicted, clicks)
        assert (found or Click(False, 0.0, 0.0)) == wanted


def test_loose_clicks_stay_in_the_kind_of_error_that_reaches_deepest():
    target = blob(3)[1]
    depth = squared_depth(target == 1)
    rng = np.random.default_rng(0)
    clicks = {loose_click(rng, target, np.zeros(target.shape, bool)) for _ in range(50)}
    assert len(clicks) > 10
    assert all(c.positive and depth[int(c.y), int(c.x)] >= 0.1 * depth.max() for c in clicks)


def test_iou_leaves_unknown_pixels_out():
    target = np.asarray([[1, 1, 0, VOID]], np.uint8)
    assert iou(target, np.asarray([[True, False, True, True]])) == pytest.approx(1 / 3)
    assert iou(np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool)) == 1.0


# --- Losses and training ---------------------------------------------------------------------


def test_focal_weights_of_a_mask_keep_their_sum():
    logits = torch.tensor([[[[4.0, -1.0], [0.0, 2.0]]]])
    target, known = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    error = torch.nn.functional.softplus(-logits)
    weight = (1 - logits.sigmoid()) ** 2
    expected = (error * weight).sum() / weight.sum()
    torch.testing.assert_close(normalised_focal(logits, target, known)[0], expected)


def test_losses_ignore_unknown_pixels_and_fall_towards_the_truth():
    target = (torch.rand(2, 1, 16, 16) > 0.5).float()
    known = torch.ones_like(target)
    known[:, :, 8:] = 0
    right = 8 * (target * 2 - 1)
    half = torch.where(known > 0, right, -right)
    for loss in (normalised_focal, soft_dice):
        torch.testing.assert_close(loss(right, target, known), loss(half, target, known))
        assert (loss(right, target, known) < loss(-right, target, known)).all()
    pyramid = [torch.nn.functional.avg_pool2d(right, k) for k in (2, 4, 8)]
    assert click_loss(pyramid, target, known).ndim == 0


def small_trainer(prepared: Path, **changes) -> Trainer:
    recipe = Recipe(**{"steps": 60, "views": 2, "prompts": 2, "side": 64, "thaw": 2, "rate": 3e-3,
                       "warm_up": 5, "half": False, **changes})  # fmt: skip
    return Trainer(recipe, PhotoStore(prepared, "train"), SMALL)


def test_a_resumed_run_equals_an_uninterrupted_one(prepared: Path, tmp_path: Path):
    straight = small_trainer(prepared)
    run(straight, tmp_path / "a", until=4)
    first = small_trainer(prepared)
    run(first, tmp_path / "b", until=2)
    second = small_trainer(prepared, seed=0)
    second.restore(torch.load(tmp_path / "b" / "state.pt", weights_only=True))
    run(second, tmp_path / "b", until=4)
    for key, value in straight.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[key]), key
    for key, value in straight.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[key]), key


def test_the_encoder_is_left_alone_until_it_is_thawed(prepared: Path):
    trainer = small_trainer(prepared, thaw=1)
    before = trainer.network.encoder.stem.weight.clone()
    trainer.train_step()
    assert torch.equal(before, trainer.network.encoder.stem.weight)
    trainer.train_step()
    assert not torch.equal(before, trainer.network.encoder.stem.weight)


def test_training_lowers_the_loss_of_a_view_it_sees_again(prepared: Path):
    trainer = small_trainer(prepared, warm_up=1, seed=3)
    steps = []
    for _ in range(25):
        trainer.step = 0
        steps.append(trainer.train_step())
    assert np.mean([step["loss"] for step in steps[-5:]]) < 0.8 * steps[0]["loss"]
    assert np.mean([step["after"] for step in steps[-5:]]) > steps[0]["after"] + 0.2


def test_training_saves_weights_a_log_and_the_recipe(prepared: Path, tmp_path: Path):
    trainer = small_trainer(prepared)
    trainer.step = 19
    run(trainer, tmp_path, until=20)
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert line["step"] == 20
    assert json.loads((tmp_path / "recipe.json").read_text())["side"] == 64
    assert (tmp_path / "average.safetensors").is_file()


# --- Evaluation ------------------------------------------------------------------------------


def test_clicks_to_an_iou_count_from_one_and_end_at_twenty():
    traces = [Trace("a", [0.5, 0.86, 0.95], 0.3, 2), Trace("b", [0.7] * 20, 2.0, 3)]
    assert [t.clicks_to(0.85) for t in traces] == [2, 20]
    found = summary(traces)
    assert found["NoC@85"] == 11.0
    assert found["NoF@85"] == 1
    assert found["IoU@1"] == pytest.approx(0.6)
    assert found["IoU@10"] == pytest.approx(0.825)
    assert found["seconds/click"] == pytest.approx(0.1)


def test_benchmark_masks_have_an_object_and_ignored_pixels(tmp_path: Path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.jpg"), blob(0)[0])
    mask = np.zeros((96, 96), np.uint8)
    mask[:10], mask[10:20] = 255, 128
    cv2.imwrite(str(tmp_path / "masks" / "a.png"), mask)
    (sample,) = benchmark_samples(tmp_path / "images", tmp_path / "masks")
    assert (sample.target[:10] == 1).all()
    assert (sample.target[10:20] == VOID).all()
    assert (sample.target[20:] == 0).all()


def test_a_trace_ends_at_the_wanted_iou_or_after_twenty_clicks():
    torch.manual_seed(0)
    image, mask = blob(0)
    network = CompactClickNet(SMALL).eval()
    settings = ZoomSettings(side=64)
    full = trace(network, Sample("a", image, mask), settings, stop_at=1.01)
    assert len(full.ious) == 20
    assert len(trace(network, Sample("a", image, mask), settings, stop_at=0.0).ious) == 1


def test_held_back_samples_are_objects_of_the_validation_split(prepared: Path):
    names = {photo.name for photo in PhotoStore(prepared, "val").all()}
    samples = list(held_back_samples(prepared, 60))
    assert {sample.name for sample in samples} == names
    assert all((sample.target == 1).any() for sample in samples)
