"""What a right click offers on a joint and on a person."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from annotator.domain.poses import ABSENT, OCCLUDED, VISIBLE
from annotator.ui.pose.figures import JointKey

if TYPE_CHECKING:
    from annotator.ui.pose.controller import PoseController

_STATES = (("Visible", VISIBLE), ("Occluded", OCCLUDED), ("Absent", ABSENT))


def fill_menu(menu: QMenu, controller: "PoseController", key: JointKey | None) -> None:
    """Fill a menu for the joint, and for the current person."""
    menu.clear()
    if key is not None:
        _joint_rows(menu, controller, key[1])
        menu.addSeparator()
    _person_rows(menu, controller)


def _add(menu: QMenu, title: str, do: Callable[[], object], *, enabled: bool = True) -> QAction:
    action = menu.addAction(title)
    action.triggered.connect(lambda *_: do())
    action.setEnabled(enabled)
    return action


def _joint_rows(menu: QMenu, controller: "PoseController", joint: int) -> None:
    bench, hands = controller.bench, controller.hands
    person = bench.person
    if person is None:
        return
    skeleton = bench.project.skeleton_of(person)
    menu.addSection(f"{joint + 1} {skeleton.joints[joint]}")
    for title, value in _STATES:
        row = _add(menu, title, lambda v=value: hands.set_visibility(joint, v))  # type: ignore[misc]
        row.setCheckable(True)
        row.setChecked(person.visibility[joint] == value)
    _add(menu, "Let It Follow", lambda: hands.release([joint]), enabled=person.fixed[joint])
    other = skeleton.mirror[joint]
    if other != joint:
        _add(menu, f"Swap With {skeleton.joints[other]}", lambda: hands.swap([joint]))


def _person_rows(menu: QMenu, controller: "PoseController") -> None:
    hands, person, info = controller.hands, controller.bench.person, controller.bench.current
    if person is None or info is None:
        return
    menu.addSection(info.name)
    _add(menu, "Swap Left and Right", lambda: hands.swap(None))
    row = _add(menu, "Free Joints Follow", hands.toggle_follows)
    row.setCheckable(True)
    row.setChecked(person.follows)
    _add(menu, "Place All Joints", hands.place_all)
    _add(menu, "Fit Box to Joints", hands.fit_box)
    _add(menu, "Duplicate", hands.duplicate)
    row = _add(menu, "Locked", lambda: controller.people.toggle("locked"))
    row.setCheckable(True)
    row.setChecked(info.locked)
    _add(menu, "Delete", controller.people.delete)
