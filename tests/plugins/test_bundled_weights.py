"""The weights that travel with the program are the ones their manifests speak of."""

from pathlib import Path

import pytest

from annotator.engine.manifest import read_manifest
from annotator.engine.registry import PluginRegistry
from annotator.engine.weights import manifest_lines, verify_weights

ROOT = Path(__file__).parents[2]
WEIGHTS = sorted((ROOT / "weights").glob("*.safetensors"))


def declared():
    """Return (plugin.toml, entry) of all weights of the plugins in the repository."""
    manifests = sorted((ROOT / "plugins").glob("*/plugin.toml"))
    return [(path, spec) for path in manifests for spec in read_manifest(path).weights]


@pytest.mark.parametrize("file", WEIGHTS, ids=lambda path: path.name)
def test_the_manifest_states_checksum_and_size_of_every_bundled_file(file):
    entries = [(path, spec) for path, spec in declared() if spec.file == file.name]
    assert entries, f"no plugin.toml declares weights/{file.name}"
    for path, spec in entries:
        stated = f'sha256 = "{spec.sha256}"\nsize = {spec.size}'
        assert stated == manifest_lines(file), (
            f"{path.relative_to(ROOT)} does not fit weights/{file.name}; "
            f"its entry must say:\n{manifest_lines(file)}\n"
            f"(`annotator weights digest weights/{file.name}` prints these lines)"
        )


@pytest.mark.parametrize("file", WEIGHTS, ids=lambda path: path.name)
def test_every_bundled_file_has_a_card(file):
    assert file.with_suffix(".md").read_text(encoding="utf-8").strip()


def test_verifying_checks_the_bundled_files(monkeypatch, tmp_path):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path))
    verdicts = verify_weights(PluginRegistry.discover(disk=False))
    bundled = [verdict for verdict in verdicts if verdict.record.state == "bundled"]
    assert {verdict.record.spec.file for verdict in bundled} >= {file.name for file in WEIGHTS}
    assert all(verdict.good and "sha256 matches" in verdict.message for verdict in bundled)


def test_a_bundled_file_that_was_changed_is_named_with_both_checksums(monkeypatch, tmp_path):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path))
    changed = tmp_path / "weights"
    changed.mkdir()
    content = bytearray(WEIGHTS[0].read_bytes())
    content[-1] ^= 1
    (changed / WEIGHTS[0].name).write_bytes(content)
    monkeypatch.setattr("annotator.engine.store.shipped", lambda name: tmp_path / name)
    registry = PluginRegistry.discover([ROOT / "plugins"], disk=False)
    monkeypatch.setattr("annotator.engine.weights.user_weights", lambda: tmp_path / "none")
    found = [v for v in verify_weights(registry) if v.record.spec.file == WEIGHTS[0].name]
    assert not found[0].good
    assert found[0].record.spec.sha256 in found[0].message
