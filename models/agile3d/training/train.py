"""Train a network on a folder of scans: `python -m models.agile3d.training.train SCANS OUT`."""

import argparse
import copy
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.agile3d.config import COMPACT, Agile3DConfig
from models.agile3d.labels import labels_from_logits
from models.agile3d.network import Agile3D
from models.agile3d.synthetic.store import load_scan
from models.agile3d.training.crops import Crop, draw_crop, draw_objects
from models.agile3d.training.losses import click_weights, deep_loss
from models.agile3d.training.simulator import Clicks, Rng, error_regions
from models.checkpoint import load_checkpoint


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run.

    Attributes:
        steps: Optimiser steps; the learning rate falls to zero along half a cosine.
        rate: Largest learning rate.
        warm_up: Steps with rising rate.
        decay: AdamW weight decay.
        clip: Largest gradient norm.
        max_voxels: Largest crop; one crop in five is twice as large, one in twenty five times.
        crops: Crops whose gradients make one step.
        rounds: Largest number of simulated correction rounds.
        average: Decay of the moving average of the weights, which is what is shipped.
        frozen: Share of the steps, at the end, with fixed normalisation statistics.
        seed: Decides everything random.
        precision: "float32", or "bfloat16" for mixed precision: products in 16 bits, weights,
            normalisation and losses in 32. Saves time and memory on GPUs, not on most CPUs.
    """

    steps: int = 6000
    rate: float = 1e-3
    warm_up: int = 200
    decay: float = 0.01
    clip: float = 1.0
    max_voxels: int = 5000
    crops: int = 1
    rounds: int = 5
    average: float = 0.998
    frozen: float = 0.25
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Check the precision.

        Raises:
            ValueError: If there is no such precision.
        """
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision must be float32 or bfloat16, not {self.precision!r}")


def build_network(config: Agile3DConfig, seed: int) -> Agile3D:
    """Return a fresh network; metric position codes get frequencies of many scales."""
    torch.manual_seed(seed)
    network = Agile3D(config)
    if config.position_extent > 0:
        columns = network.pos_enc.gauss_B.shape[1]
        scales = torch.logspace(math.log10(0.4), math.log10(5.0), columns)
        network.pos_enc.gauss_B *= scales
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = 0.03
    for embedding in (network.bg_query_feat, network.bg_query_pos):
        torch.nn.init.normal_(embedding.weight, std=0.5)
    return network


