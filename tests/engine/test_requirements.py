import pytest

from annotator.cli import console
from annotator.cli.main import main
from annotator.domain import AnnotatorError
from annotator.engine.checks import check_plugin
from annotator.engine.paths import user_data
from annotator.engine.registry import PluginRegistry
from annotator.engine.requirements import unmet
from annotator.ui.engines.engine_menu import _problem

MANIFEST = """
api = 1
id = "two"
version = "1.0"
title = "Two"
kind = "scene"
target = "adapter:create"
extra = "both"
[[variants]]
id = "here"
default = true
requires = ["numpy>=1.0"]
[[variants]]
id = "absent"
requires = ["no-such-package-anywhere", "numpy"]
extra = "other"
weights = ["w"]
[[weights]]
name = "w"
file = "w.safetensors"
"""
ADAPTER = "def create(context):\n    raise RuntimeError('loaded')\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "plugin.toml").write_text(MANIFEST)
    (tmp_path / "two" / "adapter.py").write_text(ADAPTER)
    return tmp_path / "two"


def test_one_of_several_names_is_enough():
    assert unmet(["no-such-package-anywhere | numpy>=1.0"]) == []
    assert unmet(["numpy>=999 | no-such-package-anywhere"]) == [
        "numpy>=999 | no-such-package-anywhere (none of them installed)"
    ]
    with pytest.raises(AnnotatorError, match="cannot be read"):
        unmet(["numpy | a b c"])


def test_a_variants_missing_package_is_named_before_its_weights(folder):
    registry = PluginRegistry.discover([folder], disk=False)
    with pytest.raises(AnnotatorError) as caught:
        registry.open("two:absent")
    assert "'two:absent' requires no-such-package-anywhere" in caught.value.message
    assert "click-annotator[other]" in caught.value.remedy
    with pytest.raises(AnnotatorError, match="loaded"):
        registry.open("two:here")


def test_the_engine_menu_says_what_a_variant_misses(folder):
    entry = PluginRegistry.discover([folder], disk=False).entry("two")
    assert _problem(entry, entry.manifest.variant("here")) == ""
    problem = _problem(entry, entry.manifest.variant("absent"))
    assert problem == "packages missing: no-such-package-anywhere (not installed)"


def test_an_unreadable_requirement_does_not_break_the_engine_menu(folder):
    (folder / "plugin.toml").write_text(MANIFEST.replace("numpy>=1.0", "a b c"))
    entry = PluginRegistry.discover([folder], disk=False).entry("two")
    assert "cannot be read" in _problem(entry, entry.manifest.variant("here"))


def test_checking_a_plugin_leaves_out_variants_without_their_packages(folder):
    (folder / "adapter.py").write_text(ADAPTER)
    findings = check_plugin(folder)
    untried = [f for f in findings if f.rule == "two:absent"]
    assert untried[0].severity == "warning"
    assert "no-such-package-anywhere" in untried[0].message


def test_plugins_info_shows_what_is_missing_and_the_extra(folder, monkeypatch, capsys):
    monkeypatch.setattr(console.out, "width", 300)
    (user_data("plugins")).mkdir(parents=True)
    folder.rename(user_data("plugins") / "two")
    with pytest.raises(SystemExit, match="0"):
        main(["plugins", "info", "two"])
    shown = capsys.readouterr().out
    assert "no-such-package-anywhere" in shown
    assert "click-annotator[other]" in shown
