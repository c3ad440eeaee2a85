"""What each event does to the document: pure functions, and the only place that says so."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from annotator.domain import AnnotatorError, Click, ObjectInfo, object_colour
from annotator.project import events as ev
from annotator.project import motion_events as me
from annotator.project import people_events as pe
from annotator.project import people_folding as people
from annotator.project.document import AssetState, ChosenEngine, Document, MaskEdit
from annotator.project.points import PointSet

T = TypeVar("T")


class InvalidEvent(AnnotatorError):  # noqa: N818 - reads as a sentence at raise sites
    """An event that makes no sense in the document it meets."""


def apply(document: Document, event: ev.Event) -> Document:
    """Return the document after `event`.

    Raises:
        InvalidEvent: If the event names an asset, object or click that is not there,
            or would break a lock.
    """
    return _HANDLERS[type(event)](document, event)


def new_object(object_id: int) -> ObjectInfo:
    """Return an object as it is before anyone gives it a name or colour."""
    return ObjectInfo(object_id, name=f"Object {object_id}", colour=object_colour(object_id))


def _asset(document: Document, asset_id: int) -> AssetState:
    if asset_id not in document.assets:
        raise InvalidEvent(f"The project has no asset {asset_id}.")
    return document.assets[asset_id]


def _put(document: Document, asset: AssetState, **changes: Any) -> Document:  # noqa: ANN401
    assets = dict(document.assets)
    assets[asset.asset_id] = replace(asset, **changes)
    return replace(document, assets=assets)


def _require_object(asset: AssetState, object_id: int) -> ObjectInfo:
    if object_id not in asset.objects:
        raise InvalidEvent(f"{asset.path.name} has no object {object_id}.")
    return asset.objects[object_id]


def _require_click(asset: AssetState, click_id: int) -> Click:
    click = asset.click(click_id)
    if click is None:
        raise InvalidEvent(f"{asset.path.name} has no click {click_id}.")
    return click


def require_unlocked(asset: AssetState, object_id: int) -> None:
    """Refuse to change a locked object.

    Raises:
        InvalidEvent: If it is locked.
    """
    if object_id in asset.objects and asset.objects[object_id].locked:
        name = asset.objects[object_id].name
        raise InvalidEvent(f'"{name}" is locked.', "Unlock it in the objects list first.")


def _numbered(clicks: Sequence[Click], first: int = 0) -> tuple[Click, ...]:
    """Make every click's order its place; clicks already in place are kept as they are."""
    places = enumerate(clicks, first)
    return tuple(c if c.order == i else replace(c, order=i) for i, c in places)


def _with_objects(asset: AssetState, object_ids: set[int]) -> dict[str, Any]:
    """Return the changes that bring missing objects into being."""
    missing = sorted(object_ids - asset.objects.keys() - {0})
    if not missing:
        return {}
    if missing[0] < 0:
        raise InvalidEvent(f"Object ids are not negative, so {missing[0]} is none.")
    objects = {**asset.objects, **{i: new_object(i) for i in missing}}
    return {
        "objects": dict(sorted(objects.items())),
        "last_object_id": max(asset.last_object_id, missing[-1]),
        "merged": {k: v for k, v in asset.merged.items() if k not in missing},
    }


def _asset_added(document: Document, event: ev.AssetAdded) -> Document:
    if event.asset_id in document.assets:
        raise InvalidEvent(f"The project already has an asset {event.asset_id}.")
    asset = AssetState(
        asset_id=event.asset_id,
        kind=event.asset_kind,
        path=resolve(document.base, event.path, event.relative),
        content_hash=event.content_hash,
        point_count=event.point_count,
        working_spacing=event.working_spacing,
        working_count=event.working_count,
    )
    return _put(document, asset)


def _asset_relocated(document: Document, event: ev.AssetRelocated) -> Document:
    asset = _asset(document, event.asset_id)
    return _put(document, asset, path=resolve(document.base, event.path, event.relative))


