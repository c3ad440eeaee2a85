"""Pointer tools for people: joints, boxes, joint by joint, whole persons."""

from collections.abc import Callable, Mapping
from math import atan2, degrees, hypot

from PySide6.QtCore import Qt

from annotator.domain.people import Move, scaling, shifting, turning
from annotator.domain.poses import Point
from annotator.project.people_events import HowSet
from annotator.ui.annotate.tools import AnnotationTool
from annotator.ui.image.tools.box import BoxTool
from annotator.ui.image.view import ImageView
from annotator.ui.pose.figures import JointKey
from annotator.ui.pose.hands import PoseHands
from annotator.ui.view import PointerEvent

Event = PointerEvent[ImageView]
Menu = Callable[[JointKey | None], object]
"""Offers what can be done to the joint, or without one to the current person."""

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_SHIFT, _CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_SKIP = (Qt.Key.Key_Backspace, Qt.Key.Key_Tab)


class JointTool:
    """Chooses, drags and places joints; a right click offers what else can be done.

    With a joint chosen, a click beside all joints puts it there; with Ctrl also on another
    joint. A press on a joint chooses it, a drag moves it.
    """

    name = "joint"

    def __init__(self, hands: PoseHands, menu: Menu) -> None:
        self._hands, self._menu = hands, menu
        self._pressed = False
        self._grabbed: JointKey | None = None
        self._dragging = False

    @property
    def _bench(self) -> "PoseHands":
        return self._hands

    def press(self, event: Event) -> bool:
        """Choose the joint under a left press."""
        self.cancel()
        if event.modifiers & _SHIFT:
            return False
        if event.double and event.button == _LEFT:
            return True
        self._pressed = True
        if event.button != _LEFT or event.modifiers & _CONTROL:
            return False
        bench = self._hands.bench
        self._grabbed = bench.layer.joint_at(event.view.camera, event.x, event.y)
        if self._grabbed is not None:
            bench.choose_object(self._grabbed[0])
            bench.choose_joint(self._grabbed[1])
        return self._grabbed is not None

    def move(self, event: Event) -> bool:
        """Show the grabbed joint under the pointer."""
        if self._grabbed is None:
            return False
        self._dragging = self._dragging or event.dragged
        if self._dragging:
            place = event.view.camera.to_photo(event.x, event.y)
            self._hands.bench.preview_joint(self._grabbed, place)
        return True

    def release(self, event: Event) -> bool:
        """Place the grabbed joint, or the chosen one where the pointer is."""
        if not self._pressed:
            return False
        grabbed, dragging = self._grabbed, self._dragging
        self.cancel()
        if grabbed is not None:
            if dragging:
                place = event.view.camera.to_photo(event.x, event.y)
                self._hands.place(*grabbed, place, moving=True)
            return True
        if event.dragged:
            return False
        if event.button == _RIGHT:
            return self._offer(event)
        return event.button == _LEFT and self._click(event)

    def hover(self, event: Event) -> None:
        """Name the joint under the pointer."""
        bench = self._hands.bench
        bench.hover(bench.layer.joint_at(event.view.camera, event.x, event.y))

    def cancel(self) -> None:
        """Give up an unfinished drag."""
        if self._grabbed is not None and self._dragging:
            self._hands.bench.preview_joint(None)
        self._pressed, self._grabbed, self._dragging = False, None, False

    def _click(self, event: Event) -> bool:
        bench = self._hands.bench
        place = event.view.pick(event.x, event.y)
        if bench.person is not None and bench.joint is not None:
            if place is not None:
                self._hands.place(bench.current_object, bench.joint, place)
            return place is not None
        person = bench.layer.person_at(event.view.camera, event.x, event.y)
        if person is not None:
            bench.choose_object(person)
        return person is not None

    def _offer(self, event: Event) -> bool:
        bench = self._hands.bench
        key = bench.layer.joint_at(event.view.camera, event.x, event.y)
        person = bench.layer.person_at(event.view.camera, event.x, event.y)
        if key is not None:
            bench.choose_object(key[0])
            bench.choose_joint(key[1])
        elif person is not None:
            bench.choose_object(person)
        else:
            return False
        self._menu(key)
        return True


