"""Golden arrays of the official implementation, and the synthetic weights they were made with."""

import json
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import load_state
from models.clickpose import ClickPose
from models.clickpose.decoder import Levels

BUNDLED = Path(__file__).parents[2] / "data" / "clickpose"
SHARED = Path(__file__).parents[4] / "shared" / "parity" / "clickpose"
SHARED_SPECS = SHARED.parents[1] / "specs"


def where(name: str) -> Path:
    """A golden file: the full one beside the checkout if there, else the bundled part."""
    path = next((f / name for f in (SHARED, BUNDLED) if (f / name).is_file()), None)
    if path is None:
        pytest.skip(f"{name} is only in the full golden data beside the checkout")
    return path


class Golden(dict):
    """Arrays by name; asking for one that is not bundled skips the test."""

    def __missing__(self, key: str):
        pytest.skip(f"{key} is only in the full golden data beside the checkout")


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(where(name)) as data:
        return Golden({k: data[k] for k in data.files})


@cache
def entries() -> list[dict]:
    """Key, shape, fill key, offset and scale of every state-dict entry."""
    return json.loads(where("state_dict_layout.json").read_text())["entries"]


def fill(key: str, shape: list[int], offset, scale: float) -> torch.Tensor:
    """One entry by the formula of the golden data's README."""
    n = int(np.prod(shape, dtype=np.int64))
    s = (zlib.crc32(key.encode()) + 591) % 100003
    x = np.sin((np.arange(n, dtype=np.float64) + 1) * 12.9898 + s * 0.078233) * 43758.5453
    u = (x - np.floor(x)).reshape(shape)
    values = np.asarray(offset, dtype=np.float64) + scale * (u - 0.5)
    return torch.from_numpy(values.astype(np.float32))


@cache
def weights() -> dict[str, torch.Tensor]:
    made: dict[str, torch.Tensor] = {}
    for e in entries():
        if e["fill_key"] not in made:
            made[e["fill_key"]] = fill(e["fill_key"], e["shape"], e["offset"], e["scale"])
    return {e["key"]: made[e["fill_key"]] for e in entries()}


@cache
def network() -> ClickPose:
    model = ClickPose().eval()
    load_state(model, weights())
    return model


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def close(have, want: np.ndarray, atol: float) -> None:
    have = have.detach().numpy() if isinstance(have, torch.Tensor) else np.asarray(have)
    np.testing.assert_allclose(have, want, atol=atol, rtol=0)


def projected(x: torch.Tensor) -> np.ndarray:
    """The golden data's two fixed projections over the last axis."""
    x, c = x.double().numpy(), np.arange(1, x.shape[-1] + 1)
    return np.stack([x @ np.cos(c), x @ np.sin(c)], axis=-1)


def levels_of(shapes: np.ndarray, ratios: np.ndarray, padding: np.ndarray) -> Levels:
    sizes = tuple((int(h), int(w)) for h, w in shapes)
    return Levels(sizes, tensor(ratios), tensor(padding))
