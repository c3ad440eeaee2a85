"""What the views of all kinds of assets have in common."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from annotator.domain.labels import Colour
from annotator.ui.view.pointer import PointerTool


class Camera(Protocol):
    """A point of view that can be kept."""

    def to_json(self) -> str:
        """Return it as JSON text."""

    def from_json(self, text: str | Mapping[str, Any]) -> None:
        """Take what `to_json` wrote; a ValueError if it is no such thing."""

    def fit(self) -> None:
        """See all of the asset."""


class Marks(Protocol):
    """What tools draw over an asset, in logical pixels.

    Attributes:
        polygon: [K, 2] line, or None.
        circle: Brush (x, y, radius), or None.
        cursor: Keyboard placement cursor (x, y), or None.
    """

    polygon: npt.NDArray[np.float64] | None
    circle: tuple[float, float, float] | None
    cursor: tuple[float, float] | None


class AnnotationView(QWidget):
    """Shows an asset with labels and clicks, and offers its pointer events to a tool.

    Attributes:
        camera: Where the asset is seen from; moving it redraws.
        overlay: What is drawn over it.
        frameFinished: Emitted with the milliseconds of work when a picture is complete.
        cameraChanged: Emitted after every move of the camera.
    """

    frameFinished = Signal(float)  # noqa: N815 - Qt's way of naming signals
    cameraChanged = Signal()  # noqa: N815

    camera: Camera
    overlay: Marks

    @property
    def renderer_name(self) -> str:
        """Which renderer draws."""
        return "software"

    @property
    def label_opacity(self) -> float:
        """Share of the label's colour over the asset's own, 0 to 1."""
        raise NotImplementedError

    def set_label_opacity(self, opacity: float) -> None:
        """Set the share of the label's colour, 0 to 1."""
        raise NotImplementedError

    def set_palette(self, palette: Mapping[int, Colour]) -> None:
        """Take the colour of each object id; others keep their default colour."""
        raise NotImplementedError

    def set_hidden(self, ids: frozenset[int]) -> None:
        """Leave out these objects; 0 means what belongs to none."""
        raise NotImplementedError

    def set_tool(self, tool: PointerTool[Any] | None) -> None:
        """Offer pointer events to a tool before they navigate."""
        raise NotImplementedError

    def shut_down(self) -> None:
        """Stop drawing; the view is not used afterwards."""
        raise NotImplementedError

    def set_overlay_polygon(self, polygon: npt.ArrayLike | None) -> None:
        """Show a line [K, 2] in logical pixels around what is being chosen, or none."""
        self.overlay.polygon = (
            None if polygon is None else np.asarray(polygon, float).reshape(-1, 2)
        )
        self.update_overlay()

    def set_overlay_circle(self, centre: tuple[float, float] | None, radius: float = 0.0) -> None:
        """Show a brush around (x, y), or none."""
        self.overlay.circle = None if centre is None else (centre[0], centre[1], radius)
        self.update_overlay()

    def grab_image(self) -> QImage:
        """Return the finished picture with everything over it, in device pixels."""
        return self.grab().toImage()

    def update_overlay(self) -> None:
        """Draw what is over the asset again."""
        self.update()
