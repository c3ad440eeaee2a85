"""What a person does to objects: choose, make, hide, lock, merge, delete."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from annotator.domain import BACKGROUND, ObjectInfo
from annotator.ui.annotate.workbench import Workbench


class ObjectCommands:
    """Carries out object commands on a workbench; everything but choosing is journalled."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @property
    def others(self) -> tuple[ObjectInfo, ...]:
        """All objects but the current one."""
        asset = self._bench.asset
        objects = asset.objects.values() if asset else ()
        return tuple(info for info in objects if info.object_id != self._bench.current_object)

    def select(self, object_id: int) -> None:
        """Make an object the current one; 0 is the background."""
        self._bench.choose_object(object_id)

    def new(self) -> None:
        """Start a new object; one that has neither clicks nor points yet is taken first."""
        bench = self._bench
        if bench.asset is None or bench.asset_id is None:
            return
        unused = self._unused()
        if unused is None:
            info = bench.attempt(bench.project.add_object, bench.asset_id)
            unused = info.object_id if info else None
        if unused is not None:
            bench.choose_object(unused)

    def _unused(self) -> int | None:
        asset = self._bench.asset
        if asset is None:
            return None
        counts = self._bench.points
        used = {click.object_id for click in asset.clicks}
        used |= {edit.object_id for edit in asset.edits} | set(asset.people)
        used |= {i for i in asset.objects if i < len(counts) and counts[i]}
        return next((i for i in asset.objects if i not in used), None)

    def step(self, by: int) -> None:
        """Choose the next (+1) or previous (-1) object, around the end."""
        asset = self._bench.asset
        ids = list(asset.objects) if asset else []
        if not ids:
            return
        now = self._bench.current_object
        place = ids.index(now) + by if now in ids else (0 if by > 0 else -1)
        self._bench.choose_object(ids[place % len(ids)])

    def change(self, object_id: int, fields: Mapping[str, Any]) -> None:
        """Change fields of an object: name, label, colour, visible or locked."""
        bench = self._bench
        if bench.asset_id is None:
            return
        update = partial(bench.project.update_object, shown=bench.shown_mask)
        bench.attempt(update, bench.asset_id, object_id, **fields)

    def toggle_visible(self) -> None:
        """Hide or show the current object."""
        if info := self._bench.current:
            self.change(info.object_id, {"visible": not info.visible})

    def toggle_locked(self) -> None:
        """Lock or unlock the current object."""
        if info := self._bench.current:
            self.change(info.object_id, {"locked": not info.locked})

    def toggle_isolated(self) -> None:
        """Show the current object only, or all again."""
        bench = self._bench
        same = bench.isolated == bench.current_object
        bench.isolate(None if same or bench.current is None else bench.current_object)

    def show_all(self) -> None:
        """Show every object."""
        bench = self._bench
        hidden = (
            [i.object_id for i in bench.asset.objects.values() if not i.visible]
            if bench.asset
            else []
        )
        for object_id in hidden:
            self.change(object_id, {"visible": True})
        bench.isolate(None)

    def merge_into(self, object_id: int) -> None:
        """Give the current object's clicks and points to another, which becomes current."""
        bench = self._bench
        info = bench.current
        if info is None or bench.asset_id is None:
            return
        merge = bench.project.merge_objects
        if bench.attempt(merge, bench.asset_id, object_id, info.object_id) is not None:
            bench.choose_object(object_id)

    def delete(self) -> None:
        """Delete the current object with its clicks and manual edits."""
        bench = self._bench
        info = bench.current
        if info is None or bench.asset_id is None:
            return
        if bench.attempt(bench.project.remove_object, bench.asset_id, info.object_id) is not None:
            remaining = list(bench.asset.objects) if bench.asset else []
            earlier = [i for i in remaining if i < info.object_id]
            nearest = earlier[-1:] or remaining[:1] or [max(info.object_id, BACKGROUND + 1)]
            bench.choose_object(nearest[0])
