import pytest
import torch

from annotator.domain import AnnotatorError
from annotator.engine.devices import choose_device, explain_memory


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_auto_falls_back_to_the_cpu_silently(no_gpu):
    choice = choose_device("auto")
    assert (choice.device, choice.note) == ("cpu", "")


@pytest.mark.parametrize("wanted", ["cuda", "cuda:3", "mps"])
def test_a_wish_that_cannot_be_met_falls_back_with_a_reason(no_gpu, wanted):
    choice = choose_device(wanted)
    assert choice.device == "cpu"
    assert wanted in choice.note
    assert "using cpu" in choice.note


def test_a_device_that_the_plugin_lacks_is_not_used():
    choice = choose_device("cuda", ["cpu"])
    assert choice.device == "cpu"
    assert "does not run on cuda" in choice.note


def test_a_listed_gpu_that_cannot_compute_is_not_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def ones(*size, device=None):
        raise RuntimeError("no kernel image is available\nmore")

    monkeypatch.setattr(torch, "ones", ones)
    choice = choose_device("cuda")
    assert choice.device == "cpu"
    assert "no kernel image is available" in choice.note


def test_an_unknown_device_is_an_error():
    with pytest.raises(AnnotatorError, match="'tpu'"):
        choose_device("tpu")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_memory_errors_become_advice(error):
    with (
        pytest.raises(AnnotatorError, match="ran out while testing") as caught,
        explain_memory("cpu", "testing"),
    ):
        raise error
    assert caught.value.remedy


def test_other_errors_pass_unchanged():
    with pytest.raises(RuntimeError, match="sizes differ"), explain_memory("cpu", "testing"):
        raise RuntimeError("sizes differ")
