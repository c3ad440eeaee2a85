"""Reading and writing the compact network's weights; nothing in a file is ever run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.checkpoint import CheckpointError, compare_state, load_checkpoint
from models.clickpose.compact.network import CompactPoseNet


def save_compact(state: Mapping[str, Tensor], path: Path | str) -> None:
    """Write weights as 16-bit floats."""
    from safetensors.torch import save_file

    halves = {
        key: value.detach().cpu().half().contiguous()
        for key, value in state.items()
        if value.is_floating_point()
    }
    save_file(halves, str(path))


Network = TypeVar("Network", bound=nn.Module)


def ready(network: Network, device: torch.device | str, dtype: torch.dtype) -> Network:
    """Return a network ready to predict: placed, in its number type, frozen."""
    placed = network.to(device=device, dtype=dtype)
    placed.to(memory_format=torch.channels_last)
    return placed.eval().requires_grad_(False)


def load_compact(
    path: Path | str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> CompactPoseNet:
    """Return the network with weights from a file, ready to predict.

    Args:
        path: From `save_compact`.
        device: Where the network shall live.
        dtype: Its number type; 16-bit files are widened to it.

    Raises:
        CheckpointError: If the file is missing, damaged, or of another network.
    """
    network, state = CompactPoseNet(), load_checkpoint(path)
    wanted = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    report = compare_state(wanted, state)
    if not report.complete:
        raise CheckpointError(f"{path}: not weights of this network; {report}")
    network.load_state_dict(state, strict=False)
    return ready(network, device, dtype)
