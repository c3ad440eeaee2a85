"""Handler names of the action table, and what the controller does for each."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.ui.annotate.controller import AnnotationController


def handlers(controller: "AnnotationController") -> Mapping[str, Callable[..., object]]:
    """Return the function of every annotation row, by handler name."""
    bench, objects = controller.bench, controller.objects
    return {
        "delete_click": controller.delete_click,
        "next_click": lambda: controller.step_click(+1),
        "previous_click": lambda: controller.step_click(-1),
        "select_object": objects.select,
        "new_object": objects.new,
        "next_object": lambda: objects.step(+1),
        "previous_object": lambda: objects.step(-1),
        "rename_object": controller.rename_object,
        "merge_object": controller.ask_merge,
        "delete_object": objects.delete,
        "hide_object": objects.toggle_visible,
        "isolate_object": lambda *_: objects.toggle_isolated(),
        "show_all": objects.show_all,
        "lock_object": objects.toggle_locked,
        "brush_larger": lambda: controller.resize_brush(+1),
        "brush_smaller": lambda: controller.resize_brush(-1),
        "run_now": bench.run_now,
        "set_auto_run": controller.set_auto_run,
    }
