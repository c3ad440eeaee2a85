"""Rules on the results of pose and animation engines."""

import numpy as np

from annotator.domain import Clip, Image, PersonPrompt, Pose, Prompt, Skeleton
from annotator.engine.api import EngineKind
from annotator.engine.contract_base import prompt_in, require
from annotator.engine.opened import OpenEngine
from annotator.engine.warmup import sample_image, sample_task


def _pose(engine: OpenEngine) -> Pose:
    asset, prompt = sample_task(EngineKind.POSE)
    pose = engine.predict_as_is(engine.encode_uncached(asset), prompt)
    assert isinstance(pose, Pose)  # as predict_as_is has made sure
    return pose


def _clip(engine: OpenEngine) -> Clip:
    asset, prompt = sample_task(EngineKind.ANIMATION)
    clip = engine.predict_as_is(engine.encode_uncached(asset), prompt)
    assert isinstance(clip, Clip)  # as predict_as_is has made sure
    return clip


BOXES = ((12.0, 6.0, 52.0, 50.0), (3.0, 2.0, 30.0, 54.0))
"""Two persons who overlap, in the sample image."""


def _skeleton(engine: OpenEngine) -> Skeleton:
    skeleton = engine.skeleton
    require(skeleton is not None, "it states no `skeleton`, or not whether it `has_scores`")
    assert skeleton is not None  # as just required
    return skeleton


def _refined(engine: OpenEngine, *people: PersonPrompt) -> Pose:
    encoding = engine.encode_uncached(sample_image())
    pose = engine.predict(encoding, Prompt(people=people))
    assert isinstance(pose, Pose)  # as predict has made sure
    return pose


def _started(skeleton: Skeleton, object_id: int, *fixed: int) -> PersonPrompt:
    """Return a person whose joints lie on a spiral in its box, some of them fixed."""
    x0, y0, x1, y1 = BOXES[object_id - 1]
    turns = np.linspace(0, 4, len(skeleton))
    reach = np.linspace(0.1, 0.45, len(skeleton))
    xs = (x0 + x1) / 2 + (x1 - x0) * reach * np.cos(turns)
    ys = (y0 + y1) / 2 + (y1 - y0) * reach * np.sin(turns)
    marks = tuple(joint in fixed for joint in range(len(skeleton)))
    points = tuple(zip(xs.tolist(), ys.tolist(), strict=True))
    return PersonPrompt(object_id, BOXES[object_id - 1], points, (2,) * len(skeleton), marks)


def states_its_skeleton(engine: OpenEngine) -> None:
    """An engine says which joints it finds, and all that it answers has these."""
    joints = len(_skeleton(engine))
    boxed = PersonPrompt(1, BOXES[0])
    for people in ((), (boxed,), (_started(_skeleton(engine), 1),)):
        shape = _refined(engine, *people).keypoints.shape
        require(shape[1:] == (joints, 2), f"keypoints have the shape {shape}, not [P, {joints}, 2]")


def answers_for_each_person(engine: OpenEngine) -> None:
    """Persons asked for are answered one row each, in their order, whatever is known of them."""
    skeleton = _skeleton(engine)
    first, second = _started(skeleton, 1, 0, 3), PersonPrompt(2, BOXES[1])
    both = _refined(engine, first, second)
    require(len(both.keypoints) == 2, f"two persons give {len(both.keypoints)} rows")
    for row, person in enumerate((first, second)):
        alone = _refined(engine, person).keypoints[0]
        apart = float(np.abs(both.keypoints[row] - alone).max())
        require(apart < 0.01, f"a person moves by {apart:.2g} px if another is there")


def holds_fixed_joints(engine: OpenEngine) -> None:
    """Joints that the user placed are exactly where they were given."""
    skeleton = _skeleton(engine)
    count = len(skeleton)
    for fixed in ((0,), (0, count - 1), tuple(range(count))):
        person = _started(skeleton, 1, *fixed)
        found = _refined(engine, person).keypoints[0, list(fixed)]
        given = np.array(person.keypoints, np.float32)[list(fixed)]
        moved = float(np.abs(found - given).max())
        require(moved == 0, f"a fixed joint moves by {moved:.2g} px")


