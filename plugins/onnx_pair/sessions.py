"""The two ONNX networks: opened safely, asked by name, their failures put into words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from annotator.domain import AnnotatorError
from annotator.engine.api import PluginContext

Arrays = dict[str, npt.NDArray[Any]]
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class OnnxNetwork:
    """One ONNX file.

    Attributes:
        name: Of the file, for messages.
        inputs: Shape by input name; unknown sizes are None.
        outputs: Names of the outputs.
    """

    def __init__(self, path: str, role: str, context: PluginContext) -> None:
        file = Path(path).expanduser()
        if not path or not file.is_file():
            raise AnnotatorError(
                f"The {role} of onnx-pair is no file: {path!r}.",
                f"Choose the ONNX file in the engine's parameters (`{role}`).",
            )
        self.name = file.name
        providers = _providers(context)
        try:
            self._session = onnxruntime.InferenceSession(str(file), providers=providers)
        except Exception as error:
            # onnxruntime meets damaged files with kinds of errors that it does not export
            raise AnnotatorError(
                f"{file.name} is no readable ONNX {role}: {_first_line(error)}.",
                "Export it again, for a version that onnxruntime knows.",
            ) from error
        self.inputs = {i.name: _shape(i.shape) for i in self._session.get_inputs()}
        self.outputs = [output.name for output in self._session.get_outputs()]
        self._dtypes = {i.name: _DTYPES.get(i.type) for i in self._session.get_inputs()}

    def require(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Make sure that the file has these inputs and outputs, and no further inputs.

        Raises:
            AnnotatorError: Naming what is missing or too much.
        """
        missing = [n for n in inputs if n not in self.inputs]
        missing += [n for n in outputs if n not in self.outputs]
        unknown = [n for n in self.inputs if n not in inputs]
        if missing or unknown:
            raise AnnotatorError(
                f"{self.name} does not fit: missing {', '.join(missing) or 'nothing'}, "
                f"unknown inputs {', '.join(unknown) or 'none'}; it has the inputs "
                f"{', '.join(self.inputs)} and the outputs {', '.join(self.outputs)}.",
                "Say in a settings file what its inputs and outputs are called.",
            )

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """Return all outputs by name.

        Raises:
            AnnotatorError: If the network refuses the inputs.
        """
        fed = {name: np.asarray(a, dtype=self._dtypes[name]) for name, a in inputs.items()}
        try:
            values = self._session.run(self.outputs, fed)
        except Exception as error:
            # see above; the message names the input that does not fit
            raise AnnotatorError(
                f"{self.name} cannot compute: {_first_line(error)}.",
                "Do its settings (size, layout, names) fit the file?",
            ) from error
        return dict(zip(self.outputs, values, strict=True))


def _providers(context: PluginContext) -> list[str]:
    """Return where to compute; a CPU-only onnxruntime is no error, but said."""
    if context.device.startswith("cuda"):
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]
        context.logger.warning("this onnxruntime has no CUDA: computing on the processor")
    return ["CPUExecutionProvider"]


def _shape(shape: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
