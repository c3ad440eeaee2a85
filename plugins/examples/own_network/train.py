"""Trains the example network on made-up photos: `python train.py` writes own-network.safetensors.

A few minutes on one processor. Every photo shows coloured ellipses on a gradient with noise;
clicks fall inside one of them and outside, as a person's would.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from adapter import build, click_maps
from safetensors.torch import save_file

SIDE = 64


def photo(rng):
    """Return a made-up photo [3, H, W] in -0.5..0.5 and the mask [H, W] of its clicked object."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    low, high = rng.random((2, 3, 1, 1))
    image = low + (high - low) * (columns * rng.random() + rows * rng.random()) / (2 * SIDE)
    chosen = None
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(8, SIDE - 8, 2)
        a, b = rng.uniform(4, 18, 2)
        angle = rng.uniform(0, np.pi)
        u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
        v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        chosen = (u / a) ** 2 + (v / b) ** 2 < 1
        image = np.where(chosen, rng.random((3, 1, 1)), image)
    image = image + rng.normal(0, 0.03, image.shape)
    return torch.from_numpy(image.clip(0, 1) - 0.5).float(), torch.from_numpy(chosen).float()


def sample(rng):
    """Return the network's input [5, H, W] and what it shall answer [H, W]."""
    image, mask = photo(rng)
    places = []
    for value, most in ((1, 4), (0, 4)):
        found = torch.nonzero(mask == value).numpy()[:, ::-1] + 0.5
        count = int(rng.integers(value, most))
        places.append(found[rng.integers(0, len(found), count)] if len(found) else [])
    return torch.cat([image, click_maps((SIDE, SIDE), *places)]), mask


def main(steps):
    """Train and write the weights."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = build()
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for step in range(steps):
        inputs, masks = map(torch.stack, zip(*[sample(rng) for _ in range(8)], strict=True))
        logits = network(inputs)[:, 0]
        loss = loss_of(logits, masks)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            inside = logits > 0
            both = (inside & (masks > 0)).sum((1, 2))
            iou = (both / (inside | (masks > 0)).sum((1, 2)).clamp(min=1)).mean()
            sys.stdout.write(f"step {step}: loss {loss.item():.3f}, IoU {iou.item():.3f}\n")
            sys.stdout.flush()
            save_file(network.state_dict(), Path(__file__).parent / "own-network.safetensors")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
