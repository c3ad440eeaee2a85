"""The Click-Pose network: encode a photo once, correct its persons as often as needed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from models.clickpose.config import OFFICIAL, ClickPoseConfig
from models.clickpose.decoder import Levels, PoseDecoder, Poses, Step
from models.clickpose.layers import MLP, EncoderLayer
from models.clickpose.positions import (
    box_proposals,
    image_positions,
    inverse_sigmoid,
    pixel_centres,
    resized_padding,
    valid_ratio,
)
from models.clickpose.resnet import EXPANSION, ResNet

OnStage = Callable[[float], None]
"""Told the fraction of the encoding that is done; may raise to stop."""

_PERSON_LABEL = 1


class Encoder(nn.Module):
    """Layers of deformable self-attention."""

    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))

    def forward(
        self, tokens: Tensor, positions: Tensor, levels: Levels, on_layer: OnStage | None = None
    ) -> Tensor:
        """Return the memory, [B, S, C], of tokens with position codes of the same shape."""
        reference = pixel_centres(levels.shapes, levels.ratios)
        for index, layer in enumerate(self.layers):
            tokens = layer(tokens, positions, reference, levels.shapes, levels.padding)
            if on_layer is not None:
                on_layer((index + 1) / len(self.layers))
        return tokens


@dataclass(frozen=True)
class Selection:
    """Box queries picked from the memory.

    Attributes:
        rows: Tokens picked, best first, [B, Q].
        queries: Their projected features, [B, Q, C].
        reference: Their boxes, 0..1, [B, Q, 4].
        logits: Class logits of all tokens, [B, S, classes].
        coordinates: Box logits of all tokens, [B, S, 4].
    """

    rows: Tensor
    queries: Tensor
    reference: Tensor
    logits: Tensor
    coordinates: Tensor


class Transformer(nn.Module):
    """Encoder, choice of queries, decoder."""

    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.config = config
        self.level_embed = nn.Parameter(torch.randn(config.levels, hidden))
        self.encoder = Encoder(config)
        self.decoder = PoseDecoder(config)
        self.enc_output = nn.Linear(hidden, hidden)
        self.enc_output_norm = nn.LayerNorm(hidden)
        self.enc_out_bbox_embed = MLP(hidden, hidden, hidden, 4)
        self.enc_out_class_embed = nn.Linear(hidden, config.classes)

    def flatten(self, maps: list[Tensor], paddings: list[Tensor]) -> tuple[Tensor, Tensor, Levels]:
        """Lay the projected maps out as tokens.

        Returns:
            Tokens and position codes, [B, S, C] each, and how they lie on the maps.
        """
        places = [
            image_positions(p, self.config.hidden).flatten(2).transpose(1, 2) + embed
            for p, embed in zip(paddings, self.level_embed, strict=True)
        ]
        levels = Levels(
            tuple((m.shape[2], m.shape[3]) for m in maps),
            torch.stack([valid_ratio(p) for p in paddings], dim=1),
            torch.cat([p.flatten(1) for p in paddings], dim=1),
        )
        tokens = torch.cat([m.flatten(2).transpose(1, 2) for m in maps], dim=1)
        return tokens, torch.cat(places, dim=1), levels

    def select(self, memory: Tensor, levels: Levels) -> Selection:
        """Pick the tokens that look most like objects, [B, S, C] -> queries."""
        proposals = box_proposals(levels.shapes, levels.padding, levels.ratios)
        usable = proposals[..., :1].isfinite()
        features = self.enc_output_norm(self.enc_output(memory.masked_fill(~usable, 0.0)))
        logits = self.enc_out_class_embed(features)
        coordinates = self.enc_out_bbox_embed(features) + proposals
        rows = logits.amax(-1).topk(min(self.config.queries, memory.shape[1]), dim=1).indices
        wide = rows[..., None]
        return Selection(
            rows,
            features.gather(1, wide.expand(-1, -1, features.shape[-1])).detach(),
            coordinates.gather(1, wide.expand(-1, -1, 4)).detach().sigmoid(),
            logits,
            coordinates,
        )


@dataclass(frozen=True)
class Encoding:
    """What a correction needs of a batch of photos.

    Attributes:
        levels: How tokens lie on the feature maps.
        values: Value projections of the memory for each pose layer, [B, S, heads, C / heads].
        poses: Persons of the first pass, G each, by rank.
    """

    levels: Levels
    values: tuple[Tensor, ...]
    poses: Poses

    def photo(self, index: int) -> "Encoding":
        """The encoding of one photo of the batch."""
        one = slice(index, index + 1)
        levels = Levels(self.levels.shapes, self.levels.ratios[one], self.levels.padding[one])
        poses = Poses(self.poses.logits[one], self.poses.boxes[one], self.poses.joints[one])
        return Encoding(levels, tuple(v[one] for v in self.values), poses)


@dataclass
class Trace:
    """What a pass computed on its way, for tests and for losses on every layer.

    Attributes:
        maps: Backbone maps, strides 8, 16, 32.
        projected: Projected maps, [B, C, H, W] each.
        positions: Position codes of the tokens, [B, S, C].
        memory: Encoder output, [B, S, C].
        selection: Chosen tokens.
        box_steps: Outputs of the box layers.
        chosen: Rows of the persons among the queries, [B, G].
        choice_logits: Logits that the persons were chosen by, [B, Q, classes].
        pose_steps: Outputs of the pose layers.
    """

    maps: list[Tensor] = field(default_factory=list)
    projected: list[Tensor] = field(default_factory=list)
    positions: Tensor | None = None
    memory: Tensor | None = None
    selection: Selection | None = None
    box_steps: list[Step] = field(default_factory=list)
    chosen: Tensor | None = None
    choice_logits: Tensor | None = None
    pose_steps: list[Step] = field(default_factory=list)


class ClickPose(nn.Module):
    """Click-Pose with the official state-dict keys.

    Yang et al., "Neural Interactive Keypoint Detection", ICCV 2023. Use `encode` once a photo
    and `refine` for every correction, both under `torch.inference_mode()` unless training.

    Args:
        config: Sizes; the official ones by default.
    """

    def __init__(self, config: ClickPoseConfig = OFFICIAL) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        self.label_enc = nn.Embedding(config.labels, config.hidden)
        self.label_enc_pose = nn.Embedding(config.keypoints + 1, config.hidden)
        self.input_proj = nn.ModuleList(_projections(config))
        # A list of one, as the official network keeps position codes beside its backbone.
        self.backbone = nn.ModuleList([_Body(config)])
        decoder = self.transformer.decoder
        self.bbox_embed, self.class_embed = decoder.bbox_embed, decoder.class_embed
        self.pose_embed, self.pose_hw_embed = decoder.pose_embed, decoder.pose_hw_embed

    def encode(
        self,
        images: Tensor,
        padding: Tensor | None = None,
        *,
        on_stage: OnStage | None = None,
        trace: Trace | None = None,
    ) -> Encoding:
        """Encode photos and find their persons.

        Args:
            images: Normalised RGB, zero in the padding, [B, 3, H, W].
            padding: True outside the photo, [B, H, W]; nowhere if None.
            on_stage: Told the fraction done; may raise to stop.
            trace: Filled with what is computed on the way.

        Raises:
            ValueError: If the shapes do not fit together.
        """
        if padding is None:
            padding = torch.zeros(
                images.shape[0], *images.shape[2:], dtype=torch.bool, device=images.device
            )
        if images.dim() != 4 or padding.shape != (images.shape[0], *images.shape[2:]):
            raise ValueError(
                f"images {tuple(images.shape)} must be [B, 3, H, W] and the padding "
                f"{tuple(padding.shape)} [B, H, W]"
            )
        trace, tell = trace or Trace(), on_stage or (lambda _fraction: None)
        maps, paddings = self._project(images, padding, trace)
        tell(0.2)
        tokens, positions, levels = self.transformer.flatten(maps, paddings)
        memory = self.transformer.encoder(
            tokens, positions, levels, lambda done: tell(0.2 + 0.7 * done)
        )
        trace.positions, trace.memory = positions, memory
        encoding = self._first_pass(memory, levels, trace)
        tell(1.0)
        return encoding

    def forward(self, images: Tensor, padding: Tensor | None = None) -> Poses:
        """Find the persons of photos; as `encode`, without what corrections need."""
        return self.encode(images, padding).poses

    def refine(
        self,
        encoding: Encoding,
        boxes: Tensor,
        joints: Tensor,
        free: Tensor | None = None,
        *,
        trace: Trace | None = None,
    ) -> Poses:
        """Correct persons by their own geometry: only the pose layers run.

        Persons do not influence each other, so any number of them may be given.

        Args:
            encoding: From `encode`.
            boxes: (cx, cy, w, h) in 0..1, [B, n, 4].
            joints: (x, y) in 0..1, [B, n, K, 2].
            free: 1 where a joint may move, 0 where it stays, [B, n, K]; all may if None.
            trace: Filled with the outputs of the pose layers.

        Returns:
            The same persons. Joints that stay are where they were, up to rounding and the
            0.001 that keeps coordinates from the border.

        Raises:
            ValueError: If there are not K joints a person.
        """
        if joints.shape != (*boxes.shape[:2], self.config.keypoints, 2):
            raise ValueError(
                f"joints {tuple(joints.shape)} must be [B, n, {self.config.keypoints}, 2] for "
                f"boxes {tuple(boxes.shape)}"
            )
        decoder = self.transformer.decoder
        content = torch.cat(
            [self.label_enc.weight[_PERSON_LABEL][None], self.label_enc_pose.weight[1:]]
        )
        queries = content.repeat(boxes.shape[1], 1).expand(len(boxes), -1, -1)
        reference = decoder.joint_boxes(inverse_sigmoid(boxes).sigmoid(), joints)
        steps = decoder.pose_steps(queries, reference, encoding.values, encoding.levels, free)
        if trace is not None:
            trace.pose_steps = steps
        return decoder.pose_read(len(steps) - 1, steps[-1], free)

    def _project(
        self, images: Tensor, padding: Tensor, trace: Trace
    ) -> tuple[list[Tensor], list[Tensor]]:
        trace.maps = maps = self.backbone[0](images)
        projected: list[Tensor] = []
        for level, projection in enumerate(self.input_proj):
            # The first further level halves the backbone's last map, each next one the one before.
            source = projected if level > len(maps) else maps
            projected.append(projection(source[min(level, len(source) - 1)]))
        trace.projected = projected
        return projected, [resized_padding(padding, (m.shape[2], m.shape[3])) for m in projected]

    def _first_pass(self, memory: Tensor, levels: Levels, trace: Trace) -> Encoding:
        decoder, first = self.transformer.decoder, self.config.box_layers
        values = decoder.values(memory, levels)
        chosen = self.transformer.select(memory, levels)
        boxes = decoder.box_steps(chosen.queries, chosen.reference, values[:first], levels)
        rows, logits = decoder.choose(boxes[-1])
        queries, reference = decoder.expand(boxes[-1], rows)
        poses = decoder.pose_steps(queries, reference, values[first:], levels)
        trace.selection, trace.chosen, trace.choice_logits = chosen, rows, logits
        trace.box_steps, trace.pose_steps = boxes, poses
        read = decoder.pose_read(len(poses) - 1, poses[-1])
        return Encoding(levels, tuple(values[first:]), read)


class _Body(nn.Module):
    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        self.body = ResNet(config.blocks, config.width)

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.body(images)
        return maps


def _projections(config: ClickPoseConfig) -> list[nn.Sequential]:
    """Bring every map to `hidden` channels; further levels halve the last map."""
    channels = [config.width * EXPANSION << stage for stage in (1, 2, 3)]
    out = []
    for level in range(config.levels):
        if level < 3:
            conv = nn.Conv2d(channels[level], config.hidden, 1)
        else:
            inputs = channels[-1] if level == 3 else config.hidden
            conv = nn.Conv2d(inputs, config.hidden, 3, stride=2, padding=1)
        out.append(nn.Sequential(conv, nn.GroupNorm(min(32, config.hidden // 2), config.hidden)))
    return out
