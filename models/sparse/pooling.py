"""Pooling over a kernel map."""

from typing import Literal

import torch
from torch import Tensor

from models.sparse.kernel_map import KernelMap


def sparse_pool(
    features: Tensor, kernel_map: KernelMap, mode: Literal["sum", "mean", "max"]
) -> Tensor:
    """Pool the sources that reach each target; sources that are missing do not count.

    Args:
        features: Source features [N, C].
        kernel_map: Which sources reach which target, by any kernel slice.
        mode: How to pool.

    Returns:
        Target features [M, C]; targets that nothing reaches are zero.
    """
    rows = kernel_map.sources.index_select(0, kernel_map.bags)
    return torch.nn.functional.embedding_bag(
        rows, features, kernel_map.bag_ends, mode=mode, include_last_offset=True
    )
