"""The project: one file, one document, one history, and everything that can be done to it."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, Box, Click, LabelSet, Mask, ObjectInfo, Prompt
from annotator.project import events as ev
from annotator.project.codec import dump
from annotator.project.composing import EditOverlay, Labels, compose
from annotator.project.document import AssetState, Change, ChosenEngine
from annotator.project.folding import new_object, require_unlocked
from annotator.project.history import History
from annotator.project.logged import LogFacts
from annotator.project.motion import MotionProject
from annotator.project.people import PeopleProject
from annotator.project.points import PointSet, distinct
from annotator.project.results import ResultRecord, ResultShelf, prompt_digest
from annotator.project.salvaging import SalvageReport, salvage
from annotator.project.store import Store


class Project(PeopleProject, MotionProject):
    """An annotation project in one file.

    Every mutation appends one event, durable against power loss, then changes
    `document`, then emits `changed`, all in the calling thread. If the event cannot be
    written, nothing changes. Mutations belong in one thread, the window's; masks may
    be read and stored from there too, at a few milliseconds a million points.
    """

    def __init__(self, path: Path, store: Store, history: History, facts: LogFacts) -> None:
        """Use `create` or `open` instead."""
        super().__init__(path, store, history, facts)
        self._shelf = ResultShelf(store)
        self._overlays: dict[int, EditOverlay] = {}

    @classmethod
    def salvage(cls, damaged_path: str | Path, new_path: str | Path) -> SalvageReport:
        """Write what is readable of a damaged project into a new one.

        The damaged file is only read.

        Raises:
            AnnotatorError: If nothing is readable or `new_path` cannot be written.
        """
        return salvage(Path(damaged_path).absolute(), Path(new_path).absolute())

    # --- Assets and engines

    def add_asset(
        self,
        path: str | Path,
        kind: ev.AssetKind,
        content_hash: str,
        point_count: int,
        working_spacing: float = 0.0,
        *,
        working_count: int = 0,
    ) -> int:
        """Add an asset; return its id. No step of the history.

        Args:
            path: Its file.
            kind: "cloud" or "image".
            content_hash: sha256 of its content.
            point_count: All its points, or pixels.
            working_spacing: Voxel edge in metres of the working set; 0 = all points.
            working_count: Points of the working set, for showing edits before there is
                a mask; 0 if all points or unknown.
        """
        asset_id = self._facts.next_asset_id
        absolute, relative = self._both_paths(path)
        count = working_count or (0 if working_spacing > 0 else point_count)
        self._commit(
            ev.AssetAdded(
                asset_id, kind, absolute, relative, content_hash,
                int(point_count), float(working_spacing), int(count),
            )
        )  # fmt: skip
        return asset_id

    def relocate_asset(self, asset_id: int, path: str | Path) -> Change:
        """Say where an asset's file is now. No step of the history."""
        return self._commit(ev.AssetRelocated(asset_id, *self._both_paths(path)))

    def set_engine(
        self,
        asset_id: int,
        ref: str,
        parameters: Mapping[str, Any] | None = None,
        task: ev.TaskName = "masks",
    ) -> Change | None:
        """Choose the engine of an asset for a task; its first is no step of the history.

        Returns:
            None if it was chosen already, with the same parameters.
        """
        before = self.asset(asset_id).engine_for(task)
        values = json.loads(dump(dict(parameters or {})))
        if before == ChosenEngine(ref, values):
            return None
        return self._commit(ev.EngineSet(asset_id, ref, values, not before.ref, task))

    def choose_task(self, task: ev.TaskName) -> Change | None:
        """Note what photos are worked on for from now on. No step of the history."""
        return None if task == self.document.task else self._commit(ev.TaskChosen(task))

    def set_label_set(self, label_set: LabelSet) -> Change:
        """Choose the classes that objects can have."""
        return self._commit(ev.LabelSetChanged(label_set))

    def record_camera(self, asset_id: int, camera: str | Mapping[str, Any]) -> Change:
        """Note where the camera came to rest, as JSON. No step of the history."""
        return self._commit(ev.CameraRecorded(asset_id, _camera_text(camera)))

    # --- Clicks

    def add_click(
        self,
        asset_id: int,
        position: Sequence[float] | npt.NDArray[np.floating[Any]],
        object_id: int,
        *,
        index: int | None = None,
        camera: str | Mapping[str, Any] | None = None,
        time_ns: int | None = None,
        positive: bool = True,
    ) -> Click:
        """Add a click; an object that is not there yet comes into being.

        Args:
            asset_id: The asset clicked.
            position: (x, y, z) metres relative to the cloud's origin, or (x, y) pixels.
            object_id: Whose place it is; 0 is the background.
            index: Working point clicked.
            camera: JSON of the camera.
            time_ns: Wall clock at the press; now if None.
            positive: Images: False for "outside of this object".

        Returns:
            The click as it stands in the document.
        """
        place = tuple(position)
        click = Click(place, object_id, time_ns=time_ns or 0, index=index, positive=positive)
        return self.add_clicks(asset_id, [click], camera=camera)[0]

    def add_clicks(
        self,
        asset_id: int,
        clicks: Sequence[Click],
        *,
        camera: str | Mapping[str, Any] | None = None,
    ) -> tuple[Click, ...]:
        """Add several clicks as one step; their ids and orders are given here.

        Args:
            asset_id: The asset clicked.
            clicks: In order; a `time_ns` of 0 means now.
            camera: JSON of the camera.

        Returns:
            The clicks as they stand in the document.
        """
        if not clicks:
            return ()
        first = len(self.asset(asset_id).clicks)
        now = time.time_ns()
        numbered = tuple(
            Click(
                position=tuple(float(x) for x in click.position),
                object_id=int(click.object_id),
                order=first + i,
                time_ns=int(click.time_ns) or now,
                index=None if click.index is None else int(click.index),
                click_id=self._facts.next_click_id + i,
                positive=bool(click.positive),
            )
            for i, click in enumerate(clicks)
        )
        self._commit(ev.ClicksAdded(asset_id, numbered, _camera_text(camera)))
        return numbered

    def move_click(
        self,
        asset_id: int,
        click_id: int,
        position: Sequence[float] | npt.NDArray[np.floating[Any]],
        index: int | None = None,
    ) -> Change:
        """Move a click; its order and time stay."""
        place = tuple(float(x) for x in position)
        row = None if index is None else int(index)
        return self._commit(ev.ClickMoved(asset_id, int(click_id), place, row))

    def remove_click(self, asset_id: int, click_id: int) -> Change:
        """Remove any click; later ones move up in order."""
        return self._commit(ev.ClickRemoved(asset_id, int(click_id)))

    # --- What else an image engine can be told of an object

    def set_box(self, asset_id: int, box: Box) -> Change:
        """Draw a box around an object, in place of the one it had; a new object comes into being.

        Raises:
            AnnotatorError: If the box has no area or belongs to the background.
        """
        corners = (float(v) for v in (box.x0, box.y0, box.x1, box.y1))
        return self._commit(ev.BoxSet(asset_id, Box(int(box.object_id), *corners)))

    def remove_box(self, asset_id: int, object_id: int) -> Change:
        """Take away the box of an object."""
        return self._commit(ev.BoxRemoved(asset_id, object_id))

    def set_threshold(self, asset_id: int, object_id: int, threshold: float | None) -> Change:
        """Say from which probability on a pixel belongs to an object; None = the engine's own."""
        value = None if threshold is None else float(threshold)
        return self._commit(ev.ThresholdSet(asset_id, object_id, value))

    def choose_candidate(self, asset_id: int, object_id: int, number: int | None) -> Change:
        """Choose among the masks that the engine offers; None = its own choice."""
        chosen = None if number is None else int(number)
        return self._commit(ev.CandidateChosen(asset_id, object_id, chosen))

    # --- Objects

    def add_object(
        self,
        asset_id: int,
        *,
        name: str = "",
        label: str = "",
        colour: tuple[int, int, int] | None = None,
    ) -> ObjectInfo:
        """Add an object without clicks; return it."""
        plain = new_object(self.asset(asset_id).next_object_id)
        shade = plain.colour if colour is None else _colour(colour)
        info = ObjectInfo(plain.object_id, name or plain.name, label, shade)
        self._commit(ev.ObjectAdded(asset_id, info))
        return info

    def update_object(
        self,
        asset_id: int,
        object_id: int,
        *,
        name: str | None = None,
        label: str | None = None,
        colour: tuple[int, int, int] | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
        shown: Mask | None = None,
    ) -> Change:
        """Change what is given of an object; changing only `visible` is no step.

        Args:
            asset_id: The asset.
            object_id: The object.
            name: New name.
            label: New class name; "" for none.
            colour: New RGB.
            visible: Whether its points are drawn.
            locked: Whether predictions and brushes leave its points alone. It keeps
                exactly the points it has at this moment.
            shown: The mask on screen, if the current prompt has no stored one.
        """
        pinned = None
        if locked:
            labels = self.labels_of(asset_id, shown)
            nothing = np.zeros(0, np.int64)
            owned = nothing if labels is None else np.flatnonzero(labels == object_id)
            pinned = PointSet.from_indices(owned)
        shade = None if colour is None else _colour(colour)
        return self._commit(
            ev.ObjectUpdated(asset_id, object_id, name, label, shade, visible, locked, pinned)
        )

    def remove_object(self, asset_id: int, object_id: int) -> Change:
        """Remove an object with its clicks and manual edits."""
        return self._commit(ev.ObjectRemoved(asset_id, object_id))

    def merge_objects(self, asset_id: int, into: int, other: int) -> Change:
        """Give everything of object `other` to object `into`."""
        return self._commit(ev.ObjectsMerged(asset_id, into, other))

    def paint(self, asset_id: int, indices: npt.ArrayLike, object_id: int) -> Change | None:
        """Give working points to an object by hand; points of locked objects stay.

        Args:
            asset_id: The asset.
            indices: [K] working points, any order.
            object_id: Who gets them; 0 takes them away.

        Returns:
            None if no point was left to change.

        Raises:
            AnnotatorError: If the object is locked or an index is out of range.
        """
        asset = self.asset(asset_id)
        require_unlocked(asset, object_id)
        points = _free_points(asset, indices)
        if not len(points):
            return None
        return self._commit(ev.MaskEdited(asset_id, object_id, PointSet.from_indices(points)))

    def reshape(
        self, asset_id: int, object_id: int, got: npt.ArrayLike, lost: npt.ArrayLike
    ) -> Change | None:
        """Give points to an object and take others from it, as one step.

        Args:
            asset_id: The asset.
            object_id: The object.
            got: [K] working points that it gets; those of locked objects stay.
            lost: [L] working points that become background.

        Returns:
            None if there is nothing to change.

        Raises:
            AnnotatorError: If the object is locked or an index is out of range.
        """
        asset = self.asset(asset_id)
        require_unlocked(asset, object_id)
        gained, gone = (_free_points(asset, points) for points in (got, lost))
        gone = np.setdiff1d(gone, gained, assume_unique=True)
        if not len(gained) and not len(gone):
            return None
        coded = PointSet.from_indices(np.concatenate([2 * gone, 2 * gained + 1]))
        return self._commit(ev.MaskReshaped(asset_id, object_id, coded))

    # --- Results

    def result_records(self) -> list[ResultRecord]:
        """Return when and how every result came, oldest first."""
        return self._shelf.records()

    def store_result(
        self,
        asset_id: int,
        prompt: Prompt,
        mask: Mask,
        *,
        queue_ms: float = 0.0,
        run_ms: float = 0.0,
        device: str = "",
        engine_ref: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep a mask with the prompt it was made from. No event, no step.

        See `hold_result` for the arguments.

        Raises:
            AnnotatorError: If it cannot be written.
        """
        self.hold_result(
            asset_id, prompt, mask, queue_ms=queue_ms, run_ms=run_ms, device=device,
            engine_ref=engine_ref, parameters=parameters,
        )()  # fmt: skip

    def hold_result(
        self,
        asset_id: int,
        prompt: Prompt,
        mask: Mask,
        *,
        queue_ms: float = 0.0,
        run_ms: float = 0.0,
        device: str = "",
        engine_ref: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Callable[[], None]:
        """Know a mask from now on, and return the function that writes it.

        Packing a large mask takes long. The function may be called in any thread, as
        long as the project is open; should it never be, only a model run is lost.

        Args:
            asset_id: The asset.
            prompt: What it was made from, current or not.
            mask: The prediction, [W] or [H, W].
            queue_ms: Milliseconds it waited.
            run_ms: Milliseconds it took.
            device: What it was computed on.
            engine_ref: The engine, if not the asset's any more.
            parameters: Its parameters, if not the asset's any more.
        """
        asset = self.asset(asset_id)
        digest = prompt_digest(asset, prompt, engine_ref, parameters)
        engine = asset.engine_ref if engine_ref is None else engine_ref
        record = ResultRecord(
            asset_id, self._facts.last_seq, time.time_ns(), queue_ms, run_ms, device, engine
        )
        write = self._shelf.hold(digest, mask, record)
        self.changed.emit(Change(frozenset({"result", "labels"}), asset_id))
        return write

    def stored_result(self, asset_id: int) -> Mask | None:
        """Return the mask of the *current* prompt and engine, or None if it must be run."""
        return self.stored_mask_of(self.asset(asset_id))

    def stored_mask_of(self, asset: AssetState) -> Mask | None:
        """Return the kept mask of an asset as it is or was; None if it is not kept."""
        return self._shelf.get(prompt_digest(asset, asset.prompt()))

    def mask_of(self, asset_id: int, mask: Mask | None = None) -> Mask | None:
        """Return the mask that edits lie on, or None.

        It is the stored one of the current prompt, else the given one, else (if anything
        was asked) the newest of earlier prompts.
        """
        asset = self.asset(asset_id)
        found = self.stored_result(asset_id) or mask
        if found is None and (asset.clicks or asset.boxes):
            found = self._shelf.newest(asset_id)
        return found

    def labels_of_state(self, asset: AssetState, mask: Mask | None) -> Labels | None:
        """Return what stood for each working point of an asset as it was; see `labels_of`.

        Args:
            asset: A state of the past.
            mask: What its engine had answered; None for nothing.
        """
        if mask is None and (not asset.working_count or not (asset.edits or asset.pins)):
            return None
        base = np.zeros(asset.working_count, np.int32) if mask is None else mask.labels
        overlay = EditOverlay(base.size)
        return compose(asset, base.ravel(), overlay).reshape(base.shape)

    def labels_of(self, asset_id: int, mask: Mask | None = None) -> npt.NDArray[np.int32] | None:
        """Return what stands for each working point: mask, manual edits, locked objects.

        The mask is the stored one of the current prompt, else the given one, else (if
        there are clicks) the newest of earlier prompts.

        Args:
            asset_id: The asset.
            mask: What to show if the current prompt has no stored mask.

        Returns:
            [W] or [H, W] int32 ids of existing objects or 0; None if there is neither
            mask nor edit, or if the number of working points is not known.
        """
        asset = self.asset(asset_id)
        found = self.mask_of(asset_id, mask)
        if found is None and (not asset.working_count or not (asset.edits or asset.pins)):
            return None
        base = np.zeros(asset.working_count, np.int32) if found is None else found.labels
        return compose(asset, base.ravel(), self._overlay(asset_id, base.size)).reshape(base.shape)

    def _overlay(self, asset_id: int, size: int) -> EditOverlay:
        overlay = self._overlays.get(asset_id)
        if overlay is None or len(overlay.values) != size:
            overlay = self._overlays[asset_id] = EditOverlay(size)
        return overlay

    def _both_paths(self, path: str | Path) -> tuple[str, str]:
        """Return a path as absolute and as relative to the project's folder, if possible."""
        absolute = Path(path).absolute()
        try:
            relative = Path(os.path.relpath(absolute, self.path.parent)).as_posix()
        except ValueError:  # another Windows drive
            relative = ""
        return str(absolute), relative


def _free_points(asset: AssetState, indices: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return distinct working points [K], ascending, without those of locked objects."""
    points = distinct(np.asarray(indices, dtype=np.int64).ravel())
    limit = asset.working_count or asset.point_count
    if len(points) and not 0 <= points[0] <= points[-1] < limit:
        raise AnnotatorError(f"{asset.path.name} has only {limit} points to paint.")
    for pinned in asset.pins.values():
        points = np.setdiff1d(points, pinned.indices(), assume_unique=True)
    return points


def _camera_text(camera: str | Mapping[str, Any] | None) -> str:
    if camera is None:
        return ""
    return camera if isinstance(camera, str) else dump(dict(camera))


def _colour(colour: Sequence[int]) -> tuple[int, int, int]:
    r, g, b = (int(value) for value in colour)
    return r, g, b
