"""A photo as the networks take it, and what may be reused between predictions on it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.clickseg.disks import PlacedClick
from models.clickseg.pixels import resample, to_unit
from models.clickseg.zoom import Box, View

Clicks = tuple[PlacedClick, ...]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo on the network's device.

    Attributes:
        rgb: [H, W, 3] uint8.
        start: Probability map [H, W] to begin from; zeros unless a mask is refined.
    """

    rgb: Tensor
    start: Tensor

    @classmethod
    def of(cls, rgb: Tensor) -> "Photo":
        """Return a photo [H, W, 3] uint8 without a mask to begin from."""
        return cls(rgb, torch.zeros(rgb.shape[:2], device=rgb.device))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rgb.shape[0], self.rgb.shape[1]

    def view(self, view: View, dtype: torch.dtype) -> Tensor:
        """Return what the network is shown, [1, 3, h, w] in 0..1."""
        crop = view.box.cut(self.rgb.movedim(-1, 0))
        image = to_unit(crop.movedim(0, -1))[None]
        return resample(image, (view.height, view.width), view.corners).to(dtype)


@dataclass(frozen=True)
class State:
    """Where a run of clicks stands: a function of the photo and the clicks alone.

    Attributes:
        probability: [H, W] of the last prediction; the photo's `start` before the first click.
        box: The crop in force; None if there is none yet.
    """

    probability: Tensor
    box: Box | None = None


class Memory:
    """What is most recently used, up to a number of bytes: saves time and changes no result.

    May be used from several threads.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:  # noqa: ANN401 - features are the network's own
        """Return what is kept under the key, or None."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Hashable, value: Any, size: int) -> None:  # noqa: ANN401 - see get
        """Keep a value of `size` bytes; the longest unused ones go when there is no more room."""
        with self._lock:
            if key in self._entries or size > self._limit:
                return
            self._entries[key] = (value, size)
            self._bytes += size
            while self._bytes > self._limit:
                self._bytes -= self._entries.popitem(last=False)[1][1]

    def get_or(self, key: Hashable, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - see get
        """Return what is kept under the key; make and keep it if there is nothing."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value, bytes_of(value))
        return value


def bytes_of(value: object) -> int:
    """Return the bytes of all tensors in a value made of tensors and tuples."""
    if isinstance(value, Tensor):
        return value.nbytes
    return sum(bytes_of(part) for part in value) if isinstance(value, tuple | list) else 0
