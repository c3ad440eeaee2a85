"""Golden arrays of the official implementation, and the synthetic weights they were made with."""

import json
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

BUNDLED = Path(__file__).parents[1] / "data" / "agile3d"
SHARED = Path(__file__).parents[3] / "shared" / "parity" / "agile3d"
SHARED_SPECS = SHARED.parents[1] / "specs"


def golden(name: str) -> dict[str, np.ndarray]:
    """Arrays of one file: the full one beside the checkout if there, else the bundled part."""
    path = next((f / name for f in (SHARED, BUNDLED) if (f / name).is_file()), None)
    if path is None:
        pytest.skip(f"{name} is only in the full golden data beside the checkout")
    with np.load(path) as data:
        return {k: data[k] for k in data.files}


@cache
def entries() -> list[dict]:
    """Key, shape, rule, a, sum and first of every state-dict entry."""
    listing = json.loads((BUNDLED / "state_dict.json").read_text())
    return listing if isinstance(listing, list) else listing["entries"]


def fill(key: str, shape: list[int], rule: str, a: float | None) -> torch.Tensor:
    """One entry by the formula of the golden data's README."""
    if rule == "skip":
        return torch.zeros(shape, dtype=torch.int64)
    n = int(np.prod(shape, dtype=np.int64))
    s = zlib.crc32(key.encode()) % 100003
    x = np.sin((np.arange(n, dtype=np.float64) + 1) * 12.9898 + s * 0.078233) * 43758.5453
    u = x - np.floor(x)
    values = {
        "small": lambda: 0.1 * (u - 0.5),
        "var": lambda: 1 + 0.2 * u,
        "norm": lambda: 1 + 0.1 * (u - 0.5),
    }.get(rule, lambda: (u - 0.5) * 2 * a)()
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


@cache
def weights(second_set: bool = False) -> dict[str, torch.Tensor]:
    """The synthetic state dict W1 or W2."""
    state = {}
    for e in entries():
        a = 1.0 if second_set and e["rule"] == "embed" else e.get("a")
        state[e["key"]] = fill(e["key"], e["shape"], e["rule"], a)
    return state
