"""Skeletons over a photo: drawn, and found again under the pointer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from annotator.domain import Skeleton
from annotator.domain.flat_camera import FlatCamera
from annotator.domain.labels import Colour
from annotator.domain.poses import ABSENT, OCCLUDED, Corners, Point

LEFT_COLOUR, RIGHT_COLOUR, MIDDLE_COLOUR = (86, 180, 233), (230, 159, 0), (240, 228, 66)
"""The person's left, right and middle; Okabe-Ito, so that the common colour deficiencies pass."""

REACH = 10.0
"""Logical pixels around a joint within which it is meant."""

_DARK, _LIGHT = QColor(0, 0, 0, 190), QColor(255, 255, 255)
_SIDES = {-1: LEFT_COLOUR, 0: MIDDLE_COLOUR, 1: RIGHT_COLOUR}
_FAINT = 0.55  # of people who are not the current one
_WAITING = 0.45  # of joints that do not answer the newest click yet
_NO_BRUSH = Qt.BrushStyle.NoBrush


@dataclass(frozen=True)
class Figure:
    """One person as it is drawn.

    Attributes:
        object_id: The person.
        skeleton: Its joints.
        joints: (x, y) of each in pixels of the photo, [K].
        visibility: 0 absent (not drawn), 1 occluded, 2 visible, [K].
        fixed: Joints that the user placed, [K].
        box: (x0, y0, x1, y1) in pixels of the photo.
        colour: Of the object.
        title: What stands over the box.
        current: Whether gestures are for it.
        waiting: Whether its free joints wait for an answer.
    """

    object_id: int
    skeleton: Skeleton
    joints: tuple[Point, ...]
    visibility: tuple[int, ...]
    fixed: tuple[bool, ...]
    box: Corners
    colour: Colour
    title: str = ""
    current: bool = False
    waiting: bool = False

    def has(self, joint: int) -> bool:
        """Whether a joint is drawn."""
        return self.visibility[joint] != ABSENT


JointKey = tuple[int, int]
"""Object id and number of a joint."""


