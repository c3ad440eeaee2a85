import argparse
import contextlib
import hashlib
import importlib
import os
import pickle
import shutil
import sys
import textwrap
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine.checkpoints import read_tensors
from annotator.engine.layouts import compare, read_layout
from annotator.engine.paths import user_data
from annotator.engine.registry import PluginRegistry
from annotator.engine.weights import (
    find_record,
    import_weights,
    list_weights,
    pull_weights,
    verify_weights,
)
from tests.engine.helpers import MINIMAL_MANIFEST, write_plugin
from tests.engine.test_download import server  # noqa: F401 - a fixture

WEIGHTS = """
[[weights]]
name = "net"
file = "net.safetensors"
homepage = "https://example.org/net"
layout = "net.layout.tsv"
"""
LAYOUT = "# key\tshape\tdtype\na.weight\t(2, 3)\ttorch.float32\nn\t()\ttorch.int64\nb\t(4,)\tx\n"


def state(**changes):
    tensors = {"a.weight": torch.rand(2, 3), "n": torch.tensor(7), "b": torch.rand(4)}
    return {k: v for k, v in {**tensors, **changes}.items() if v is not None}


@pytest.fixture
def registry(tmp_path):
    folder = write_plugin(tmp_path / "plugin", MINIMAL_MANIFEST + WEIGHTS)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    return PluginRegistry.discover([folder], disk=False)


def official_like(path, tensors):
    """Save in the shape of the official file: a Namespace and optimiser state beside it."""
    content = {
        "model": {**tensors, "backbone.total_ops": torch.zeros(1)},
        "optimizer": {"state": {0: {"step": 5}}, "param_groups": [{"lr": 1e-4}]},
        "lr_scheduler": {"last_epoch": 3},
        "epoch": 1099,
        "args": argparse.Namespace(voxel_size=0.05, dialations=[1, 1]),
    }
    torch.save(content, path)
    return path


