"""From a checkpoint and a folder to everything that a clip is made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from annotator.domain import AnnotatorError
from annotator.engine.api import PluginContext
from models.checkpoint import CheckpointError, compare_state, load_checkpoint
from models.followclick.diffusion import CheckpointKind, Mapped, MotionNetwork, Scheduler, mapped
from models.followclick.diffusion.network import materialise

from .folder import Folder, Words, motion_config


@dataclass(frozen=True)
class Parts:
    """What a clip is made with.

    Attributes:
        network: The 9-channel network.
        words: Tokenizer and text encoder.
        vae: Between pictures and latents.
        kind: What the checkpoint is of.
        longest: Frames that its positions reach.
        phrased: Whether it attends to the short phrase.
    """

    network: MotionNetwork
    words: Words
    vae: Any
    kind: CheckpointKind
    longest: int
    phrased: bool


def build(context: PluginContext) -> Parts:
    """Read checkpoint and folder.

    Raises:
        AnnotatorError: If either is missing, damaged or of another kind, in words.
    """
    values = context.parameters
    folder = Folder(str(values["stable_diffusion"]))
    found = _checkpoint(str(values["checkpoint"]))
    dtype = _precision(str(values["precision"]), context)
    phrased = values["phrase"] == "on" or (values["phrase"] == "auto" and bool(found.phrase))
    try:
        network = MotionNetwork(
            _unet(folder, found, dtype),
            norms=values["norms"],
            scalars=found.extras or None,
            phrase=found.phrase if phrased else None,
            words=folder.config("unet")["cross_attention_dim"],
        )
    except CheckpointError as error:
        raise _unfit(values["checkpoint"], str(error)) from error
    network = network.to(context.device).eval().requires_grad_(False)
    words, vae = folder.words(context.device, dtype), folder.vae(context.device, dtype)
    return Parts(network, words, vae, found.kind, found.positions, phrased)


def _checkpoint(given: str) -> Mapped:
    if not given:
        raise AnnotatorError(
            "No checkpoint was chosen.",
            "Set the parameter `checkpoint` to a Follow-Your-Click or PIA file; the embedded "
            "engine `followclick` needs none.",
        )
    path = Path(given).expanduser()
    try:
        return mapped(load_checkpoint(path))
    except CheckpointError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise AnnotatorError(f"{path.name} cannot be used: {reason}.") from error


def _unet(folder: Folder, found: Mapped, dtype: torch.dtype) -> Any:  # noqa: ANN401 - untyped package
    """Build the motion UNet with the checkpoint's weights, over the folder's where it has none."""
    from diffusers import UNetMotionModel

    config = motion_config(folder.config("unet"), found.positions, found.middle)
    with torch.device("meta"):
        unet = UNetMotionModel(**config)
    state = found.unet if found.whole else {**folder.state("unet"), **found.unet}
    expected = {k: v for k, v in unet.state_dict().items() if not k.endswith("pos_embed.pe")}
    report = compare_state(expected, state)
    if not report.complete:
        raise _unfit("the checkpoint", str(report))
    materialise(unet, state, dtype)
    return unet


def _unfit(name: object, reason: str) -> AnnotatorError:
    return AnnotatorError(
        f"{Path(str(name)).name} does not fit the folder's Stable Diffusion 1.5: {reason}.",
        "Is the folder of version 1.5, and the checkpoint whole?",
    )


def _precision(wanted: str, context: PluginContext) -> torch.dtype:
    """Return the precision: the parameter's, else the context's, else half on a GPU."""
    if wanted == "auto":
        on_cpu = context.device == "cpu"
        wanted = "float16" if context.dtype == "float32" and not on_cpu else context.dtype
    return {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(wanted, torch.float32)


def scheduler(kind: CheckpointKind, values: Mapping[str, Any]) -> Scheduler:
    """Return DDIM as the checkpoint's network was published with."""
    from diffusers import DDIMScheduler

    wanted = values["prediction"]
    velocity = wanted == "v" or (wanted == "auto" and kind is CheckpointKind.FOLLOWCLICK)
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction" if velocity else "epsilon",
        rescale_betas_zero_snr=velocity,
        timestep_spacing=values["spacing"],
    )


def scalars(parts: Parts, strength: float, stride: int) -> tuple[Tensor | None, Tensor | None]:
    """Return stride and strength for a batch of two, or none where the network has none."""
    if parts.kind is CheckpointKind.PIA:
        return None, None
    device = next(parts.network.parameters()).device
    return (
        torch.full((2,), float(stride), device=device),
        torch.full((2,), float(strength), device=device),
    )
