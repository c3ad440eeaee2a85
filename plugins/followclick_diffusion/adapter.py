"""Between the published animation network and the plugin API."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from annotator.domain import (
    AnnotatorError,
    CancelToken,
    Clip,
    Image,
    Progress,
    Prompt,
    no_progress,
)
from annotator.engine.api import PluginContext
from models.followclick.diffusion import (
    CheckpointKind,
    Layout,
    Recipe,
    channels,
    sample,
    similarity,
)
from models.followclick.diffusion.conditioning import latent_mask, masked_photo
from models.followclick.diffusion.network import Told
from models.followclick.diffusion.sampling import Confinement
from models.followclick.region import inner_matte, scale_of

from .building import Parts, build, scalars, scheduler
from .wishes import Bool, Wish, wish_of

UInt8 = npt.NDArray[np.uint8]
_STEP = 64
"""Sides are multiples of this: the latent is an eighth, and is halved three times."""
_SIMILARITY = ((2.0, 4.0, 16.0), (0.8, 0.75, 0.5))
"""Strengths, and how alike PIA's last frame is then: published for small to large motion."""
_STRONGEST = 20.0
"""Flow that the network is told at most, pixels from frame to frame at its own size."""
_SAMPLED = 0.9
"""Part of the work that is done when decoding begins."""


@dataclass(frozen=True)
class Encoding:
    """A photo as the network needs it.

    Attributes:
        rgb: [H, W, 3].
        mean: [4, h, w] of the latent's distribution, float32 on the CPU.
        deviation: [4, h, w] of it.
    """

    rgb: UInt8
    mean: Tensor
    deviation: Tensor

    def latent(self, scale: float, generator: torch.Generator) -> Tensor:
        """Return a latent [4, h, w] drawn from the distribution, as published."""
        noise = torch.randn(self.mean.shape, generator=generator)
        return (self.mean + self.deviation * noise) * scale


