"""The labels a person sees: the model's mask, then manual edits, then locked objects."""

import numpy as np
import numpy.typing as npt

from annotator.project.document import AssetState, MaskEdit

_UNTOUCHED = -1
Labels = npt.NDArray[np.int32]


class EditOverlay:
    """Manual edits of one asset, laid over each other; a further stroke costs only itself."""

    def __init__(self, size: int) -> None:
        self.values: Labels = np.full(size, _UNTOUCHED, np.int32)
        self._edits: tuple[MaskEdit, ...] = ()

    def update(self, edits: tuple[MaskEdit, ...]) -> None:
        """Show exactly `edits`, starting over only if earlier ones went away."""
        if edits[: len(self._edits)] != self._edits:
            self.values.fill(_UNTOUCHED)
            self._edits = ()
        for edit in edits[len(self._edits) :]:
            self.values[within(edit.indices, len(self.values))] = edit.object_id
        self._edits = edits

    def apply(self, labels: Labels) -> None:
        """Lay the edits over `labels` [W], in place."""
        if self._edits:
            np.copyto(labels, self.values, where=self.values != _UNTOUCHED)


def within(indices: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Return the ascending `indices` below `size`."""
    return indices[: np.searchsorted(indices, size)]


def compose(asset: AssetState, mask: Labels, overlay: EditOverlay) -> Labels:
    """Return what stands for each working point now.

    Locked objects have exactly the points they had when they were locked. Since
    brushes cannot touch those, laying them on last equals laying them under the
    edits, and stays right when an edit under them is taken back by other means.

    Args:
        asset: Objects, edits and pins.
        mask: [W] labels of a prediction, of the current prompt or an earlier one.
        overlay: The asset's edits, of W points.

    Returns:
        [W] int32 ids of existing objects or 0.
    """
    labels = translation(asset, int(mask.max(initial=0)))[mask]
    overlay.update(asset.edits)
    overlay.apply(labels)
    if asset.pins:
        _pin(asset, labels)
    return labels


def translation(asset: AssetState, largest: int) -> Labels:
    """Return the [largest + 1] id that each id of a mask stands for now.

    A mask older than a merge or a removal still has the ids of objects that are gone.
    """
    table = np.zeros(largest + 1, np.int32)
    for object_id in range(1, largest + 1):
        now = asset.merged.get(object_id, object_id)
        table[object_id] = now if now in asset.objects else 0
    return table


def _pin(asset: AssetState, labels: Labels) -> None:
    labels[np.isin(labels, list(asset.pins))] = 0
    for object_id, points in asset.pins.items():
        labels[within(points.indices(), len(labels))] = object_id
