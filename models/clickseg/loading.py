"""Networks from checkpoints, ready to predict."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from models.checkpoint import CheckpointError, compare_state, load_checkpoint
from models.clickseg.folding import fold_norms
from models.clickseg.ritm import Ritm, RitmConfig
from models.clickseg.simpleclick import SimpleClick, SimpleClickConfig


def load_ritm(
    path: Path | str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Ritm:
    """Return the RITM network of a checkpoint; its sizes are read off the tensors.

    Raises:
        CheckpointError: If the file is missing, damaged, unsafe or of another network.
    """
    state = load_checkpoint(path)
    try:
        config = RitmConfig.from_shapes(_shapes(state))
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"{path}: no RITM checkpoint ({error})") from error
    with torch.device("meta"):
        network = Ritm(config)
    _fill(network, state, path)
    fold_norms(network)
    # convolutions on a CPU take two thirds of the time with channels last
    network.to(device, dtype)
    return network.to(memory_format=torch.channels_last)


def load_simpleclick(
    path: Path | str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> SimpleClick:
    """Return the SimpleClick network of a checkpoint; its sizes are read off the tensors.

    Raises:
        CheckpointError: If the file is missing, damaged, unsafe or of another network.
    """
    state = load_checkpoint(path)
    try:
        config = SimpleClickConfig.from_shapes(_shapes(state))
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"{path}: no SimpleClick checkpoint ({error})") from error
    with torch.device("meta"):
        network = SimpleClick(config)
    _fill(network, state, path)
    return network.to(device, dtype)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def _fill(network: nn.Module, state: Mapping[str, Tensor], path: Path | str) -> None:
    """Put the tensors into a network on the meta device, without a copy."""
    report = compare_state(network.state_dict(), state)
    if not report.complete:
        raise CheckpointError(f"{path}: these weights belong to another network: {report}")
    network.load_state_dict(dict(state), assign=True)
    network.eval().requires_grad_(False)
