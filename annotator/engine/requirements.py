"""Whether the Python packages that a plugin requires are installed, asked without importing."""

import re
from collections.abc import Iterable
from importlib import metadata

from annotator.domain import AnnotatorError

_PATTERN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:>=\s*([0-9][0-9.]*))?$")


def unmet(requirements: Iterable[str]) -> list[str]:
    """Return those of `name` or `name>=version` that are not installed, with the reason.

    Raises:
        AnnotatorError: If a requirement is written in another way.
    """
    return [problem for problem in map(_problem, requirements) if problem]


def _problem(requirement: str) -> str:
    match = _PATTERN.match(requirement.strip())
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
