"""Golden arrays of the published RITM and SimpleClick code, and the weights they were made with."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from models.clickseg.disks import PlacedClick

BUNDLED = Path(__file__).parents[2] / "data" / "clickseg"
SHARED = Path(__file__).parents[4] / "shared" / "parity" / "clickseg"
CLICK_LAYERS = ("maps_transform", "patch_embed_coords")
CLICK_GAIN = 6.0


def golden(name):
    """Arrays of one file: the full one beside the checkout if there, else the bundled part."""
    path = next((f / name for f in (SHARED, BUNDLED) if (f / name).is_file()), None)
    if path is None:
        pytest.skip(f"{name} is only in the full golden data beside the checkout")
    with np.load(path) as data:
        return {key: data[key] for key in data.files}


def made_up(key, shape, gain):
    """One float entry of a state dict by the formula of the golden data's README."""
    count = int(np.prod(shape))
    s = zlib.crc32(key.encode()) % 100003
    x = np.arange(1, count + 1, dtype=np.float64)
    x *= 12.9898
    x += s * 0.078233
    np.sin(x, out=x)
    x *= 43758.5453
    u = x - np.floor(x)
    last = key.rpartition(".")[2]
    if last in ("pos_embed", "cls_token"):
        values = 0.5 * (u - 0.5)
    elif len(shape) > 1:
        spread = CLICK_GAIN if key.startswith(CLICK_LAYERS) else gain
        values = (u - 0.5) * (2 * spread * np.sqrt(3) / np.sqrt(np.prod(shape[1:])))
    elif last == "running_var":
        values = 1 + 0.2 * u
    elif last in ("bias", "running_mean"):
        values = 0.1 * (u - 0.5)
    else:
        values = 1 + 0.1 * (u - 0.5)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(network, gain):
    """Give a network the made-up weights."""
    state = {
        key: made_up(key, tuple(value.shape), gain) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def assert_state_matches(network, listing):
    """Hold a filled network's state dict to a `*_state.npz`: keys in order, shapes, kinds, sums."""
    state = network.state_dict()
    parameters = dict(network.named_parameters())
    assert list(state) == listing["keys"].tolist()
    for row, (key, value) in enumerate(state.items()):
        assert value.ndim == listing["ndim"][row]
        assert list(value.shape) == listing["shapes"][row][: value.ndim].tolist()
        assert (key in parameters) == listing["is_parameter"][row]
        assert (not value.is_floating_point()) == listing["is_integer"][row]
        if value.is_floating_point():
            total, absolute = listing["sum_abssum"][row]
            assert value.double().sum().item() == pytest.approx(total, abs=1e-9 * absolute)
            first = value.flatten()[:4].numpy()
            np.testing.assert_allclose(first, listing["first4"][row][: len(first)], rtol=1e-6)
    floats = [value.numel() for value in state.values() if value.is_floating_point()]
    assert sum(floats) == listing["n_float_elements"]
    assert sum(p.numel() for p in parameters.values()) == listing["n_trainable"]


def picture(rgb):
    """[H, W, 3] uint8 -> [1, 3, H, W] in 0..1."""
    return torch.from_numpy(rgb).movedim(-1, 0)[None].float() / 255


def placed(rows):
    """Rows of (positive?, row, column) as clicks."""
    return tuple(PlacedClick(bool(p), float(r), float(c)) for p, r, c in rows)
