"""Measure a network on views of people that it was not trained on.

python -m models.clickpose.training.evaluate WEIGHTS --lspe LSPE
python -m models.clickpose.training.evaluate WEIGHTS --coco HELD_BACK.json PHOTOS
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.clickpose.compact.checkpoint import load_compact
from models.clickpose.compact.corrector import Candidates
from models.clickpose.compact.frame import SIDE
from models.clickpose.compact.neck import Maps
from models.clickpose.compact.network import CompactPoseNet
from models.clickpose.compact.prompt import FIXED, GUESSED, UNKNOWN, JointPrompt
from models.clickpose.training.coco import read_coco
from models.clickpose.training.labelled import Labelled
from models.clickpose.training.lspe import read_lspe
from models.clickpose.training.measures import THRESHOLDS, correct, pck
from models.clickpose.training.views import plain_view

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Encoded:
    """Views of many people, encoded once.

    Args:
        network: In evaluation mode.
        people: Labelled.
        guess: Whether the first answers are told to the network as guesses.
    """

    def __init__(self, network: CompactPoseNet, people: Sequence[Labelled], *, guess: bool) -> None:
        self.network, self.guess = network, guess
        views = [plain_view(person) for person in people]
        self.truth = np.stack([view[1] for view in views]) / SIDE
        self.known = np.stack([view[2] for view in views])
        self.views: list[tuple[Maps, Candidates]] = []
        with torch.inference_mode():
            for rgb, _, _ in views:
                image = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
                self.views.append(network.look(image.to(memory_format=torch.channels_last)))
        self.start = self.first()

    def first(self) -> Floats:
        """Return the joints found without any prompt."""
        blank = np.zeros(self.known.shape, np.bool_)
        return self._answer(np.zeros(self.truth.shape), blank, UNKNOWN)

    def refine(self, joints: Floats, fixed: Bools, _: Bools) -> Floats:
        """Answer the first guess with every correction so far."""
        told = np.where(fixed[..., None], joints, self.start)
        return self._answer(told, fixed, GUESSED if self.guess else UNKNOWN)

    @torch.inference_mode()
    def _answer(self, joints: Floats, fixed: Bools, other: int) -> Floats:
        found = []
        for row, (maps, candidates) in enumerate(self.views):
            states = np.where(fixed[row], FIXED, other)
            prompt = JointPrompt(
                torch.from_numpy(joints[row]).float()[None, None],
                torch.from_numpy(states)[None, None].long(),
            )
            found.append(self.network.settle(maps, candidates, prompt).best()[0][0, 0])
        places: Floats = torch.stack(found).double().numpy()
        return places


def report(encoded: Encoded) -> dict[str, object]:
    """Return PCK@0.2, clicks needed with and without feedback, errors of unclicked joints."""
    first = encoded.start
    manual = correct(first, encoded.truth, encoded.known, None)
    fed = correct(first, encoded.truth, encoded.known, encoded.refine)
    parts = pck(first, encoded.truth, encoded.known)
    clicks = {
        f"NoC@{name}": [round(manual.clicks(oks), 2), round(fed.clicks(oks), 2)]
        for name, oks in THRESHOLDS.items()
    }
    ratios = {k: round(v[1] / max(v[0], 1e-9), 3) for k, v in clicks.items()}
    return {
        "PCK@0.2": round(float(np.nanmean(parts)), 4),
        "joints": [None if np.isnan(p) else round(float(p), 3) for p in parts],
        "OKS": round(float(manual.oks[0].mean()), 4),
        "clicks": clicks,
        "ratios": ratios,
        "unclicked manual": _curve(manual.unclicked),
        "unclicked fed": _curve(fed.unclicked),
        "OKS manual": _curve(manual.oks),
        "OKS fed": _curve(fed.oks),
    }


def _curve(values: Floats) -> list[float]:
    return [round(float(np.nanmean(v)), 4) for v in values[:9]]


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--lspe", type=Path, help="folder; the last 1,000 people are taken")
    parser.add_argument("--coco", type=Path, nargs=2, metavar=("TABLE", "PHOTOS"))
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--with-guess", action="store_true", help="tell the first answers")
    given = parser.parse_args()
    torch.set_num_threads(1)
    network = load_compact(given.weights)
    people = [] if given.lspe is None else read_lspe(given.lspe, held_back=True)
    if given.coco is not None:
        table, photos = given.coco
        people += read_coco(table, photos, reserved=set())
    encoded = Encoded(network, people[: given.most], guess=given.with_guess)
    for key, value in report(encoded).items():
        print(f"{key}: {json.dumps(value)}")  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