def resolve(base: Path, absolute: str, relative: str) -> Path:
    """Return where an asset's file is: beside the project if it moved along, else as it was."""
    if relative:
        beside = Path(os.path.normpath(base / relative))
        if beside.exists():
            return beside
    return Path(absolute)


def _clicks_added(document: Document, event: ev.ClicksAdded) -> Document:
    asset = _asset(document, event.asset_id)
    # Ids ascend, so looking at the last one is enough, however many clicks there are.
    ids = [c.click_id for c in (*asset.clicks[-1:], *event.clicks)]
    if any(later <= earlier for earlier, later in pairwise(ids)):
        raise InvalidEvent(f"A click of {asset.path.name} was added twice.")
    changes = _with_objects(asset, {c.object_id for c in event.clicks})
    added = _numbered(event.clicks, len(asset.clicks))
    return _put(document, asset, clicks=asset.clicks + added, **changes)


def _click_moved(document: Document, event: ev.ClickMoved) -> Document:
    asset = _asset(document, event.asset_id)
    old = _require_click(asset, event.click_id)
    clicks = list(asset.clicks)
    clicks[old.order] = replace(old, position=event.position, index=event.index)
    return _put(document, asset, clicks=tuple(clicks))


def _click_removed(document: Document, event: ev.ClickRemoved) -> Document:
    asset = _asset(document, event.asset_id)
    old = _require_click(asset, event.click_id)
    kept = asset.clicks[: old.order] + asset.clicks[old.order + 1 :]
    return _put(document, asset, clicks=_numbered(kept))


def _object_added(document: Document, event: ev.ObjectAdded) -> Document:
    asset = _asset(document, event.asset_id)
    object_id = event.info.object_id
    if object_id in asset.objects or object_id <= 0:
        raise InvalidEvent(f"{asset.path.name} cannot get another object {object_id}.")
    changes = _with_objects(asset, {object_id})
    changes["objects"][object_id] = event.info
    return _put(document, asset, **changes)


def _object_updated(document: Document, event: ev.ObjectUpdated) -> Document:
    asset = _asset(document, event.asset_id)
    if not event.is_step and event.object_id not in asset.objects:
        # The step that made the object was undone after it had been hidden.
        return document
    info = _require_object(asset, event.object_id)
    names = ("name", "label", "colour", "visible", "locked")
    news = {n: getattr(event, n) for n in names if getattr(event, n) is not None}
    objects = {**asset.objects, event.object_id: replace(info, **news)}
    return _put(document, asset, objects=objects, pins=_pins_after(asset, event))


def _pins_after(asset: AssetState, event: ev.ObjectUpdated) -> dict[int, Any]:
    pins = dict(asset.pins)
    if event.locked is not None:
        pins.pop(event.object_id, None)
    if event.locked and event.pinned is not None:
        pins[event.object_id] = event.pinned
    return pins


def _object_removed(document: Document, event: ev.ObjectRemoved) -> Document:
    asset = _asset(document, event.asset_id)
    _require_object(asset, event.object_id)
    require_unlocked(asset, event.object_id)
    gone = event.object_id
    return _put(
        document,
        asset,
        objects={k: v for k, v in asset.objects.items() if k != gone},
        clicks=_numbered([c for c in asset.clicks if c.object_id != gone]),
        edits=tuple(e for e in asset.edits if e.object_id != gone),
        merged={k: v for k, v in asset.merged.items() if v != gone},
        **_without_choices(asset, gone),
    )


def _without_choices(asset: AssetState, object_id: int) -> dict[str, Any]:
    """Return the changes that forget an object's box, threshold, candidate, joints and motion."""
    return {
        name: {k: v for k, v in getattr(asset, name).items() if k != object_id}
        for name in ("boxes", "thresholds", "candidates", "people", "regions")
    }