@dataclass
class FigureLayer:
    """All people of a photo; painted over it by the view's overlay.

    Attributes:
        figures: The people.
        selected: The joint that the next click places; None for none.
        hovered: The joint under the pointer; None for none.
        handles: Whether the current person has handles to be moved, scaled and turned by.
        names: Whether every joint of the current person shows its name.
    """

    figures: Sequence[Figure] = ()
    selected: JointKey | None = None
    hovered: JointKey | None = None
    handles: bool = False
    names: bool = False
    _size: float = field(default=1.0)

    def of(self, object_id: int) -> Figure | None:
        """Return a person's figure, or None."""
        return next((f for f in self.figures if f.object_id == object_id), None)

    # -- what is where ---------------------------------------------------------

    def joint_at(self, camera: FlatCamera, x: float, y: float) -> JointKey | None:
        """Return the joint under a pointer: the current person's first, then the nearest."""
        near = [
            (not figure.current, distance, (figure.object_id, joint))
            for figure in self.figures
            for joint, place in enumerate(figure.joints)
            if figure.has(joint) and (distance := _distance(camera, place, x, y)) <= REACH
        ]
        return min(near)[2] if near else None

    def person_at(self, camera: FlatCamera, x: float, y: float) -> int | None:
        """Return the person whose box is under a pointer, the smallest if several are."""
        px, py = camera.to_photo(x, y)
        inside = [
            ((x1 - x0) * (y1 - y0), figure.object_id)
            for figure in self.figures
            for x0, y0, x1, y1 in (figure.box,)
            if x0 <= px <= x1 and y0 <= py <= y1
        ]
        return min(inside)[1] if inside else None

    def handle_at(self, camera: FlatCamera, x: float, y: float) -> str | None:
        """Return what the current person is taken by: "rotate", "scale", "move" or nothing."""
        figure = next((f for f in self.figures if f.current), None)
        if figure is None or not self.handles:
            return None
        rect = _rect(camera, figure.box)
        turn = rotate_handle(rect)
        if hypot(turn.x() - x, turn.y() - y) <= REACH:
            return "rotate"
        corners = (rect.topLeft(), rect.topRight(), rect.bottomLeft(), rect.bottomRight())
        if any(hypot(c.x() - x, c.y() - y) <= REACH for c in corners):
            return "scale"
        return "move" if rect.contains(QPointF(x, y)) else None

    # -- painting --------------------------------------------------------------

    def paint(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw everyone, the current person last."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for figure in sorted(self.figures, key=lambda f: f.current):
            painter.setOpacity(1.0 if figure.current else _FAINT)
            self._paint_box(painter, camera, figure)
            self._paint_bones(painter, camera, figure)
            self._paint_joints(painter, camera, figure)
            painter.setOpacity(1.0)
        self._paint_name(painter, camera, self.hovered)
        if self.selected != self.hovered:
            self._paint_name(painter, camera, self.selected)

    def _paint_box(self, painter: QPainter, camera: FlatCamera, figure: Figure) -> None:
        rect = _rect(camera, figure.box)
        painter.setBrush(_NO_BRUSH)
        style = Qt.PenStyle.SolidLine if figure.current else Qt.PenStyle.DashLine
        for pen in (QPen(_DARK, 3), QPen(QColor(*figure.colour), 1.4, style)):
            painter.setPen(pen)
            painter.drawRect(rect)
        if figure.title:
            _paint_text(painter, rect.topLeft() - QPointF(0, 4), figure.title, above=True)
        if figure.current and self.handles:
            self._paint_handles(painter, rect)

    @staticmethod
    def _paint_handles(painter: QPainter, rect: QRectF) -> None:
        painter.setPen(QPen(_DARK, 1.5))
        painter.setBrush(_LIGHT)
        for corner in (rect.topLeft(), rect.topRight(), rect.bottomLeft(), rect.bottomRight()):
            painter.drawRect(QRectF(corner.x() - 4, corner.y() - 4, 8, 8))
        turn = rotate_handle(rect)
        painter.drawLine(QPointF(rect.center().x(), rect.top()), turn)
        painter.drawEllipse(turn, 5, 5)

    @staticmethod
    def _paint_bones(painter: QPainter, camera: FlatCamera, figure: Figure) -> None:
        for first, second in figure.skeleton.edges:
            if not (figure.has(first) and figure.has(second)):
                continue
            ends = [QPointF(*camera.to_view(*figure.joints[j])) for j in (first, second)]
            hidden = OCCLUDED in (figure.visibility[first], figure.visibility[second])
            style = Qt.PenStyle.DashLine if hidden else Qt.PenStyle.SolidLine
            colour = QColor(*_bone_colour(figure.skeleton, first, second))
            settled = figure.fixed[first] and figure.fixed[second]
            colour.setAlphaF(_WAITING if figure.waiting and not settled else 1.0)
            for pen in (QPen(_DARK, 4.5), QPen(colour, 2.4, style)):
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawLine(*ends)

    def _paint_joints(self, painter: QPainter, camera: FlatCamera, figure: Figure) -> None:
        for joint in range(len(figure.joints)):
            if figure.has(joint):
                at = QPointF(*camera.to_view(*figure.joints[joint]))
                self._paint_joint(painter, at, figure, joint)
                if self.names and figure.current:
                    _paint_text(painter, at + QPointF(9, 4), figure.skeleton.joints[joint])

    def _paint_joint(self, painter: QPainter, at: QPointF, figure: Figure, joint: int) -> None:
        key = (figure.object_id, joint)
        colour = QColor(*_SIDES[figure.skeleton.side_of(joint)])
        occluded = figure.visibility[joint] == OCCLUDED
        radius = 5.0 if figure.current else 3.5
        if key in (self.selected, self.hovered):
            painter.setBrush(_NO_BRUSH)
            for pen in (QPen(_DARK, 4), QPen(_LIGHT, 2)):
                painter.setPen(pen)
                painter.drawEllipse(at, radius + 5, radius + 5)
        faint = figure.waiting and not figure.fixed[joint]
        colour.setAlphaF(_WAITING if faint else 1.0)
        painter.setPen(QPen(_DARK, 1.6))
        painter.setBrush(QColor(20, 20, 20, 200) if occluded else colour)
        if figure.fixed[joint]:
            _paint_lock(painter, at, radius + 1.5, colour, occluded)
            return
        painter.drawEllipse(at, radius, radius)
        if occluded:
            painter.setPen(QPen(colour, 1.8))
            painter.drawEllipse(at, radius - 1, radius - 1)

    def _paint_name(self, painter: QPainter, camera: FlatCamera, key: JointKey | None) -> None:
        figure = self.of(key[0]) if key else None
        if key is None or figure is None or not figure.has(key[1]):
            return
        joint = key[1]
        state = ("absent", "occluded", "")[figure.visibility[joint]]
        marks = filter(None, (state, "placed" if figure.fixed[joint] else ""))
        words = " · ".join((f"{joint + 1} {figure.skeleton.joints[joint]}", *marks))
        at = QPointF(*camera.to_view(*figure.joints[joint]))
        _paint_text(painter, at + QPointF(14, -10), words)


def rotate_handle(rect: QRectF) -> QPointF:
    """Return where the handle is that turns what is in a box."""
    return QPointF(rect.center().x(), rect.top() - 26)


def _bone_colour(skeleton: Skeleton, first: int, second: int) -> Colour:
    sides = {skeleton.side_of(first), skeleton.side_of(second)} - {0}
    return _SIDES[sides.pop()] if len(sides) == 1 else MIDDLE_COLOUR


def _rect(camera: FlatCamera, box: Corners) -> QRectF:
    x0, y0, x1, y1 = box
    return QRectF(QPointF(*camera.to_view(x0, y0)), QPointF(*camera.to_view(x1, y1)))


def _distance(camera: FlatCamera, place: Point, x: float, y: float) -> float:
    at_x, at_y = camera.to_view(*place)
    return hypot(at_x - x, at_y - y)


def _paint_lock(
    painter: QPainter, at: QPointF, size: float, colour: QColor, occluded: bool
) -> None:
    """Draw a placed joint: a square with a white rim, unlike the round ones that follow."""
    square = QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size)
    painter.setPen(QPen(_DARK, 3.5))
    painter.drawRoundedRect(square, 2, 2)
    painter.setPen(QPen(colour if occluded else _LIGHT, 1.8))
    painter.drawRoundedRect(square, 2, 2)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour if occluded else _DARK)
    painter.drawEllipse(at, 1.7, 1.7)


def _paint_text(painter: QPainter, at: QPointF, words: str, *, above: bool = False) -> None:
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    size = painter.fontMetrics().boundingRect(words)
    top = at.y() - size.height() - 4 if above else at.y() - size.height() / 2 - 2
    rect = QRectF(at.x(), top, size.width() + 12, size.height() + 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 18, 200))
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(_LIGHT)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
