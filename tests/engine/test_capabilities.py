from dataclasses import replace

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Box, Click, PointCloud, Prompt
from annotator.engine.capabilities import unsupported
from annotator.engine.contract import prompt_in
from annotator.engine.manifest import Manifest
from annotator.engine.registry import PluginRegistry
from annotator.engine.toml_lines import line_of
from tests.engine.broken_plugins import write
from tests.engine.helpers import MINIMAL_MANIFEST, line_cloud, write_plugin


def manifest(kind="scene", **capabilities):
    values = {"id": "p", "version": "1", "title": "P", "kind": kind, "target": "a:b"}
    return Manifest.model_validate({"api": 1, **values, "capabilities": capabilities})


ONE = prompt_in((1.0, 1.0, 1))
MANY = prompt_in((1.0, 1.0, 1), (2.0, 2.0, 2), (3.0, 3.0, 2))


@pytest.mark.parametrize(
    ("made", "prompt", "words"),
    [
        (manifest(negative_clicks=False), prompt_in((1, 1, 0)), ["does not belong"]),
        (manifest(negative_clicks=False), Prompt((Click((1, 1), 1, positive=False),)), ["belong"]),
        (manifest(many_objects=False), MANY, ["more than one object"]),
        (manifest("image", many_objects=False), MANY, []),
        (manifest(), replace(ONE, boxes=(Box(1, 0, 0, 1, 1),)), ["boxes"]),
        (manifest(), replace(ONE, words=((1, "up"),)), ["words"]),
        (manifest(), replace(ONE, candidates=((1, 2),)), ["candidates"]),
        (manifest(max_objects=1), MANY, ["more than 1 objects"]),
        (manifest(max_clicks=2), MANY, ["more than 2 clicks"]),
        (manifest("image", many_objects=False, max_clicks=2), MANY, []),
        (manifest(), MANY, []),
        (manifest(boxes=True, words=True), replace(ONE, words=((1, "up"),)), []),
    ],
)
def test_what_an_engine_does_not_understand_is_known_from_its_manifest(made, prompt, words):
    found = unsupported(made, prompt)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_the_prompt_is_refused_before_weights_are_missed_or_code_runs(tmp_path):
    more = '[[weights]]\nname = "w"\nfile = "w.safetensors"\n'
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + more, "raise RuntimeError('ran')")
    registry = PluginRegistry.discover([folder], disk=False)
    boxed = replace(ONE, boxes=(Box(1, 0, 0, 1, 1),))
    with pytest.raises(AnnotatorError, match="Tiny understands no boxes"):
        registry.open("tiny", prompt=boxed)
    with pytest.raises(AnnotatorError, match="missing"):
        registry.open("tiny", prompt=ONE)


def test_a_colourless_scan_is_refused_where_colours_are_needed(tmp_path):
    folder = write(tmp_path / "p", "scene", manifest=('"optional"', '"required"'))
    engine = PluginRegistry.discover([folder], disk=False).open("subject")
    with pytest.raises(AnnotatorError, match="needs colours, but line has none"):
        engine.encode(line_cloud())
    engine.encode(PointCloud(line_cloud().xyz, rgb=np.zeros((10, 3), np.uint8)))


TOML = """# a comment
api = 1

[capabilities]
colour = "x"  # [not.a.table]

[[parameters]]
name = "a"

[[parameters]]
name = "b"
"quoted key" = 3
choices = [
  "one",
  "two",
]

[[variants]]
id = "v"
[variants.parameters]
a = 4
[[variants]]
id = "w"
parameters.a = 5
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("api",), 2),
        (("gone",), 1),
        ((), 1),
        (("capabilities",), 4),
        (("capabilities", "colour"), 5),
        (("capabilities", "gone"), 4),
        (("parameters", 0, "name"), 8),
        (("parameters", 1), 10),
        (("parameters", 1, "default"), 10),
        (("parameters", 1, "quoted key"), 12),
        (("parameters", 1, "choices", 1), 13),
        (("variants", 0, "parameters", "a"), 21),
        (("variants", 1, "id"), 23),
        (("variants", 1, "parameters", "a"), 24),
    ],
)
def test_a_field_is_found_in_its_line(place, line):
    assert line_of(TOML, place) == line
