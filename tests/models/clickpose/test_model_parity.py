"""The whole network, without clicks and with them, against the official one."""

from functools import cache

import numpy as np
import pytest
import torch

from models.clickpose.network import Trace
from models.clickpose.preprocess import batched, normalised
from tests.models.clickpose.parity import close, golden, network, projected, tensor

CASES = ("A", "B", "C", "AB")


@cache
def encoded(case: str):
    """Encoding and trace of one case."""
    photos = golden("images.npz")
    images, padding = batched([normalised(photos[name]) for name in case])
    trace = Trace()
    with torch.inference_mode():
        return network().encode(images, padding, trace=trace), trace, images, padding


@pytest.fixture(params=CASES)
def case(request):
    golden(f"model_{request.param}.npz")
    return request.param


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.inference_mode():
        yield


def test_input_and_backbone_equal_the_official_ones(case):
    wanted, (_, trace, images, padding) = golden(f"model_{case}.npz"), encoded(case)
    close(images[:, :, ::8, ::8], wanted["input_slice"], 2e-5)
    np.testing.assert_array_equal(padding, wanted["pad_mask"])
    for stage, have in zip((3, 4, 5), trace.maps, strict=True):
        close(have[:, ::16, ::2, ::2], wanted[f"feat{stage}_slice"], 5e-4)
        close(projected(have.permute(0, 2, 3, 1)), wanted[f"feat{stage}_proj"], 1e-2)
    for level, have in enumerate(trace.projected):
        close(projected(have.permute(0, 2, 3, 1)), wanted[f"src{level}_proj"], 5e-4)


def test_memory_and_proposals_equal_the_official_ones(case):
    wanted, (encoding, trace, *_) = golden(f"model_{case}.npz"), encoded(case)
    np.testing.assert_array_equal(encoding.levels.shapes, wanted["spatial_shapes"])
    np.testing.assert_array_equal(encoding.levels.padding, wanted["mask_flatten"])
    close(encoding.levels.ratios, wanted["valid_ratios"], 1e-6)
    close(projected(trace.positions), wanted["lvl_pos_proj"], 5e-4)
    close(projected(trace.memory), wanted["memory_proj"], 5e-4)
    if "memory" in wanted:
        close(trace.memory, wanted["memory"], 5e-5)
    close(trace.selection.logits, wanted["enc_logits"], 5e-5)
    close(trace.selection.coordinates, wanted["enc_coord_unsig"], 5e-5)


def test_every_decoder_layer_equals_the_official_one(case):
    wanted, (_, trace, *_) = golden(f"model_{case}.npz"), encoded(case)
    rows = trace.selection.rows
    assert [set(r) for r in rows.tolist()] == [set(r) for r in wanted["topk_enc"].tolist()]
    # Near-equal logits may change places, so queries are compared token by token.
    mine, theirs = rows.argsort(1), tensor(wanted["topk_enc"]).argsort(1)
    chosen = rows.gather(1, trace.chosen)
    official = tensor(wanted["topk_enc"]).long().gather(1, tensor(wanted["topk_group"]).long())
    np.testing.assert_array_equal(chosen, official)
    decoder = network().transformer.decoder
    for layer, step in enumerate([*trace.box_steps, *trace.pose_steps]):
        have, hs = step.entering, projected(decoder.norm(step.queries))
        ref, want = wanted[f"ref{layer}"], wanted[f"hs{layer}_proj"]
        if layer < 2:
            read = decoder.box_read(layer, step)
            batch = torch.arange(len(rows))[:, None]
            close(have[batch, mine], ref[batch, theirs], 5e-6)
            close(hs[batch, mine], want[batch, theirs], 5e-4)
            close(read.boxes[batch, mine], wanted[f"boxes{layer}"][batch, theirs], 5e-6)
            close(read.logits[batch, mine], wanted[f"logits{layer}"][batch, theirs], 5e-5)
        else:
            read = decoder.pose_read(layer - 2, step)
            close(have, ref, 5e-6)
            close(hs, want, 5e-4)
            same(read, wanted, layer)


def same(read, wanted, suffix, keys=("logits", "boxes", "kpts")):
    close(read.logits, wanted[f"{keys[0]}{suffix}"], 5e-5)
    close(read.boxes, wanted[f"{keys[1]}{suffix}"], 5e-6)
    joints = wanted[f"{keys[2]}{suffix}"][..., : 2 * read.joints.shape[2]]
    close(read.joints.flatten(2), joints, 5e-6)


def test_result_equals_the_official_one(case):
    wanted, (encoding, *_) = golden(f"model_{case}.npz"), encoded(case)
    same(encoding.poses, wanted, "", ("pred_logits", "pred_boxes", "pred_keypoints"))


VARIANTS = [(c, "") for c in CASES] + [("A", "_pinned_variant"), ("AB", "_pinned_variant")]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_pass_with_clicks_equals_the_official_one(name, variant):
    wanted, (encoding, *_) = golden(f"interactive_{name}{variant}.npz"), encoded(name)
    best = encoding.poses.logits.amax(-1).topk(20, dim=1).indices
    np.testing.assert_array_equal(best, wanted["topk20"])
    same(encoding.poses.at(best), wanted, "", ("init_logits", "init_boxes", "init_kpts"))
    for turn in (1, 2, 3):
        it = f"it{turn}_"
        free = tensor(wanted[f"{it}refinement"])
        trace = Trace()
        boxes, joints = tensor(wanted[f"{it}in_boxes"]), tensor(wanted[f"{it}in_kpts"])
        have = network().refine(encoding, boxes, joints, free, trace=trace)
        for index, step in enumerate(trace.pose_steps):
            close(step.entering, wanted[f"{it}ref{index}"], 5e-6)
            decoder = network().transformer.decoder
            close(projected(decoder.norm(step.queries)), wanted[f"{it}hs{index}_proj"], 5e-4)
            same(
                decoder.pose_read(index, step, free),
                wanted,
                index,
                (f"{it}logits", f"{it}boxes", f"{it}kpts"),
            )
        same(have, wanted, "3", (f"{it}logits", f"{it}boxes", f"{it}kpts"))
