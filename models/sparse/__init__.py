"""Sparse convolution in plain torch.

Kernels have the layout [K, C_in, C_out] and the offset order (x fastest) of
MinkowskiEngine 0.5.4, so that its checkpoints are read as they are. Neighbours are
found once per resolution level and shared by all convolutions on that level.
"""

from models.sparse.functional import sparse_conv
from models.sparse.kernel_map import KernelMap, kernel_offsets
from models.sparse.levels import VoxelLevel, spatial_order
from models.sparse.modules import (
    SparseBatchNorm,
    SparseConv,
    SparseConvTranspose,
    SparseTensor,
    concatenate,
)
from models.sparse.pooling import sparse_pool

__all__ = [
    "KernelMap",
    "SparseBatchNorm",
    "SparseConv",
    "SparseConvTranspose",
    "SparseTensor",
    "VoxelLevel",
    "concatenate",
    "kernel_offsets",
    "sparse_conv",
    "sparse_pool",
    "spatial_order",
]
