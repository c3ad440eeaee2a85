"""Which device to compute on, and what to say when its memory runs out."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from annotator.domain import AnnotatorError

PREFERENCE = ("cuda", "mps", "cpu")


@dataclass(frozen=True)
class DeviceChoice:
    """A device to use.

    Attributes:
        device: Torch device string, such as "cuda:0".
        note: Why it is not what was asked for; empty if it is.
    """

    device: str
    note: str = ""

    @property
    def type(self) -> str:
        """The device's type without its number."""
        return self.device.partition(":")[0]


def choose_device(wanted: str = "auto", supported: Sequence[str] = PREFERENCE) -> DeviceChoice:
    """Choose the best usable device that a plugin supports.

    Args:
        wanted: "auto", "cpu", "cuda", "cuda:1" or "mps".
        supported: Device types of the plugin's manifest.

    Raises:
        AnnotatorError: If `wanted` is no device name.
    """
    kind = wanted.partition(":")[0]
    if kind not in (*PREFERENCE, "auto"):
        raise AnnotatorError(f"There is no device {wanted!r}.", "Use auto, cpu, cuda or mps.")
    if kind == "auto":
        return DeviceChoice(_best(supported))
    if kind not in supported:
        best = _best(supported)
        return DeviceChoice(best, f"The plugin does not run on {wanted}; using {best}.")
    problem = _problem(wanted)
    if not problem:
        return DeviceChoice(_numbered(wanted))
    best = _best([kind for kind in supported if kind != wanted.partition(":")[0]] or ["cpu"])
    return DeviceChoice(best, f"{wanted} cannot be used ({problem}); using {best}.")


def _best(supported: Sequence[str]) -> str:
    for kind in PREFERENCE:
        if kind in supported and not _problem(kind):
            return _numbered(kind)
    return "cpu"


def _numbered(device: str) -> str:
    return "cuda:0" if device == "cuda" else device


def _problem(device: str) -> str:
    """Say why a device cannot be used; empty if it can. The cpu is asked without torch."""
    if device == "cpu":
        return ""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if device.startswith("cuda") and not torch.cuda.is_available():
        return "no CUDA device is available"
    if device == "mps" and not torch.backends.mps.is_available():
        return "no Metal device is available"
    try:
        # A driver may list a GPU for which this torch has no kernels: only use tells.
        torch.ones(1, device=device).add_(1).cpu()
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0]
    return ""


@contextmanager
def explain_memory(device: str, doing: str) -> Iterator[None]:
    """Turn running out of memory into an `AnnotatorError` that says what to do.

    Args:
        device: Where the work runs.
        doing: The work in words, such as "encoding scan.ply with AGILE3D".
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        release_cached(device)
        raise AnnotatorError(
            f"Memory of {device} ran out while {doing}.",
            "Use a larger voxel size or a thinner working set, crop the scan, close other "
            "programs, or choose the device cpu.",
        ) from error


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "not enough memory" in text or "can't allocate memory" in text


def release_cached(device: str) -> None:
    """Give memory that torch keeps in reserve on a GPU back to others."""
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        torch.cuda.empty_cache()
