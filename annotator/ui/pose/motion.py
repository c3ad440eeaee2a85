"""What moved after a correction, shown for a moment; never in the way of the next one."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation
from PySide6.QtWidgets import QStyle, QWidget

from annotator.domain.poses import Point

DURATION_MS = 220
Joints = Mapping[int, tuple[Point, ...]]
"""The joints of each person, by object id."""


class Gliding(QObject):
    """Lets drawn joints glide from where they were; what they are is not touched by it."""

    def __init__(self, widget: QWidget, redraw: Callable[[], object], parent: QObject) -> None:
        """Call `redraw` for every frame; `widget`'s style says whether to animate at all."""
        super().__init__(parent)
        self._widget, self._redraw = widget, redraw
        self._from: dict[int, tuple[Point, ...]] = {}
        self._share = 1.0
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._step)

    @property
    def running(self) -> bool:
        """Whether anything glides."""
        return self._share < 1.0

    @property
    def duration(self) -> int:
        """Milliseconds; 0 where the system asks for less motion."""
        hint = QStyle.StyleHint.SH_Widget_Animation_Duration
        return min(self._widget.style().styleHint(hint, None, self._widget), DURATION_MS)

    def start(self, before: Joints) -> None:
        """Glide from these places to wherever the joints are asked for next."""
        self.stop()
        duration = self.duration
        if duration <= 0 or not before:
            return
        self._from, self._share = dict(before), 0.0
        self._animation.setDuration(duration)
        self._animation.start()

    def stop(self) -> None:
        """Show everything where it is."""
        self._animation.stop()
        self._from, self._share = {}, 1.0

    def at(self, object_id: int, joints: tuple[Point, ...]) -> tuple[Point, ...]:
        """Return where joints are drawn at this moment."""
        before = self._from.get(object_id)
        if not self.running or before is None or len(before) != len(joints):
            return joints
        share = self._share
        return tuple(
            (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
            for (x0, y0), (x1, y1) in zip(before, joints, strict=True)
        )

    def _step(self, value: object) -> None:
        self._share = float(value) if isinstance(value, float) else 1.0
        if self._share >= 1.0:
            self._from = {}
        self._redraw()
