"""Reads and writes files of weights without ever running what is in them."""

import argparse
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.domain import AnnotatorError
from annotator.engine.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

MAX_BYTES = 8 << 30
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
WRAPPERS = ("model", "state_dict", "model_state_dict")
PROFILER_LEFTOVERS = ("total_params", "total_ops")


def read_tensors(path: Path, inert: Sequence[str] = ()) -> "dict[str, Tensor]":
    """Return the tensors of a checkpoint by key, on the CPU.

    Accepts safetensors, a plain state dict, and a dictionary with one under "model" or
    "state_dict" beside optimiser state. Of classes only `argparse.Namespace` is let
    through, which the official AGILE3D file contains.

    Args:
        path: The file.
        inert: Python packages whose objects may lie beside the weights. Each becomes an
            empty shell; the packages need not exist and nothing of them runs.

    Raises:
        AnnotatorError: If the file is missing, too large, damaged, holds code or no weights.
    """
    _require_plausible(path)
    content = _read_safetensors(path) if _is_safetensors(path) else _read_pickle(path, inert)
    return _state_of(path, content)


def write_tensors(path: Path, tensors: "Mapping[str, Tensor]", notes: Mapping[str, str]) -> None:
    """Write tensors as safetensors, whole or not at all.

    Args:
        path: Where to; its folder is made.
        tensors: By key.
        notes: Metadata such as where the weights came from.
    """
    from safetensors.torch import save_file

    separate = {key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(separate, temporary, metadata=dict(notes))


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes in a safetensors file by key, reading only its header.

    Raises:
        AnnotatorError: If it is no readable safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _require_plausible(path: Path) -> None:
    if not path.is_file():
        raise AnnotatorError(f"There is no file {path}.", "Check the name.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise AnnotatorError(
            f"{path.name} has {size / 2**30:.1f} GiB: too large for a checkpoint.",
            f"At most {MAX_BYTES >> 30} GiB are read.",
        )


def _is_safetensors(path: Path) -> bool:
    """Look at the content, as a renamed pickle must not slip through and vice versa."""
    with path.open("rb") as file:
        head = file.read(9)
    return path.suffix == ".safetensors" or (len(head) == 9 and head[8:9] == b"{")


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        content: object = load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return content


class Shell:
    """Stands for an object of a foreign class: takes everything and does nothing."""

    def __new__(cls, *_args: object, **_keywords: object) -> "Shell":
        """Ignore what the object was made with."""
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Ignore what the object held."""


def _shells(path: Path, inert: Sequence[str]) -> list[tuple[type[Shell], str]]:
    """Return a shell for every name in the checkpoint that lies in one of the packages."""
    import torch

    if not inert or not _is_archive(path):
        return []
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    inside = tuple(f"{package}." for package in inert)
    return [(Shell, name) for name in names if name.startswith(inside)]


def _read_pickle(path: Path, inert: Sequence[str]) -> object:
    import torch

    _require_honest_archive(path)
    try:
        allowed: list[Any] = [argparse.Namespace, *_shells(path, inert)]
        with torch.serialization.safe_globals(allowed):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise AnnotatorError(
            f"{path.name} was refused: it holds more than weights, or is damaged. Reading it "
            "could run code on this computer.",
            "Get the file from its authors again, or convert it to safetensors where you trust it.",
        ) from error
    except Exception as error:
        # torch meets damaged archives with a dozen kinds of error; none may end the program
        raise _damaged(path, error) from error
    return content


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:  # an archive whose directory is spoilt
        raise _damaged(path, error) from error


def _require_honest_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than it may: torch's own are not compressed."""
    if not _is_archive(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if unpacked > 2 * path.stat().st_size + (1 << 20):
        raise AnnotatorError(
            f"{path.name} was refused: it unpacks to {unpacked >> 20} MiB, far more than it holds.",
            "Get the file from its authors again.",
        )


def _damaged(path: Path, error: Exception) -> AnnotatorError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return AnnotatorError(
        f"{path.name} is no readable checkpoint: {reason}.",
        "Is the download complete? Known are " + ", ".join(SUFFIXES) + ".",
    )


def _state_of(path: Path, content: Any) -> "dict[str, Tensor]":  # noqa: ANN401 - unpickled
    import torch

    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    tensors = {}
    for key, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(key, str) and isinstance(value, torch.Tensor):
            tensors[key.removeprefix("module.")] = value
    if not tensors:
        raise AnnotatorError(
            f"{path.name} holds no weights.", "A state dict of named tensors is expected."
        )
    return {key: value for key, value in tensors.items() if not key.endswith(PROFILER_LEFTOVERS)}
