"""Random weights in files, so that plugins run without the real ones."""

import json

import torch
from safetensors.torch import save_file

from annotator.engine.store import user_weights
from models.agile3d import COMPACT, OFFICIAL, Agile3D
from models.clickpose import ClickPose, ClickPoseConfig
from models.clickpose.compact import Bundle
from models.clickseg.compact import CompactClickNet
from models.clickseg.hrnet import HRNetConfig
from models.clickseg.pyramid import PyramidConfig
from models.clickseg.ritm import Ritm, RitmConfig
from models.clickseg.simpleclick import SimpleClick, SimpleClickConfig
from models.clickseg.vit import VitConfig

CONFIGS = {"compact": COMPACT, "official": OFFICIAL}


def random_network(variant="compact", seed=0):
    """Return a network with reproducible random weights whose logits are not all alike."""
    torch.manual_seed(seed)
    return Agile3D(CONFIGS[variant]).eval()


def install_random_weights(variant="compact", network=None):
    """Write weights of a variant of agile3d to the user's folder and return the file."""
    network = network or random_network(variant)
    user_weights().mkdir(parents=True, exist_ok=True)
    path = user_weights() / f"agile3d-{variant}.safetensors"
    notes = {"config": json.dumps(CONFIGS[variant].to_dict())}
    save_file(network.state_dict(), path, metadata=notes)
    return path


def tiny_click_network(family="ritm", seed=0, **options):
    """Return a small click network with reproducible random weights and lively logits."""
    torch.manual_seed(seed)
    if family == "compact":
        return CompactClickNet().eval()
    if family == "simpleclick":
        vit = VitConfig(160, 1, 4, patch=32, grid=14, period=1)
        pyramid = PyramidConfig(160, (8, 8, 8, 8), (8, 8, 8, 8), 8)
        network = SimpleClick(SimpleClickConfig(vit, pyramid))
        network.head.conv_seg.weight.data.mul_(20)
    else:
        network = Ritm(RitmConfig(HRNetConfig.small(4), 4, **options))
        network.feature_extractor.cls_head.weight.data.mul_(20)
        network.maps_transform[3].scale.data.fill_(2.0)
    return network.eval()


def install_click_weights(variant="ritm-h18s", network=None):
    """Write weights of a variant of clickseg to the user's folder and return the file."""
    network = network or tiny_click_network(variant.partition("-")[0])
    user_weights().mkdir(parents=True, exist_ok=True)
    path = user_weights() / f"{variant}.safetensors"
    save_file(network.state_dict(), path)
    return path


def tiny_pose_network(keypoints=17, seed=0):
    """Return a small Click-Pose network with reproducible random weights that moves joints far."""
    torch.manual_seed(seed)
    sizes = {"hidden": 32, "feedforward": 32, "encoder_layers": 1, "box_layers": 1}
    small = {"pose_layers": 2, "labels": 7, "blocks": (1, 1, 1, 1), "width": 4, "groups": 4}
    network = ClickPose(ClickPoseConfig(keypoints=keypoints, queries=12, **sizes, **small))
    with torch.no_grad():
        for head in network.pose_embed:
            head.layers[-1].weight.mul_(8)
    return network.eval()


def compact_pose_state(seed=0):
    """Return reproducible random weights of the compact pose engine."""
    torch.manual_seed(seed)
    return Bundle.blank().state()


def install_pose_weights(variant, state):
    """Write weights of a variant of clickpose to the user's folder and return the file."""
    user_weights().mkdir(parents=True, exist_ok=True)
    path = user_weights() / f"clickpose-{variant}.safetensors"
    save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    return path
