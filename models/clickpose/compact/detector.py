"""Finding people: a map of centres and boxes at stride 8, from ImageNet features.

Centres as peaks of a map: Zhou et al., "Objects as Points", 2019; distances to the four sides:
Tian et al., "FCOS", ICCV 2019. The backbone is EfficientNet-Lite0 as published; the pose
network shares its frozen early stages, the late ones are the detector's own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickpose.compact.backbone import CHANNELS, EARLY, Backbone
from models.clickpose.compact.neck import ConvBlock

STRIDE = 8
_COARSE, _WIDTH = 128, 64


class Found(NamedTuple):
    """What a photo's cells say.

    Attributes:
        centres: Logits of being a person's centre, [B, H / 8, W / 8].
        sides: Distances to the left, top, right and bottom side, pixels, [B, 4, H / 8, W / 8].
    """

    centres: Tensor
    sides: Tensor


class DetectorHead(nn.Module):
    """From features at strides 8, 16 and 32 to centres and sides."""

    def __init__(self) -> None:
        super().__init__()
        _, c8, c16, c32 = CHANNELS
        self.lateral32 = nn.Conv2d(c32, _COARSE, 1)
        self.lateral16 = nn.Conv2d(c16, _COARSE, 1)
        self.lateral8, self.down = nn.Conv2d(c8, _WIDTH, 1), nn.Conv2d(_COARSE, _WIDTH, 1)
        self.blocks32 = nn.Sequential(ConvBlock(_COARSE, 7), ConvBlock(_COARSE, 7))
        self.blocks16 = nn.Sequential(ConvBlock(_COARSE), ConvBlock(_COARSE))
        self.blocks8 = nn.Sequential(ConvBlock(_WIDTH), ConvBlock(_WIDTH))
        self.out = nn.Conv2d(_WIDTH, 5, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        self.out.bias = nn.Parameter(torch.tensor([-4.0, 2.0, 2.0, 2.0, 2.0]))

    def forward(self, x8: Tensor, x16: Tensor, x32: Tensor) -> Found:
        """Look at [B, C, H / s, W / s] for s of 8, 16 and 32."""
        p32 = self.blocks32(self.lateral32(x32))
        p16 = self.blocks16(self.lateral16(x16) + F.interpolate(p32, scale_factor=2.0))
        p8 = self.lateral8(x8) + F.interpolate(self.down(p16), scale_factor=2.0)
        out = self.out(self.blocks8(p8))
        return Found(out[:, 0], STRIDE * out[:, 1:].clamp(max=6.0).exp())


class PersonDetector(nn.Module):
    """Late stages of EfficientNet-Lite0 and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.ModuleList(Backbone().stages[EARLY:])
        self.head = DetectorHead()

    def features(self, x8: Tensor) -> tuple[Tensor, Tensor]:
        """Features at strides 16 and 32 from those at stride 8."""
        x16 = self.late[1](self.late[0](x8))
        return x16, self.late[3](self.late[2](x16))

    def forward(self, x8: Tensor) -> Found:
        """Look at a photo's features at stride 8, from `Backbone.early`."""
        found: Found = self.head(x8, *self.features(x8))
        return found


def people_in(found: Found, least: float, most: int = 100) -> tuple[Tensor, Tensor]:
    """Return boxes [n, 4] (left, top, right, bottom), pixels, and scores [n] of one photo.

    Args:
        found: Of a batch of one.
        least: Score below which nothing is a person.
        most: Peaks that are looked at.
    """
    scores = found.centres[0].sigmoid()
    highest = F.max_pool2d(scores[None, None], 3, 1, 1)[0, 0]
    flat = torch.where((scores == highest) & (scores >= least), scores, scores.new_zeros(()))
    best, cells = flat.flatten().topk(min(most, flat.numel()))
    best, cells = best[best > 0], cells[best > 0]
    wide = scores.shape[1]
    x, y = (cells % wide + 0.5) * STRIDE, (cells // wide + 0.5) * STRIDE
    left, top, right, bottom = found.sides[0].flatten(1)[:, cells]
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=1)
    kept = distinct(boxes, best)
    return boxes[kept], best[kept]


def joined(
    looks: Sequence[tuple[Tensor, Tensor]], share: float = 0.35, alike: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Join what was found at several sizes of a photo.

    Who is seen at several sizes is surer to be there than who is seen at one. Boxes become means
    weighted by scores, as in weighted boxes fusion (Solovyev et al., 2021), and may still show
    one person several times.

    Args:
        looks: Boxes [n, 4] in pixels of the photo and scores [n] at each size.
        share: How much of a score is the other sizes'; with one size it is its own.
        alike: Intersection over union from which boxes show the same person.

    Returns:
        Boxes [N, 4] and scores [N] of all sizes.
    """
    parts = []
    for row, (boxes, scores) in enumerate(looks):
        others = [look for other, look in enumerate(looks) if other != row]
        moved, weights, support = boxes * scores[:, None], scores, torch.zeros_like(scores)
        for other_boxes, other_scores in others:
            if not len(other_boxes):
                continue
            same = overlaps(boxes, other_boxes) >= alike
            best, at = (same * other_scores).max(dim=1)
            moved, weights = moved + best[:, None] * other_boxes[at], weights + best
            support = support + best / len(others)
        total = scores if not others else (1 - share) * scores + share * support
        parts.append((moved / weights.clamp(min=1e-6)[:, None], total))
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def distinct(boxes: Tensor, scores: Tensor, overlap: float = 0.6) -> Tensor:
    """Return rows by falling score that overlap no better one (non-maximum suppression)."""
    order, kept = scores.argsort(descending=True), []
    while len(order):
        kept.append(order[0])
        shared = overlaps(boxes[order[:1]], boxes[order])[0]
        order = order[shared <= overlap]
        order = order[order != kept[-1]]
    return torch.stack(kept) if kept else order


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Return intersections over unions [n, m] of boxes [n, 4] and [m, 4]."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    sizes = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]
    return shared / (sizes[0][:, None] + sizes[1][None] - shared).clamp(min=1e-6)
