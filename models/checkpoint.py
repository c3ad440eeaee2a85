"""Reading checkpoints without running anything they contain, and loading them in words."""

import argparse
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_WRAPPERS = ("model", "state_dict")
_PROFILER_LEFTOVERS = ("total_params", "total_ops")


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message says which file and why."""


def load_checkpoint(path: Path | str) -> dict[str, Tensor]:
    """Read the network's tensors from a checkpoint, safely.

    Reads safetensors, a plain state dict, and the official dictionaries with the
    weights under `model` or `state_dict`. Only tensors, plain containers and `argparse.Namespace`
    are let through; a pickle that would call anything else is refused.
    16-bit floats become float32.

    Args:
        path: A .safetensors, .pth or .pt file.

    Returns:
        Tensors by key, on the CPU.

    Raises:
        CheckpointError: If the file is missing, damaged, holds code or no weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return {key: _upcast(value) for key, value in _state_of(path, content).items()}


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    import safetensors
    from safetensors.torch import load_file

    try:
        content: dict[str, Tensor] = load_file(str(path))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    return content


def _read_pickle(path: Path) -> object:
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: refused, because it holds more than weights (or is damaged). Reading it "
            "could run code on this computer; get the file from its authors again, or convert "
            "it to safetensors where you trust it"
        ) from error
    except Exception as error:  # a damaged pickle fails in any way whatever
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from error
    return content


def _state_of(path: Path, content: object) -> Mapping[str, Tensor]:
    """Pick the state dict out of a checkpoint's content."""
    state: Any = content
    for wrapper in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(f"{path}: holds no weights")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"{path}: entry {key!r} is not a tensor")
    return {k: v for k, v in state.items() if not k.endswith(_PROFILER_LEFTOVERS)}


def _upcast(value: Tensor) -> Tensor:
    return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value


@dataclass(frozen=True)
class LoadReport:
    """What loading a state dict found.

    Attributes:
        loaded: Number of entries taken over.
        missing: Keys the network has and the state dict has not.
        unexpected: Keys the state dict has and the network has not.
        misshapen: Keys with another shape, with both shapes in words.
    """

    loaded: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every entry fitted and none was left over."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        if self.complete:
            return f"all {self.loaded} entries loaded"
        parts = [f"{self.loaded} entries fit"]
        for word in ("missing", "unexpected", "misshapen"):
            if keys := getattr(self, word):
                shown = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
                parts.append(f"{len(keys)} {word}: {shown}")
        return "; ".join(parts)


def compare_state(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> LoadReport:
    """Compare a state dict with the one a network expects, by key and shape."""
    common = [k for k in expected if k in state]
    misshapen = [k for k in common if expected[k].shape != state[k].shape]
    return LoadReport(
        loaded=len(common) - len(misshapen),
        missing=tuple(k for k in expected if k not in state),
        unexpected=tuple(k for k in state if k not in expected),
        misshapen=tuple(
            f"{k} is {tuple(state[k].shape)} instead of {tuple(expected[k].shape)}"
            for k in misshapen
        ),
    )


def load_state(model: nn.Module, state: Mapping[str, Tensor], *, strict: bool = True) -> LoadReport:
    """Copy a state dict into a network.

    Args:
        model: The network.
        state: From `load_checkpoint`.
        strict: Refuse, before anything is changed, unless everything fits.

    Returns:
        What fitted and what did not.

    Raises:
        CheckpointError: If `strict` and something is missing, unexpected or misshapen.
    """
    expected = model.state_dict()
    report = compare_state(expected, state)
    if strict and not report.complete:
        raise CheckpointError(f"these weights belong to another network: {report}")
    fitting = {k: v for k, v in state.items() if k in expected and v.shape == expected[k].shape}
    model.load_state_dict(fitting, strict=False)
    return report
