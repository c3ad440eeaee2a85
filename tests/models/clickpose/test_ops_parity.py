"""Single operations of the network against the official ones."""

import numpy as np
import pytest
import torch

from models.clickpose.deformable import sample_by_grid, sample_levels
from models.clickpose.positions import (
    box_proposals,
    image_positions,
    inverse_sigmoid,
    pixel_centres,
    query_positions,
)
from tests.models.clickpose.parity import (
    SHARED_SPECS,
    close,
    entries,
    golden,
    levels_of,
    network,
    projected,
    tensor,
    weights,
)

ATOL = 2e-5


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.inference_mode():
        yield


@pytest.fixture
def ops():
    return golden("ops.npz")


@pytest.fixture
def levels(ops):
    return levels_of(ops["msda_shapes"], ops["valid_ratios"], ops["attn_mask"])


def test_keys_shapes_and_their_order_are_those_of_the_official_network():
    have = [(k, list(v.shape)) for k, v in network().state_dict().items()]
    assert have == [(e["key"], e["shape"]) for e in entries()]
    assert len(have) == 736
    unique = {p.data_ptr(): p.numel() for p in network().parameters()}
    assert sum(unique.values()) == sum(p.numel() for p in network().parameters())


def test_keys_equal_the_published_list():
    import json

    path = SHARED_SPECS / "clickpose_r50_state_dict.json"
    if not path.is_file():
        pytest.skip("the published list lies beside the checkout only")
    have = {k: list(v.shape) for k, v in network().state_dict().items()}
    assert list(have.items()) == list(json.loads(path.read_text()).items())


def test_synthetic_weights_follow_the_formula():
    check = golden("state_dict_check.npz")
    for e, first, sums in zip(entries(), check["first8"], check["sums"], strict=True):
        values = weights()[e["key"]].double().flatten()
        count = min(8, len(values))
        np.testing.assert_allclose(values[:count], first[:count], rtol=1e-6)
        assert values.sum().item() == pytest.approx(sums[0], rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("sample", [sample_levels, sample_by_grid])
def test_deformable_sampling_equals_the_official_one(ops, sample):
    shapes = tuple(map(tuple, ops["msda_shapes"].tolist()))
    have = sample(
        *(tensor(ops["msda_value"]), shapes, tensor(ops["msda_loc"])), tensor(ops["msda_w"])
    )
    close(have, ops["msda_out"], ATOL)


def test_attention_modules_equal_the_official_ones(ops, levels):
    transformer = network().transformer
    cases = (
        (transformer.encoder.layers[0].self_attn, "attn_ref2", "attn_enc0_ref2_out"),
        (transformer.decoder.layers[2].cross_attn, "attn_ref4", "attn_dec2_ref4_out"),
    )
    for attention, reference, wanted in cases:
        values = attention.values(tensor(ops["attn_src"]), levels.padding)
        have = attention(tensor(ops["attn_query"]), tensor(ops[reference]), values, levels.shapes)
        close(have, ops[wanted], ATOL)


def test_position_codes_equal_the_official_ones(ops):
    close(image_positions(tensor(ops["pos_mask"]), 256), ops["pos_out"], ATOL)
    boxes = tensor(ops["qsine_in4"])
    close(query_positions(boxes, 128), ops["qsine_out4"], ATOL)
    close(query_positions(boxes[..., :2], 128), ops["qsine_out2"], ATOL)
    close(inverse_sigmoid(tensor(ops["invsig_in"])), ops["invsig_out"], ATOL)


def test_proposals_and_reference_points_equal_the_official_ones(ops, levels):
    have = box_proposals(levels.shapes, tensor(ops["prop_mask"]), levels.ratios)
    close(have, ops["prop_out"], ATOL)
    kept = tensor(ops["attn_src"]).masked_fill(~have[..., :1].isfinite(), 0.0)
    close(projected(kept), ops["prop_memory_proj"], 5e-4)
    close(pixel_centres(levels.shapes, levels.ratios), ops["enc_refpoints"], ATOL)


def test_an_encoder_layer_equals_the_official_one(ops, levels):
    have = network().transformer.encoder.layers[0](
        tensor(ops["attn_src"]),
        tensor(ops["enclayer_pos"]),
        tensor(ops["enc_refpoints"]),
        levels.shapes,
        tensor(ops["prop_mask"]),
    )
    close(have, ops["enclayer0_out"], ATOL)


@pytest.mark.parametrize(("index", "group", "name"), [(3, 18, "3"), (0, None, "0_nomask")])
def test_a_decoder_layer_equals_the_official_one(ops, levels, index, group, name):
    groups = np.arange(36) // 18
    np.testing.assert_array_equal(ops["declayer_mask"], groups[:, None] != groups)
    layer = network().transformer.decoder.layers[index]
    values = layer.cross_attn.values(tensor(ops["attn_src"]), tensor(ops["prop_mask"]))
    target, place, reference = (
        tensor(ops[f"declayer_{k}"]).transpose(0, 1) for k in ("tgt", "qpos", "ref")
    )
    have = layer(target, place, reference, values, levels.shapes, group)
    close(have.transpose(0, 1), ops[f"declayer{name}_out"], ATOL)


def test_heads_and_norm_equal_the_official_ones(ops):
    model, x = network(), tensor(ops["mlp_in"])
    close(model.bbox_embed[2](x), ops["mlp_bbox2_out"], ATOL)
    close(model.pose_embed[0](x), ops["mlp_pose0_out"], ATOL)
    close(model.pose_embed[4](x), ops["mlp_pose4_out"], ATOL)
    close(model.pose_hw_embed[1](x), ops["mlp_posehw_out"], ATOL)
    close(model.class_embed[5](x), ops["cls5_out"], ATOL)
    head = model.transformer.decoder.ref_point_head
    close(head(tensor(ops["refhead_in"])), ops["refhead_out"], ATOL)
    norm = model.backbone[0].body.bn1
    close(norm(tensor(ops["fbn_in"])), ops["fbn_bn1_out"], ATOL)
