"""Train the detector's head on the features of canvases.

    python -m models.clickpose.training.detect CANVASES RUN --imagenet LITE0.pth --steps 2000

Deterministic by seed; continues from `RUN/state.pt`; `RUN/averaged.safetensors` holds the
averaged weights of the whole detector.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.checkpoint import load_checkpoint
from models.clickpose.compact.backbone import EARLY, Backbone, load_imagenet
from models.clickpose.compact.checkpoint import save_compact
from models.clickpose.compact.detector import STRIDE, Found, PersonDetector
from models.clickpose.training.average import Average
from models.clickpose.training.mixed import mix_in_bfloat16

_REACH = 0.35
"""Cells so far from the centre, relative to half the box, tell where its sides are."""


def main() -> None:
    """Train to the given step."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.run.mkdir(parents=True, exist_ok=True)
    trainer = _Trainer(given)
    trainer.restore()
    while trainer.step < given.steps:
        trainer.advance()
    trainer.save()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("canvases", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--imagenet", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a detector to begin a new run with")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay-from", type=float, default=0.0, help="share of the steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="faster on CPUs that have it")
    parser.add_argument("--save-every", type=int, default=200)
    return parser.parse_args()


class _Canvases:
    """Features and boxes on disk."""

    def __init__(self, folder: Path) -> None:
        self.maps = [np.load(folder / f"{n}.npy", mmap_mode="r") for n in ("x8", "x16", "x32")]
        people = np.load(folder / "people.npz")
        self.boxes = np.split(people["boxes"], np.cumsum(people["counts"])[:-1])
        self.weights = people["weights"]

    def take(self, rows: list[int], mirrored: bool) -> tuple[list[Tensor], list[Tensor], Tensor]:
        maps = [torch.from_numpy(m[rows].astype(np.float32)) for m in self.maps]
        boxes = [torch.from_numpy(self.boxes[row]) for row in rows]
        weights = torch.from_numpy(self.weights[rows])
        if mirrored:
            maps, weights = [m.flip(3) for m in maps], weights.flip(2)
            wide = weights.shape[2] * STRIDE
            boxes = [
                torch.stack([wide - b[:, 2], b[:, 1], wide - b[:, 0], b[:, 3]], 1) for b in boxes
            ]
        ordered = [m.contiguous(memory_format=torch.channels_last) for m in maps]
        return ordered, boxes, weights


