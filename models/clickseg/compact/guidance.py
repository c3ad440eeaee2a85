"""What the clicks say about every pixel: likeness to the clicked places, and nearness.

For a pixel i and the clicked cells j of one sign with weights w_j (how much of the cell a
disk covers), head h yields the soft maximum

    s_h(i) = log( exp(n_h) + sum_j w_j exp( t_h <e_h(i), e_h(j)> - a_h |i - j| ) )

of learned unit embeddings e, temperature t, slope a and the score n of having no click. It
reaches every pixel at once, is differentiable in w and so in the clicks' coordinates, and
is constant without clicks.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FAR = -1e4
_MOST_CELLS = 128


class ClickGuidance(nn.Module):
    """Soft maxima of likeness and nearness to clicked cells.

    Args:
        heads: Learned embeddings.
        nearness: Heads that look at distance alone.
    """

    def __init__(self, heads: int, nearness: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.nearness = nearness
        total = heads + nearness
        slopes = [0.005, 0.1] * (heads // 2) + [0.1 * 4.0**i for i in range(nearness)]
        self.slope = nn.Parameter(torch.tensor([math.log(math.expm1(s)) for s in slopes]))
        self.temperature = nn.Parameter(torch.full((heads,), math.log(8.0)))
        self.none = nn.Parameter(torch.full((total,), -1.0))

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return 2 * (self.heads + self.nearness)

    def forward(self, embedding: Tensor, weights: Tensor) -> Tensor:
        """Compare every cell with the clicked ones.

        Args:
            embedding: [B, heads, D, H, W], unit length along D.
            weights: Share of each cell that clicks cover, [B, 2, H, W]: inside, outside.

        Returns:
            [B, 2 * (heads + nearness), H, W].
        """
        height, width = embedding.shape[-2:]
        cells = embedding.flatten(3)
        found = [self._sign(cells, weights[:, sign].flatten(1), width) for sign in (0, 1)]
        joined = torch.cat(found, dim=1)
        return joined.reshape(*joined.shape[:2], height, width)

    def _sign(self, cells: Tensor, weights: Tensor, width: int) -> Tensor:
        most = int((weights > 0).sum(dim=1).amax().clamp(1, _MOST_CELLS))
        weight, where = weights.topk(most, dim=1)
        index = where[:, None, None, :].expand(-1, cells.shape[1], cells.shape[2], -1)
        likeness = torch.einsum("bhdn,bhdk->bhnk", cells, cells.gather(3, index))
        likeness = likeness * self.temperature.exp()[:, None, None]
        likeness = F.pad(likeness, (0, 0, 0, 0, 0, self.nearness))
        far = self._distances(cells.shape[-1], where, width).to(likeness.dtype)
        score = likeness - F.softplus(self.slope)[:, None, None] * far[:, None]
        open_weight = torch.where(weight > 0, weight.clamp_min(1e-4).log(), _FAR)
        score = score + open_weight[:, None, None, :]
        return torch.logaddexp(score.logsumexp(dim=3), self.none[:, None])

    @staticmethod
    def _distances(count: int, where: Tensor, width: int) -> Tensor:
        """Return distances [B, N, K] in cells from all cells to the chosen ones [B, K]."""
        cell = torch.arange(count, device=where.device)
        dy = (cell // width)[None, :, None] - (where // width)[:, None, :]
        dx = (cell % width)[None, :, None] - (where % width)[:, None, :]
        return (dy * dy + dx * dx).float().sqrt()


def unit_heads(features: Tensor, heads: int) -> Tensor:
    """Split channels [B, heads * D, H, W] into unit vectors [B, heads, D, H, W]."""
    batch, _, height, width = features.shape
    split = features.reshape(batch, heads, -1, height, width)
    return F.normalize(split.float(), dim=2, eps=1e-4)
