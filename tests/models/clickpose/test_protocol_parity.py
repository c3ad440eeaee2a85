"""Input, output, matching and simulated clicks against the official ones."""

import contextlib
import io
import json

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from models.clickpose.decoder import Poses
from models.clickpose.network import Trace
from models.clickpose.preprocess import batched, input_size, normalised, resized
from models.clickpose.protocol import (
    COCO_SIGMAS,
    corrected,
    kept,
    match,
    match_cost,
    similarity,
    worst_joint,
)
from tests.models.clickpose.parity import close, golden, network, tensor, where

SIGMAS = torch.tensor(COCO_SIGMAS)


def joints_of(flat: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """x1 y1 ... then 17 visibilities, as joints [..., 17, 2] and visibility."""
    return tensor(flat[..., :34]).unflatten(-1, (17, 2)), tensor(flat[..., 34:])


def poses_of(data, logits: str, boxes: str, joints: str, row: int = 0) -> Poses:
    one = slice(row, row + 1)
    return Poses(
        tensor(data[logits][one]), tensor(data[boxes][one]), joints_of(data[joints][one])[0]
    )


def test_input_sizes_are_the_official_ones():
    for wide, high, *out in golden("preprocess.npz")["resize_800_1333_wh_in_out"].tolist():
        assert input_size(wide, high) == tuple(out)


@pytest.mark.parametrize("name", ["A", "C"])
def test_resized_photos_equal_the_official_ones(name):
    wanted, photo = golden("preprocess.npz"), golden("images.npz")[name]
    high, wide = photo.shape[:2]
    down = resized(photo, *input_size(wide, high, 160, 220))
    np.testing.assert_array_equal(down, wanted[f"{name}_down_u8"])
    up = normalised(resized(photo, *input_size(wide, high, 300, 420)))
    assert up.shape == tuple(wanted[f"{name}_up_shape"])
    close(up[:, ::6, ::6], wanted[f"{name}_up_norm_slice"], 2e-5)


def test_padding_equals_the_official_one():
    ops = golden("ops.npz")
    inside = ~ops["nested_mask"]
    images = []
    for image, mask in zip(ops["nested_tensors"], inside, strict=True):
        images.append(tensor(image[:, : mask[:, 0].sum(), : mask[0].sum()]))
    have, padding = batched(images)
    close(have, ops["nested_tensors"], 0)
    np.testing.assert_array_equal(padding, ops["nested_mask"])


@pytest.mark.parametrize("row", [0, 1])
def test_kept_persons_equal_the_official_ones(row):
    ops = golden("ops.npz")
    poses = poses_of(ops, *(f"post_in_pred_{k}" for k in ("logits", "boxes", "keypoints")), row)
    high, wide = ops["post_in_sizes"][row].tolist()
    have = kept(poses, wide, high, 20)
    close(have["scores"], ops["post_out_scores"][row], 5e-6)
    np.testing.assert_array_equal(have["labels"], ops["post_out_labels"][row])
    close(have["boxes"], ops["post_out_boxes"][row], 2e-3)
    wanted = ops["post_out_keypoints"][row].reshape(-1, 17, 3)[..., :2]
    close(have["joints"], wanted, 2e-3)


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_simulated_clicks_equal_the_official_ones(name):
    data = golden(f"interactive_{name}.npz")
    poses = poses_of(data, "init_logits", "init_boxes", "init_kpts")
    truth, visible = joints_of(data["target0_keypoints"])
    visible = visible.clamp(max=1)
    cost = match_cost(poses, truth, visible, tensor(data["target0_area"]), SIGMAS)
    close(cost, data["match_cost"][0], 5e-4)
    pairs = match(cost)
    assert sorted(pairs) == sorted(map(tuple, data["match_pairs"][:, 1:].tolist()))
    for turn in (1, 2, 3):
        clicks = [
            (q, j := worst_joint(poses.joints[0, q], truth[p], visible[p]), truth[p, j])
            for q, p in pairs
        ]
        official = data[f"it{turn}_clicks"][:, [1, 3]].astype(int).tolist()
        assert sorted([q, j] for q, j, _ in clicks) == sorted(official)
        given = corrected(poses.joints[0], poses.boxes[0], clicks)
        close(given.boxes, data[f"it{turn}_in_boxes"], 5e-6)
        close(given.joints, data[f"it{turn}_in_kpts"], 5e-6)
        keys = (f"it{turn}_{k}3" for k in ("logits", "boxes", "kpts"))
        poses = poses_of(data, *keys)


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_18_rounds_of_clicks_follow_the_official_course(name):
    data = golden(f"noc_{name}.npz")
    images, padding = batched([normalised(golden("images.npz")[name])])
    with torch.inference_mode():
        encoding = network().encode(images, padding, trace=Trace())
        poses = encoding.poses.at(tensor(data["topk20"]).long())
        truth, visible = joints_of(data["target_keypoints"])
        for turn in range(18):
            clicks = [
                (
                    q,
                    j := worst_joint(poses.joints[0, q], truth[p], visible[p].clamp(max=1)),
                    truth[p, j],
                )
                for q, p in data["match_pairs"].tolist()
            ]
            given = corrected(poses.joints[0], poses.boxes[0], clicks)
            close(given.joints[0], data["traj_in_kpts"][turn], 5e-6)
            poses = network().refine(encoding, given.boxes, given.joints)
            close(poses.joints[0].flatten(1), data["traj_kpts"][turn][:, :34], 5e-6)
            close(poses.boxes[0], data["traj_boxes"][turn], 5e-6)


def test_similarity_equals_the_official_one():
    data = golden("oks_eval.npz")
    close(SIGMAS, data["kpt_sigmas"], 1e-6)
    joints, truth = (tensor(data[f"oksloss_{k}"]).unflatten(-1, (17, 2)) for k in ("pred", "gt"))
    have = similarity(
        joints, truth, tensor(data["oksloss_valid"]), tensor(data["oksloss_area"]), SIGMAS
    )
    close(1 - have, data["oksloss_out_linear"], 1e-6)
    close(-have.log(), data["oksloss_out_log"], 1e-6)


@pytest.mark.parametrize("image", [101, 102, 103])
def test_similarities_of_whole_images_equal_cocos(image):
    data = golden("oks_eval.npz")
    truth = json.loads(where("oks_eval_annotations.json").read_text())["annotations"]
    people = [a for a in truth if a["image_id"] == image and a["category_id"] == 1]
    person = data[f"pred{image}_labels"] == 1
    order = np.argsort(-data[f"pred{image}_scores"][person], kind="mergesort")
    found = tensor(data[f"pred{image}_keypoints"][person][order]).double()[:, None, :, :2]
    wanted = data[f"oks_img{image}_cat1"]
    keypoints = torch.tensor([a["keypoints"] for a in people]).double().view(len(people), 17, 3)
    area = torch.tensor([a["area"] for a in people]).double()
    labelled = (keypoints[..., 2] > 0).any(1)
    have = similarity(
        found, keypoints[None, ..., :2], keypoints[None, ..., 2], area[None], SIGMAS.double()
    )
    assert have.shape == wanted.shape
    # COCO measures people without labelled joints by their box instead; they count for nothing.
    close(have[:, labelled], wanted[:, labelled.numpy()], 1e-6)


def statistics(
    truth: dict, found: list[dict], kind: str, photos: list[int] | None = None
) -> np.ndarray:
    """COCO's statistics of answers about the people of some photos, all if not said."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), kind)
        run.params.imgIds = sorted(coco.imgs) if photos is None else photos
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats


def made_up_people(data: dict[str, np.ndarray]) -> list[dict]:
    """The golden data's made-up answers about three photos, as COCO writes results."""
    found = []
    for image in (101, 102, 103):
        columns = (data[f"pred{image}_{k}"] for k in ("labels", "scores", "boxes", "keypoints"))
        for label, score, box, joints in zip(*columns, strict=True):
            one = {"image_id": image, "category_id": int(label), "score": float(score)}
            one["bbox"] = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
            found.append(one | {"keypoints": joints.ravel().tolist()})
    return found


@pytest.mark.parametrize("kind", ["keypoints", "bbox"])
def test_statistics_of_a_dataset_equal_the_official_ones(kind):
    data = golden("oks_eval.npz")
    truth = json.loads(where("oks_eval_annotations.json").read_text())
    leave = "keypoints" if kind == "bbox" else "bbox"
    found = [{k: v for k, v in one.items() if k != leave} for one in made_up_people(data)]
    close(statistics(truth, found, kind), data[f"stats_{kind}"], 1e-6)
    if kind == "keypoints":
        for photo, wanted in zip(data["single_image_ids"], data["single_image_stats"], strict=True):
            close(statistics(truth, found, kind, [int(photo)]), wanted, 1e-6)


def precision(name: str, poses: Poses, wide: int, high: int) -> float:
    """COCO's average precision of the joints of one photo."""
    truth = json.loads(where(f"noc_{name}_annotations.json").read_text())
    image = truth["annotations"][0]["image_id"]
    best = kept(poses, wide, high, 20)
    found = [
        {
            "image_id": image,
            "category_id": int(label),
            "score": float(score),
            "keypoints": [*np.pad(joints, ((0, 0), (0, 1)), constant_values=1).ravel().tolist()],
        }
        for label, score, joints in zip(best["labels"], best["scores"], best["joints"], strict=True)
    ]
    people = [f for f in found if f["category_id"] == 1]
    return float(statistics(truth, people, "keypoints", [image])[0])


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_numbers_of_clicks_equal_the_official_ones(name):
    data = golden(f"noc_{name}.npz")
    high, wide = data["target_orig_size"].tolist()
    stages = [golden(f"interactive_{name}.npz")]
    first = poses_of(stages[0], "init_logits", "init_boxes", "init_kpts")
    rounds = [first] + [
        Poses(
            *(tensor(data[f"traj_{k}"][[t]]) for k in ("logits", "boxes")),
            joints_of(data["traj_kpts"][[t]])[0],
        )
        for t in range(17)
    ]
    course = [precision(name, poses, wide, high) for poses in rounds]
    close(np.array(course), data["stats"][:, 0], 1e-6)
    for threshold, wanted in zip(data["thresholds"], data["click_num"], strict=True):
        reached = [t for t, value in enumerate(course) if value >= threshold]
        assert (reached[0] if reached else 17) == wanted


@pytest.mark.parametrize("row", [0, 1])
def test_made_up_people_are_matched_as_officially(row):
    ops = golden("ops.npz")
    poses = poses_of(ops, *(f"post_in_pred_{k}" for k in ("logits", "boxes", "keypoints")), row)
    truth, visible = joints_of(ops[f"matcher_target{row}_keypoints"])
    area = tensor(ops[f"matcher_target{row}_area"])
    cost = match_cost(poses, truth, visible, area, SIGMAS)
    columns = slice(0, 3) if row == 0 else slice(3, 5)
    close(cost, ops["matcher_cost"][row][:, columns], 5e-4)
    official = zip(ops[f"matcher_rows{row}"], ops[f"matcher_cols{row}"], strict=True)
    assert match(cost) == [(int(r), int(c)) for r, c in official]


def test_correction_without_the_network_equals_the_official_one():
    wanted, data = golden("interactive_A_only_correction.npz"), golden("interactive_A.npz")
    poses = poses_of(data, "it1_logits3", "it1_boxes3", "it1_kpts3")
    clicks = [(int(c[1]), int(c[3]), tensor(c[4:6])) for c in data["it2_clicks"]]
    given = corrected(poses.joints[0], poses.boxes[0], clicks)
    close(given.joints.flatten(2), wanted["final_pred_keypoints"][..., :34], 5e-6)
    close(given.boxes, wanted["final_pred_boxes"], 5e-6)
