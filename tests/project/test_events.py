"""Events and their JSON: what is written is read back, anything else is refused."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain import COCO_17, Box, Click, LabelClass, LabelSet, ObjectInfo, RegionPlan
from annotator.domain.people import Person
from annotator.project import events as ev
from annotator.project import motion_events as me
from annotator.project import people_events as pe
from annotator.project.codec import CodecError, from_json, point_set_of, to_json
from annotator.project.event_types import EVENT_TYPES
from annotator.project.points import PointSet
from annotator.project.store import decode_event

numbers = st.integers(min_value=0, max_value=2**40)
finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=20)
colours = st.tuples(*[st.integers(0, 255)] * 3)
positions = st.lists(finite, min_size=2, max_size=3).map(tuple)
point_sets = st.lists(numbers, max_size=30).map(PointSet.from_indices)
scalars = st.none() | st.booleans() | finite | words | st.integers()
parameters = st.dictionaries(words, scalars | st.lists(scalars, max_size=3), max_size=4)
clicks = st.builds(
    Click, positions, numbers, numbers, numbers, st.none() | numbers, numbers, st.booleans()
)
boxes = st.builds(Box, numbers, finite, finite, finite, finite)
infos = st.builds(ObjectInfo, numbers, words, words, colours, st.booleans(), st.booleans())
plans = st.builds(
    RegionPlan, numbers, words, st.none() | st.tuples(*[finite] * 4), st.none() | finite,
    st.booleans(), st.none() | finite, st.booleans(),
)  # fmt: skip
tasks = st.sampled_from(["masks", "poses", "motion"])
label_sets = st.lists(st.builds(LabelClass, numbers, words), max_size=4).map(
    lambda classes: LabelSet(tuple(classes))
)

places = st.tuples(finite, finite)
joints = st.integers(0, 20)
seen = st.integers(0, 2)
people = st.builds(
    Person, numbers, words, st.tuples(finite, finite, finite, finite),
    st.lists(places, max_size=3).map(tuple), st.lists(seen, max_size=3).map(tuple),
    st.lists(st.none() | places, max_size=3).map(tuple), st.booleans(), st.none() | finite,
)  # fmt: skip
EVENTS = {
    pe.SkeletonAdded: st.just(pe.SkeletonAdded(COCO_17)),
    pe.PeopleAdded: st.builds(
        pe.PeopleAdded, numbers, st.lists(infos, max_size=2).map(tuple),
        st.lists(people, max_size=2).map(tuple), st.sampled_from(["proposed", "copied"]),
    ),
    pe.PersonSet: st.builds(pe.PersonSet, numbers, people, st.sampled_from(["move", "swap"])),
    pe.JointsSet: st.builds(
        pe.JointsSet, numbers, numbers,
        st.lists(st.builds(pe.JointSetting, joints, st.none() | places, seen)).map(tuple),
        st.sampled_from(["place", "release", "visibility"]),
    ),
    ev.AssetAdded: st.builds(
        ev.AssetAdded, numbers, st.sampled_from(["cloud", "image"]), words, words, words,
        numbers, finite, numbers,
    ),
    ev.AssetRelocated: st.builds(ev.AssetRelocated, numbers, words, words),
    ev.ClicksAdded: st.builds(
        ev.ClicksAdded, numbers, st.lists(clicks, max_size=4).map(tuple), words
    ),
    ev.ClickMoved: st.builds(ev.ClickMoved, numbers, numbers, positions, st.none() | numbers),
    ev.ClickRemoved: st.builds(ev.ClickRemoved, numbers, numbers),
    ev.ObjectAdded: st.builds(ev.ObjectAdded, numbers, infos),
    ev.ObjectUpdated: st.builds(
        ev.ObjectUpdated, numbers, numbers, st.none() | words, st.none() | words,
        st.none() | colours, st.none() | st.booleans(), st.none() | st.booleans(),
        st.none() | point_sets,
    ),
    ev.ObjectRemoved: st.builds(ev.ObjectRemoved, numbers, numbers),
    ev.ObjectsMerged: st.builds(ev.ObjectsMerged, numbers, numbers, numbers),
    ev.MaskEdited: st.builds(ev.MaskEdited, numbers, numbers, point_sets),
    ev.MaskReshaped: st.builds(ev.MaskReshaped, numbers, numbers, point_sets),
    ev.BoxSet: st.builds(ev.BoxSet, numbers, boxes),
    ev.BoxRemoved: st.builds(ev.BoxRemoved, numbers, numbers),
    ev.ThresholdSet: st.builds(ev.ThresholdSet, numbers, numbers, st.none() | finite),
    ev.CandidateChosen: st.builds(ev.CandidateChosen, numbers, numbers, st.none() | numbers),
    ev.EngineSet: st.builds(
        ev.EngineSet, numbers, words, parameters, st.booleans(), tasks,
    ),
    ev.TaskChosen: st.builds(ev.TaskChosen, tasks),
    me.RegionsSet: st.builds(me.RegionsSet, numbers, st.lists(plans, max_size=3).map(tuple)),
    me.RegionRemoved: st.builds(me.RegionRemoved, numbers, numbers),
    ev.LabelSetChanged: st.builds(ev.LabelSetChanged, label_sets),
    ev.CameraRecorded: st.builds(ev.CameraRecorded, numbers, words),
    ev.Undone: st.builds(ev.Undone, numbers),
    ev.Redone: st.builds(ev.Redone, numbers),
}  # fmt: skip


SLOW_MACHINES = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


def test_every_kind_of_event_is_tried_here():
    assert set(EVENTS) == set(EVENT_TYPES.values())


@SLOW_MACHINES
@given(st.one_of(*EVENTS.values()))
def test_an_event_reads_back_as_it_was_written(event):
    points = point_set_of(event)
    blob = None if points is None else points.blob
    assert decode_event(event.kind, to_json(event), blob) == event


@SLOW_MACHINES
@given(st.one_of(*EVENTS.values()), st.data())
def test_a_payload_with_a_character_lost_is_refused_or_reads_as_another_event(event, data):
    text = to_json(event)
    place = data.draw(st.integers(0, len(text) - 1))
    points = point_set_of(event)
    blob = None if points is None else points.blob
    try:
        other = decode_event(event.kind, text[:place] + text[place + 1 :], blob)
    except CodecError:
        return
    assert type(other) is type(event)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"asset_id":1}',
        '{"asset_id":1,"click_id":true}',
        '{"asset_id":1,"click_id":2.0}',
        '{"asset_id":1,"click_id":"2"}',
        '{"asset_id":1,"click_id":null}',
        '{"asset_id":1,"click_id":2,"more":3}',
        "[" * 100_000,
    ],
)
def test_a_payload_of_another_form_is_refused(payload):
    with pytest.raises(CodecError):
        from_json(ev.ClickRemoved, payload)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_a_place_that_is_no_number_is_refused(number):
    payload = f'{{"asset_id":1,"click_id":2,"position":[0,{number},0],"index":null}}'
    with pytest.raises(CodecError):
        from_json(ev.ClickMoved, payload)


def test_a_place_that_is_no_number_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        to_json(ev.ClickMoved(1, 2, (0.0, math.nan, 0.0), None))


def test_an_unknown_kind_and_points_where_none_belong_are_refused():
    with pytest.raises(CodecError):
        decode_event("teleported", "{}", None)
    with pytest.raises(CodecError):
        decode_event("undo", '{"target":1}', PointSet.from_indices([1]).blob)
    with pytest.raises(CodecError):
        decode_event("mask_edited", '{"asset_id":1,"object_id":1}', None)


@given(st.lists(st.integers(0, 2**40), max_size=200))
def test_a_point_set_holds_its_distinct_indices_in_order(indices):
    points = PointSet.from_indices(indices)
    assert points.indices().tolist() == sorted(set(indices))
    assert len(points) == len(set(indices))


@given(st.binary(max_size=60))
def test_a_damaged_point_set_is_refused_without_filling_the_memory(blob):
    try:
        indices = PointSet(blob).indices()
    except ValueError:
        return
    assert len(indices) <= 60 * 1100  # deflate shrinks at most about a thousandfold


def test_a_point_set_that_claims_more_than_it_holds_is_refused():
    blob = bytearray(PointSet.from_indices(np.arange(50)).blob)
    for count in (49, 51, 2**39, 2**63):
        blob[1:9] = count.to_bytes(8, "little")
        with pytest.raises(ValueError, match="damaged"):
            PointSet(bytes(blob)).indices()


def test_a_brush_stroke_over_neighbours_takes_little_room():
    stroke = np.arange(40_000, 140_000)
    assert len(PointSet.from_indices(stroke).blob) < 1000


@pytest.mark.parametrize("indices", [[-1, 2], [0.5], [[1, 2]]])
def test_indices_that_are_none_are_refused(indices):
    with pytest.raises(ValueError, match="indices"):
        PointSet.from_indices(indices)
