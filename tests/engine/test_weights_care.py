"""What weights are, what they occupy, mirrors, and removal."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from annotator.domain import AnnotatorError
from annotator.engine.registry import PluginRegistry
from annotator.engine.store import user_weights
from annotator.engine.weights import find_record, import_weights, mirrored, pull_weights
from annotator.engine.weights_care import disk_use, in_words, remove_weights
from tests.engine.helpers import MINIMAL_MANIFEST, write_plugin
from tests.engine.test_download import server  # noqa: F401 - a fixture
from tests.engine.test_weights import LAYOUT, WEIGHTS, state

VARIANT = '[[variants]]\nid = "big"\ntitle = "Net-18"\nweights = ["net"]\n'


@pytest.fixture
def registry(tmp_path):
    folder = write_plugin(tmp_path / "plugin", MINIMAL_MANIFEST + WEIGHTS + VARIANT)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    return PluginRegistry.discover([folder], disk=False)


@pytest.fixture
def installed(registry, tmp_path):
    torch.save(state(), tmp_path / "checkpoint.pth")
    return import_weights(tmp_path / "checkpoint.pth", registry)


def test_imported_weights_are_named_by_plugin_variant_and_size(registry, installed):
    assert in_words(installed, registry) == "this is Tiny Net-18, 0.00 M parameters"


def test_disk_use_tells_known_unfinished_and_strange_files_apart(registry, installed):
    (user_weights() / "net.pth.part").write_bytes(b"x" * 100)
    (user_weights() / "old.bin").write_bytes(b"x" * 10)
    use = disk_use(registry)
    assert use.known == {"net": installed.path.stat().st_size}
    assert use.partial == 100
    assert use.strange == {"old.bin": 10}
    assert use.total == use.known["net"] + 110


def test_no_folder_means_no_use(registry):
    assert disk_use(registry).total == 0


def test_removing_frees_the_file_its_sum_and_the_part(registry, installed):
    (user_weights() / "net.safetensors.part").write_bytes(b"x" * 100)
    freed = remove_weights("net", registry)
    assert freed > installed.spec.size + 100
    assert not list(user_weights().iterdir())
    assert remove_weights("net", registry) == 0
    assert find_record(registry, "net").state == "missing"


def test_bundled_weights_are_not_removed(registry):
    folder = registry.entry("tiny").folder
    save_file(state(), folder / "net.safetensors")
    with pytest.raises(AnnotatorError, match="came with the application"):
        remove_weights("net", registry)
    assert (folder / "net.safetensors").exists()
    with pytest.raises(AnnotatorError, match="no weights named"):
        remove_weights("other", registry)


def test_a_mirror_has_the_same_file_elsewhere():
    assert mirrored("https://a.org/x/net.pth", "http://b/y/") == "http://b/y/net.pth"
    assert mirrored("https://a.org/x/net.pth", "") == "https://a.org/x/net.pth"


@pytest.mark.parametrize("by_variable", [False, True])
def test_weights_are_pulled_from_a_mirror_and_checked_all_the_same(
    tmp_path,
    server,  # noqa: F811 - the fixture
    monkeypatch,
    by_variable,
):
    save_file(state(), tmp_path / "made.safetensors")
    content = (tmp_path / "made.safetensors").read_bytes()
    server.behaviour["content"] = content
    digest = hashlib.sha256(content).hexdigest()
    more = f'sha256 = "{digest}"\nsize = {len(content)}\n'
    more += 'url = "http://127.0.0.1:9/gone/net.safetensors"\n'  # nobody answers there
    folder = write_plugin(tmp_path / "pull", MINIMAL_MANIFEST + WEIGHTS + more)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    registry = PluginRegistry.discover([folder], disk=False)
    address = f"http://127.0.0.1:{server.server_port}/mirror"
    if by_variable:
        monkeypatch.setenv("ANNOTATOR_MIRROR", address)
    record = pull_weights("net", registry, mirror="" if by_variable else address)
    assert record.state == "installed"
    assert len(server.requests) == 1
