"""Clicks as JSON: what is written returns, and what is wrong is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain import AnnotatorError, Box, Click, ObjectInfo
from annotator.formats import (
    photo_prompt,
    read_click_file,
    read_clicks,
    read_photo_clicks,
    write_clicks,
)
from tests.formats import corpus

CLICKS = (
    Click((0.5, 1.25, -3.0), 1, order=0, time_ns=1_700_000_000_123_456_789, index=4, click_id=7),
    Click((2.0, 0.0, 1.0), 0, order=1, time_ns=5, index=None, click_id=9),
)
OBJECTS = (ObjectInfo(1, "chair 1", "chair", (10, 20, 30), visible=False, locked=True),)


def write(tmp_path, document):
    path = tmp_path / "clicks.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_clicks_and_objects_return_unchanged(tmp_path):
    path = tmp_path / "clicks.json"
    cloud = corpus.small_cloud()
    write_clicks(path, CLICKS, objects=OBJECTS, cloud=cloud)
    found = read_click_file(path)
    assert found.clicks == CLICKS
    assert found.objects == OBJECTS
    assert found.content_hash == cloud.content_hash
    assert found.points == 5


def test_positions_in_the_file_are_absolute_and_return_relative(tmp_path):
    path = tmp_path / "clicks.json"
    origin = np.array([431000.0, 5612000.0, 0.0])
    write_clicks(path, CLICKS, cloud=corpus.small_cloud(origin=origin))
    assert json.loads(path.read_text())["clicks"][0]["position"] == [431000.5, 5612001.25, -3.0]
    assert read_clicks(path) == list(CLICKS)
    shifted = read_clicks(path, origin=origin + np.array([1, 0, 0]))
    assert shifted[0].position == (-0.5, 1.25, -3.0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.builds(
            Click,
            position=st.tuples(*[st.floats(-1e6, 1e6)] * 3) | st.tuples(*[st.floats(0, 5e3)] * 2),
            object_id=st.integers(0, 500),
            order=st.integers(0, 10_000),
            time_ns=st.integers(0, 2**63 - 1),
            index=st.none() | st.integers(0, 2**40),
            click_id=st.integers(0, 2**40),
        )
    )
)
def test_any_clicks_return_exactly(tmp_path, clicks):
    path = tmp_path / "clicks.json"
    write_clicks(path, clicks)
    assert read_clicks(path) == clicks


def test_a_minimal_file_by_hand_is_enough(tmp_path):
    path = write(
        tmp_path,
        {"clicks": [{"position": [1, 2, 3], "object": 1}, {"position": [4, 5, 6.5], "object": 0}]},
    )
    first, second = read_clicks(path)
    assert first == Click((1.0, 2.0, 3.0), 1, order=0, click_id=1)
    assert second == Click((4.0, 5.0, 6.5), 0, order=1, click_id=2)


GOOD = {"position": [1, 2, 3], "object": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": [1, 2]}, None),
        ({"position": [1]}, "position of click 1"),
        ({"position": "here"}, "position of click 1"),
        ({"position": [1, 2, None]}, "position of click 1"),
        ({"position": [1, 2, True]}, "position of click 1"),
        ({"position": [1, 2, float("nan")]}, "position of click 1"),
        ({"position": [1, 2, float("inf")]}, "position of click 1"),
        ({"position": [1, 2, 10**400]}, "position of click 1"),
        ({"object": -1}, '"object" of click 1'),
        ({"object": 1.5}, '"object" of click 1'),
        ({"object": True}, '"object" of click 1'),
        ({"object": None}, '"object" of click 1'),
        ({"index": -4}, '"index" of click 1'),
        ({"index": 2**70}, '"index" of click 1'),
        ({"order": "first"}, '"order" of click 1'),
    ],
)
def test_a_wrong_entry_is_named(change, message, tmp_path):
    path = write(tmp_path, {"clicks": [GOOD, {**GOOD, **change}]})
    if message is None:
        assert len(read_clicks(path)) == 2
        return
    with pytest.raises(AnnotatorError, match=message) as caught:
        read_clicks(path)
    assert "clicks.json" in caught.value.message
    assert '"position"' in caught.value.remedy


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", "null", "3", '{"clicks": 3}', '{"clicks": [3]}', "[" * 100_000, "\0",
     '{"clicks": [], "objects": [{"id": "a"}]}', '{"clicks": [], "cloud": 3}',
     '{"clicks": [], "cloud": {"origin": [1]}}', '{"format": "other", "clicks": []}',
     '{"clicks": [], "objects": [{"id": 1, "colour": [0, 0, 999]}]}'],
)  # fmt: skip
def test_what_is_no_file_of_clicks_is_refused_by_name(document, tmp_path):
    with pytest.raises(AnnotatorError, match=r"clicks\.json"):
        read_clicks(write(tmp_path, document))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 20))
def test_a_damaged_file_is_read_or_refused(tmp_path, new, place, gone):
    path = tmp_path / "clicks.json"
    write_clicks(path, CLICKS, objects=OBJECTS, cloud=corpus.small_cloud())
    data = bytearray(path.read_bytes())
    data[place : place + gone] = new
    path.write_bytes(data)
    try:
        clicks = read_clicks(path)
    except AnnotatorError as error:
        refused = error.message
    else:
        refused = None
        assert all(np.isfinite(click.position).all() for click in clicks)
    assert refused is None or "clicks.json" in refused


def test_a_newer_version_asks_for_an_update(tmp_path):
    with pytest.raises(AnnotatorError, match="version 2") as caught:
        read_clicks(write(tmp_path, {"version": 2, "clicks": []}))
    assert "Update" in caught.value.remedy


def test_objects_without_details_get_their_usual_colour(tmp_path):
    found = read_click_file(write(tmp_path, {"clicks": [], "objects": [{"id": 2}]}))
    assert replace(found.objects[0], colour=(86, 180, 233)) == found.objects[0]


BOXES = (Box(1, 0.5, 2, 9, 7.25), Box(3, 1, 1, 2, 2))


def test_boxes_and_outside_clicks_return_unchanged(tmp_path):
    clicks = (Click((3.5, 4.0), 1, order=0, click_id=1, positive=False),)
    path = tmp_path / "photo.json"
    write_clicks(path, clicks, boxes=BOXES)

    found = read_photo_clicks(path, 10, 8)

    assert found.clicks == clicks
    assert found.boxes == BOXES
    prompt = photo_prompt(found)
    assert prompt.object_ids == (1, 3)
    assert prompt.prompted_ids == (1, 3)


@pytest.mark.parametrize("box", [
    {"object": 1, "box": [5, 0, 4, 1]}, {"object": 0, "box": [0, 0, 1, 1]}, {"object": 1},
    {"object": 1, "box": [0, 0, 1]}, {"object": 1, "box": "wide"}, 7,
])  # fmt: skip
def test_a_wrong_box_is_named(box, tmp_path):
    path = write(tmp_path, {"clicks": [], "boxes": [box]})
    with pytest.raises(AnnotatorError, match=r"clicks\.json .*box"):
        read_click_file(path)


def test_two_boxes_for_one_object_are_refused(tmp_path):
    box = {"object": 1, "box": [0, 0, 1, 1]}
    with pytest.raises(AnnotatorError, match="two boxes for object 1"):
        read_click_file(write(tmp_path, {"boxes": [box, box]}))


@pytest.mark.parametrize("position", [[1, 2, 3], [11, 2], [1, -0.5]])
def test_clicks_beside_the_photo_are_refused(position, tmp_path):
    path = write(tmp_path, {"clicks": [{"position": position, "object": 1}]})
    with pytest.raises(AnnotatorError, match="Click 0 of clicks"):
        read_photo_clicks(path, 10, 8)