def proposes_by_falling_score(engine: OpenEngine) -> None:
    """Without persons in the prompt it proposes some, none, or many, the surest first."""
    scores = _refined(engine).scores
    require(bool((np.diff(scores) <= 0).all()), f"scores rise: {scores.tolist()}")


def gives_people(engine: OpenEngine) -> None:
    """Keypoints are [P, K, 2] float32, all finite."""
    keypoints = _pose(engine).keypoints
    fine = keypoints.ndim == 3 and keypoints.shape[2] == 2
    require(fine, f"keypoints have the shape {keypoints.shape}, not [P, K, 2]")
    require(keypoints.dtype == np.float32, f"keypoints are {keypoints.dtype}, not float32")
    require(bool(np.isfinite(keypoints).all()), "keypoints are not all finite")


def gives_coco_visibility(engine: OpenEngine) -> None:
    """Visibility is [P, K] uint8 of 0, 1 or 2."""
    pose = _pose(engine)
    expected, found = pose.keypoints.shape[:2], pose.visibility
    require(found.shape == expected, f"visibility has the shape {found.shape}, not {expected}")
    require(found.dtype == np.uint8, f"visibility is {found.dtype}, not uint8")
    require(bool((found <= 2).all()), f"visibility {int(found.max(initial=0))} is none of 0, 1, 2")


def gives_scores_and_boxes(engine: OpenEngine) -> None:
    """Scores are [P] float32 in [0, 1]; boxes [P, 4] float32 from top left to bottom right."""
    pose = _pose(engine)
    people = len(pose.keypoints)
    scores, boxes = pose.scores, pose.boxes
    require(scores.shape == (people,), f"scores have the shape {scores.shape}, not ({people},)")
    require(scores.dtype == np.float32, f"scores are {scores.dtype}, not float32")
    require(bool(((scores >= 0) & (scores <= 1)).all()), "scores leave [0, 1]")
    require(boxes.shape == (people, 4), f"boxes have the shape {boxes.shape}, not ({people}, 4)")
    require(boxes.dtype == np.float32, f"boxes are {boxes.dtype}, not float32")
    require(bool((boxes[:, :2] <= boxes[:, 2:]).all()), "boxes end before they begin")


def gives_frames(engine: OpenEngine) -> None:
    """Frames are [T, H, W, 3] uint8, at least two, played forward."""
    clip = _clip(engine)
    frames = clip.frames
    fine = frames.ndim == 4 and frames.shape[3] == 3
    require(fine, f"frames have the shape {frames.shape}, not [T, H, W, 3]")
    require(frames.dtype == np.uint8, f"frames are {frames.dtype}, not uint8")
    require(len(frames) >= 2, f"{len(frames)} frames are no clip")
    require(clip.frames_per_second > 0, f"{clip.frames_per_second} frames a second play nothing")


def gives_flow(engine: OpenEngine) -> None:
    """A flow is [T-1, H, W, 2] float32, all finite."""
    clip = _clip(engine)
    if clip.flow is None:
        return
    expected = (len(clip.frames) - 1, *clip.frames.shape[1:3], 2)
    require(clip.flow.shape == expected, f"flow has the shape {clip.flow.shape}, not {expected}")
    require(clip.flow.dtype == np.float32, f"flow is {clip.flow.dtype}, not float32")
    require(bool(np.isfinite(clip.flow).all()), "flow is not all finite")


def takes_degenerate_photos(engine: OpenEngine) -> None:
    """One pixel, a line of pixels, no clicks."""
    photos = [Image(np.full((h, w, 3), 128, np.uint8)) for h, w in ((1, 1), (1, 50), (50, 1))]
    for photo in (*photos, sample_image()):
        height, width = photo.rgb.shape[:2]
        encoding = engine.encode_uncached(photo)
        engine.predict_as_is(encoding, prompt_in((width / 2, height / 2, 1)))
        engine.predict_as_is(encoding, prompt_in())
        box = (0.0, 0.0, float(width), float(height))
        if engine.manifest.kind is EngineKind.POSE:
            engine.predict_as_is(encoding, Prompt(people=(PersonPrompt(1, box),)))
