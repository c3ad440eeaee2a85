"""What the status bar says while annotating."""

from collections.abc import Sequence

from PySide6.QtWidgets import QLabel, QWidget

from annotator.domain import BACKGROUND, ObjectInfo
from annotator.domain.labels import Colour
from annotator.ui.annotate.chips import CHIP_SIZE, chip


class StatusStrip:
    """Five labels: current object, clicks, mean time a click, IoU and the engine."""

    def __init__(self, parent: QWidget | None) -> None:
        self._chip = self._label("currentObjectChip", "Colour of the current object", parent)
        self._object = self._label("currentObject", "Current object", parent)
        self._clicks = self._label("clickStatus", "Clicks and time per click", parent)
        self._iou = self._label("iouStatus", "Agreement with the ground truth", parent)
        self._engine = self._label("engineStatus", "Engine", parent)

    @staticmethod
    def _label(name: str, title: str, parent: QWidget | None) -> QLabel:
        label = QLabel(parent)
        label.setObjectName(name)
        label.setToolTip(title)
        label.setAccessibleName(title)
        label.setContentsMargins(6, 0, 6, 0)
        return label

    @property
    def widgets(self) -> Sequence[QWidget]:
        """The labels, from left to right."""
        return (self._chip, self._object, self._clicks, self._iou, self._engine)

    def show_object(self, object_id: int, info: ObjectInfo | None) -> None:
        """Show which object the next click is for."""
        colour: Colour | None = info.colour if info else None
        self._chip.setPixmap(chip(object_id, colour).pixmap(CHIP_SIZE))
        self._put(self._object, self._describe(object_id, info))

    @staticmethod
    def _describe(object_id: int, info: ObjectInfo | None) -> str:
        if object_id == BACKGROUND:
            return "Background"
        if info is None:
            return f"Object {object_id} (new)"
        label = f" · {info.label}" if info.label else ""
        lock = " · locked" if info.locked else ""
        return f"{info.name or f'Object {object_id}'}{label}{lock}"

    def show_clicks(self, count: int, seconds_a_click: float | None) -> None:
        """Show the number of clicks and the mean time for one."""
        noun = "click" if count == 1 else "clicks"
        time = f" · {seconds_a_click:.1f} s each" if count and seconds_a_click is not None else ""
        self._put(self._clicks, f"{count} {noun}{time}")

    def show_iou(self, ious: Sequence[float] | None) -> None:
        """Show the mean IoU over objects; None where there is no ground truth."""
        self._iou.setVisible(ious is not None)
        mean = f"{sum(ious) / len(ious):.1%}" if ious else "–"
        self._put(self._iou, f"IoU {mean}")

    def show_engine(self, text: str) -> None:
        """Show what the engine does."""
        self._put(self._engine, text)

    @staticmethod
    def _put(label: QLabel, text: str) -> None:
        label.setText(text)
        label.setAccessibleDescription(text)
