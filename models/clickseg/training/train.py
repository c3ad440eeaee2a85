"""Train the compact network: `python -m models.clickseg.training.train PHOTOS OUT`.

Each step draws views and objects, lets the network answer a random number of simulated
clicks, and learns from one more. A step's randomness depends on the seed and the step's
number only, so a resumed run equals an uninterrupted one.
"""

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.clickseg.compact.checkpoint import save_compact, start_from_imagenet
from models.clickseg.compact.clicks import Click, click_maps
from models.clickseg.compact.network import CompactClickNet, CompactConfig, ImageFeatures
from models.clickseg.training.losses import click_loss
from models.clickseg.training.samples import PhotoStore, View, draw_view
from models.clickseg.training.simulator import Rng, iou, loose_click
from models.clickseg.training.sources import VOID

_ROUNDS = (0.35, 0.25, 0.2, 0.12, 0.08)
"""How likely it is to learn from the first click, the second, and so on."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run.

    Attributes:
        steps: Optimiser steps.
        rate: Learning rate of the new parts.
        encoder_rate: Of the pretrained encoder, relative to `rate`, once it is thawed.
        thaw: First step that changes the encoder.
        warm_up: Steps with rising rate.
        decay_from: Share of the steps after which the rate falls to zero.
        weight_decay: AdamW's.
        clip: Largest gradient norm.
        views: Views a step.
        prompts: Objects a view.
        side: Pixels along a view's side, a multiple of 32.
        pasted: Share of views with a pasted object.
        forget: Share of prompts whose previous mask is dropped.
        average: Decay of the moving average of the weights, which is what is shipped.
        half: Whether the forward pass runs in bfloat16.
        seed: Decides everything random.
    """

    steps: int = 8000
    rate: float = 1e-3
    encoder_rate: float = 0.1
    thaw: int = 2000
    warm_up: int = 100
    decay_from: float = 0.7
    weight_decay: float = 0.02
    clip: float = 1.0
    views: int = 4
    prompts: int = 2
    side: int = 320
    pasted: float = 0.3
    forget: float = 0.1
    average: float = 0.998
    half: bool = True
    seed: int = 0


class Trainer:
    """A resumable training run.

    Args:
        recipe: How to train.
        store: Photos to learn from.
        config: Sizes of the network.
    """

    def __init__(
        self, recipe: Recipe, store: PhotoStore, config: CompactConfig | None = None
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.store = recipe, store
        self.network = CompactClickNet(config)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self._groups(), lr=recipe.rate, fused=True)
        self.step = 0

    def _groups(self) -> list[dict[str, Any]]:
        encoder = list(self.network.encoder.parameters())
        fresh = [*self.network.neck.parameters(), *self.network.head.parameters()]
        matrices = [p for p in fresh if p.ndim > 1]
        decay = self.recipe.weight_decay
        return [
            {"params": encoder, "share": self.recipe.encoder_rate, "weight_decay": 0.0},
            {"params": matrices, "share": 1.0, "weight_decay": decay},
            {"params": [p for p in fresh if p.ndim <= 1], "share": 1.0, "weight_decay": 0.0},
        ]

    def start_from(self, imagenet: Path) -> None:
        """Give the encoder its ImageNet weights."""
        start_from_imagenet(self.network, imagenet)
        self.average.load_state_dict(self.network.state_dict())

    def train_step(self) -> dict[str, float]:
        """Make one step; returns its loss and the IoU before and after the last click."""
        rng = np.random.default_rng([self.recipe.seed, self.step])
        views = [
            draw_view(rng, self.store, self.recipe.side, self.recipe.prompts, self.recipe.pasted)
            for _ in range(self.recipe.views)
        ]
        self._set_rates()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.half):
            result = self._learn(rng, views)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._update_average()
        self.step += 1
        return result

    def _learn(self, rng: Rng, views: Sequence[View]) -> dict[str, float]:
        targets = np.concatenate([view.targets for view in views])
        features = self._encode(views)
        state = PromptState(targets)
        state.click(rng)
        rounds = int(rng.choice(len(_ROUNDS), p=_ROUNDS))
        for _ in range(rounds):
            with torch.no_grad():
                state.predicted = self._predict(features, state, rng).sigmoid()
            state.click(rng)
        before = state.mean_iou()
        clicks, previous = state.maps(rng, self.recipe.forget)
        logits = self.network.predict_deep(features, clicks, previous)
        truth = torch.from_numpy(targets[:, None])
        known = (truth != VOID).float()
        loss = click_loss(logits, (truth == 1).float(), known)
        torch.autograd.backward(loss)
        fine = torch.nn.functional.interpolate(logits[0].detach().float(), truth.shape[-2:])
        state.predicted = fine.sigmoid()
        return {
            "loss": float(loss.detach()),
            "before": before,
            "after": state.mean_iou(),
            "rounds": rounds,
        }

    def _encode(self, views: Sequence[View]) -> ImageFeatures:
        stacked = np.stack([view.image for view in views]).transpose(0, 3, 1, 2)
        image = torch.from_numpy(np.ascontiguousarray(stacked)).float() / 255
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(self.step >= self.recipe.thaw):
            taps = self.network.encoder(image)
        size = (image.shape[-2], image.shape[-1])
        features: ImageFeatures = self.network.neck(image, taps, size)
        return features.repeat(self.recipe.prompts)

    def _predict(self, features: ImageFeatures, state: "PromptState", rng: Rng) -> Tensor:
        clicks, previous = state.maps(rng, self.recipe.forget)
        return self.network.predict(features, clicks, previous)

    def _set_rates(self) -> None:
        recipe = self.recipe
        share = self.step / recipe.steps
        falling = (1 - share) / (1 - recipe.decay_from) if share > recipe.decay_from else 1.0
        scale = min(1.0, (self.step + 1) / recipe.warm_up) * falling
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate * scale * group["share"]

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        for mean, now in pairs:
            mean.lerp_(now, 1 - decay)

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


