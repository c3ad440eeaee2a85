import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import AnnotatorError
from annotator.engine.manifest import MAX_MANIFEST_BYTES, read_manifest
from annotator.engine.registry import PluginRegistry
from tests.engine.helpers import (
    MINIMAL_MANIFEST,
    NEAREST_CLICK,
    click_prompt,
    line_cloud,
    write_plugin,
)

FULL = (
    MINIMAL_MANIFEST
    + """
[[parameters]]
name = "size"
type = "float"
default = 0.5
min = 0
max = 2

[[parameters]]
name = "steps"
type = "int"
default = 3

[[parameters]]
name = "mode"
type = "choice"
default = "fast"
choices = ["fast", "fine"]

[[parameters]]
name = "smooth"
type = "bool"
default = true

[[variants]]
id = "small"

[[variants]]
id = "large"
default = true
weights = ["w"]
parameters = { size = 1.5 }

[[weights]]
name = "w"
file = "w.safetensors"
"""
)


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "plugin.toml"
        path.write_text(text)
        return read_manifest(path)

    return reader


def error_of(read, text):
    with pytest.raises(AnnotatorError) as caught:
        read(text)
    assert "plugin.toml" in caught.value.message
    return caught.value.message


def test_a_minimal_manifest_gets_its_defaults(read):
    manifest = read(MINIMAL_MANIFEST)
    assert manifest.devices == ("cpu",)
    assert manifest.isolation == "inprocess"
    assert manifest.capabilities.negative_clicks
    assert manifest.variant().id == ""


def test_values_come_from_the_user_then_the_variant_then_the_plugin(read):
    manifest = read(FULL)
    large = manifest.variant()
    assert large.id == "large"
    defaults = {"size": 1.5, "steps": 3, "mode": "fast", "smooth": True}
    assert manifest.resolve_parameters(large) == defaults
    assert manifest.resolve_parameters(manifest.variant("small"))["size"] == 0.5
    chosen = manifest.resolve_parameters(large, {"size": 1, "mode": "fine"})
    assert (chosen["size"], chosen["mode"]) == (1.0, "fine")
    assert isinstance(chosen["size"], float)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 3}, "above the largest value 2"),
        ({"size": -1}, "below the least value 0"),
        ({"size": float("nan")}, "not a finite number"),
        ({"size": "big"}, "not a number"),
        ({"size": True}, "not a number"),
        ({"steps": 1.5}, "not a whole number"),
        ({"steps": float("inf")}, "not a finite number"),
        ({"mode": "slow"}, "none of fast, fine"),
        ({"smooth": 1}, "not true or false"),
        ({"sise": 1}, "no parameter 'sise' (known: size, steps, mode, smooth)"),
    ],
)
def test_wrong_parameters_are_refused_in_words(read, given, words):
    manifest = read(FULL)
    with pytest.raises(AnnotatorError) as caught:
        manifest.resolve_parameters(manifest.variant(), given)
    assert words in caught.value.message
    assert "tiny" in caught.value.message


def test_an_unknown_variant_names_those_there_are(read):
    with pytest.raises(AnnotatorError, match="tiny:small, tiny:large"):
        read(FULL).variant("huge")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('version = "1.0"', ""), "`version`: Field required"),
        (('kind = "scene"', 'kind = "soup"'), "`kind`"),
        (('kind = "scene"', 'kind = "scene"\ncolour = 1'), "`colour`: Extra inputs"),
        (("api = 1", "api = 99"), "99 is newer than this application's 1"),
        (('id = "tiny"', 'id = "../tiny"'), "`id`"),
        (('target = "adapter:create"', 'target = "../x.py"'), "`target`"),
        (("default = 0.5", "default = 5.0"), "`parameters[0]`: 5.0 is above the largest value 2"),
        (('file = "w.safetensors"', 'file = "../../w"'), "`weights[0].file`"),
        (('file = "w.safetensors"', 'file = "w"\nurl = "http://h/w"'), "needs `sha256` and `size`"),
        (('file = "w.safetensors"', 'file = "w"\nurl = "file:///etc/x"'), "`weights[0].url`"),
        (('weights = ["w"]', 'weights = ["v"]'), "unknown weights ['v']"),
        (("parameters = { size = 1.5 }", "parameters = { sise = 1 }"), "no parameter 'sise'"),
        (('id = "small"', 'id = "small"\ndefault = true'), "more than one"),
        (('id = "small"', 'id = "large"'), "names large twice"),
        (("api = 1", "api = = 1"), "cannot be read"),
    ],
)
def test_mistakes_are_named_with_file_and_field(read, change, words):
    assert change[0] in FULL
    assert words in error_of(read, FULL.replace(*change, 1))


def test_a_missing_and_an_oversized_manifest_are_refused(read, tmp_path):
    with pytest.raises(AnnotatorError, match="cannot be read"):
        read_manifest(tmp_path / "none" / "plugin.toml")
    assert "too large" in error_of(read, "#" * (MAX_MANIFEST_BYTES + 1))


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_give_a_manifest_or_words(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "plugin.toml"
    path.write_bytes(content)
    with pytest.raises(AnnotatorError):
        read_manifest(path)


def test_a_plugin_without_code_takes_that_of_another_one(tmp_path):
    folder = tmp_path / "near"
    folder.mkdir()
    (folder / "plugin.toml").write_text(
        'api = 1\nid = "near"\nversion = "1"\ntitle = "Near"\nkind = "scene"\n'
        'uses = "nearest-click"\n[[parameters]]\nname = "reach"\ntype = "float"\ndefault = 1.5\n'
    )
    registry = PluginRegistry.discover([NEAREST_CLICK, folder], disk=False)
    for isolation in ("inprocess", "process"):
        engine = registry.open("near", isolation=isolation)
        labels = engine.predict(engine.encode(line_cloud(5)), click_prompt((1, 4))).labels
        assert labels.tolist() == [4, 4, 4, 0, 0]
        assert engine.manifest.title == "Near"
        engine.close()
    with pytest.raises(AnnotatorError, match="There is no plugin 'nearest-click'"):
        PluginRegistry.discover([folder], disk=False).open("near")


def test_default_files_are_looked_for_beside_the_manifest(tmp_path):
    more = '[[parameters]]\nname = "f"\ntype = "file"\ndefault = "{}"\n'
    write_plugin(tmp_path / "p", MINIMAL_MANIFEST + more.format("adapter.py"))
    write_plugin(tmp_path / "q", MINIMAL_MANIFEST + more.format("gone.bin"))
    for name, found in (("p", str(tmp_path / "p" / "adapter.py")), ("q", "gone.bin")):
        entry = PluginRegistry.discover([tmp_path / name], disk=False).entry("tiny")
        assert entry.manifest.parameters[0].default == found
