"""Random weights in files, so that plugins run without the real ones."""

import json

import torch
from safetensors.torch import save_file

from annotator.engine.store import user_weights
from models.agile3d import COMPACT, OFFICIAL, Agile3D

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
