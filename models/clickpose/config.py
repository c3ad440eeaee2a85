"""Sizes of a Click-Pose network, and reading them off a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from models.checkpoint import CheckpointError

_DECODER = "transformer.decoder."


@dataclass(frozen=True)
class ClickPoseConfig:
    """Sizes of the network; the defaults are those of the official ResNet-50 one.

    Attributes:
        keypoints: Joints of a person, K.
        groups: Persons kept after the box layers, G.
        queries: Box queries picked from the encoder's tokens.
        hidden: Channels of every token.
        heads: Attention heads.
        feedforward: Width of the feed-forward layers.
        encoder_layers: Layers of the encoder.
        box_layers: Decoder layers that see boxes only.
        pose_layers: Decoder layers that see boxes and joints; a correction runs these again.
        levels: Feature maps: the backbone's last three, the rest by strided convolution.
        points: Sampling points per head and level.
        classes: Class channels; 1 is the person.
        labels: Rows of the box label table.
        blocks: Residual blocks per stage of the backbone.
        width: Channels of the backbone's first stage, before expansion.
    """

    keypoints: int = 17
    groups: int = 50
    queries: int = 900
    hidden: int = 256
    heads: int = 8
    feedforward: int = 2048
    encoder_layers: int = 6
    box_layers: int = 2
    pose_layers: int = 4
    levels: int = 4
    points: int = 4
    classes: int = 2
    labels: int = 101
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64

    @property
    def decoder_layers(self) -> int:
        """Box and pose layers together."""
        return self.box_layers + self.pose_layers

    @property
    def tokens(self) -> int:
        """Tokens of one person: the box, then every joint."""
        return 1 + self.keypoints


OFFICIAL = ClickPoseConfig()
"""The published ResNet-50 network for COCO's 17 keypoints."""


def config_of(state: Mapping[str, Tensor], queries: int = OFFICIAL.queries) -> ClickPoseConfig:
    """Read the sizes off a state dict with the official keys.

    The number of heads leaves no trace in the shapes and is taken to be the official one.

    Args:
        state: From `models.checkpoint.load_checkpoint`.
        queries: Box queries, which leave no trace either.

    Raises:
        CheckpointError: If entries that every Click-Pose network has are missing.
    """
    try:
        keypoints = state[f"{_DECODER}hw.weight"].shape[0]
        rows, hidden = state[f"{_DECODER}keypoint_embed.weight"].shape
        levels = state["transformer.level_embed"].shape[0]
        offsets = state[f"{_DECODER}layers.0.cross_attn.sampling_offsets.bias"].shape[0]
        pose_layers = _count(state, "pose_embed.") - 1
        return ClickPoseConfig(
            keypoints=keypoints,
            groups=rows // keypoints,
            queries=queries,
            hidden=hidden,
            feedforward=state[f"{_DECODER}layers.0.linear1.bias"].shape[0],
            encoder_layers=_count(state, "transformer.encoder.layers."),
            box_layers=_count(state, f"{_DECODER}layers.") - pose_layers,
            pose_layers=pose_layers,
            levels=levels,
            points=offsets // (2 * levels * OFFICIAL.heads),
            classes=state["class_embed.0.bias"].shape[0],
            labels=state["label_enc.weight"].shape[0],
            blocks=_blocks(state),
            width=state["backbone.0.body.conv1.weight"].shape[0],
        )
    except KeyError as error:
        raise CheckpointError(
            f"these weights are not of a Click-Pose network: {error} is missing"
        ) from error


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    """Number of list entries under a prefix."""
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})


def _blocks(state: Mapping[str, Tensor]) -> tuple[int, int, int, int]:
    one, two, three, four = (
        _count(state, f"backbone.0.body.layer{stage}.") for stage in range(1, 5)
    )
    return one, two, three, four
