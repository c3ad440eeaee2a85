"""The toy network of the parity data as a plugin's engine: closed formulas, brute-force maps."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from annotator.domain import Image, Mask, Prompt, no_progress
from annotator.robustness.targets.photo import PhotoTarget

DATA = Path(__file__).parents[1] / "data" / "robustness" / "toy_attack.npz"
SIZE = 64
ROWS = np.arange(SIZE, dtype=np.float64)


@dataclass
class ToyPhoto:
    blobs: np.ndarray  # [8, 4] A, cy, cx, s
    params: np.ndarray  # a, b, h, rho
    feature: np.ndarray  # [64, 64]


class ToyEngine:
    """logit(p) = -b + a sum S k(p, c), see the parity data's README, section 10."""

    threshold = 0.49

    def __init__(self):
        self.prompts = 0

    def encode(self, asset: Image, *, progress=no_progress, cancel=None):
        with np.load(DATA) as data:
            names = ("blobs", "params_a_b_h_rho", "feature")
            return ToyPhoto(*(data[f"{asset.name}_{name}"] for name in names))

    def predict(self, encoding, prompt, *, cancel=None):
        return self.predict_many(encoding, [prompt], cancel=cancel)[0]

    def predict_many(self, encoding, prompts, *, cancel=None):
        self.prompts += len(prompts)
        masks = []
        for prompt in prompts:
            a, b, h, rho = encoding.params
            logit = np.full((SIZE, SIZE), -b)
            for sign, (cy, cx) in zip(signs(prompt), places(prompt), strict=True):
                there = encoding.feature[int(cy), int(cx)]
                far = ROWS[:, None] - cy, ROWS[None, :] - cx
                near = -((encoding.feature - there) ** 2) / (2 * h * h)
                near -= (far[0] ** 2 + far[1] ** 2) / (2 * rho * rho)
                logit += a * sign * np.exp(near)
            probability = 1 / (1 + np.exp(-logit))
            masks.append(Mask((probability > self.threshold).astype(np.int32), None, probability))
        return masks

    def soft_probability(self, encoding, prompt, position):
        """The same with torch, for a newest click at a real position."""
        a, b, h, rho = encoding.params
        moved = torch.stack([position[1], position[0]]).to(torch.float64) - 0.5
        given = [*torch.from_numpy(places(prompt)[:-1]), moved]
        here, rows = torch.from_numpy(encoding.feature), torch.from_numpy(ROWS)
        blobs = torch.from_numpy(encoding.blobs)
        logit = torch.full((SIZE, SIZE), -float(b), dtype=torch.float64)
        for sign, place in zip(signs(prompt), given, strict=True):
            from_blobs = ((place - blobs[:, 1:3]) ** 2).sum(1) / (2 * blobs[:, 3] ** 2)
            there = (blobs[:, 0] * torch.exp(-from_blobs)).sum()
            far = (rows[:, None] - place[0]) ** 2 + (rows[None, :] - place[1]) ** 2
            near = -((here - there) ** 2) / (2 * h * h) - far / (2 * rho * rho)
            logit = logit + a * sign * torch.exp(near)
        return torch.sigmoid(logit)

    def close(self):
        pass


def signs(prompt: Prompt):
    return [1 if c.object_id and c.positive else -1 for c in prompt.clicks]


def places(prompt: Prompt):
    """Rows and columns [n, 2], whole at the centres of pixels."""
    found = [(c.position[1] - 0.5, c.position[0] - 0.5) for c in prompt.clicks]
    return np.array(found, np.float64).reshape(-1, 2)


class Alone:
    """An engine as photo targets ask it, without a manifest."""

    def __init__(self, engine, differentiable=True):
        self.engine, self.threshold, self.differentiable = engine, engine.threshold, differentiable

    def predict_many(self, encoding, prompts, cancel=None):
        if len(prompts) == 1:
            return [self.engine.predict(encoding, prompts[0], cancel=cancel)]
        return self.engine.predict_many(encoding, prompts, cancel=cancel)

    def soft_probability(self, encoding, prompt, position):
        return self.engine.soft_probability(encoding, prompt, position)


def toy_data(number):
    with np.load(DATA) as data:
        prefix = f"im{number}_"
        return {k.removeprefix(prefix): data[k] for k in data.files if k.startswith(prefix)}


def toy_target(number, differentiable=True):
    engine = ToyEngine()
    photo = engine.encode(Image(np.zeros((SIZE, SIZE, 3), np.uint8), f"im{number}"))
    truth = toy_data(number)["gt"]
    return PhotoTarget(Alone(engine, differentiable), photo, truth, "toy", f"im{number}")
