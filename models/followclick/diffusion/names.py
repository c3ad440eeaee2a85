"""What published checkpoints call their tensors, and what the motion UNet calls them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from torch import Tensor

from models.checkpoint import CheckpointError

IN_CHANNELS = 9
"""Noisy latent (4), region (1), latent of the photo (4)."""
EXTRAS = ("fps_embedding.", "motion_embedding.")
_RENAMED = (
    (".temporal_transformer.", "."),
    (".attention_blocks.0.", ".attn1."),
    (".attention_blocks.1.", ".attn2."),
    (".norms.0.", ".norm1."),
    (".norms.1.", ".norm2."),
    (".ff_norm.", ".norm3."),
)
_PHRASE = ((".attention_blocks.2.", "attention."), (".norms.2.", "norm."))
_POSITIONS = ("pos_encoder.pe", "pos_embed.pe")
_SPATIAL = "down_blocks.0.resnets.0.conv1.weight"


class CheckpointKind(StrEnum):
    """Which published network a checkpoint is of."""

    FOLLOWCLICK = "followclick"
    PIA = "pia"


@dataclass(frozen=True)
class Mapped:
    """A checkpoint by the names of the motion UNet.

    Attributes:
        kind: Which network it is of.
        unet: Tensors of the UNet, without positions, which are computed.
        extras: Tensors of the two scalar embeddings, by their published names.
        phrase: Tensors of the motion-augmented attention, by the UNet's transformer block.
        positions: Longest clip that its positions reach.
        whole: Whether it has the layers of single frames too, not the motion modules alone.
        middle: Whether the middle of the UNet has a motion module.
    """

    kind: CheckpointKind
    unet: dict[str, Tensor]
    extras: dict[str, Tensor] = field(default_factory=dict)
    phrase: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    positions: int = 24
    whole: bool = True
    middle: bool = False


def renamed(key: str) -> str:
    """Return the motion UNet's name of a published tensor."""
    key = key.removeprefix("module.").removeprefix("unet.")
    for old, new in _RENAMED if ".motion_modules." in key else ():
        key = key.replace(old, new)
    return key


def mapped(state: Mapping[str, Tensor]) -> Mapped:
    """Sort a checkpoint, under published names or the UNet's.

    Raises:
        CheckpointError: If it is of another kind of network, saying which.
    """
    named = {renamed(key): value for key, value in state.items()}
    _require_motion_and_region(named)
    unet: dict[str, Tensor] = {}
    extras: dict[str, Tensor] = {}
    phrase: dict[str, dict[str, Tensor]] = {}
    positions = [v.shape[1] for key, v in named.items() if key.endswith(_POSITIONS)]
    for key, value in named.items():
        if key.startswith(EXTRAS):
            extras[key] = value
        elif not key.endswith(_POSITIONS) and not _phrase(key, value, phrase):
            unet[key] = value
    return Mapped(
        kind=CheckpointKind.FOLLOWCLICK if extras else CheckpointKind.PIA,
        unet=unet,
        extras=extras,
        phrase=phrase,
        positions=min(positions, default=32),
        whole=_SPATIAL in unet,
        middle=any(key.startswith("mid_block.motion_modules.") for key in unet),
    )


def _phrase(key: str, value: Tensor, found: dict[str, dict[str, Tensor]]) -> bool:
    """Take a tensor of the third attention of a motion block; whether it was one."""
    for old, new in _PHRASE:
        if ".motion_modules." in key and old in key:
            block, _, rest = key.partition(old)
            if "pos_encoder" not in rest:
                found.setdefault(block, {})[new + rest] = value
            return True
    return False


def _require_motion_and_region(named: Mapping[str, Tensor]) -> None:
    first = named.get("conv_in.weight")
    channels = 0 if first is None else int(first.shape[1])
    if not any(".motion_modules." in key for key in named):
        what = "a network of still pictures" if channels else "another kind of network"
        raise CheckpointError(
            f"it is of {what}: it has no motion modules. Choose a Follow-Your-Click or PIA "
            "checkpoint"
        )
    if channels != IN_CHANNELS:
        has = f"takes {channels} channels" if channels else "has no first layer of its own"
        raise CheckpointError(
            f"it is a motion module that {has}, so that neither photo nor region reach it "
            f"({IN_CHANNELS} channels do). Choose a Follow-Your-Click or PIA checkpoint, not "
            "AnimateDiff's"
        )
