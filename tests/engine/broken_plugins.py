"""Plugins that are broken on purpose, each in one way: a table of changes to sound ones.

Every row says which rule finds the fault and what the report must say about it.
"""

from dataclasses import dataclass

from tests.engine.helpers import write_plugin

ADAPTER = """
import numpy as np
from annotator.domain import COCO_17, AnnotatorError, Cancelled, Clip, Mask, PersonPrompt, Pose


class Engine:
    def encode(self, asset, *, progress, cancel=None):
        if cancel is not None:
            cancel.check()
        progress(0.5)
        progress(1.0)
        return asset

    def predict(self, encoding, prompt, *, cancel=None):
        if cancel is not None:
            cancel.check()
        return self.answer(encoding, prompt)

    def close(self):
        pass

    {answer}


def create(context):
    return Engine()
"""

SCENE = """def answer(self, cloud, prompt):
        labels = np.zeros(len(cloud), np.int32)
        for click in prompt.clicks:
            labels[click.index] = click.object_id
        return Mask(labels)"""

IMAGE = """def answer(self, photo, prompt):
        height, width = photo.rgb.shape[:2]
        probability = np.zeros((height, width), np.float32)
        for click in prompt.clicks:
            x, y = min(int(click.position[0]), width - 1), min(int(click.position[1]), height - 1)
            probability[y, x] = 0.9 * click.object_id
        return Mask((probability > 0.5).astype(np.int32), probability=probability)"""

POSE = """skeleton, has_scores = COCO_17, True

    def answer(self, photo, prompt):
        people = prompt.people or [PersonPrompt(1, (8.0, 8.0, 40.0, 40.0))]
        keypoints = np.zeros((len(people), 17, 2), np.float32)
        for number, person in enumerate(people):
            keypoints[number] = person.keypoints or person.box[:2]
        boxes = np.concatenate([keypoints.min(1), keypoints.max(1)], axis=1)
        visibility = np.full((len(people), 17), 2, np.uint8)
        return Pose(keypoints, visibility, boxes, np.ones(len(people), np.float32))"""

ANIMATION = """def answer(self, photo, prompt):
        frames = np.stack([np.roll(photo.rgb, t, axis=1) for t in range(4)])
        return Clip(frames, 12.0, np.ones((3, *photo.rgb.shape[:2], 2), np.float32))"""

ANSWERS = {"scene": SCENE, "image": IMAGE, "pose": POSE, "animation": ANIMATION}


@dataclass(frozen=True)
class Broken:
    """One fault.

    Attributes:
        rule: Name of the rule that finds it.
        message: Words of the report.
        kind: Of the plugin.
        code: (old, new) in its adapter.
        manifest: (old, new) in its manifest.
        severity: How bad it is.
    """

    rule: str
    message: str
    kind: str = "scene"
    code: tuple[str, str] = ("", "")
    manifest: tuple[str, str] = ("", "")
    severity: str = "error"


def manifest_of(kind):
    many = "many_objects = false" if kind == "image" else ""
    return f'''api = 1
id = "subject"
version = "1.0"
title = "Subject"
description = "For tests."
licence = "MIT"
kind = "{kind}"
target = "adapter:create"
devices = ["cpu"]

[capabilities]
colour = "optional"
{many}
'''


def write(folder, kind, code=("", ""), manifest=("", "")):
    """Write a sound plugin of a kind, changed in code and manifest."""
    adapter = ADAPTER.replace("{answer}", ANSWERS[kind])
    assert code[0] in adapter
    assert manifest[0] in manifest_of(kind)
    return write_plugin(folder, manifest_of(kind).replace(*manifest, 1), adapter.replace(*code, 1))


