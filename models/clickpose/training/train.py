"""Train the compact pose network on cached features of views.

    python -m models.clickpose.training.train CACHE RUN --imagenet LITE0.pth --steps 4000

Deterministic by seed on one device; continues from `RUN/state.pt`; stops at any time without
loss of more than `--save-every` steps. `RUN/averaged.safetensors` holds averaged weights.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.clickpose.compact.backbone import load_imagenet
from models.clickpose.compact.checkpoint import load_compact, save_compact
from models.clickpose.compact.neck import Maps
from models.clickpose.compact.network import MIRROR, CompactPoseNet
from models.clickpose.compact.prompt import JointPrompt
from models.clickpose.training.average import Average
from models.clickpose.training.losses import answer_loss, settled_loss
from models.clickpose.training.mixed import mix_in_bfloat16
from models.clickpose.training.prompts import corrections
from models.clickpose.training.stored import Stored


def main() -> None:
    """Train to the given step."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    given.run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(given)
    trainer.restore()
    while trainer.step < given.steps:
        trainer.advance()
    trainer.save()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--imagenet", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin a new run with")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--late-rate", type=float, default=2e-4)
    parser.add_argument("--decay-from", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--corrected", type=int, default=8, help="people a step with prompts")
    parser.add_argument("--bfloat16", action="store_true", help="faster on CPUs that have it")
    parser.add_argument("--save-every", type=int, default=200)
    return parser.parse_args()


class Trainer:
    """One run.

    Args:
        given: The command line.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.step = given, 0
        torch.manual_seed(given.seed)
        self.network = CompactPoseNet().to(given.device)
        self.network.to(memory_format=torch.channels_last)
        load_imagenet(self.network.backbone, given.imagenet)
        if given.start is not None:
            self.network.load_state_dict(load_compact(given.start).state_dict())
        for part in self.network.backbone.early_parts():
            part.requires_grad_(False)
        if given.bfloat16:
            mix_in_bfloat16(self.network)
        self.optimiser = torch.optim.AdamW(self._groups(), weight_decay=0.02)
        self.average = Average(self.network)
        folders = sorted(p for p in given.cache.iterdir() if p.name.isdigit())
        self.stored = Stored([f for f in folders if (f / "known.npy").exists()])
        self.mirror = torch.tensor(MIRROR)
        self.parts: list[tuple[float, float]] = []
        self.began = time.monotonic()

    def _groups(self) -> list[dict[str, Any]]:
        late = [p for p in self.network.backbone.parameters() if p.requires_grad]
        rest = [*self.network.neck.parameters(), *self.network.decoder.parameters()]
        return [
            {"params": late, "base": self.given.late_rate},
            {"params": rest, "base": self.given.rate},
            {"params": list(self.network.corrector.parameters()), "base": 2 * self.given.rate},
        ]

    def advance(self) -> None:
        """Do one step."""
        random = torch.Generator().manual_seed(self.given.seed * 1_000_003 + self.step)
        self._set_rate()
        loss = self._loss(self._batch(random), random)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self.average.update(self.network, self.step)
        if self.step % 20 == 0:
            self._report()
        if self.step % self.given.save_every == 0:
            self.save()

    def _batch(self, random: torch.Generator) -> tuple[Tensor, ...]:
        rows = torch.randint(len(self.stored), (self.given.batch,), generator=random)
        parts = self.stored.take(np.sort(rows.numpy()))
        return tuple(part.to(self.given.device) for part in parts)

    def _loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        x4, x8, truth, known = batch
        maps = self.network.encode_early(x4, x8)
        answers = self.network.found(maps)
        alone = answer_loss(answers, truth, known)
        some = slice(0, self.given.corrected)
        settled = self._corrected(
            Maps(*(m[some] for m in maps)), answers[-1].logits[some], truth[some], known[some],
            random,
        )  # fmt: skip
        self.parts.append((float(alone.detach()), float(settled.detach())))
        return alone + settled

    def _corrected(
        self, maps: Maps, logits: Tensor, truth: Tensor, known: Tensor, random: torch.Generator
    ) -> Tensor:
        corrector = self.network.corrector
        found = corrector.candidates(_log_chances(logits.detach()))
        told = corrections(
            truth.cpu(), known.cpu(), found.places[:, :, 0].cpu(), self.mirror, random
        )
        told = JointPrompt(*(part.to(known.device) for part in told))
        return settled_loss(corrector(maps, found, told), told, truth, known)

    def _set_rate(self) -> None:
        warm = min((self.step + 1) / 100, 1.0)
        start = self.given.decay_from * self.given.steps
        past = max(self.step - start, 0.0) / max(self.given.steps - start, 1.0)
        factor = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(past, 1.0))))
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * factor

    def _report(self) -> None:
        line = {
            "step": self.step,
            "maps, corrections": np.mean(self.parts[-20:], axis=0).round(4).tolist(),
            "seconds": round(time.monotonic() - self.began),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - the command's output

    def save(self) -> None:
        """Write everything that a continued run needs, and the averaged weights."""
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
        """Continue a run, if there is one."""
        path = self.given.run / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.given.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        bases = [group["base"] for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, base in zip(self.optimiser.param_groups, bases, strict=True):
            group["base"] = base
        self.average.state = state["average"]
        self.step = int(state["step"])


def _log_chances(logits: Tensor) -> Tensor:
    return torch.unflatten(logits.flatten(2).log_softmax(-1), 2, logits.shape[2:])


if __name__ == "__main__":
    main()
