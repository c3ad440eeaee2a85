"""Writes a new plugin that works at once: manifest, adapter, weights and test."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from annotator.domain import AnnotatorError
from annotator.engine.api import EngineKind
from annotator.engine.files import sha256_of
from annotator.engine.manifest import MANIFEST_NAME

TEMPLATES = Path(__file__).parent / "templates"
_ID = re.compile(r"^[a-z][a-z0-9-]{0,63}$")


@dataclass(frozen=True)
class _Example:
    """What differs between the kinds.

    Attributes:
        description: For the manifest.
        capabilities: Lines of that table.
        reach: Default of the example parameter.
        unit: Its unit.
        help: What it does.
        effect: Expression in the test that is true if a click has an effect.
        weights: Name and values of the example's weights.
    """

    description: str
    capabilities: str
    reach: float
    unit: str
    help: str
    effect: str
    weights: tuple[str, npt.ArrayLike]


def _figure() -> npt.NDArray[np.float32]:
    """Return a stick figure of COCO's 17 joints in units of its reach, x right, y down."""
    x = [
        0,
        0.1,
        -0.1,
        0.2,
        -0.2,
        0.4,
        -0.4,
        0.6,
        -0.6,
        0.7,
        -0.7,
        0.25,
        -0.25,
        0.3,
        -0.3,
        0.3,
        -0.3,
    ]
    y = [-1, -1.1, -1.1, -1, -1, -0.6, -0.6, -0.2, -0.2, 0.2, 0.2, 0.3, 0.3, 0.9, 0.9, 1.5, 1.5]
    return np.array([x, y], np.float32).T.copy()


EXAMPLES = {
    EngineKind.SCENE: _Example(
        "Every point gets the object of the nearest click.",
        'colour = "ignored"\n',
        0.0,
        "m",
        "Points farther than this from every click are background; 0 = no limit.",
        "set(result.labels.tolist()) == {0, 1}",
        ("scale", np.ones(3, np.float32)),
    ),
    EngineKind.IMAGE: _Example(
        "Pixels coloured like the clicked ones.",
        "many_objects = false        # asked for each object by itself\n",
        40.0,
        "levels",
        "How far a colour may be from the clicked one.",
        "set(result.labels.ravel().tolist()) == {0, 1}",
        ("scale", np.ones(3, np.float32)),
    ),
    EngineKind.POSE: _Example(
        "A stick figure in every box, moved to the joints that were placed.",
        "",
        40.0,
        "px",
        "Size of a proposed figure.",
        "result.keypoints.shape == (1, 17, 2)",
        ("figure", _figure()),
    ),
    EngineKind.ANIMATION: _Example(
        "What is near a click sways.",
        "words = true\n",
        20.0,
        "px",
        "How far from a click things still move.",
        "(result.frames[0] != result.frames[6]).any()",
        ("sway", (6 * np.sin(np.linspace(0, 2 * np.pi, 25))).astype(np.float32)),
    ),
}


def write_plugin(name: str, kind: EngineKind, parent: Path) -> Path:
    """Write a new plugin's folder and return it.

    Args:
        name: Its id: small letters, digits and hyphens.
        kind: What it shall annotate.
        parent: Where the folder `name` is made.

    Raises:
        AnnotatorError: If the name is not allowed or the folder exists.
    """
    if not _ID.match(name):
        raise AnnotatorError(f"{name!r} is no plugin id.", "Use small letters, digits and hyphens.")
    folder = parent / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AnnotatorError(
            f"{folder} cannot be made: {error.strerror}.", "Choose another name or folder."
        ) from error
    example = EXAMPLES[kind]
    weights = folder / f"{name}.safetensors"
    save_file({example.weights[0]: np.asarray(example.weights[1])}, weights)
    words = {
        **vars(example),
        "id": name,
        "title": name.replace("-", " ").capitalize(),
        "kind": kind.value,
        "sha256": sha256_of(weights),
        "size": weights.stat().st_size,
    }
    _fill("plugin.toml", folder / MANIFEST_NAME, words)
    _fill(f"{kind.value}.py", folder / "adapter.py", words)
    _fill("test_plugin.py", folder / f"test_{name.replace('-', '_')}.py", words)
    return folder


def _fill(template: str, target: Path, words: dict[str, object]) -> None:
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    target.write_text(text.format(**words), encoding="utf-8")
