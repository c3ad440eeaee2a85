"""Stored masks: small, bounded, exact in their labels, harmless when damaged."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotator.domain import AnnotatorError, Mask
from annotator.project import Project, results
from annotator.project.results import pack_labels, unpack_labels
from tests.project.conftest import POINTS

shapes = hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=30)
label_arrays = shapes.flatmap(
    lambda shape: st.sampled_from([3, 300, 70_000]).flatmap(
        lambda top: hnp.arrays(np.int32, shape, elements=st.integers(0, top))
    )
)


@given(label_arrays)
def test_labels_unpack_as_they_were_packed(labels):
    back = unpack_labels(pack_labels(labels), labels.shape)
    assert back.dtype == np.int32
    assert np.array_equal(back, labels)


@given(st.binary(max_size=50))
def test_damaged_labels_are_none(blob):
    assert unpack_labels(blob, (1000, 1000)) is None


def test_labels_for_more_points_than_claimed_are_none():
    blob = pack_labels(np.zeros(1_000_000, np.int32))
    assert unpack_labels(blob, (10,)) is None
    assert unpack_labels(blob, (2**40,)) is None


def test_negative_labels_are_refused():
    with pytest.raises(ValueError, match="negative"):
        pack_labels(np.array([-1], np.int32))


def test_a_million_labels_of_connected_objects_take_little_room():
    labels = np.repeat(np.arange(100, dtype=np.int32) % 7, 10_000)
    assert len(pack_labels(labels)) < 20_000


def put(project, number, confidence=None):
    project.add_click(1, (float(number), 0, 0), 1)
    prompt = project.document.assets[1].prompt()
    labels = np.full(POINTS, 1, np.int32)
    labels[0] = number
    project.store_result(1, prompt, Mask(labels, confidence))


def test_confidence_is_kept_to_half_a_percent(project, path):
    values = np.linspace(0, 1, POINTS, dtype=np.float32)
    put(project, 1, values)
    project.close()
    with Project.open(path) as again:
        kept = again.stored_result(1).confidence
    assert kept.dtype == np.float32
    assert np.abs(kept - values).max() < 0.005


def test_only_the_newest_masks_are_kept_but_every_timing(project, path, monkeypatch):
    monkeypatch.setattr(results, "KEEP_MASKS", 5)
    monkeypatch.setattr(results, "KEEP_CONFIDENCE", 2)
    confidence = np.ones(POINTS, np.float32)
    for number in range(1, 10):
        put(project, number, confidence)
    project.close()
    with Project.open(path) as again:
        found = []
        for _ in range(9):
            found.append(again.stored_result(1))
            again.undo()
        assert [mask.labels[0] for mask in found[:5]] == [9, 8, 7, 6, 5]
        assert [mask.confidence is not None for mask in found[:5]] == [True, True, *[False] * 3]
        assert found[5:] == [None] * 4
        assert len(again.result_records()) == 9


def test_storing_the_same_prompt_again_uses_one_place(project, monkeypatch):
    monkeypatch.setattr(results, "KEEP_MASKS", 2)
    put(project, 1)
    put(project, 2)
    prompt = project.document.assets[1].prompt()
    for _ in range(5):
        project.store_result(1, prompt, Mask(np.full(POINTS, 1, np.int32)))
    project.undo()
    assert project.stored_result(1) is not None


def test_masks_of_one_asset_do_not_push_out_those_of_another(project, monkeypatch):
    monkeypatch.setattr(results, "KEEP_MASKS", 2)
    put(project, 1)
    other = project.add_asset("b.ply", "cloud", "other", 3)
    for number in range(5):
        project.add_click(other, (float(number), 0, 0), 1)
        prompt = project.document.assets[other].prompt()
        project.store_result(other, prompt, Mask(np.ones(3, np.int32)))
    assert project.stored_result(1) is not None


def test_a_damaged_mask_is_as_good_as_none(project, path):
    put(project, 1)
    project._store.connection.execute("UPDATE result SET labels = X'01FFFF'")
    project.close()
    with Project.open(path) as again:
        assert again.stored_result(1) is None
        assert again.labels_of(1) is None


def test_a_result_of_an_unknown_asset_is_refused(project):
    prompt = project.document.assets[1].prompt()
    with pytest.raises(AnnotatorError, match="no asset 7"):
        project.store_result(7, prompt, Mask(np.ones(3, np.int32)))


def test_a_held_mask_is_known_at_once_and_written_from_another_thread(project, path):
    project.add_click(1, (1.0, 0, 0), 1)
    prompt = project.document.assets[1].prompt()
    mask = Mask(np.full(POINTS, 1, np.int32))
    write = project.hold_result(1, prompt, mask, run_ms=7.0)
    assert project.stored_result(1) is mask
    assert not project.result_records()
    thread = threading.Thread(target=write)
    thread.start()
    for number in range(20):  # events go on being written meanwhile
        project.add_click(1, (float(number), 1, 0), 1)
    thread.join()
    assert [record.run_ms for record in project.result_records()] == [7.0]
    project.close()
    with Project.open(path) as again:
        assert len(again.document.assets[1].clicks) == 21
        assert np.array_equal(again.labels_of(1), mask.labels)


def test_a_mask_that_is_never_written_costs_nothing_but_itself(project, path):
    project.add_click(1, (1.0, 0, 0), 1)
    project.hold_result(1, project.document.assets[1].prompt(), Mask(np.ones(POINTS, np.int32)))
    project.close()
    with Project.open(path) as again:
        assert len(again.document.assets[1].clicks) == 1
        assert again.stored_result(1) is None
