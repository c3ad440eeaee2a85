"""Turn a training run into weights to ship: `python -m models.agile3d.training.export RUN OUT`."""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from models.agile3d.config import Agile3DConfig
from models.agile3d.network import Agile3D


def load_average(path: Path) -> Agile3D:
    """Return the averaged network of a run, ready to predict.

    Raises:
        OSError, KeyError, RuntimeError: If the file is not a training run.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = Agile3D(Agile3DConfig.from_dict(json.loads(state["config"])))
    network.load_state_dict(state["average"])
    return network.eval().requires_grad_(False)


def mixed(first: Agile3D, second: Agile3D, share: float = 0.5) -> Agile3D:
    """Return the first network with parameters and statistics drawn towards the second's.

    If one was trained on from the other, the mean often keeps what either is good at
    (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).

    Args:
        first: Changed in place.
        second: Of the same sizes.
        share: Weight of the second, 0 to 1.

    Raises:
        RuntimeError: If the networks differ in size.
    """
    other = second.state_dict()
    blend = {
        name: value.lerp(other[name], share) if value.is_floating_point() else value
        for name, value in first.state_dict().items()
    }
    first.load_state_dict(blend)
    return first


def export(trained: Agile3D, path: Path, **about: str) -> None:
    """Write float16 parameters, float32 statistics and frequencies, and the sizes.

    Args:
        trained: The network to write.
        path: The `.safetensors` file.
        about: Further metadata, such as the licence.
    """
    parameters = {name for name, _ in trained.named_parameters()}
    tensors = {
        name: (value.half() if name in parameters else value).contiguous().cpu()
        for name, value in trained.state_dict().items()
    }
    metadata = {"config": json.dumps(trained.config.to_dict()), **about}
    save_file(tensors, str(path), metadata=metadata)


def main(arguments: list[str] | None = None) -> None:
    """Export a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run.pt of a training")
    parser.add_argument("out", type=Path, help=".safetensors file to write")
    parser.add_argument("--mix", type=Path, help="run.pt of another training to average with")
    parser.add_argument("--share", type=float, default=0.5, help="weight of the other training")
    options = parser.parse_args(arguments)
    network = load_average(options.run)
    if options.mix:
        network = mixed(network, load_average(options.mix), options.share)
    export(network, options.out, licence="MIT", network="agile3d-compact")


if __name__ == "__main__":
    main()
