"""A photo while it is being clicked: its pixels and what earlier predictions can be reused for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.clickseg.disks import PlacedClick
from models.clickseg.hrnet import resize
from models.clickseg.pixels import to_unit
from models.clickseg.zoom import Box, View

STATE_BYTES = 256 << 20
"""Room for remembered probability maps of one photo."""

VIEWS = 6
"""Remembered features of views (crops and mirror images) of one photo."""

VIEW_PIXELS = 1 << 20
"""Larger views are not remembered: their features may take gigabytes."""

Clicks = tuple[PlacedClick, ...]


@dataclass(frozen=True)
class State:
    """Where a run of clicks stands: a function of the photo and the clicks alone.

    Attributes:
        probability: [H, W] of the last prediction; zeros before the first click.
        box: The crop in force; None if there is none yet.
    """

    probability: Tensor
    box: Box | None = None


@dataclass(frozen=True)
class Photo:
    """An encoded photo. What it remembers speeds later predictions up and never changes them.

    Attributes:
        rgb: [H, W, 3] uint8 on the network's device.
        start: Probability map [H, W] to begin from; zeros unless a mask is refined.
    """

    rgb: Tensor
    start: Tensor
    _states: "OrderedDict[tuple[Hashable, Clicks], State]" = field(default_factory=OrderedDict)
    _features: "OrderedDict[Hashable, Any]" = field(default_factory=OrderedDict)

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
        return resize(image, (view.height, view.width)).to(dtype)

    def features(self, view: View, mirrored: bool, make: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return remembered features of a view, or make and remember them."""
        if view.height * view.width > VIEW_PIXELS:
            return make()
        key = (view, mirrored)
        if key not in self._features:
            self._features[key] = make()
            while len(self._features) > VIEWS:
                self._features.popitem(last=False)
        self._features.move_to_end(key)
        return self._features[key]

    def recall(self, key: Hashable, clicks: Clicks) -> State | None:
        """Return the state after exactly these clicks, if it is remembered."""
        if not clicks:
            return State(self.start)
        found = self._states.get((key, clicks))
        if found is not None:
            self._states.move_to_end((key, clicks))
        return found

    def remember(self, key: Hashable, clicks: Clicks, state: State) -> None:
        """Keep a state; the longest unused ones go when there is no more room."""
        self._states[(key, clicks)] = state
        room = max(2, STATE_BYTES // max(1, state.probability.nbytes))
        while len(self._states) > room:
            self._states.popitem(last=False)
