"""IoU@k on labelled scans: `python -m models.agile3d.training.benchmark WEIGHTS SCAN...`."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from models.agile3d.config import Agile3DConfig
from models.agile3d.network import Agile3D
from models.agile3d.synthetic.scan import Scan
from models.agile3d.training.crops import VOXEL
from models.agile3d.training.evaluate import evaluate
from models.agile3d.training.export import load_average
from models.checkpoint import load_checkpoint, load_state


def load_network(path: Path) -> Agile3D:
    """Load exported weights or the average of a run (`.pt`).

    Raises:
        OSError, KeyError, RuntimeError, CheckpointError: If the file is neither.
    """
    if path.suffix == ".pt":
        return load_average(path)
    with safe_open(str(path), framework="pt") as file:
        config = Agile3DConfig.from_dict(json.loads(file.metadata()["config"]))
    network = Agile3D(config)
    load_state(network, load_checkpoint(path))
    return network.eval().requires_grad_(False)


def read_scan(path: Path) -> Scan:
    """Read `.npz` with xyz, rgb and labels or instance; whole numbers are millimetres.

    Raises:
        OSError, KeyError, ValueError: If the file is something else.
    """
    with np.load(path, allow_pickle=False) as data:
        xyz = data["xyz"]
        if np.issubdtype(xyz.dtype, np.integer):
            xyz = xyz / 1000
        labels = data["instance"] if "instance" in data else data["labels"]
        return Scan(xyz.astype(np.float32), data["rgb"], labels.astype(np.int32))


def main(arguments: list[str] | None = None) -> None:
    """Print mean IoU at 1, 3, 5 and 10 clicks an object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--clicks", type=int, default=10)
    parser.add_argument("--voxel", type=float, default=VOXEL)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    network = load_network(options.weights)
    curves = np.concatenate(
        [
            evaluate(
                network,
                read_scan(path),
                options.draws,
                objects=options.objects,
                clicks_per_object=options.clicks,
                voxel=options.voxel,
            )
            for path in options.scans
        ]
    )
    for clicks in (1, 2, 3, 5, 10):
        if clicks <= options.clicks:
            figure = curves[:, clicks - 1].mean()
            print(f"IoU@{clicks}: {100 * figure:.1f}")  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
