"""The decoder: boxes first, then every person as one box token and its joints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from models.clickpose.config import ClickPoseConfig
from models.clickpose.deformable import Shapes
from models.clickpose.layers import MLP, DecoderLayer
from models.clickpose.positions import inverse_sigmoid, query_positions


@dataclass(frozen=True)
class Levels:
    """How the tokens of a batch lie on the feature maps.

    Attributes:
        shapes: (height, width) of each map.
        ratios: Share of each map that is photo, (w, h), [B, L, 2].
        padding: True for tokens outside the photo, [B, S].
    """

    shapes: Shapes
    ratios: Tensor
    padding: Tensor

    def seen(self, reference: Tensor) -> Tensor:
        """Boxes relative to the photo [B, Q, 4] as each map sees them, [B, Q, L, 4]."""
        return reference[:, :, None] * self.ratios.repeat(1, 1, 2)[:, None]


@dataclass(frozen=True)
class Poses:
    """Persons of a batch of photos, relative to the photo's width and height.

    Attributes:
        logits: Class logits, [B, G, classes]; channel 1 is the person.
        boxes: (cx, cy, w, h), [B, G, 4].
        joints: (x, y), [B, G, K, 2]; K is 0 from the box layers.
    """

    logits: Tensor
    boxes: Tensor
    joints: Tensor

    def at(self, rows: Tensor) -> "Poses":
        """Pick persons by row, [B, n]."""
        return Poses(*(_gather(x, rows) for x in (self.logits, self.boxes, self.joints)))


@dataclass(frozen=True)
class Step:
    """What one decoder layer made.

    Attributes:
        queries: Its output, before the last norm, [B, Q, C].
        entering: Boxes that went in, 0..1, [B, Q, 4].
        leaving: Boxes that came out, 0..1, [B, Q, 4].
    """

    queries: Tensor
    entering: Tensor
    leaving: Tensor


def _gather(x: Tensor, rows: Tensor) -> Tensor:
    index = rows.reshape(*rows.shape, *(1,) * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])
    return x.gather(1, index)


class PoseDecoder(nn.Module):
    """Box layers, choice of persons, pose layers and their heads.

    Args:
        config: Sizes.
    """

    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        self.config = config
        hidden, layers = config.hidden, config.decoder_layers
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.ref_point_head = MLP(2 * hidden, hidden, hidden)
        self.hw = nn.Embedding(config.keypoints, 2)
        self.keypoint_embed = nn.Embedding(config.groups * config.keypoints, hidden)
        self.bbox_embed = nn.ModuleList(MLP(hidden, hidden, hidden, 4) for _ in range(layers))
        # One more than there are pose layers: the last one places joints in a fresh box.
        self.pose_embed = nn.ModuleList(
            MLP(hidden, hidden, hidden, 2) for _ in range(config.pose_layers + 1)
        )
        sizes = MLP(hidden, hidden, hidden, 2)
        self.pose_hw_embed = nn.ModuleList([sizes] * config.pose_layers)
        self.class_embed = nn.ModuleList(nn.Linear(hidden, config.classes) for _ in range(layers))

    def values(self, memory: Tensor, levels: Levels) -> list[Tensor]:
        """Value projections of the memory [B, S, C] for every layer."""
        return [
            cast(DecoderLayer, x).cross_attn.values(memory, levels.padding) for x in self.layers
        ]

    def box_steps(
        self, queries: Tensor, reference: Tensor, values: Sequence[Tensor], levels: Levels
    ) -> list[Step]:
        """Run the box layers.

        Args:
            queries: [B, Q, C].
            reference: Boxes in 0..1, [B, Q, 4].
            values: Value projections of each box layer.
            levels: Of the tokens.
        """
        steps = []
        for index, value in enumerate(values):
            queries = self._layer(index, queries, reference, value, levels)
            delta = self.bbox_embed[index](queries)
            leaving = (delta + inverse_sigmoid(reference)).sigmoid().detach()
            steps.append(Step(queries, reference, leaving))
            reference = leaving
        return steps

    def choose(self, step: Step) -> tuple[Tensor, Tensor]:
        """Choose the persons after the last box layer.

        Returns:
            Rows of the best groups, best first, [B, G], and the class logits, [B, Q, classes].
        """
        logits = self.class_embed[self.config.box_layers - 1](step.queries)
        count = min(self.config.groups, logits.shape[1])
        return logits.amax(-1).topk(count, dim=1).indices, logits

    def expand(self, step: Step, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Give each chosen box its joints.

        Args:
            step: Of the last box layer.
            rows: From `choose`, [B, G].

        Returns:
            Queries [B, G * (1 + K), C] and their boxes in 0..1; each person's box first.
        """
        count, joints = rows.shape[1], self.config.keypoints
        boxes = _gather(step.leaving, rows)[:, :, None]
        content = self.keypoint_embed.weight[: count * joints].view(count, joints, -1)
        xy = (inverse_sigmoid(boxes[..., :2]) + self.pose_embed[-1](content)).sigmoid()
        content = content.expand(len(rows), -1, -1, -1)
        queries = torch.cat([_gather(step.queries, rows)[:, :, None], content], dim=2)
        return queries.flatten(1, 2), self.joint_boxes(boxes[:, :, 0], xy).detach()

    def joint_boxes(self, boxes: Tensor, joints: Tensor) -> Tensor:
        """Boxes [B, G, 4] and joints [B, G, K, 2] as references [B, G * (1 + K), 4]."""
        sizes = self.hw.weight.sigmoid() * boxes[:, :, None, 2:]
        around = torch.cat([joints, sizes], dim=-1)
        return torch.cat([boxes[:, :, None], around], dim=2).flatten(1, 2)

    def pose_steps(
        self,
        queries: Tensor,
        reference: Tensor,
        values: Sequence[Tensor],
        levels: Levels,
        free: Tensor | None = None,
    ) -> list[Step]:
        """Run the pose layers; persons do not see each other.

        Args:
            queries: [B, G * (1 + K), C].
            reference: Their boxes in 0..1, [B, G * (1 + K), 4].
            values: Value projections of each pose layer.
            levels: Of the tokens.
            free: 1 where a joint may move, 0 where it may not, [B, G, K]; all may if None.
        """
        steps = []
        for index, value in enumerate(values):
            layer = self.config.box_layers + index
            queries = self._layer(layer, queries, reference, value, levels, self.config.tokens)
            leaving = self._moved(index, queries, reference, free).detach()
            steps.append(Step(queries, reference, leaving))
            reference = leaving
        return steps

    def box_read(self, index: int, step: Step) -> Poses:
        """Read boxes off the output of a box layer."""
        queries = self.norm(step.queries)
        boxes = (self.bbox_embed[index](queries) + inverse_sigmoid(step.entering)).sigmoid()
        joints = boxes.new_zeros(*boxes.shape[:2], 0, 2)
        return Poses(self.class_embed[index](queries), boxes, joints)

    def pose_read(self, index: int, step: Step, free: Tensor | None = None) -> Poses:
        """Read persons off the output of a pose layer, 0 the first of them."""
        queries = self.norm(step.queries)
        moved = self._moved(index, queries, step.entering, free)
        persons = self._by_person(moved)
        heads = self._by_person(queries)[:, :, 0]
        logits = self.class_embed[self.config.box_layers + index](heads)
        return Poses(logits, persons[:, :, 0], persons[:, :, 1:, :2])

    def _layer(
        self,
        index: int,
        queries: Tensor,
        reference: Tensor,
        values: Tensor,
        levels: Levels,
        group: int | None = None,
    ) -> Tensor:
        scaled = reference * levels.ratios[:, :1].repeat(1, 1, 2)
        place = self.ref_point_head(query_positions(scaled, self.config.hidden // 2))
        seen = levels.seen(reference)
        out: Tensor = self.layers[index](queries, place, seen, values, levels.shapes, group)
        return out

    def _by_person(self, x: Tensor) -> Tensor:
        """[B, G * (1 + K), n] as [B, G, 1 + K, n]."""
        return x.reshape(len(x), -1, self.config.tokens, x.shape[-1])

    def _moved(self, index: int, queries: Tensor, reference: Tensor, free: Tensor | None) -> Tensor:
        """References after a pose layer, [B, G * (1 + K), 4]."""
        persons = self._by_person(queries)
        box = self.bbox_embed[self.config.box_layers + index](persons[:, :, :1])
        shift = self.pose_embed[index](persons[:, :, 1:])
        if free is not None:
            shift = shift * free[..., None]
        delta = torch.cat([shift, self.pose_hw_embed[index](persons[:, :, 1:])], dim=-1)
        delta = torch.cat([box, delta], dim=2).flatten(1, 2)
        return (delta + inverse_sigmoid(reference)).sigmoid()
