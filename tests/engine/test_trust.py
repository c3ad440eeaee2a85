import pytest

from annotator.domain import AnnotatorError
from annotator.engine.paths import user_config, user_data
from annotator.engine.registry import PluginRegistry
from annotator.engine.trust import (
    UntrustedPlugin,
    content_of,
    distrust,
    is_trusted,
    trust,
    was_trusted,
)
from tests.engine.helpers import MINIMAL_ADAPTER, write_plugin


@pytest.fixture
def mine(tmp_path):
    """A plugin of the user that leaves a trace when its code runs."""
    canary = tmp_path / "ran"
    code = f"open({str(canary)!r}, 'w').close()\n" + MINIMAL_ADAPTER.strip()
    return write_plugin(user_data("plugins") / "mine", adapter=code), canary


def test_code_of_a_found_plugin_does_not_run_before_the_user_agrees(mine):
    folder, canary = mine
    registry = PluginRegistry.discover(disk=False)
    for isolation in (None, "inprocess", "process"):
        with pytest.raises(UntrustedPlugin, match=r"never agreed to.*plugins trust tiny"):
            registry.open("tiny", isolation=isolation)
    assert not canary.exists()
    assert registry.entry("tiny").state == "found"
    trust(folder)
    registry.open("tiny").close()
    assert canary.exists()


@pytest.mark.parametrize("isolation", ["inprocess", "process"])
def test_a_changed_plugin_has_to_be_agreed_to_anew(mine, isolation):
    folder, canary = mine
    trust(folder)
    (folder / "helper.py").write_text("import os")
    with pytest.raises(UntrustedPlugin, match="changed since you agreed"):
        PluginRegistry.discover(disk=False).open("tiny", isolation=isolation)
    assert not canary.exists()


def test_what_was_shown_is_what_is_agreed_to(mine):
    folder, _ = mine
    shown = content_of(folder)
    assert shown.files == ("adapter.py", "plugin.toml")
    (folder / "adapter.py").write_text("something else")
    with pytest.raises(AnnotatorError, match="changed meanwhile"):
        trust(folder, shown.sha256)
    assert not is_trusted(folder)


def test_compiled_code_and_caches_change_nothing(mine):
    folder, _ = mine
    trust(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "adapter.cpython-311.pyc").write_bytes(b"x")
    assert is_trusted(folder)


def test_trust_can_be_taken_back(mine):
    folder, _ = mine
    trust(folder)
    assert distrust(folder)
    assert not was_trusted(folder)
    assert not distrust(folder)


def test_a_damaged_file_of_agreements_means_no_agreement(mine):
    folder, _ = mine
    trust(folder)
    user_config("trusted-plugins.json").write_text("[not json")
    assert not is_trusted(folder)


def test_moving_bytes_between_files_is_noticed(tmp_path):
    for name, parts in (("a", ("xy", "z")), ("b", ("x", "yz"))):
        (tmp_path / name).mkdir()
        for number, part in enumerate(parts):
            (tmp_path / name / f"{number}.py").write_text(part)
    assert content_of(tmp_path / "a").sha256 != content_of(tmp_path / "b").sha256