class Trainer:
    """A resumable training run.

    Args:
        config: Sizes of the network.
        recipe: How to train.
        scans: Files written by `models.agile3d.synthetic`.
        device: Where to train.
    """

    def __init__(
        self, config: Agile3DConfig, recipe: Recipe, scans: list[Path], device: str = "cpu"
    ) -> None:
        self.recipe = recipe
        self.scans = scans
        self.device = torch.device(device)
        self.network = build_network(config, recipe.seed).to(self.device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.rate, weight_decay=recipe.decay
        )
        self.step = 0

    def start_from(self, path: Path) -> None:
        """Take over the parameters of earlier weights; what they lack stays as it is.

        Raises:
            CheckpointError: If the file holds no weights.
        """
        own = self.network.state_dict()
        for name, value in load_checkpoint(path).items():
            # A reach that has grown keeps its first rows.
            if name in own and value.dim() and own[name].shape[1:] == value.shape[1:]:
                own[name][: len(value)] = value
        self.average.load_state_dict(own)

    def save(self, path: Path) -> None:
        """Write everything needed to continue."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "config": json.dumps(self.network.config.to_dict()),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Continue a run.

        Raises:
            OSError, RuntimeError, KeyError: If the file is not a run of this network.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]

    def train_step(self) -> dict[str, float]:
        """Make one optimiser step; return loss and IoU figures.

        What is random depends on seed and step alone, so that a resumed run is the same.
        """
        rng = np.random.default_rng([self.recipe.seed, self.step])
        self._set_mode()
        self.optimiser.zero_grad(set_to_none=True)
        figures = []
        for _ in range(self.recipe.crops):
            with self._precision():
                loss, figure = self._one_crop(rng)
            (loss / self.recipe.crops).backward()  # type: ignore[no-untyped-call]
            figures.append({"loss": float(loss.detach()), **figure})
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        if torch.isfinite(norm):
            self.optimiser.step()
        self._update_average()
        self.step += 1
        return _means(figures)

    def _precision(self) -> torch.autocast:
        mixed = self.recipe.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=mixed)

    def _rate(self) -> float:
        recipe = self.recipe
        rise = min(1.0, (self.step + 1) / recipe.warm_up)
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / recipe.steps)))
        return recipe.rate * rise * max(fall, 0.01)

    def _set_mode(self) -> None:
        frozen = self.step >= self.recipe.steps * (1 - self.recipe.frozen)
        for module in self.network.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.train(not frozen)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        pairs = zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def _one_crop(self, rng: Rng) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a random crop and the IoU reached on it."""
        crop, truth, count = self._sample(rng)
        coords, rgb, xyz = (
            torch.from_numpy(a).to(self.device) for a in (crop.coords, crop.rgb, crop.xyz)
        )
        encoding = self.network.encode(coords, rgb, xyz)
        if self.network.config.position_extent > 0:
            margin = torch.from_numpy(rng.uniform(0, 6, 3).astype(np.float32)).to(self.device)
            margin[2] = 0
            encoding = replace(encoding, positions=self.network.pos_enc(xyz, margin))
        target = torch.from_numpy(truth).to(self.device)
        clicks = Clicks()
        first = error_regions(crop.xyz, truth, np.zeros_like(truth), rng)
        clicks.add([first[i] for i in rng.permutation(len(first))])
        loss, layers = self._loss(encoding, xyz, target, clicks, count)
        figures = {"first": _mean_iou(layers[-1].detach(), clicks, target)}
        rounds = int(rng.integers(0, self.recipe.rounds + 1))
        if rounds and self._correct(crop, truth, encoding, clicks, count, rounds, layers[-1], rng):
            more, layers = self._loss(encoding, xyz, target, clicks, count)
            loss = loss + more
            figures["last"] = _mean_iou(layers[-1].detach(), clicks, target)
        return loss, figures

    def _sample(self, rng: Rng) -> tuple[Crop, np.ndarray, int]:
        while True:
            scan = load_scan(self.scans[rng.integers(len(self.scans))])
            factor = int(rng.choice([1, 2, 5], p=[0.75, 0.2, 0.05]))
            crop = draw_crop(rng, scan, self.recipe.max_voxels * factor)
            truth, count = draw_objects(rng, crop.labels)
            if count and len(truth) > 300:
                return crop, truth, count

    def _loss(
        self, encoding: object, xyz: Tensor, target: Tensor, clicks: Clicks, count: int
    ) -> tuple[Tensor, list[Tensor]]:
        layers = self.network.decode_layers(encoding, *_tensors(clicks, self.device), count)  # type: ignore[arg-type]
        weights = click_weights(xyz, torch.tensor(clicks.voxels, device=self.device))
        return deep_loss(layers, target, weights), layers

    @torch.no_grad()
    def _correct(
        self,
        crop: Crop,
        truth: np.ndarray,
        encoding: object,
        clicks: Clicks,
        count: int,
        rounds: int,
        logits: Tensor,
        rng: Rng,
    ) -> bool:
        """Add simulated corrections: the M largest errors a round; False if nothing is wrong."""
        added = False
        for number in range(rounds):
            predicted = labels_from_logits(logits, *_tensors(clicks, self.device)).cpu().numpy()
            worst = error_regions(crop.xyz, truth, predicted, rng)[:count]
            if not worst:
                break
            clicks.add(worst)
            added = True
            if number + 1 < rounds:
                logits = self.network.decode(encoding, *_tensors(clicks, self.device), count)  # type: ignore[arg-type]
        return added


def _tensors(clicks: Clicks, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    voxels = torch.tensor(clicks.voxels, device=device)
    objects = torch.tensor(clicks.objects, device=device)
    return voxels, objects, torch.arange(len(clicks.voxels), device=device)


def _mean_iou(logits: Tensor, clicks: Clicks, target: Tensor) -> float:
    labels = labels_from_logits(logits, *_tensors(clicks, logits.device))
    ious = []
    for number in range(1, logits.shape[1]):
        a, b = labels == number, target == number
        ious.append(float((a & b).sum() / (a | b).sum().clamp(min=1)))
    return sum(ious) / len(ious)


def _means(figures: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each figure over the dictionaries that have it."""
    names = {name for figure in figures for name in figure}
    return {n: round(float(np.mean([f[n] for f in figures if n in f])), 4) for n in sorted(names)}


def main(arguments: list[str] | None = None) -> None:
    """Train, writing `run.pt` and a log line now and then; continues where it stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    recipe = Recipe(**{name: getattr(options, name) for name in asdict(Recipe())})
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(COMPACT, recipe, sorted(options.scans.glob("scan*.npz")), options.device)
    path = options.out / "run.pt"
    if path.exists():
        trainer.load(path)
    elif options.start:
        trainer.start_from(options.start)
    run(trainer, path, options.minutes * 60)


def run(trainer: Trainer, path: Path, seconds: float, report: int = 50, keep: int = 200) -> None:
    """Train until the recipe's steps are made or the time is up."""
    started, figures = time.monotonic(), []
    while trainer.step < trainer.recipe.steps and time.monotonic() - started < seconds:
        figures.append(trainer.train_step())
        if trainer.step % report == 0:
            line: dict[str, float] = {
                "step": trainer.step,
                "seconds": round(time.monotonic() - started),
            }
            line |= _means(figures)
            print(json.dumps(line), flush=True)  # noqa: T201 - the command's output
            figures = []
        if trainer.step % keep == 0:
            trainer.save(path)
    trainer.save(path)


if __name__ == "__main__":
    main()
