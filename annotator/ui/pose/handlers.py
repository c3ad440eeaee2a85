"""Handler names of the action table, and what the controller of poses does for each."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.ui.pose.controller import PoseController


def pose_handlers(controller: "PoseController") -> Mapping[str, Callable[..., object]]:
    """Return the function of every row for people, by handler name."""
    bench, hands, people = controller.bench, controller.hands, controller.people
    return {
        "find_people": bench.find_people,
        "pick_joint": controller.picker.digit,
        "step_joint": controller.picker.step,
        "pick_joint_by_name": controller.ask_joint,
        "set_visibility": lambda value: hands.set_visibility(bench.joint, value),
        "release_joint": lambda: hands.release([] if bench.joint is None else [bench.joint]),
        "release_all": lambda: hands.release(range(len(bench.person.start) if bench.person else 0)),
        "place_all": hands.place_all,
        "swap_pair": lambda: hands.swap([] if bench.joint is None else [bench.joint]),
        "swap_person": lambda: hands.swap(None),
        "toggle_follows": lambda *_: hands.toggle_follows(),
        "fit_person_box": hands.fit_box,
        "duplicate_person": hands.duplicate,
        "add_from_template": hands.add_from_template,
        "copy_previous": hands.copy_previous,
        "set_joint_names": controller.set_names,
        "edit_skeletons": controller.edit_skeletons,
        "export_people": controller.export_people,
        "import_people": controller.import_people,
        "new_object": controller.new_person,
        "next_object": lambda: people.step(+1),
        "previous_object": lambda: people.step(-1),
        "rename_object": controller.rename,
        "delete_object": people.delete,
        "hide_object": lambda: people.toggle("visible"),
        "lock_object": lambda: people.toggle("locked"),
        "isolate_object": lambda *_: people.toggle_isolated(),
        "show_all": people.show_all,
        "look_at_person": controller.look_at,
        "run_now": bench.run_now,
        "set_auto_run": controller.set_auto_run,
    }
