"""The compact pose engine as one file: the pose network and the person detector.

python -m models.clickpose.compact.bundle POSE.safetensors DETECTOR.safetensors OUT.safetensors
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from models.checkpoint import CheckpointError, compare_state, load_checkpoint
from models.clickpose.compact.checkpoint import ready, save_compact
from models.clickpose.compact.detector import PersonDetector
from models.clickpose.compact.network import CompactPoseNet


class Bundle(NamedTuple):
    """Both networks.

    Attributes:
        pose: Finds the joints of one person.
        detector: Finds people.
    """

    pose: CompactPoseNet
    detector: PersonDetector

    @classmethod
    def blank(cls) -> "Bundle":
        """Return untrained networks."""
        return cls(CompactPoseNet(), PersonDetector())

    def state(self) -> dict[str, Tensor]:
        """Return the weights of both, under `pose.` and `detector.`."""
        return {
            f"{name}.{key}": value
            for name, part in self._asdict().items()
            for key, value in part.state_dict().items()
            if value.is_floating_point()
        }


def load_bundle(
    path: Path | str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Bundle:
    """Return both networks, ready to predict.

    Args:
        path: A file that this module has written.
        device: Where they shall live.
        dtype: Their number type; 16-bit files are widened to it.

    Raises:
        CheckpointError: If the file is missing, damaged, or of other networks.
    """
    bundle, state = Bundle.blank(), load_checkpoint(path)
    report = compare_state(bundle.state(), state)
    if not report.complete:
        raise CheckpointError(f"{path}: not weights of the compact pose engine; {report}")
    for name, part in bundle._asdict().items():
        prefix = f"{name}."
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        part.load_state_dict(own, strict=False)
        ready(part, device, dtype)
    return bundle


def main() -> None:
    """Join the results of both trainings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pose", type=Path)
    parser.add_argument("detector", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    parts = {"pose": load_checkpoint(given.pose), "detector": load_checkpoint(given.detector)}
    joined = {f"{name}.{k}": v for name, part in parts.items() for k, v in part.items()}
    wrong = compare_state(Bundle.blank().state(), joined)
    if not wrong.complete:
        raise CheckpointError(f"these weights do not belong together: {wrong}")
    save_compact(joined, given.out)


if __name__ == "__main__":
    main()