def _objects_merged(document: Document, event: ev.ObjectsMerged) -> Document:
    asset = _asset(document, event.asset_id)
    into, other = event.into, event.other
    if into == other:
        raise InvalidEvent("An object cannot be merged into itself.")
    for object_id in (into, other):
        _require_object(asset, object_id)
        require_unlocked(asset, object_id)
    clicks = (replace(c, object_id=into) if c.object_id == other else c for c in asset.clicks)
    edits = (replace(e, object_id=into) if e.object_id == other else e for e in asset.edits)
    merged = {k: into if v == other else v for k, v in asset.merged.items()}
    return _put(
        document,
        asset,
        objects={k: v for k, v in asset.objects.items() if k != other},
        clicks=tuple(clicks),
        edits=tuple(edits),
        merged={**merged, other: into},
        **_without_choices(asset, other),
    )


def _mask_edited(document: Document, event: ev.MaskEdited) -> Document:
    asset = _asset(document, event.asset_id)
    require_unlocked(asset, event.object_id)
    changes = _with_objects(asset, {event.object_id})
    edits = (*asset.edits, MaskEdit(event.object_id, event.points))
    return _put(document, asset, edits=edits, **changes)


def _mask_reshaped(document: Document, event: ev.MaskReshaped) -> Document:
    asset = _asset(document, event.asset_id)
    require_unlocked(asset, event.object_id)
    changes = _with_objects(asset, {event.object_id})
    coded = event.points.indices()
    lost, got = (PointSet.from_indices(coded[coded % 2 == sign] // 2) for sign in (0, 1))
    edits = (*asset.edits, MaskEdit(0, lost), MaskEdit(event.object_id, got))
    return _put(document, asset, edits=edits, **changes)


def _box_set(document: Document, event: ev.BoxSet) -> Document:
    asset, box = _asset(document, event.asset_id), event.box
    if not (box.x0 < box.x1 and box.y0 < box.y1):
        raise InvalidEvent(f"A box on {asset.path.name} has no area.")
    if box.object_id < 1:
        raise InvalidEvent("The background has no box.")
    changes = _with_objects(asset, {box.object_id})
    return _put(document, asset, boxes=_with(asset.boxes, box.object_id, box), **changes)


def _box_removed(document: Document, event: ev.BoxRemoved) -> Document:
    asset = _asset(document, event.asset_id)
    if event.object_id not in asset.boxes:
        raise InvalidEvent(f"Object {event.object_id} of {asset.path.name} has no box.")
    return _put(document, asset, boxes=_with(asset.boxes, event.object_id, None))


def _threshold_set(document: Document, event: ev.ThresholdSet) -> Document:
    asset = _asset(document, event.asset_id)
    _require_object(asset, event.object_id)
    if event.threshold is not None and not 0.0 < event.threshold < 1.0:
        raise InvalidEvent(f"A threshold lies between 0 and 1, so {event.threshold:g} is none.")
    thresholds = _with(asset.thresholds, event.object_id, event.threshold)
    return _put(document, asset, thresholds=thresholds)


def _candidate_chosen(document: Document, event: ev.CandidateChosen) -> Document:
    asset = _asset(document, event.asset_id)
    _require_object(asset, event.object_id)
    if event.number is not None and event.number < 0:
        raise InvalidEvent(f"Candidates are counted from 0, so {event.number} is none.")
    candidates = _with(asset.candidates, event.object_id, event.number)
    return _put(document, asset, candidates=candidates)


def _with(mapping: Mapping[int, T], key: int, value: T | None) -> dict[int, T]:
    """Return a mapping by ascending keys with one value set, or taken out if None."""
    changed = {k: v for k, v in mapping.items() if k != key}
    if value is not None:
        changed[key] = value
    return dict(sorted(changed.items()))


def _engine_set(document: Document, event: ev.EngineSet) -> Document:
    asset = _asset(document, event.asset_id)
    choice = ChosenEngine(event.ref, event.parameters)
    return _put(document, asset, engines={**asset.engines, event.task: choice})


def _task_chosen(document: Document, event: ev.TaskChosen) -> Document:
    return replace(document, task=event.task)


def _label_set_changed(document: Document, event: ev.LabelSetChanged) -> Document:
    return replace(document, label_set=event.label_set)


def _camera_recorded(document: Document, event: ev.CameraRecorded) -> Document:
    _asset(document, event.asset_id)
    return document


def _skeleton_added(document: Document, event: pe.SkeletonAdded) -> Document:
    name = event.skeleton.name
    if document.skeletons.get(name, event.skeleton) != event.skeleton:
        raise InvalidEvent(f"The project already has another skeleton {name!r}.")
    return replace(document, skeletons={**document.skeletons, name: event.skeleton})


def _people_added(document: Document, event: pe.PeopleAdded) -> Document:
    asset = _asset(document, event.asset_id)
    with _in_words(asset):
        now, infos = people.added(asset.people, event, document.skeletons)
    taken = asset.objects.keys() & {info.object_id for info in infos}
    if taken:
        raise InvalidEvent(f"{asset.path.name} cannot get another object {min(taken)}.")
    changes = _with_objects(asset, {info.object_id for info in infos})
    changes["objects"] |= {info.object_id: info for info in infos}
    return _put(document, asset, people=now, **changes)


def _person_set(document: Document, event: pe.PersonSet) -> Document:
    asset = _asset(document, event.asset_id)
    require_unlocked(asset, event.person.object_id)
    with _in_words(asset):
        now = people.changed(asset.people, event, document.skeletons)
    return _put(document, asset, people=now)


def _joints_set(document: Document, event: pe.JointsSet) -> Document:
    asset = _asset(document, event.asset_id)
    require_unlocked(asset, event.object_id)
    with _in_words(asset):
        now = people.with_joints(asset.people, event)
    return _put(document, asset, people=now)


def _regions_set(document: Document, event: me.RegionsSet) -> Document:
    asset = _asset(document, event.asset_id)
    for plan in event.plans:
        _require_object(asset, plan.object_id)
        if plan.problem:
            raise InvalidEvent(plan.problem)
    plans = {**asset.regions, **{plan.object_id: plan for plan in event.plans}}
    return _put(document, asset, regions=dict(sorted(plans.items())))


def _region_removed(document: Document, event: me.RegionRemoved) -> Document:
    asset = _asset(document, event.asset_id)
    if event.object_id not in asset.regions:
        raise InvalidEvent(f"Object {event.object_id} of {asset.path.name} shall do nothing.")
    return _put(document, asset, regions=_with(asset.regions, event.object_id, None))


@contextmanager
def _in_words(asset: AssetState) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidEvent(f"{asset.path.name}: {error}") from error


# Each handler takes its own event type, which a dict's value type cannot say.
_HANDLERS: dict[type[ev.Event], Callable[[Document, Any], Document]] = {
    ev.AssetAdded: _asset_added,
    ev.AssetRelocated: _asset_relocated,
    ev.ClicksAdded: _clicks_added,
    ev.ClickMoved: _click_moved,
    ev.ClickRemoved: _click_removed,
    ev.ObjectAdded: _object_added,
    ev.ObjectUpdated: _object_updated,
    ev.ObjectRemoved: _object_removed,
    ev.ObjectsMerged: _objects_merged,
    ev.MaskEdited: _mask_edited,
    ev.MaskReshaped: _mask_reshaped,
    ev.BoxSet: _box_set,
    ev.BoxRemoved: _box_removed,
    ev.ThresholdSet: _threshold_set,
    ev.CandidateChosen: _candidate_chosen,
    ev.EngineSet: _engine_set,
    ev.TaskChosen: _task_chosen,
    ev.LabelSetChanged: _label_set_changed,
    ev.CameraRecorded: _camera_recorded,
    pe.SkeletonAdded: _skeleton_added,
    pe.PeopleAdded: _people_added,
    pe.PersonSet: _person_set,
    pe.JointsSet: _joints_set,
    me.RegionsSet: _regions_set,
    me.RegionRemoved: _region_removed,
}
