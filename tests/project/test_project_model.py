"""Random actions, undos, closings and crashes, against a model too simple to be wrong."""

import copy
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from annotator.domain import Mask
from annotator.project import Project
from annotator.project.points import distinct
from tests.project.conftest import crash

POINTS = 40
places = st.tuples(*[st.floats(-10, 10)] * 3)
objects = st.integers(0, 4)
labels = st.lists(st.integers(0, 5), min_size=POINTS, max_size=POINTS)


class Model:
    """The annotation as plain lists, and whole copies of it as history."""

    def __init__(self):
        self.now = {"clicks": [], "objects": {}, "edits": [], "engine": "e", "last": 0}
        self.past = []
        self.future = []

    def step(self):
        self.past.append(copy.deepcopy(self.now))
        self.future.clear()

    def undo(self):
        if self.past:
            self.future.append(self.now)
            self.now = self.past.pop()

    def redo(self):
        if self.future:
            self.past.append(self.now)
            self.now = self.future.pop()

    def ensure(self, object_id):
        if object_id and object_id not in self.now["objects"]:
            self.now["objects"][object_id] = f"Object {object_id}"
            self.now["last"] = max(self.now["last"], object_id)


class ProjectAgainstModel(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "p.annot"
        self.project = Project.create(self.path)
        self.project.add_asset(self.folder / "scan.ply", "cloud", "c", POINTS)
        self.project.set_engine(1, "e")
        self.model = Model()
        self.masks = {}
        self.clicks_made = 0

    @property
    def asset(self):
        return self.project.document.assets[1]

    @rule(place=places, object_id=objects)
    def click(self, place, object_id):
        click = self.project.add_click(1, place, object_id, index=3)
        self.clicks_made += 1
        assert click.click_id == self.clicks_made
        self.model.step()
        self.model.ensure(object_id)
        self.model.now["clicks"].append([click.click_id, object_id, place])

    @precondition(lambda self: self.model.now["clicks"])
    @rule(data=st.data(), place=places)
    def move(self, data, place):
        number = data.draw(st.integers(0, len(self.model.now["clicks"]) - 1))
        self.project.move_click(1, self.model.now["clicks"][number][0], place, 3)
        self.model.step()
        self.model.now["clicks"][number][2] = place

    @precondition(lambda self: self.model.now["clicks"])
    @rule(data=st.data())
    def remove(self, data):
        number = data.draw(st.integers(0, len(self.model.now["clicks"]) - 1))
        self.project.remove_click(1, self.model.now["clicks"][number][0])
        self.model.step()
        del self.model.now["clicks"][number]

    @rule(name=st.text(min_size=1, max_size=5))
    def new_object(self, name):
        info = self.project.add_object(1, name=name)
        self.model.step()
        assert info.object_id == self.model.now["last"] + 1
        self.model.ensure(info.object_id)
        self.model.now["objects"][info.object_id] = name

    @precondition(lambda self: self.model.now["objects"])
    @rule(data=st.data(), name=st.text(max_size=5))
    def rename(self, data, name):
        object_id = data.draw(st.sampled_from(sorted(self.model.now["objects"])))
        self.project.update_object(1, object_id, name=name)
        self.model.step()
        self.model.now["objects"][object_id] = name

    @precondition(lambda self: self.model.now["objects"])
    @rule(data=st.data())
    def remove_object(self, data):
        object_id = data.draw(st.sampled_from(sorted(self.model.now["objects"])))
        self.project.remove_object(1, object_id)
        self.model.step()
        now = self.model.now
        del now["objects"][object_id]
        now["clicks"] = [c for c in now["clicks"] if c[1] != object_id]
        now["edits"] = [e for e in now["edits"] if e[0] != object_id]

    @precondition(lambda self: len(self.model.now["objects"]) > 1)
    @rule(data=st.data())
    def merge(self, data):
        both = data.draw(st.permutations(sorted(self.model.now["objects"])))[:2]
        into, other = both
        self.project.merge_objects(1, into, other)
        self.model.step()
        now = self.model.now
        del now["objects"][other]
        for click in now["clicks"]:
            click[1] = into if click[1] == other else click[1]
        for edit in now["edits"]:
            edit[0] = into if edit[0] == other else edit[0]

    @rule(points=st.sets(st.integers(0, POINTS - 1), min_size=1), object_id=objects)
    def paint(self, points, object_id):
        self.project.paint(1, sorted(points), object_id)
        self.model.step()
        self.model.ensure(object_id)
        self.model.now["edits"].append([object_id, points])

    @rule(engine=st.sampled_from(["e", "f"]))
    def switch_engine(self, engine):
        if self.project.set_engine(1, engine) is not None:
            self.model.step()
            self.model.now["engine"] = engine

    @rule(values=labels)
    def result(self, values):
        self.project.store_result(1, self.asset.prompt(), Mask(np.array(values, np.int32)))
        self.masks[self.key()] = values

    @rule()
    def undo(self):
        assert (self.project.undo() is not None) == bool(self.model.past)
        self.model.undo()

    @rule()
    def redo(self):
        assert (self.project.redo() is not None) == bool(self.model.future)
        self.model.redo()

    @rule()
    def hide_or_look_around(self):
        self.project.record_camera(1, "{}")
        for object_id in self.model.now["objects"]:
            self.project.update_object(1, object_id, visible=False)

    @rule()
    def close_and_open(self):
        self.project.close()
        self.project = Project.open(self.path)
        assert self.project.recovered is None

    @rule()
    def crash_and_open(self):
        crash(self.project)
        self.project = Project.open(self.path)
        assert self.project.recovered is not None

    def key(self):
        clicks = [(object_id, place) for _, object_id, place in self.model.now["clicks"]]
        return repr((self.model.now["engine"], clicks))

    @invariant()
    def document_is_as_modelled(self):
        now = self.model.now
        assert [[c.click_id, c.object_id, c.position] for c in self.asset.clicks] == now["clicks"]
        assert [c.order for c in self.asset.clicks] == list(range(len(now["clicks"])))
        assert {i: o.name for i, o in self.asset.objects.items()} == now["objects"]
        assert self.asset.engine_ref == now["engine"]
        assert self.project.can_undo == bool(self.model.past)
        assert self.project.can_redo == bool(self.model.future)

    @invariant()
    def labels_are_mask_then_edits(self):
        now = self.model.now
        mask = self.masks.get(self.key())
        stored = self.project.stored_result(1)
        assert (stored is None) == (mask is None)
        if stored is None:
            return
        assert stored.labels.tolist() == mask
        expected = [v if v in now["objects"] or v == 0 else None for v in mask]
        for object_id, points in now["edits"]:
            for point in points:
                expected[point] = object_id
        shown = self.project.labels_of(1).tolist()
        # Where the mask has an object that is gone: what it was merged into, or none.
        pairs = zip(shown, expected, strict=True)
        assert all(a == b if b is not None else a in {0, *now["objects"]} for a, b in pairs)

    def teardown(self):
        self.project.close()
        shutil.rmtree(self.folder)


TestProjectAgainstModel = pytest.mark.slow(ProjectAgainstModel.TestCase)
TestProjectAgainstModel.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(-50, 50), max_size=60))
def test_distinct_indices_are_those_of_numpy(values):
    array = np.array(values, np.int64)
    assert np.array_equal(distinct(array), np.unique(array))
