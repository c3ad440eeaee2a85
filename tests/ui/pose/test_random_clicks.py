"""Whatever is clicked in whatever order, a clicked joint is where it was clicked."""

import random

import numpy as np
import pytest

from annotator.domain import COCO_17, Image, Prompt
from annotator.domain.people import drawn, scaling, shifting
from annotator.engine.registry import PluginRegistry
from annotator.project import Project
from annotator.project.people_events import JointSetting
from tests.ui.conftest import FIXTURE_PLUGINS
from tests.ui.pose.conftest import FIRST, SECOND, patches

TOLERANCE = 1e-6
SEQUENCES = 1000


@pytest.mark.slow
def test_a_thousand_random_sequences_never_move_a_clicked_joint(tmp_path):
    """Through project, engine and back: every placed joint is checked after every step."""
    engine = PluginRegistry.discover([FIXTURE_PLUGINS / "stick_figure"], disk=False).open(
        "stick-figure"
    )
    encoding = engine.encode(Image(patches()))
    rng = random.Random(20)
    with Project.create(tmp_path / "p.annot") as project:
        no_fsync(project)
        project.add_asset(tmp_path / "a.png", "image", "content", 230 * 320)
        project.set_engine(1, "stick-figure", {}, "poses")
        for _ in range(SEQUENCES):
            box = rng.choice((FIRST, SECOND))
            (object_id,) = project.add_people(1, [drawn(COCO_17, 0, box)], "box")
            Sequence(project, engine, encoding, object_id, rng).run()
            project.remove_object(1, object_id)
    engine.close()


def no_fsync(project):
    """Spare the disk, which is not what is tested here."""
    project._store.connection.execute("PRAGMA synchronous = OFF")


class Sequence:
    """A random series of gestures on one person, with what must hold beside it."""

    def __init__(self, project, engine, encoding, object_id, rng):
        self.project, self.engine, self.encoding = project, engine, encoding
        self.object_id, self.rng = object_id, rng
        self.clicked = {}

    @property
    def person(self):
        return self.project.asset(1).people[self.object_id]

    def run(self):
        for _ in range(self.rng.randint(1, 6)):
            self.rng.choices((self.place, self.release, self.undo), weights=(8, 1, 1))[0]()
            self.answer()
            self.check()

    def place(self):
        joint = self.rng.randrange(17)
        at = (self.rng.uniform(-20, 340), self.rng.uniform(-20, 250))
        self.set(joint, at, "place")
        self.clicked[joint] = at

    def release(self):
        if self.clicked:
            joint = self.rng.choice(list(self.clicked))
            self.set(joint, None, "release")
            del self.clicked[joint]

    def undo(self):
        """Another joint is placed and taken back: nothing has happened."""
        before = dict(self.clicked)
        self.place()
        self.project.undo()
        self.clicked = before

    def set(self, joint, at, how):
        self.project.set_joints(1, self.object_id, [JointSetting(joint, at, 2)], how)

    def answer(self):
        person = self.person
        asset = self.project.asset(1)
        if person.asks and self.project.followed(asset, person) is None:
            prompt = person.prompt()
            pose = self.engine.predict(self.encoding, Prompt(people=(prompt,)))
            self.project.hold_pose(1, prompt, pose.keypoints[0].tolist())
            no_fsync(self.project)

    def check(self):
        shown = self.project.shown_joints(self.project.asset(1), self.person)
        for joint, at in self.clicked.items():
            moved = np.abs(np.subtract(shown[joint], at)).max()
            assert moved <= TOLERANCE, f"joint {joint} moved by {moved} px"


@pytest.mark.parametrize("seed", range(3))
def test_random_gestures_in_the_window_hold_clicked_joints(posing, seed):
    """The real window, with clicks, drags, undo, transforms and tasks in between."""
    rng = random.Random(seed)
    posing.find()
    placed = {}
    for _ in range(14):
        object_id, joint = rng.choice(list(posing.people)), rng.randrange(17)
        at = (rng.uniform(5, 310), rng.uniform(5, 220))
        kind = rng.choice(("click", "click", "click", "undo", "whole", "task"))
        if kind == "click":
            posing.controller.hands.bench.choose_object(object_id)
            posing.bench.choose_joint(joint)
            posing.controller.hands.place(object_id, joint, at)
            placed[object_id, joint] = at
        elif kind == "undo" and placed:
            posing.controller.hands.place(object_id, (joint + 1) % 17, at)
            posing.do("undo")
        elif kind == "whole":
            move = rng.choice((shifting(3, -2), scaling((100.0, 100.0), 1.1)))
            posing.bench.choose_object(object_id)
            posing.controller.hands.move_person(move, "move")
            placed = {k: move(v) if k[0] == object_id else v for k, v in placed.items()}
        elif kind == "task":
            posing.do("task_masks")
            posing.do("task_poses")
        if rng.random() < 0.5:
            posing.answered()
        for (who, which), where in placed.items():
            assert np.abs(posing.shown[who][which] - where).max() <= TOLERANCE
    posing.answered()
    posing.qtbot.waitUntil(lambda: not posing.bench._gliding.running, timeout=5_000)
    for (who, which), where in placed.items():
        assert np.abs(posing.shown[who][which] - where).max() <= TOLERANCE
        assert np.abs(np.subtract(posing.figures[who].joints[which], where)).max() <= TOLERANCE
