"""Where the weights of a plugin are: the user's folder, the application's, the plugin's own."""

from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.engine.manifest import WeightsSpec
from annotator.engine.paths import shipped, user_data


def user_weights() -> Path:
    """Return the folder where imported and downloaded weights are kept."""
    return user_data("weights")


def find_weights(spec: WeightsSpec, plugin_folder: Path) -> Path | None:
    """Return the existing file of a weights entry, the user's first; None if missing."""
    for folder in (user_weights(), shipped("weights"), plugin_folder):
        if (folder / spec.file).is_file():
            return folder / spec.file
    return None


def require_weights(spec: WeightsSpec, plugin_folder: Path) -> Path:
    """Return the existing file of a weights entry.

    Raises:
        AnnotatorError: If it is missing, with the way to get it.
    """
    path = find_weights(spec, plugin_folder)
    if path is not None:
        return path
    ways = []
    if spec.url:
        ways.append(f"Run `annotator weights pull {spec.name}`.")
    if spec.layout:
        source = f" (from {spec.homepage})" if spec.homepage else ""
        name = spec.checkpoint or "the checkpoint"
        ways.append(
            f"Get {name}{source} and run `annotator weights import {spec.checkpoint or 'FILE'}`."
        )
    remedy = " ".join(ways) or f"Put {spec.file} into {user_weights()}."
    raise AnnotatorError(f"The weights {spec.name!r} ({spec.file}) are missing.", remedy)