BROKEN = {
    "misspelt field": Broken(
        "manifest",
        "line 12, `capabilities.color`: Extra inputs are not permitted",
        manifest=("colour =", "color ="),
    ),
    "future api": Broken("manifest", "line 1, `api`: 7 is newer", manifest=("api = 1", "api = 7")),
    "no adapter": Broken("target", "does not exist", manifest=("adapter:create", "adaptor:create")),
    "unreadable requirement": Broken(
        "requires",
        "Write `name` or `name>=1.2`",
        manifest=('devices = ["cpu"]', 'devices = ["cpu"]\nrequires = ["numpy ~> 2"]'),
    ),
    "no processor": Broken("devices", "`cpu` is missing", manifest=('["cpu"]', '["cuda"]')),
    "wrong weights": Broken(
        "weights w",
        "not the declared one",
        manifest=(
            "[capabilities]",
            f'[[weights]]\nname = "w"\nfile = "adapter.py"\nsha256 = "{"0" * 64}"\n[capabilities]',
        ),
    ),
    "crash on import": Broken(
        "run", "exit status 9", code=("class Engine", "import os; os._exit(9)\nclass Engine")
    ),
    "half a protocol": Broken("subject", "returned no engine", code=("def close", "def shut")),
    "wrong numbers": Broken("runs", "not a Mask with int32 labels", code=("np.int32", "np.int64")),
    "dice": Broken(
        "deterministic",
        "two runs on the same input differ",
        code=("np.zeros(len(cloud), np.int32)", "np.random.randint(0, 2, len(cloud), np.int32)"),
    ),
    "memory of prompts": Broken(
        "stateless",
        "the same prompt twice",
        code=(
            "labels = np.zeros(len(cloud), np.int32)",
            "self.n = 1 - getattr(self, 'n', 0); labels = np.full(len(cloud), self.n, np.int32)",
        ),
    ),
    "memory of order": Broken(
        "stateless",
        "an earlier prompt changes the result",
        code=(
            "labels = np.zeros(len(cloud), np.int32)",
            "self.n = max(getattr(self, 'n', 0), *[c.object_id for c in prompt.clicks], 0)\n"
            "        labels = np.full(len(cloud), self.n if prompt.clicks else 0, np.int32)",
        ),
    ),
    "scribbles on the input": Broken(
        "input unchanged",
        "arrays were changed",
        code=("return asset", "asset.xyz[0] += 1; return asset"),
    ),
    "deaf": Broken(
        "stops in time",
        "encode went on for",
        code=(
            "        if cancel is not None:\n            cancel.check()\n        progress(0.5)",
            "        import time; time.sleep(2.5 if len(asset) > 9000 else 0)\n"
            "        progress(0.5)",
        ),
    ),
    "progress backwards": Broken(
        "progress",
        "goes back from 0.9 to 0.5",
        code=("progress(0.5)", "progress(0.9); progress(0.5)"),
    ),
    "leak": Broken(
        "memory",
        "MiB behind",
        code=(
            "labels = np.zeros(len(cloud), np.int32)",
            "more = 500_000 if len(cloud) > 9000 else 1\n"
            "        self.kept = [*getattr(self, 'kept', []), np.ones(more)]\n"
            "        labels = np.zeros(len(cloud), np.int32)",
        ),
    ),
    "empty promise": Broken(
        "declared prompts",
        "declares boxes but fails",
        kind="image",
        code=(
            "height, width =",
            "if prompt.boxes: raise AnnotatorError('no boxes')\n        height, width =",
        ),
        manifest=("many_objects", "boxes = true\nmany_objects"),
    ),
    "broken storage": Broken(
        "stored encodings",
        "predicts differently",
        code=(
            "def close(self):",
            "def encoding_to_arrays(self, e):\n        return {'xyz': e.xyz}\n\n"
            "    def encoding_from_arrays(self, arrays):\n"
            "        from annotator.domain import PointCloud\n"
            "        return PointCloud(np.repeat(arrays['xyz'], 2, 0))\n\n"
            "    def close(self):",
        ),
    ),
    "foreign labels": Broken(
        "labels",
        "labels [77] are no objects",
        code=("np.zeros(len(cloud)", "77 + np.zeros(len(cloud)"),
    ),
    "probabilities beyond": Broken(
        "probability", "leaves [0, 1]", kind="image", code=("0.9 * click", "1.9 * click")
    ),
    "half a joint": Broken(
        "people",
        "not [P, K, 2]",
        kind="pose",
        code=("keypoints, visibility,", "keypoints[0], visibility,"),
    ),
    "strange visibility": Broken(
        "visibility", "none of 0, 1, 2", kind="pose", code=("17), 2, np", "17), 7, np")
    ),
    "inverted boxes": Broken(
        "scores",
        "boxes end before they begin",
        kind="pose",
        code=("[keypoints.min(1), keypoints.max(1)]", "[keypoints.max(1) + 1, keypoints.min(1)]"),
    ),
    "a single frame": Broken(
        "frames", "1 frames are no clip", kind="animation", code=("range(4)", "range(1)")
    ),
    "flow of another size": Broken(
        "flow", "flow has the shape", kind="animation", code=("np.ones((3,", "np.ones((4,")
    ),
}
