"""What plugins are written against does not change by accident."""

import json
from pathlib import Path

import pytest

from annotator.domain import AnnotatorError
from annotator.engine import manifest as manifest_module
from annotator.engine.api import API_VERSION
from annotator.engine.checks import check_plugin
from annotator.engine.registry import PluginRegistry
from annotator.testing.surface import differences, public_surface
from tests.engine.helpers import MINIMAL_MANIFEST, write_plugin

FILE = Path(__file__).parents[1] / "data" / "public_surface.json"
RENEW = "python -m annotator.testing.surface > tests/data/public_surface.json"


def test_the_public_surface_is_the_frozen_one():
    broken, new = differences(json.loads(FILE.read_text(encoding="utf-8")), public_surface())
    assert not broken, f"plugins break: raise API_VERSION, deprecate the old one, then {RENEW}"
    assert not new, f"additions are fine: {RENEW}"


def test_losses_changes_and_additions_are_told_apart():
    frozen = {"m": {"f": "(a)", "C": {"x": "property", "(fields)": {"n": "int"}}}}
    now = {"m": {"f": "(a, b)", "C": {"(fields)": {"n": "int", "k": "int = …"}}, "g": "()"}}
    broken, new = differences(frozen, now)
    assert broken == ["m.C.x is gone", "m.f was (a), is (a, b)"]
    assert new == ["m.C.(fields).k is new", "m.g is new"]
    assert differences(frozen, frozen) == ([], [])


def test_the_surface_holds_what_authors_use():
    surface = public_surface()
    api = surface["annotator.engine.api"]
    assert {"Engine", "PluginContext", "StorableEncodings", "API_VERSION"} <= set(api)
    assert "cancel" in api["Engine"]["predict"]
    assert "object_id" in surface["annotator.domain"]["Click"]["(fields)"]
    assert "labels" in surface["annotator.domain"]["Mask"]["(fields)"]


def with_api(tmp_path, version):
    text = MINIMAL_MANIFEST.replace("api = 1", f"api = {version}")
    return write_plugin(tmp_path / "p", text)


@pytest.mark.parametrize(
    ("version", "words"), [(API_VERSION + 1, "newer than this"), (0, "not supported any more")]
)
def test_plugins_of_other_versions_are_refused_in_words(tmp_path, version, words):
    registry = PluginRegistry.discover([with_api(tmp_path, version)], disk=False)
    with pytest.raises(AnnotatorError, match=words):
        registry.open("p")


def test_a_deprecated_version_works_and_the_check_says_until_when(tmp_path, monkeypatch):
    for module in (manifest_module, __import__("annotator.engine.checks", fromlist=["x"])):
        monkeypatch.setattr(module, "DEPRECATED_APIS", {0: "0.4"})
    folder = with_api(tmp_path, 0)
    PluginRegistry.discover([folder], disk=False).open("tiny").close()
    (warning,) = [f for f in check_plugin(folder, run=False) if f.rule == "api"]
    assert warning.severity == "warning"
    assert "works until 0.4" in warning.message
