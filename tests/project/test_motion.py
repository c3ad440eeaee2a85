"""Regions that shall move, in the log."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, RegionPlan, motion_prompt
from annotator.project import Project
from annotator.project.motion import plan_of


@pytest.fixture
def project(path):
    with Project.create(path) as opened:
        opened.add_asset(path.parent / "photo.png", "image", "pixels", 600)
        for object_id in (1, 2):
            opened.add_click(1, (3.0 * object_id, 4.0), object_id)
        yield opened


def regions(project):
    return project.document.assets[1].regions


def test_what_a_region_shall_do_is_undone_redone_and_still_there_later(project):
    plan = RegionPlan(2, "flows left", (1.0, 2.0, 9.0, 2.0), 0.8, confined=True, softness=6.0)
    project.set_regions(1, plan)
    assert project.undo_text == "Change motion"
    project.set_regions(1, RegionPlan(2, "sways"))
    project.undo()
    assert regions(project) == {2: plan}
    project.undo()
    assert regions(project) == {}
    project.redo()
    path = project.path
    project.close()
    with Project.open(path) as again:
        assert regions(again) == {2: plan}
        assert plan_of(again.document.assets[1], 2) == plan
        assert not plan_of(again.document.assets[1], 1).moves


def test_several_regions_are_set_in_one_step_and_the_same_again_in_none(project):
    both = (RegionPlan(1, "flows"), RegionPlan(2, "sways"))
    project.set_regions(1, *both)
    assert list(regions(project)) == [1, 2]
    assert project.set_regions(1, *both) is None
    project.undo()
    assert not regions(project)


def test_a_region_goes_with_its_object_and_can_be_forgotten(project):
    project.set_regions(1, RegionPlan(1, "flows"), RegionPlan(2, "sways"))
    project.remove_object(1, 1)
    assert list(regions(project)) == [2]
    project.undo()
    project.merge_objects(1, 1, 2)
    assert list(regions(project)) == [1]
    project.undo()
    project.remove_region(1, 2)
    assert list(regions(project)) == [1]
    with pytest.raises(AnnotatorError):
        project.remove_region(1, 2)


@pytest.mark.parametrize(
    "plan",
    [RegionPlan(7, "flows"), RegionPlan(1, strength=-1.0), RegionPlan(1, softness=-2.0)],
)
def test_what_makes_no_sense_is_refused_in_words_and_not_written(project, plan):
    seq = project.last_seq
    with pytest.raises(AnnotatorError):
        project.set_regions(1, plan)
    assert project.last_seq == seq


def test_the_prompt_has_masks_words_and_lengths_in_the_pixels_asked_for():
    labels = np.zeros((6, 8), np.int32)
    labels[1:3, 2:5] = 2
    plans = {
        1: RegionPlan(1, "stands", moves=False),
        2: RegionPlan(2, "flows", (0.0, 0.0, 4.0, 0.0), 3.0, True, 8.0),
    }
    prompt = motion_prompt(plans, labels, 0.5)
    assert prompt.object_ids == (2,)
    assert prompt.words == ((2, "flows"),)
    (region,) = prompt.regions
    assert (region.mask == (labels == 2)).all()
    assert (region.arrow, region.strength, region.confined, region.softness) == (
        (4.0, 0.0), 1.5, True, 4.0,
    )  # fmt: skip