class PromptState:
    """Clicks and masks of the objects of one step.

    Args:
        targets: [P, S, S]: 0, 1, 255.
    """

    def __init__(self, targets: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        self.targets = targets
        self.clicks: list[list[Click]] = [[] for _ in targets]
        self.predicted = torch.zeros(len(targets), 1, *targets.shape[1:])

    def masks(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return the present masks [P, S, S]."""
        found: np.ndarray[Any, np.dtype[np.bool_]] = (self.predicted[:, 0] > 0.5).numpy()
        return found

    def click(self, rng: Rng) -> None:
        """Add a click to every object, where its mask is wrong."""
        for target, mask, clicks in zip(self.targets, self.masks(), self.clicks, strict=True):
            click = loose_click(rng, target, mask)
            if click is not None:
                clicks.append(click)

    def maps(self, rng: Rng, forget: float) -> tuple[Tensor, Tensor]:
        """Return click maps [P, 2, S, S] and previous masks [P, 1, S, S], some forgotten."""
        height, width = self.targets.shape[1:]
        maps = torch.stack([click_maps(clicks, height, width) for clicks in self.clicks])
        kept = torch.from_numpy(rng.random(len(self.targets)) >= forget)
        return maps, self.predicted.float() * kept[:, None, None, None]

    def mean_iou(self) -> float:
        """Return the mean IoU of the present masks."""
        pairs = zip(self.targets, self.masks(), strict=True)
        return float(np.mean([iou(target, mask) for target, mask in pairs]))


def run(trainer: Trainer, out: Path, save_every: int = 100, until: int | None = None) -> None:
    """Train to the end (or to a step), saving to `OUT/state.pt` and logging to `OUT/log.jsonl`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(trainer.recipe), indent=1))
    recent: list[dict[str, float]] = []
    began = time.monotonic()
    last = min(until or trainer.recipe.steps, trainer.recipe.steps)
    while trainer.step < last:
        recent.append(trainer.train_step())
        if trainer.step % 20 == 0:
            means = {key: float(np.mean([r[key] for r in recent])) for key in recent[0]}
            line = {"step": trainer.step, "seconds": round(time.monotonic() - began, 1), **means}
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            recent = []
        if trainer.step % save_every == 0 or trainer.step == last:
            save(trainer, out)


def save(trainer: Trainer, out: Path) -> None:
    """Write the state to go on from, and the averaged weights to ship."""
    part = out / "state.part"
    torch.save(trainer.state(), part)
    part.replace(out / "state.pt")
    save_compact(trainer.average, out / "average.safetensors")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; every field of the recipe is an option."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="written by models.clickseg.training.prepare")
    parser.add_argument("out", type=Path, help="folder for states, weights and the log")
    parser.add_argument("--imagenet", type=Path, help="EfficientNet-Lite0's .pth file")
    parser.add_argument("--from-state", type=Path, help="begin with the weights of another run")
    parser.add_argument("--threads", type=int, default=1)
    for field in fields(Recipe):
        kind = type(field.default)
        name = f"--{field.name.replace('_', '-')}"
        if kind is bool:
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(name, type=kind, default=field.default)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or go on with a run that was interrupted."""
    chosen = parse(arguments)
    torch.set_num_threads(chosen.threads)
    recipe = Recipe(**{field.name: getattr(chosen, field.name) for field in fields(Recipe)})
    trainer = Trainer(recipe, PhotoStore(chosen.photos, "train"))
    state = chosen.out / "state.pt"
    if state.is_file():
        trainer.restore(torch.load(state, weights_only=True))
    elif chosen.from_state:
        content = torch.load(chosen.from_state, weights_only=True)
        trainer.network.load_state_dict(content["network"])
        trainer.average.load_state_dict(content["average"])
    elif chosen.imagenet:
        trainer.start_from(chosen.imagenet)
    run(trainer, chosen.out)


if __name__ == "__main__":
    main()