class DiffusionEngine:
    """Animates regions of a photo by sampling the published network."""

    def __init__(self, context: PluginContext, parts: Parts) -> None:
        self._values = context.parameters
        self._parts = parts

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Encoding:
        """Bring a photo to the network's size and into its latent space.

        Raises:
            Cancelled: If `cancel` was set.
        """
        if cancel:
            cancel.check()
        size = _network_size(asset.rgb.shape, int(self._values["size"]))
        small = cv2.resize(np.ascontiguousarray(asset.rgb), size, interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
        where = next(self._parts.vae.parameters())
        with torch.inference_mode():
            found = self._parts.vae.encode(pixels.to(where)).latent_dist
            mean, deviation = found.mean[0].float().cpu(), found.std[0].float().cpu()
        progress(1.0, "ready")
        return Encoding(np.ascontiguousarray(asset.rgb), mean, deviation)

    def predict(
        self, encoding: Encoding, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Clip:
        """Animate the prompt's regions; without any, nothing moves.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If the network cannot make so many frames.
        """
        return self.predict_with_progress(encoding, prompt, cancel=cancel)

    def predict_with_progress(
        self,
        encoding: Encoding,
        prompt: Prompt,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Clip:
        """Do what `predict` does and tell how far it is; raises the same."""
        check = cancel.check if cancel else lambda: None
        check()
        order = self._order()
        wish = wish_of(prompt, encoding.rgb, float(self._values["flow_strength"]))
        fps = float(self._values["fps"])
        if not wish.mask.any() or wish.strength == 0:
            still = np.repeat(encoding.rgb[None], len(order), axis=0)
            return Clip(still, fps, notes=wish.notes)
        latent = self._sampled(encoding, wish, max(order) + 1, progress, check)
        frames = self._pictures(latent, encoding.rgb, wish, progress, check)
        progress(1.0, "done")
        return Clip(frames[order], fps, notes=wish.notes)

    def _order(self) -> list[int]:
        """Return which frame of the network's each of the clip's is.

        Raises:
            AnnotatorError: If the network's positions do not reach as far.
        """
        frames = int(self._values["frames"])
        there = frames // 2 + 1 if self._values["loop"] else frames
        if there > self._parts.longest:
            most = self._parts.longest * 2 - 1 if self._values["loop"] else self._parts.longest
            raise AnnotatorError(
                f"This checkpoint makes no {frames} frames.", f"Ask for at most {most}."
            )
        return [min(n, frames - n) if self._values["loop"] else n for n in range(frames)]

    # --- Sampling

    def _sampled(
        self,
        encoding: Encoding,
        wish: Wish,
        frames: int,
        progress: Progress,
        check: Callable[[], None],
    ) -> Tensor:
        parts, values = self._parts, self._values
        generator = torch.Generator().manual_seed(int(values["seed"]))
        photo = encoding.latent(float(parts.vae.config.scaling_factor), generator)
        inside = _covered(wish.mask, photo.shape[1:])
        beside = self._channels(wish, inside, photo, frames, generator)
        asked = wish.strength * max(photo.shape[1:]) * 8 / max(encoding.rgb.shape[:2])
        stride, strength = scalars(parts, min(asked, _STRONGEST), int(values["stride"]))
        return sample(
            parts.network,
            scheduler(parts.kind, values),
            beside,
            Told(self._embedded(self._caption(wish)), stride, strength, self._phrase(wish)),
            Recipe(int(values["steps"]), float(values["guidance"]), int(values["seed"])),
            confined=Confinement(inside, photo) if wish.confined else None,
            progress=lambda part, message: progress(_SAMPLED * part, message),
            check=check,
        )

    def _channels(
        self, wish: Wish, inside: Tensor, photo: Tensor, frames: int, generator: torch.Generator
    ) -> Tensor:
        pia = self._parts.kind is CheckpointKind.PIA
        layout = Layout(
            _chosen(self._values["mask_frames"], "all"),
            _chosen(self._values["photo_frames"], "all" if pia else "first"),
        )
        if pia:
            least = float(np.interp(wish.strength, *_SIMILARITY))
            mask = similarity(inside, frames, least)
        else:
            mask = latent_mask(torch.from_numpy(wish.mask), tuple(photo.shape[1:]))
            mask = mask if mask.any() else inside
        shown = masked_photo(photo, float(self._values["partial_mask_ratio"]), generator)
        return channels(mask, shown, frames, layout)

    def _caption(self, wish: Wish) -> str:
        return ", ".join(part for part in (wish.words, self._values["prompt_suffix"]) if part)

    def _embedded(self, text: str) -> Tensor:
        with torch.inference_mode():
            unwanted = self._parts.words(str(self._values["negative_prompt"]))
            return torch.cat([unwanted, self._parts.words(text)])

    def _phrase(self, wish: Wish) -> Tensor | None:
        if not self._parts.phrased:
            return None
        with torch.inference_mode():
            return self._parts.words(wish.words).repeat(2, 1, 1)

    # --- Pictures

    def _pictures(
        self,
        latent: Tensor,
        rgb: UInt8,
        wish: Wish,
        progress: Progress,
        check: Callable[[], None],
    ) -> UInt8:
        """Decode [4, F, h, w]; the first frame is the photo, as is the outside if confined."""
        frames = np.empty((latent.shape[1], *rgb.shape), np.uint8)
        frames[0] = rgb
        matte = inner_matte(wish.mask, 3 * scale_of(rgb.shape))[..., None]
        for number in range(1, len(frames)):
            check()
            progress(_SAMPLED + (1 - _SAMPLED) * number / len(frames), f"picture {number + 1}")
            made = self._decoded(latent[:, number], rgb.shape)
            mixed = rgb + matte * (made - rgb) if wish.confined else made
            frames[number] = np.clip(np.rint(mixed), 0, 255)
        return frames

    def _decoded(self, latent: Tensor, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return a latent [4, h, w] as a picture of a photo's shape, 0..255."""
        vae = self._parts.vae
        where = next(vae.parameters())
        with torch.inference_mode():
            scaled = latent[None].to(where) / vae.config.scaling_factor
            pixels = vae.decode(scaled, return_dict=False)[0][0].float()
        picture = ((pixels + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).cpu().numpy()
        size = (shape[1], shape[0])
        return cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC).reshape(shape)

    def close(self) -> None:
        """Give the memory back."""
        del self._parts


def _network_size(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Return (width, height) near a photo's proportions, in whole steps."""
    factor = longest / max(shape[:2])
    height, width = (max(round(side * factor / _STEP), 1) * _STEP for side in shape[:2])
    return width, height


def _covered(mask: Bool, size: tuple[int, ...]) -> Tensor:
    """Return the places [h, w] of a latent under which any pixel of the mask lies, as 0 and 1."""
    part = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return torch.from_numpy((part.reshape(size) > 0).astype(np.float32))


def _chosen(value: object, automatic: str) -> str:
    return automatic if value == "auto" else str(value)


def create(context: PluginContext) -> DiffusionEngine:
    """Return the engine, its weights loaded.

    Raises:
        AnnotatorError: If checkpoint or folder cannot be used, in words.
    """
    return DiffusionEngine(context, build(context))
