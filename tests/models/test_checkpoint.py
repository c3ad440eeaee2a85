"""Checkpoints load safely and completely, or say why not."""

import argparse
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from models.agile3d import (
    Agile3D,
    Agile3DConfig,
    CheckpointError,
    load_checkpoint,
    load_state,
)

TINY = Agile3DConfig(
    init_dim=4,
    planes=(4, 4, 4, 4, 4, 4, 4, 4),
    layers=(1,) * 8,
    conv1_kernel=3,
    hidden=8,
    heads=2,
    ffn=8,
)


@pytest.fixture
def network() -> Agile3D:
    torch.manual_seed(0)
    return Agile3D(TINY)


def assert_loads(path, network: Agile3D) -> None:
    fresh = Agile3D(TINY)
    report = load_state(fresh, load_checkpoint(path))
    assert report.complete
    assert str(report) == f"all {len(network.state_dict())} entries loaded"
    for key, value in network.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[key], value, rtol=1e-3, atol=1e-3)


def test_official_layout_with_a_namespace_and_profiler_leftovers_loads(tmp_path, network):
    path = tmp_path / "checkpoint1099.pth"
    state = dict(network.state_dict())
    state["backbone.total_params"] = torch.zeros(1)
    state["backbone.block1.total_ops"] = torch.zeros(1)
    optimiser = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    args = argparse.Namespace(voxel_size=0.05, planes=[32, 64], dialations=None)
    torch.save(
        {"model": state, "optimizer": optimiser, "lr_scheduler": {}, "epoch": 1099, "args": args},
        path,
    )
    assert_loads(path, network)


def test_plain_state_dict_loads(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    assert_loads(tmp_path / "plain.pt", network)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_load_and_16_bit_storage_becomes_float32(tmp_path, network, dtype):
    path = tmp_path / "net.safetensors"
    state = network.state_dict()
    save_file({k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}, str(path))
    for key, value in load_checkpoint(path).items():
        assert value.dtype == state[key].dtype
    if dtype != torch.bfloat16:
        assert_loads(path, network)


class Malicious:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("legacy", [False, True])
def test_pickled_code_is_refused_and_never_runs(tmp_path, network, legacy):
    trap, path = tmp_path / "ran", tmp_path / "evil.pth"
    content = {"model": dict(network.state_dict()), "args": Malicious(trap)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r"evil\.pth: refused"):
        load_checkpoint(path)
    assert not trap.exists()


def test_a_bare_pickle_with_code_is_refused(tmp_path):
    trap, path = tmp_path / "ran", tmp_path / "bare.pth"
    path.write_bytes(pickle.dumps({"model": Malicious(trap)}))
    with pytest.raises(CheckpointError, match=r"bare\.pth"):
        load_checkpoint(path)
    assert not trap.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"\xff" * 64, b"\x80\x04."])
def test_files_that_are_no_checkpoints_are_refused_by_name(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="broken"):
        load_checkpoint(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
def test_truncated_checkpoints_are_refused_by_name(tmp_path, network, suffix, kept):
    path = tmp_path / f"cut{suffix}"
    state = dict(network.state_dict())
    save_file(state, str(path)) if suffix == ".safetensors" else torch.save(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CheckpointError, match="cut"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.pth: there is no such file"):
        load_checkpoint(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("content", [{}, [1, 2], {"model": {}}, {"a": 3}, {3: torch.zeros(1)}])
def test_a_file_without_weights_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=r"odd\.pth"):
        load_checkpoint(tmp_path / "odd.pth")


def test_misfits_are_reported_in_words_and_nothing_is_changed(network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    state = {k: v + 1 for k, v in before.items()}
    del state["decoder_norm.bias"]
    state["head.weight"] = torch.zeros(2)
    state["decoder_norm.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError) as caught:
        load_state(network, state)
    text = str(caught.value)
    assert "1 missing: decoder_norm.bias" in text
    assert "1 unexpected: head.weight" in text
    assert "decoder_norm.weight is (3,) instead of (8,)" in text
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_a_lenient_load_takes_what_fits(network):
    state = {k: v + 1 for k, v in network.state_dict().items() if k != "decoder_norm.bias"}
    kept = network.decoder_norm.bias.clone()
    report = load_state(network, state, strict=False)
    assert report.missing == ("decoder_norm.bias",)
    assert not report.complete
    assert torch.equal(network.decoder_norm.bias, kept)
    assert torch.equal(network.decoder_norm.weight, state["decoder_norm.weight"])