class Bomb:
    """Unpickling it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"echo ran > {self.path}",)


def test_the_list_says_what_is_missing_and_installed(registry, tmp_path):
    assert find_record(registry, "net").state == "missing"
    import_weights(official_like(tmp_path / "c.pth", state()), registry)
    record = find_record(registry, "net")
    assert record.state == "installed"
    assert record.plugin == "tiny"
    assert "agile3d-official" in [r.spec.name for r in list_weights(registry)]
    with pytest.raises(AnnotatorError, match=r"'nett'.*net"):
        find_record(registry, "nett")


def test_an_official_checkpoint_is_recognised_and_stored_as_safetensors(registry, tmp_path):
    tensors = state()
    fractions = []
    record = import_weights(
        official_like(tmp_path / "checkpoint1099.pth", tensors),
        registry,
        progress=lambda f, message="": fractions.append(f),
    )
    assert record.path == user_data("weights") / "net.safetensors"
    stored = load_file(record.path)
    assert set(stored) == {"a.weight", "n", "b"}
    assert all(torch.equal(stored[key], tensors[key]) for key in stored)
    assert fractions[-1] == 1.0
    assert verify_weights(registry, "net")[0].good


def test_plain_parallel_and_safetensors_states_are_recognised_too(registry, tmp_path):
    torch.save(state(), tmp_path / "plain.pt")
    torch.save({"state_dict": {f"module.{k}": v for k, v in state().items()}}, tmp_path / "p.ckpt")
    save_file(state(), tmp_path / "s.safetensors")
    shared = torch.rand(8)
    torch.save(state(b=shared[::2]), tmp_path / "views.pth")
    for name in ("plain.pt", "p.ckpt", "s.safetensors", "views.pth"):
        assert import_weights(tmp_path / name, registry).spec.name == "net"


def test_an_unknown_layout_is_refused_and_says_how_far_off_it_is(registry, tmp_path):
    wrong = {"a.weight": torch.rand(2, 4), "c": torch.rand(1), "n": torch.tensor(1)}
    with pytest.raises(AnnotatorError) as caught:
        import_weights(official_like(tmp_path / "c.pth", wrong), registry)
    message = caught.value.message
    assert "c.pth has 3 tensors" in message
    assert "1 missing: b" in message
    assert "1 unexpected: c" in message
    assert "a.weight is (2, 4), not (2, 3)" in message
    assert find_record(registry, "net").state == "missing"


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_with_code_is_refused_and_the_code_does_not_run(registry, tmp_path, zipped):
    trap = tmp_path / "trap"
    path = tmp_path / "evil.pth"
    content = {"model": state(), "args": Bomb(trap)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(AnnotatorError, match="refused") as caught:
        import_weights(path, registry)
    assert "evil.pth" in caught.value.message
    assert not trap.exists()
    assert find_record(registry, "net").state == "missing"


def test_a_bare_pickle_with_code_is_refused_under_any_name(registry, tmp_path):
    trap = tmp_path / "trap"
    for name in ("evil.pth", "evil.ckpt", "evil.safetensors", "evil"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(Bomb(trap)))
        with pytest.raises(AnnotatorError):
            import_weights(path, registry)
    assert not trap.exists()


def test_damaged_and_foreign_files_are_refused_in_words(registry, tmp_path):
    good = official_like(tmp_path / "good.pth", state()).read_bytes()
    save_file(state(), tmp_path / "good.safetensors")
    safe = (tmp_path / "good.safetensors").read_bytes()
    huge_header = (1 << 60).to_bytes(8, "little") + b"{}"
    cases = {
        "cut.pth": good[: len(good) // 2],
        "empty.pth": b"",
        "text.pth": b"<html>Not found</html>",
        "cut.safetensors": safe[:-3],
        "huge.safetensors": huge_header,
        "numbers.pth": None,
    }
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    for name, content in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(AnnotatorError) as caught:
            import_weights(path, registry)
        assert name in caught.value.message
    with pytest.raises(AnnotatorError, match="no file"):
        import_weights(tmp_path / "none.pth", registry)
    with pytest.raises(AnnotatorError, match="no file"):
        import_weights(tmp_path, registry)


def test_a_gigantic_file_is_refused_before_it_is_read(registry, tmp_path):
    path = tmp_path / "huge.pth"
    with path.open("wb") as file:
        file.truncate((8 << 30) + 1)  # sparse: takes no room
    with pytest.raises(AnnotatorError, match=r"huge\.pth has 8\.0 GiB"):
        import_weights(path, registry)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bytes_give_tensors_or_words(tmp_path, data):
    path = tmp_path / "fuzz.pth"
    content = bytearray(official_like(path, state()).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(AnnotatorError):  # anything else fails the test
        assert all(isinstance(t, torch.Tensor) for t in read_tensors(path).values())


def test_an_archive_that_unpacks_to_far_more_than_it_holds_is_refused(tmp_path):
    source = official_like(tmp_path / "c.pth", state())
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            zeros = item.filename.endswith("data/0")
            new.writestr(item.filename, bytes(300 << 20) if zeros else content)
    with pytest.raises(AnnotatorError, match="unpacks to"):
        read_tensors(bomb)


def test_importing_can_be_cancelled(registry, tmp_path):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        import_weights(official_like(tmp_path / "c.pth", state()), registry, cancel=token)
    assert find_record(registry, "net").state == "missing"


def test_verifying_finds_missing_changed_and_misfitting_files(registry, tmp_path):
    assert [v.message for v in verify_weights(registry, "net")] == ["missing"]
    record = import_weights(official_like(tmp_path / "c.pth", state()), registry)
    good = verify_weights(registry, "net")[0]
    assert good.good
    assert "3 tensors as declared" in good.message
    save_file(state(), record.path)  # other numbers under the same names
    assert "was changed" in verify_weights(registry, "net")[0].message
    record.path.with_name("net.safetensors.sha256").unlink()
    assert verify_weights(registry, "net")[0].good  # fits, though by no known sum
    save_file({"a.weight": torch.rand(1)}, record.path)
    assert "2 missing" in verify_weights(registry, "net")[0].message
    record.path.write_bytes(b"no safetensors at all")
    assert not verify_weights(registry, "net")[0].good


def test_layouts_are_read_and_compared(tmp_path):
    path = tmp_path / "l.tsv"
    path.write_text(LAYOUT)
    layout = read_layout(path)
    assert layout == {"a.weight": (2, 3), "n": (), "b": (4,)}
    assert compare(layout, layout).none
    path.write_text("a.weight (2, 3)\n")
    with pytest.raises(AnnotatorError, match="line 1"):
        read_layout(path)


def pullable(tmp_path, server, content, url_name):  # noqa: F811
    server.behaviour["content"] = content
    digest = hashlib.sha256(content).hexdigest()
    url = f"http://127.0.0.1:{server.server_port}/{url_name}"
    more = f'sha256 = "{digest}"\nsize = {len(content)}\nurl = "{url}"\n'
    folder = write_plugin(tmp_path / "pull", MINIMAL_MANIFEST + WEIGHTS + more)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    return PluginRegistry.discover([folder], disk=False)


@pytest.mark.parametrize("name", ["net.safetensors", "checkpoint.pth"])
def test_pulled_weights_are_installed_verified_and_not_pulled_twice(tmp_path, server, name):  # noqa: F811
    if name.endswith("pth"):
        content = official_like(tmp_path / name, state()).read_bytes()
    else:
        save_file(state(), tmp_path / name)
        content = (tmp_path / name).read_bytes()
    registry = pullable(tmp_path, server, content, name)
    record = pull_weights("net", registry)
    assert record.state == "installed"
    assert set(load_file(record.path)) == {"a.weight", "n", "b"}
    assert verify_weights(registry, "net")[0].good
    left = sorted(p.name for p in user_data("weights").iterdir())
    assert left == ["net.safetensors", "net.safetensors.sha256"]
    pull_weights("net", registry)
    assert len(server.requests) == 1
    record.path.write_bytes(b"spoiled")
    pull_weights("net", registry)
    assert len(server.requests) == 2
    assert verify_weights(registry, "net")[0].good


def test_weights_without_an_address_name_their_homepage(registry):
    with pytest.raises(AnnotatorError, match="cannot be downloaded") as caught:
        pull_weights("net", registry)
    assert "https://example.org/net" in caught.value.remedy


def test_weights_shipped_in_the_plugins_folder_count_as_bundled(registry, tmp_path):
    save_file(state(), tmp_path / "s.safetensors")
    shutil.copy(tmp_path / "s.safetensors", tmp_path / "plugin" / "net.safetensors")
    record = find_record(registry, "net")
    assert record.state == "bundled"
    assert verify_weights(registry, "net")[0].message.startswith("no sha256 is known")


FOREIGN = """
import torch