class GuideTool:
    """Places a new person joint by joint; Backspace leaves a joint out, Enter ends."""

    name = "guide"

    def __init__(self, hands: PoseHands, finish: Callable[[], object]) -> None:
        self._hands, self._finish = hands, finish
        self._pressed = False

    def press(self, event: Event) -> bool:
        """Wait for the release; Shift leaves it to navigation."""
        self._pressed = event.button == _LEFT and not event.modifiers & _SHIFT
        return False

    def move(self, event: Event) -> bool:
        """Leave drags to navigation."""
        return False

    def release(self, event: Event) -> bool:
        """Place the joint whose turn it is."""
        if not self._pressed or event.dragged or event.button != _LEFT:
            return False
        self._pressed = False
        place = event.view.pick(event.x, event.y)
        if place is not None:
            self._hands.guide(place)
            if not self._hands.guided:
                self._finish()
        return place is not None

    def hover(self, event: Event) -> None:
        """Do nothing: the hint says which joint is next."""

    def cancel(self) -> None:
        """Forget the press."""
        self._pressed = False

    def wants(self, key: int) -> bool:
        """Whether a key ends the person or leaves a joint out."""
        return self._hands.guided and (key in _ENTER or key in _SKIP)

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Follow a key."""
        if not self.wants(key):
            return False
        if key in _ENTER:
            self._finish()
        else:
            self._hands.skip()
        return True


class WholeTool:
    """Moves, scales and turns the current person by its box and handles."""

    name = "whole"

    def __init__(self, hands: PoseHands) -> None:
        self._hands = hands
        self._handle: HowSet | None = None
        self._from: Point = (0.0, 0.0)
        self._centre: Point = (0.0, 0.0)
        self._move: Move | None = None

    def press(self, event: Event) -> bool:
        """Take hold of the current person, or choose the one under the pointer."""
        self.cancel()
        if event.button != _LEFT or event.modifiers & _SHIFT:
            return False
        bench = self._hands.bench
        handle = bench.layer.handle_at(event.view.camera, event.x, event.y)
        if handle is None:
            person = bench.layer.person_at(event.view.camera, event.x, event.y)
            if person is None:
                return False
            bench.choose_object(person)
            handle = "move"
        self._handle = {"move": "move", "scale": "scale", "rotate": "rotate"}[handle]  # type: ignore[assignment]
        self._from = event.view.camera.to_photo(event.x, event.y)
        if bench.person is not None:
            x0, y0, x1, y1 = bench.shown_box(bench.person)
            self._centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        return True

    def move(self, event: Event) -> bool:
        """Show the person where it goes."""
        if self._handle is None:
            return False
        if event.dragged or self._move is not None:
            self._move = self._moving(event.view.camera.to_photo(event.x, event.y))
            self._hands.preview(self._move)
        return True

    def release(self, event: Event) -> bool:
        """Leave the person there."""
        if self._handle is None:
            return False
        handle, move = self._handle, self._move
        if move is not None:
            move = self._moving(event.view.camera.to_photo(event.x, event.y))
        self.cancel()
        if move is not None:
            self._hands.move_person(move, handle)
        return True

    def hover(self, event: Event) -> None:
        """Show what a press would take hold of."""
        handle = self._hands.bench.layer.handle_at(event.view.camera, event.x, event.y)
        shape = {
            "move": Qt.CursorShape.SizeAllCursor,
            "scale": Qt.CursorShape.SizeFDiagCursor,
            "rotate": Qt.CursorShape.PointingHandCursor,
        }.get(handle or "", Qt.CursorShape.CrossCursor)
        event.view.setCursor(shape)

    def cancel(self) -> None:
        """Leave the person where it was."""
        if self._move is not None:
            self._hands.preview(None)
        self._handle, self._move = None, None

    def _moving(self, to: Point) -> Move:
        (x0, y0), (x, y), (cx, cy) = self._from, to, self._centre
        if self._handle == "rotate":
            turn = atan2(y - cy, x - cx) - atan2(y0 - cy, x0 - cx)
            return turning(self._centre, degrees(turn))
        if self._handle == "scale":
            before = max(hypot(x0 - cx, y0 - cy), 1e-6)
            return scaling(self._centre, max(hypot(x - cx, y - cy) / before, 0.02))
        return shifting(x - x0, y - y0)


def pose_tools(
    hands: PoseHands, menu: Menu, finish: Callable[[], object]
) -> Mapping[str, AnnotationTool]:
    """Return every tool by the name that the action table selects it by."""
    return {
        "joint": JointTool(hands, menu),
        "person_box": BoxTool(hands),
        "guide": GuideTool(hands, finish),
        "whole": WholeTool(hands),
    }
