"""The smooth objective of a click on a photo: soft Dice, and how far outside it lies."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from annotator.benchmark.images.metrics import boundary_iou, iou
from annotator.benchmark.images.simulator import IGNORE, Bool, Truth
from annotator.robustness.contract import Floats, Soft
from annotator.robustness.targets.photo_regions import RADIUS


def known(value: float) -> float:
    """Return an IoU; 0/0, nothing wanted and nothing found, is perfect."""
    return 1.0 if np.isnan(value) else value


class SoftPhoto:
    """Loss and location term of one round.

    Args:
        truth: [H, W].
        wrong: [H, W] the error region that the click's sign speaks of.
        threshold: Probability that the pixels of an object exceed.
    """

    def __init__(self, truth: Truth, wrong: Bool, threshold: float) -> None:
        self._truth, self._wrong, self._threshold = truth, wrong, threshold
        self._away: Floats | None = None

    def evaluate(self, soft_map: Callable[[Any], Any], position: Floats) -> Soft:
        """Return loss, gradient and scores at a real position (x, y).

        Args:
            soft_map: Tensor [2] -> tensor [H, W] of probabilities on its graph.
            position: [2].
        """
        import torch

        place = torch.tensor(position, dtype=torch.float64, requires_grad=True)
        probability = soft_map(place)
        loss = self._dice_loss(probability)
        (gradient,) = torch.autograd.grad(loss, place)
        mask = self._mask(probability.detach().float().cpu().numpy())
        return Soft(
            float(loss.detach()),
            gradient.cpu().numpy().astype(np.float64),
            known(iou(self._truth, mask)),
            boundary_iou(self._truth, mask),
        )

    def _dice_loss(self, probability: Any) -> Any:  # noqa: ANN401 - tensors
        """Return 1 - 2 sum(P G) / (sum P + sum G) over the pixels that count."""
        import torch

        truth = torch.from_numpy(self._truth == 1).to(probability)
        counted = torch.from_numpy(self._truth != IGNORE).to(probability)
        shared = (probability * truth).sum()
        return 1 - 2 * shared / ((probability * counted).sum() + truth.sum()).clamp_min(1e-7)

    def _mask(self, probability: Any) -> Bool:  # noqa: ANN401 - an array of floats
        # in single precision, as engines compare
        mask: Bool = probability > np.float32(self._threshold)
        return mask

    def penalty(self, position: Floats) -> tuple[float, Floats]:
        """Return the mean over the photo of the click's disk times the distance to the region.

        The disk's border is a ramp one pixel wide: clip(r - d + 1/2, 0, 1).

        Args:
            position: [2] (x, y).

        Returns:
            The term, and its gradient [2].
        """
        if self._away is None:
            self._away = ndimage.distance_transform_edt(~self._wrong)
        rows, columns = self._window(position)
        dx = columns + 0.5 - position[0]
        dy = rows + 0.5 - position[1]
        distance = np.hypot(dx[None, :], dy[:, None])
        disk = np.clip(RADIUS - distance + 0.5, 0.0, 1.0)
        away = self._away[rows[:, None], columns[None, :]] / self._away.size
        slope = np.where((disk > 0) & (disk < 1), away / np.maximum(distance, 1e-9), 0.0)
        gradient = np.array([(slope * dx[None, :]).sum(), (slope * dy[:, None]).sum()])
        return float((disk * away).sum()), gradient

    def _window(self, position: Floats) -> tuple[Any, Any]:
        """Return the rows and columns that the disk can reach."""
        reach = RADIUS + 1.5
        height, width = self._wrong.shape
        rows = np.arange(
            max(0, int(position[1] - reach)), min(height, int(position[1] + reach) + 1)
        )
        columns = np.arange(
            max(0, int(position[0] - reach)), min(width, int(position[0] + reach) + 1)
        )
        return rows, columns