class Loss(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.criterion = helper
        self.weight = torch.nn.Parameter(torch.ones(2))


def helper(x):
    raise AssertionError("this ran")
"""


@pytest.fixture
def foreign_checkpoint(tmp_path, monkeypatch):
    """Save weights beside an object of a package that is gone afterwards."""
    package = tmp_path / "site" / "foreignlab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "losses.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    losses = importlib.import_module("foreignlab.losses")
    config = {"class": "foreignlab.net", "params": {"loss": {"value": losses.Loss()}}}
    path = tmp_path / "foreign.pth"
    torch.save({"state_dict": state(), "config": config}, path)
    shutil.rmtree(package)
    for name in ("foreignlab", "foreignlab.losses"):
        monkeypatch.delitem(sys.modules, name)
    return path


def test_objects_of_a_declared_package_become_empty_shells(registry, tmp_path, foreign_checkpoint):
    with pytest.raises(AnnotatorError, match="refused"):
        import_weights(foreign_checkpoint, registry)
    more = WEIGHTS + 'inert = ["foreignlab"]\n'
    folder = write_plugin(tmp_path / "declares", MINIMAL_MANIFEST + more)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    declaring = PluginRegistry.discover([folder], disk=False)
    assert import_weights(foreign_checkpoint, declaring).spec.name == "net"
    assert "foreignlab" not in sys.modules


def test_a_package_declared_inert_opens_no_door_for_others(tmp_path):
    trap = tmp_path / "trap"
    for name in ("os", "posix", "subprocess", "foreign"):
        torch.save({"state_dict": state(), "config": Bomb(trap)}, tmp_path / "evil.pth")
        with pytest.raises(AnnotatorError, match="refused"):
            read_tensors(tmp_path / "evil.pth", [name])
    assert not trap.exists()


def test_a_checkpoint_of_a_known_other_kind_is_named(tmp_path):
    mistaken = """
    [[mistaken]]
    keys = ["blocks.0.weight", "cls_token"]
    message = "is a backbone without a head."
    remedy = "Get the whole network."
    """
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + textwrap.dedent(mistaken) + WEIGHTS)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    registry = PluginRegistry.discover([folder], disk=False)
    torch.save(
        {"model": {"blocks.0.weight": torch.rand(1), "cls_token": torch.rand(1)}},
        tmp_path / "m.pth",
    )
    with pytest.raises(AnnotatorError, match=r"m\.pth is a backbone without a head") as caught:
        import_weights(tmp_path / "m.pth", registry)
    assert caught.value.remedy == "Get the whole network."
    torch.save({"cls_token": torch.rand(1)}, tmp_path / "other.pth")
    with pytest.raises(AnnotatorError, match="no plugin knows"):
        import_weights(tmp_path / "other.pth", registry)
