"""The picture of a skeleton in its editor: joints are dragged, the right button connects them."""

from math import hypot

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from annotator.ui.pose.draft import SkeletonDraft
from annotator.ui.pose.figures import LEFT_COLOUR, MIDDLE_COLOUR, REACH, RIGHT_COLOUR

_MARGIN = 28.0
_RADIUS = 6.0


class TemplateCanvas(QWidget):
    """Shows a draft.

    Signals:
        edited: The draft changed here.
        chosen: A person chose this joint; -1 for none.
    """

    edited = Signal()
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.draft = SkeletonDraft()
        self.joint = -1
        self._dragging = False
        self.setMinimumSize(300, 380)
        self.setAccessibleName("Skeleton")
        self.setToolTip(
            "Drag a joint to move it. Right click another one to connect it with the chosen one, "
            "or to part them. Double click beside them adds a joint."
        )

    def show_draft(self, draft: SkeletonDraft, joint: int = -1) -> None:
        """Show a draft with a joint chosen."""
        self.draft, self.joint = draft, joint
        self.update()

    def place_of(self, joint: int) -> QPointF:
        """Return where a joint is drawn."""
        x, y = self.draft.layout[joint]
        area = self._area()
        return QPointF(area.left() + x * area.width(), area.top() + y * area.height())

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)

    def _at(self, at: QPointF) -> int:
        near = [
            (hypot(place.x() - at.x(), place.y() - at.y()), joint)
            for joint in range(len(self.draft.joints))
            for place in (self.place_of(joint),)
        ]
        distance, joint = min(near, default=(REACH + 1, -1))
        return joint if distance <= REACH else -1

    def _unit(self, at: QPointF) -> tuple[float, float]:
        area = self._area()
        return (at.x() - area.left()) / area.width(), (at.y() - area.top()) / area.height()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a joint, or connect it with the chosen one."""
        joint = self._at(event.position())
        if event.button() == Qt.MouseButton.RightButton:
            if joint >= 0 and self.joint >= 0:
                self.draft.toggle_edge(self.joint, joint)
                self.edited.emit()
        else:
            self.joint, self._dragging = joint, joint >= 0
            self.chosen.emit(joint)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the joint that is held."""
        if self._dragging:
            self.draft.move(self.joint, self._unit(event.position()))
            self.update()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go of the joint."""
        if self._dragging:
            self._dragging = False
            self.edited.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a joint."""
        if self._at(event.position()) < 0:
            self.joint = self.draft.add(self._unit(event.position()))
            self.edited.emit()
            self.chosen.emit(self.joint)
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw edges, joints and the chosen one's name."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(34, 36, 42))
        painter.setPen(QPen(QColor(150, 150, 150), 2.5))
        for first, second in self.draft.edges:
            painter.drawLine(self.place_of(first), self.place_of(second))
        for joint, name in enumerate(self.draft.joints):
            at = self.place_of(joint)
            painter.setPen(QPen(QColor("white") if joint == self.joint else QColor(0, 0, 0), 2))
            painter.setBrush(QColor(*self._colour(joint)))
            painter.drawEllipse(at, _RADIUS, _RADIUS)
            painter.setPen(QColor(235, 235, 235))
            painter.drawText(at + QPointF(9, 4), f"{joint + 1} {name}")
        painter.end()

    def _colour(self, joint: int) -> tuple[int, int, int]:
        try:
            side = self.draft.skeleton().side_of(joint)
        except ValueError:
            side = 0
        return {-1: LEFT_COLOUR, 0: MIDDLE_COLOUR, 1: RIGHT_COLOUR}[side]
