"""Training of the compact pose engine: data, simulated corrections, measures, resuming."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.io import savemat

from annotator.benchmark.poses.metrics import oks
from annotator.domain import COCO_17, LSP_14
from models.clickpose.compact.checkpoint import load_compact
from models.clickpose.compact.detector import Found
from models.clickpose.compact.network import MIRROR
from models.clickpose.compact.prompt import FIXED, UNKNOWN
from models.clickpose.training import cache, canvases, detect, finding, lspe, settle, train
from models.clickpose.training.coco import read_coco
from models.clickpose.training.detect import detection_loss
from models.clickpose.training.finding import compare, measure
from models.clickpose.training.labelled import Labelled
from models.clickpose.training.lspe import read_lspe
from models.clickpose.training.measures import correct, similarity
from models.clickpose.training.prompts import corrections
from models.clickpose.training.scenes import CANVAS, UNSURE, Scene, canvas_of, from_coco
from models.clickpose.training.views import augmented_view, plain_view
from tests.models.clickseg.test_compact import published_weights

PEOPLE, HELD_BACK = 10, 3


@pytest.fixture(scope="module")
def people_folder(tmp_path_factory):
    """Dots as joints on noise, in the layout of Leeds Sports Pose Extended."""
    folder = tmp_path_factory.mktemp("lspe")
    (folder / "images").mkdir()
    random = np.random.default_rng(0)
    table = np.zeros((14, 3, PEOPLE))
    for number in range(PEOPLE):
        joints = 20 + np.asarray(LSP_14.layout) * [50, 90] + random.normal(0, 4, (14, 2))
        rgb = random.integers(60, 90, (130, 100, 3), dtype=np.uint8)
        for index, (x, y) in enumerate(joints):
            colour = (15 * index + 20, 255 - 15 * index, 120)
            cv2.circle(rgb, (int(x), int(y)), 4, colour, -1)
        cv2.imwrite(str(folder / "images" / f"im{number + 1:05d}.jpg"), rgb[..., ::-1])
        table[:, :2, number], table[:, 2, number] = joints + 0.5, 1
    table[4, 2, 0] = 0
    savemat(folder / "joints.mat", {"joints": table})
    return folder


@pytest.fixture(autouse=True)
def few_people(monkeypatch):
    monkeypatch.setattr(lspe, "HELD_BACK", HELD_BACK)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    path = tmp_path_factory.mktemp("imagenet") / "lite0.pth"
    torch.save(published_weights(), path)
    return path


def run(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
    module.main()


def test_the_last_people_are_held_back(people_folder):
    trained, kept = (read_lspe(people_folder, held_back=flag) for flag in (False, True))
    assert [len(trained), len(kept)] == [PEOPLE - HELD_BACK, HELD_BACK]
    assert not {p.path for p in trained} & {p.path for p in kept}
    assert trained[0].known.tolist() == [joint != 4 for joint in range(14)]


@pytest.fixture
def coco_folder(people_folder, tmp_path):
    """Two photos of COCO with a whole person, one with few joints, a crowd and a reserved one."""
    columns = np.arange(1, 18)
    keypoints = np.stack([10 + 3 * columns, 20 + 5 * columns, 1 + columns % 2], axis=1)
    few = keypoints.copy()
    few[5:, 2] = 0
    photo = (people_folder / "images" / "im00001.jpg").read_bytes()
    images, annotations = [], []
    cases = {7: (keypoints, 0), 8: (few, 0), 9: (keypoints, 1), 10: (keypoints, 0), 11: (few, 0)}
    for number, (joints, crowd) in cases.items():
        if number != 11:
            (tmp_path / f"{number:012d}.jpg").write_bytes(photo)
        images.append({"id": number, "file_name": f"{number:012d}.jpg"})
        annotations.append({
            "image_id": number, "bbox": [5, 10, 60, 110], "iscrowd": crowd,
            "keypoints": joints.ravel().tolist(),
        })  # fmt: skip
    table = tmp_path / "keypoints.json"
    table.write_text(json.dumps({"images": images, "annotations": annotations}))
    return table


def test_people_of_coco_get_the_joints_of_leeds_sports_pose(coco_folder):
    (person,) = read_coco(coco_folder, coco_folder.parent, reserved={10})
    assert person.path.name == "000000000007.jpg"
    names = COCO_17.joints
    for ours, joint in zip(person.joints[:12], LSP_14.joints, strict=False):
        assert ours[0] == 10 + 3 * (names.index(joint) + 1)
    assert person.known.tolist() == [True] * 12 + [False] * 2
    _, joints, known = plain_view(person)
    assert known[:12].all()
    # the longer side of the body fills as much of the view as that of a box told by hand
    assert person.body is not None
    assert (joints[0] - joints[1])[1] / 10 == pytest.approx(192 * 1.12 / 1.35 / 110, rel=1e-6)


def test_a_mirrored_view_names_joints_of_the_other_side(people_folder):
    person = read_lspe(people_folder, held_back=False)[1]
    views = [augmented_view(person, np.random.default_rng(seed)) for seed in range(12)]
    for _, joints, _ in views:
        # seen from the neck the left hip is left of the right one, however the view is turned
        down, across = joints[[2, 3]].mean(0) - joints[12], joints[3] - joints[2]
        assert across[0] * down[1] - across[1] * down[0] > 0
    for rgb, joints, known in (*views, plain_view(person)):
        assert rgb.shape == (192, 192, 3)
        assert ((joints[known] >= 0) & (joints[known] < 192)).all()


def test_corrections_fix_true_joints_the_worst_first():
    torch.manual_seed(0)
    truth, found = torch.rand(200, 14, 2), torch.rand(200, 14, 2)
    known = torch.rand(200, 14) < 0.8
    random = torch.Generator().manual_seed(1)
    told = corrections(truth, known, found, torch.tensor(MIRROR), random)
    fixed = told.states == FIXED
    assert (told.states[:, 0] == UNKNOWN).all()
    assert not (fixed & ~known[:, None]).any()
    apart = (told.places - truth[:, None]).abs().amax(-1)
    assert float(apart[fixed].max()) < 0.05
    error = ((truth - found).abs().sum(-1)).masked_fill(~known, -1)
    worst = error.argmax(1)
    assert fixed[torch.arange(200), 1, worst].float().mean() > 0.95
    assert fixed[torch.arange(200), 2, worst].float().mean() < 0.7


def test_similarity_is_the_one_that_the_benchmark_uses():
    random = np.random.default_rng(0)
    truth = random.uniform(0, 100, (5, 14, 2))
    joints = truth + random.normal(0, 5, truth.shape)
    known = random.random((5, 14)) < 0.8
    sigmas = np.asarray(LSP_14.sigmas)
    for row in range(5):
        size = truth[row][known[row]].max(0) - truth[row][known[row]].min(0)
        expected = oks(joints[row : row + 1], truth[row], known[row], size.prod(), sigmas)
        assert similarity(joints, truth, known)[row] == pytest.approx(expected[0])


def test_a_correction_by_hand_moves_the_worst_joint_and_feedback_the_others():
    truth = np.tile(np.asarray(LSP_14.layout) * 100, (3, 1, 1))
    joints, known = truth + 12.0, np.ones((3, 14), bool)
    joints[:, 6] += 30
    manual = correct(joints, truth, known, None)
    fed = correct(joints, truth, known, lambda j, fixed, _: np.where(fixed[..., None], j, truth))
    assert manual.oks[1].mean() > manual.oks[0].mean()
    assert fed.clicks(0.95) == 1.0
    assert manual.clicks(0.95) > 5


def test_training_is_the_same_when_it_is_interrupted(
    people_folder, imagenet, tmp_path, monkeypatch
):
    run(cache, monkeypatch, tmp_path / "c", "--lspe", people_folder, "--imagenet", imagenet,
        "--variants", 1)  # fmt: skip
    common = ["--imagenet", imagenet, "--batch", 4, "--corrected", 2]
    run(
        train, monkeypatch, tmp_path / "c", tmp_path / "a", *common, "--steps", 2, "--decay-from", 1
    )
    for steps in (1, 2):
        more = ["--steps", steps, "--decay-from", 1]
        run(train, monkeypatch, tmp_path / "c", tmp_path / "b", *common, *more)
    whole, pieces = (
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("a", "b")
    )
    for key, value in whole["network"].items():
        torch.testing.assert_close(pieces["network"][key], value, msg=key)
    run(settle, monkeypatch, tmp_path / "a" / "averaged.safetensors",
        tmp_path / "settled.safetensors", "--lspe", people_folder, "--steps", 2,
        "--batch", 4)  # fmt: skip
    tables = load_compact(tmp_path / "settled.safetensors").corrector.pairs
    assert float(tables.abs().max()) > 0.02


def test_canvases_show_people_where_the_boxes_say(tmp_path):
    rgb = np.full((200, 160, 3), 40, np.uint8)
    rgb[50:150, 60:100] = 220
    cv2.imwrite(str(tmp_path / "one.png"), rgb)
    scene = Scene(tmp_path / "one.png", np.array([[60.0, 50, 100, 150]]), np.zeros((0, 4)), True)
    for seed in range(8):
        canvas = canvas_of([scene], np.random.default_rng(seed))
        assert canvas.rgb.shape == (CANVAS, CANVAS, 3)
        if len(canvas.boxes):
            left, top, right, bottom = canvas.boxes[0].astype(int)
            inside = canvas.rgb[top + 4 : bottom - 4, left + 4 : right - 4]
            assert inside.min() > canvas.rgb[:8, :8].min() or inside.min() > 120


def test_reserved_coco_photos_are_left_out(tmp_path):
    for number in (7, 8):
        cv2.imwrite(str(tmp_path / f"{number:012d}.jpg"), np.zeros((20, 20, 3), np.uint8))
    table = {
        "images": [{"id": n, "file_name": f"{n:012d}.jpg"} for n in (7, 8, 9)],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            {"image_id": 7, "category_id": 1, "bbox": [5, 5, 9, 9], "iscrowd": 1},
            {"image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    (tmp_path / "t.json").write_text(json.dumps(table))
    (scene,) = from_coco(tmp_path / "t.json", tmp_path, {8})
    assert scene.boxes.tolist() == [[1, 2, 4, 6]]
    assert scene.crowds.tolist() == [[5, 5, 14, 14]]
    assert [s.path.stem[-1] for s in from_coco(tmp_path / "t.json", tmp_path, set())] == ["7", "8"]
    (partly,) = from_coco(tmp_path / "t.json", tmp_path, set(), complete=False)
    assert partly.path == scene.path
    assert (scene.complete, partly.complete) == (True, False)


def test_where_people_may_be_unlabelled_nobody_counts_little(tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), np.full((200, 160, 3), 40, np.uint8))
    box, crowds = np.array([[60.0, 50, 100, 150]]), np.zeros((0, 4))
    for complete, least in ((True, 1.0), (False, UNSURE)):
        scene = Scene(tmp_path / "one.png", box, crowds, complete)
        weights = canvas_of([scene], np.random.default_rng(1)).weights
        assert weights.min() == np.float32(least)
        assert weights.max() == 1.0


def test_a_detector_starts_from_another_and_goes_on_after_a_break(
    people_folder, imagenet, tmp_path, monkeypatch, capsys
):
    people = cv2.imread(str(people_folder / "images" / "im00001.jpg"))
    images, boxes = [], []
    for number in (7, 8):
        cv2.imwrite(str(tmp_path / f"{number:012d}.jpg"), people)
        images.append({"id": number, "file_name": f"{number:012d}.jpg"})
        boxes.append({"image_id": number, "category_id": 1, "bbox": [10, 15, 70, 100]})
    table, reserved = tmp_path / "t.json", tmp_path / "reserved.txt"
    kinds = [{"id": 1, "name": "person"}]
    table.write_text(json.dumps({"images": images, "annotations": boxes, "categories": kinds}))
    reserved.write_text("8\n")
    (tmp_path / "empty").mkdir()
    cv2.imwrite(str(tmp_path / "empty" / "9.jpg"), np.full((90, 90, 3), 90, np.uint8))
    run(canvases, monkeypatch, tmp_path / "c", "--imagenet", imagenet, "--lspe", people_folder,
        "--clothing", tmp_path, "--coco-joints", table, tmp_path, "--nobody", tmp_path / "empty",
        "--reserved", reserved, "--count", 4)  # fmt: skip
    common = ["--imagenet", imagenet, "--batch", 2, "--decay-from", 1, "--steps"]
    for steps in (1, 2):
        run(detect, monkeypatch, tmp_path / "c", tmp_path / "a", *common, steps)
    run(detect, monkeypatch, tmp_path / "c", tmp_path / "whole", *common, 2)
    pieces, whole = (
        torch.load(tmp_path / name / "state.pt", weights_only=True)["network"]
        for name in ("a", "whole")
    )
    assert all(torch.equal(pieces[key], value) for key, value in whole.items())
    start = tmp_path / "a" / "averaged.safetensors"
    run(detect, monkeypatch, tmp_path / "c", tmp_path / "b", *common, 0, "--start", start)
    first, begun = (load_file(tmp_path / n / "averaged.safetensors") for n in ("a", "b"))
    assert all(torch.equal(begun[key], value) for key, value in first.items())
    run(finding, monkeypatch, start, "--imagenet", imagenet, "--coco-joints", table, tmp_path)
    assert "some labelled: 2 photos, 2 people" in capsys.readouterr().out


def test_the_detection_loss_falls_towards_the_truth():
    boxes, weights = [torch.tensor([[16.0, 8.0, 48.0, 56.0]])], torch.ones(1, 8, 8)
    centres, sides = torch.full((1, 8, 8), -4.0), torch.full((1, 4, 8, 8), 10.0)
    before = detection_loss(Found(centres, sides), boxes, weights)
    better = centres.clone()
    better[0, 4, 4] = 3.0
    y, x = torch.meshgrid(torch.arange(8) * 8 + 4.0, torch.arange(8) * 8 + 4.0, indexing="ij")
    exact = torch.stack([x - 16, y - 8, 48 - x, 56 - y])[None].clamp(min=1)
    after = detection_loss(Found(better, exact), boxes, weights)
    assert float(after[0]) < float(before[0])
    assert float(after[1]) == pytest.approx(0.0, abs=1e-4)


def test_proposals_are_compared_with_people_small_ones_and_crowds_do_not_count():
    boxes = np.array([[0.0, 0, 50, 100], [200, 0, 220, 30]])
    scene = Scene(Path("none"), boxes, np.array([[300.0, 0, 400, 100]]), True)
    proposals = np.array([
        [2.0, 0, 50, 100], [0, 0, 50, 90], [200, 0, 220, 30], [310, 10, 350, 90], [500, 0, 550, 90],
    ])  # fmt: skip
    seen = compare(proposals, np.array([0.9, 0.8, 0.7, 0.6, 0.5]), scene)
    assert seen.kinds.tolist() == [1, 0, -1, -1, 0]
    assert seen.people == 1
    nobody = compare(np.zeros((0, 4)), np.zeros(0), scene)
    every = measure([seen, nobody], 0.4)
    assert every == (0.4, 0.5, 1.0, 0.5)
    assert measure([seen], 0.85) == (0.85, 1.0, 0.0, 1.0)


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    missing = Labelled(tmp_path / "none.jpg", np.zeros((14, 2)), np.ones(14, bool))
    with pytest.raises(OSError, match=r"none\.jpg"):
        missing.photo()
