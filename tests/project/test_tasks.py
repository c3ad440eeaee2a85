"""Tasks in the log: an engine for each, and what photos are worked on for."""

import pytest

from annotator.project import ChosenEngine, Project
from annotator.project.codec import from_json, to_json
from annotator.project.events import EngineSet


@pytest.fixture
def project(path):
    with Project.create(path) as opened:
        opened.add_asset(path.parent / "photo.png", "image", "pixels", 600)
        opened.set_engine(1, "clickseg", {})
        yield opened


def asset(project):
    return project.document.assets[1]


def test_each_task_has_an_engine_of_its_own(project):
    project.set_engine(1, "followclick", {"frames": 24}, "motion")
    assert asset(project).engine_for("masks") == ChosenEngine("clickseg", {})
    assert asset(project).engine_for("motion") == ChosenEngine("followclick", {"frames": 24})
    assert asset(project).engine_for("poses") == ChosenEngine()
    assert asset(project).engine_ref == "clickseg"


def test_the_first_engine_of_a_task_is_no_step_but_switching_is(project):
    project.set_engine(1, "followclick", {}, "motion")
    assert not project.can_undo
    project.set_engine(1, "followclick", {"frames": 24}, "motion")
    assert project.undo_text == "Switch engine"
    project.undo()
    assert asset(project).engine_for("motion").parameters == {}
    assert asset(project).engine_ref == "clickseg"


def test_the_task_is_remembered_and_no_step(project):
    assert project.document.task == "masks"
    project.add_click(1, (1.0, 2.0), 1)
    project.choose_task("motion")
    assert project.choose_task("motion") is None
    assert project.undo_text == "Add click"
    project.undo()
    assert project.document.task == "motion"
    path = project.path
    project.close()
    with Project.open(path) as again:
        assert again.document.task == "motion"


def test_engines_of_files_from_before_there_were_tasks_are_those_for_masks():
    text = to_json(EngineSet(1, "clickseg", {}, True))
    assert '"task":"masks"' in text
    assert from_json(EngineSet, text.replace(',"task":"masks"', "")).task == "masks"
