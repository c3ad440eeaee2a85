"""Whether the Python packages that a plugin requires are installed, asked without importing."""

import re
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from annotator.domain import AnnotatorError

if TYPE_CHECKING:  # workers ask where the manifest's packages are not installed
    from annotator.engine.manifest import Manifest, VariantSpec

APPLICATION = "click-annotator"
_PATTERN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:>=\s*([0-9][0-9.]*))?$")


def unmet(requirements: Iterable[str]) -> list[str]:
    """Return those requirements that are not installed, with the reason.

    Args:
        requirements: Each `name` or `name>=version`, or several of these with `|` between
            them, of which one is enough: research code is published under several names.

    Raises:
        AnnotatorError: If a requirement is written in another way.
    """
    return [problem for problem in map(_problem, requirements) if problem]


def unmet_by(manifest: "Manifest", variant: "VariantSpec") -> list[str]:
    """Return what the plugin and its variant require but is not installed, with the reason.

    Raises:
        AnnotatorError: If a requirement cannot be read.
    """
    return unmet(dict.fromkeys((*manifest.requires, *variant.requires)))


def require_packages(manifest: "Manifest", variant: "VariantSpec") -> None:
    """Make sure that everything is installed that the plugin and its variant require.

    Raises:
        AnnotatorError: If something is missing, with the command that installs it.
    """
    problems = unmet_by(manifest, variant)
    if problems:
        ref = f"{manifest.id}:{variant.id}" if variant.requires else manifest.id
        raise AnnotatorError(
            f"Plugin {ref!r} requires {', '.join(problems)}.",
            how_to_install(variant.extra or manifest.extra),
        )


def how_to_install(extra: str) -> str:
    """Return what to do about missing packages, naming the application's extra if there is one."""
    if extra:
        return f"Run `pip install '{APPLICATION}[{extra}]'` in the application's environment."
    return "Install what is missing into the application's Python environment."


def _problem(requirement: str) -> str:
    reasons = [_reason(alternative.strip()) for alternative in requirement.split("|")]
    if not all(reasons):
        return ""
    return reasons[0] if len(reasons) == 1 else f"{requirement} (none of them installed)"


def _reason(requirement: str) -> str:
    match = _PATTERN.match(requirement)
    if not match:
        raise AnnotatorError(
            f"The requirement {requirement!r} cannot be read.", "Write `name` or `name>=1.2`."
        )
    name, least = match.groups()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{requirement} (not installed)"
    if least and _numbers(version) < _numbers(least):
        return f"{requirement} (installed is {version})"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: "2.15.0+cpu" is (2, 15, 0)."""
    release = re.match(r"[0-9.]+", version)
    return tuple(int(part) for part in release.group().split(".") if part) if release else ()