class _Trainer:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.step = given, 0
        backbone = Backbone()
        load_imagenet(backbone, given.imagenet)
        self.network = PersonDetector()
        self.network.to(memory_format=torch.channels_last)
        self.network.late.load_state_dict(backbone.stages[EARLY:].state_dict())
        if given.start is not None:
            self.network.load_state_dict(load_checkpoint(given.start), strict=False)
        self.network.late.requires_grad_(False)
        if given.bfloat16:
            mix_in_bfloat16(self.network.head)
        self.optimiser = torch.optim.AdamW(self.network.head.parameters(), weight_decay=0.02)
        self.average = Average(self.network)
        self.canvases = _Canvases(given.canvases)
        self.losses: list[list[float]] = []

    def advance(self) -> None:
        random = torch.Generator().manual_seed(self.given.seed * 1_000_003 + self.step)
        rows = self._rows()
        mirrored = bool(torch.rand((), generator=random) < 0.5)
        maps, boxes, weights = self.canvases.take(sorted(rows), mirrored)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        centre, side = detection_loss(self.network.head(*maps), boxes, weights)
        self.optimiser.zero_grad(set_to_none=True)
        (centre + side).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.head.parameters(), 10.0)
        self.optimiser.step()
        self.step += 1
        self.average.update(self.network, self.step)
        self.losses.append([float(centre.detach()), float(side.detach())])
        if self.step % 50 == 0:
            mean = np.mean(self.losses[-50:], axis=0).round(4).tolist()
            print(self.step, mean, flush=True)  # noqa: T201 - the command's output
        if self.step % self.given.save_every == 0:
            self.save()

    def _rows(self) -> list[int]:
        """Return the next canvases; every one comes up before any does again."""
        count, batch = len(self.canvases.boxes), self.given.batch
        epoch, part = divmod(self.step, max(count // batch, 1))
        random = torch.Generator().manual_seed(self.given.seed * 1_000_003 + epoch)
        order: list[int] = torch.randperm(count, generator=random).tolist()
        return order[part * batch : (part + 1) * batch]

    def _rate(self) -> float:
        start = self.given.decay_from * self.given.steps
        past = max(self.step - start, 0.0) / max(self.given.steps - start, 1.0)
        warm = min((self.step + 1) / 100, 1.0)
        return float(self.given.rate * warm * (0.51 + 0.49 * math.cos(math.pi * past)))

    def save(self) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state,
        }
        partial = self.given.run / "state.partial"
        torch.save(state, partial)
        partial.replace(self.given.run / "state.pt")
        save_compact(self.average.state, self.given.run / "averaged.safetensors")

    def restore(self) -> None:
        path = self.given.run / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.state, self.step = state["average"], int(state["step"])


def detection_loss(found: Found, boxes: list[Tensor], weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the penalty-reduced focal loss of centres (Law and Deng, ECCV 2018) and 1 - GIoU.

    Args:
        found: Of the detector, B pictures.
        boxes: Of the people, pixels, [n, 4] each.
        weights: How much a cell counts as "nobody", [B, H / 8, W / 8].
    """
    targets = [_targets(one, *found.centres.shape[-2:]) for one in boxes]
    heat = torch.stack([t[0] for t in targets])
    wanted, inside = torch.stack([t[1] for t in targets]), torch.stack([t[2] for t in targets])
    chance = found.centres.sigmoid()
    hit = (1 - chance) ** 2 * F.logsigmoid(found.centres) * (heat >= 0.999)
    missed = (1 - heat) ** 4 * chance**2 * F.logsigmoid(-found.centres) * weights
    people = max(sum(len(one) for one in boxes), 1)
    centre = -(hit + missed * (heat < 0.999)).sum() / people
    alike = _generous_overlap(found.sides.permute(0, 2, 3, 1)[inside], wanted[inside])
    return centre, 2.0 * (1 - alike).sum() / max(int(inside.sum()), 1)


def _targets(boxes: Tensor, high: int, wide: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return heat [H, W], sides [H, W, 4] and where sides are known [H, W] of one picture."""
    heat, inside = torch.zeros(high, wide), torch.zeros(high, wide, dtype=torch.bool)
    sides = torch.ones(high, wide, 4)
    y = ((torch.arange(high) + 0.5) * STRIDE)[:, None].expand(high, wide)
    x = ((torch.arange(wide) + 0.5) * STRIDE).expand(high, wide)
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    for left, top, right, bottom in boxes[sizes.argsort(descending=True)].tolist():
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        across, down = (right - left) / 2, (bottom - top) / 2
        away = ((x - middle_x) / across) ** 2 + ((y - middle_y) / down) ** 2
        bump = (-0.5 * away / 0.3**2).exp()
        row, column = int(middle_y / STRIDE), int(middle_x / STRIDE)
        row, column = min(max(row, 0), high - 1), min(max(column, 0), wide - 1)
        bump[row, column] = 1.0
        heat = torch.maximum(heat, bump.where((bump < 0.999) | (heat < 0), bump.new_tensor(0.998)))
        heat[row, column] = 1.0
        near = away < _REACH**2
        near[row, column] = True
        inside |= near
        sides[near] = torch.stack([x - left, y - top, right - x, bottom - y], -1)[near]
    return heat, sides, inside


def _generous_overlap(found: Tensor, wanted: Tensor) -> Tensor:
    """Generalised IoU of boxes by their sides around the same cells [n, 4] (CVPR 2019)."""
    wanted = wanted.clamp(min=0.5)
    shared = torch.minimum(found, wanted)
    whole = torch.maximum(found, wanted)
    cover = (whole[:, 0] + whole[:, 2]) * (whole[:, 1] + whole[:, 3])
    both = (shared[:, 0] + shared[:, 2]) * (shared[:, 1] + shared[:, 3])
    sizes = [(s[:, 0] + s[:, 2]) * (s[:, 1] + s[:, 3]) for s in (found, wanted)]
    union = sizes[0] + sizes[1] - both
    alike: Tensor = both / union.clamp(min=1e-6) - (cover - union) / cover.clamp(min=1e-6)
    return alike


if __name__ == "__main__":
    main()
