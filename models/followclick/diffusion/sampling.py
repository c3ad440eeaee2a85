"""From noise to the latent of a clip."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from models.followclick.diffusion.network import MotionNetwork, Told


class Scheduler(Protocol):
    """What is needed of a noise scheduler."""

    timesteps: Tensor
    init_noise_sigma: Any

    def set_timesteps(self, steps: int) -> None:
        """Choose the time steps."""

    def scale_model_input(self, sample: Tensor, timestep: Any) -> Tensor:  # noqa: ANN401
        """Scale a noisy latent as the network expects it."""

    def step(self, prediction: Tensor, timestep: Any, sample: Tensor, **options: Any) -> Any:  # noqa: ANN401
        """Return the latent of the step before, first in a tuple."""

    def add_noise(self, sample: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return a latent as noisy as at a time step."""


@dataclass(frozen=True)
class Recipe:
    """How a clip is sampled.

    Attributes:
        steps: Denoising steps; published: 100 (validated with 40).
        guidance: Weight of the words (classifier-free guidance); published: 8, in the paper 7.5.
        seed: Of the noise, which is drawn on the CPU: the same on every device.
    """

    steps: int = 25
    guidance: float = 7.5
    seed: int = 0


@dataclass(frozen=True)
class Confinement:
    """Keeps what is outside of a region as it is in the photo, at every step.

    Attributes:
        inside: [h, w]: 1 where the clip is free, 0 where it stays the photo.
        photo: [4, h, w] the photo's latent.
    """

    inside: Tensor
    photo: Tensor


@torch.inference_mode()
def sample(
    network: MotionNetwork,
    scheduler: Scheduler,
    channels: Tensor,
    told: Told,
    recipe: Recipe,
    *,
    confined: Confinement | None = None,
    progress: Callable[[float, str], None] = lambda fraction, message: None,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Sample a clip.

    Args:
        network: On some device, in some precision.
        scheduler: With its betas and kind of prediction.
        channels: [1, 5, F, h, w] of region and photo.
        told: With a batch of 2, first for no words, then for the words.
        recipe: Steps, guidance, seed.
        confined: The region that the clip is confined to; None for a free one.
        progress: Told a part 0..1 and what is being done.
        check: Called before each step; raises to stop.

    Returns:
        [4, F, h, w] float32.
    """
    where = next(network.parameters())
    _, _, frames, height, width = channels.shape
    generator = torch.Generator().manual_seed(recipe.seed)
    noise = torch.randn((1, 4, frames, height, width), generator=generator).to(where.device)
    scheduler.set_timesteps(recipe.steps)
    latent = noise * float(scheduler.init_noise_sigma)
    beside = channels.to(where).repeat(2, 1, 1, 1, 1)
    times = [int(step) for step in scheduler.timesteps]
    for number, step in enumerate(times):
        check()
        progress(number / len(times), f"step {number + 1} of {len(times)}")
        noisy = scheduler.scale_model_input(latent, step).to(where.dtype).repeat(2, 1, 1, 1, 1)
        none, words = network(torch.cat([noisy, beside], 1), step, told).float().chunk(2)
        guided = none + recipe.guidance * (words - none)
        latent = scheduler.step(guided, step, latent, return_dict=False)[0]
        if confined is not None:
            following = times[number + 1] if number + 1 < len(times) else None
            latent = _held(latent, scheduler, confined, noise, following)
    return latent[0].float()


def _held(
    latent: Tensor, scheduler: Scheduler, confined: Confinement, noise: Tensor, step: int | None
) -> Tensor:
    """Put the photo, as noisy as the latent now is, in the place of what is outside."""
    photo = confined.photo.to(latent)[None, :, None].expand_as(latent)
    if step is not None:
        photo = scheduler.add_noise(photo, noise, torch.tensor([step], device=latent.device))
    inside = confined.inside.to(latent)
    return photo + inside * (latent - photo)
