"""Sparse convolution over a kernel map, with its gradient."""

from typing import Any

import torch
from torch import Tensor

from models.sparse.kernel_map import KernelMap

BUFFER_LIMIT = 2**29
"""Bytes of pair products kept at once; larger convolutions add slice by slice instead."""

NARROW = 8
"""Up to this many input channels, one product of whole neighbourhoods is fastest."""


def sparse_conv(features: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:
    """Convolve: target[u] = sum over k of source[neighbour k of u] @ kernel[k].

    Differentiable once in features and kernel; keeps only its inputs for the gradient. Under
    autocast it computes in autocast's type, as dense convolutions do.

    Args:
        features: Source features [N, C_in].
        kernel: Kernel [K, C_in, C_out].
        kernel_map: Pairs of the K slices.

    Returns:
        Target features [M, C_out].

    Raises:
        ValueError: If features, kernel and map do not fit together.
    """
    if len(features) != kernel_map.source_count or len(kernel) != len(kernel_map.counts):
        raise ValueError(
            f"{len(features)} rows and {len(kernel)} kernel slices do not fit a map of "
            f"{kernel_map.source_count} rows and {len(kernel_map.counts)} slices"
        )
    device = features.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        features, kernel = features.to(dtype), kernel.to(dtype)
    if torch.is_grad_enabled() and (features.requires_grad or kernel.requires_grad):
        result: Tensor = _SparseConv.apply(features, kernel, kernel_map)
        return result
    return _convolve(features, kernel, kernel_map)


class _SparseConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(features, kernel)
        ctx.kernel_map = kernel_map
        return _convolve(features, kernel, kernel_map)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        features, kernel = ctx.saved_tensors
        grad = grads[0].contiguous()
        for_features = for_kernel = None
        if ctx.needs_input_grad[0]:
            for_features = _convolve_back(grad, kernel, ctx.kernel_map)
        if ctx.needs_input_grad[1]:
            for_kernel = _kernel_gradient(features, grad, kernel, ctx.kernel_map)
        return for_features, for_kernel, None


def _convolve(features: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:
    if _fits_columns(features, kernel_map):
        return _columns(features, kernel_map) @ kernel.flatten(0, 1)
    size = kernel_map.pair_count * kernel.shape[2] * features.element_size()
    if size > BUFFER_LIMIT:
        return _add_slices(features, kernel, kernel_map)
    return _sum_bags(features, kernel, kernel_map)


def _fits_columns(features: Tensor, kernel_map: KernelMap) -> bool:
    channels = features.shape[1]
    cells = kernel_map.target_count * len(kernel_map.counts)
    size = cells * channels * features.element_size()
    return channels <= NARROW and size <= BUFFER_LIMIT


def _columns(features: Tensor, kernel_map: KernelMap) -> Tensor:
    """Lay each target's neighbourhood out as one row: [N, C] -> [M, K * C], zero where none."""
    slots, width = len(kernel_map.counts), features.shape[1]
    table = kernel_map.scratch.take(kernel_map.target_count * slots, width, features).zero_()
    table[kernel_map.columns] = features.index_select(0, kernel_map.sources)
    return table.view(kernel_map.target_count, slots * width)


def _sum_bags(features: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:
    """Multiply slice by slice into one buffer, then gather each target's pairs and sum them."""
    products = kernel_map.scratch.take(kernel_map.pair_count, kernel.shape[2], features)
    slices = torch.split(products, list(kernel_map.counts))
    for k, weight in enumerate(kernel.unbind(0)):
        sources = kernel_map.pair_slices[k][0]
        rows = features if k == kernel_map.identity else features.index_select(0, sources)
        torch.mm(rows, weight, out=slices[k])
    return torch.nn.functional.embedding_bag(
        kernel_map.bags, products, kernel_map.bag_ends, mode="sum", include_last_offset=True
    )


def _add_slices(features: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:
    """Multiply and scatter slice by slice: slower, but needs no buffer of all pairs."""
    result = features.new_zeros(kernel_map.target_count, kernel.shape[2])
    for k, (sources, targets) in enumerate(kernel_map.pair_slices):
        result.index_add_(0, targets, features.index_select(0, sources) @ kernel[k])
    return result


def _convolve_back(grad: Tensor, kernel: Tensor, kernel_map: KernelMap) -> Tensor:
    """Return the gradient of the source features [N, C_in]."""
    if kernel_map.mirrored:
        # Turning a pair round moves it to the opposite slice of the same map.
        return _convolve(grad, kernel.flip(0).transpose(1, 2), kernel_map)
    return _convolve(grad, kernel.transpose(1, 2), kernel_map.reversed)


def _kernel_gradient(
    features: Tensor, grad: Tensor, kernel: Tensor, kernel_map: KernelMap
) -> Tensor:
    """Return the gradient of the kernel [K, C_in, C_out]."""
    if _fits_columns(features, kernel_map):
        return (_columns(features, kernel_map).t() @ grad).view_as(kernel)
    result = torch.empty_like(kernel)
    for k, (sources, targets) in enumerate(kernel_map.pair_slices):
        rows, goals = features, grad
        if k != kernel_map.identity:
            rows, goals = features.index_select(0, sources), grad.index_select(0, targets)
        torch.mm(rows.t(), goals, out=result[k])
    return result
