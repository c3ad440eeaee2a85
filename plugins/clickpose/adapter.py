"""Between pose networks and the plugin API: people told of, people answered."""

import torch

from annotator.domain import AnnotatorError
from annotator.engine.api import PluginContext
from models.checkpoint import CheckpointError

from .compact import CompactEngine
from .published import PublishedEngine


def create(context: PluginContext) -> CompactEngine | PublishedEngine:
    """Build the variant's engine and load its weights.

    Raises:
        AnnotatorError: If the weights cannot be used.
    """
    kind = CompactEngine if context.variant == "compact" else PublishedEngine
    path = next(iter(context.weights.values()))
    try:
        return kind.load(path, context.parameters, context.device, _dtype(context))
    except CheckpointError as error:
        raise AnnotatorError(
            f"The weights of clickpose:{context.variant} cannot be used: {error}.",
            "Import them again; `annotator weights verify` checks them.",
        ) from error


def _dtype(context: PluginContext) -> torch.dtype:
    """Return the precision to compute in; halves are slower than floats on a CPU."""
    if context.device == "cpu" and context.dtype != "float32":
        context.logger.warning("computing in float32: %s is slow on a CPU", context.dtype)
        return torch.float32
    dtype: torch.dtype = getattr(torch, context.dtype)
    return dtype
