"""Which third-party plugins may run: the user said so for a folder and what is in it.

What ships with the application is trusted, and so is a folder that a caller names itself,
as `annotator plugins check FOLDER` does. Everything else is found by itself, so its code
runs only after the user agreed; any change of a file asks again. A project file names
engines but can never make one trusted.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.engine.files import replacing
from annotator.engine.paths import user_config

FILE = "trusted-plugins.json"
_CHUNK = 1 << 20
_NOT_CODE = frozenset({"__pycache__", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


class UntrustedPlugin(AnnotatorError):  # noqa: N818 - nothing is wrong, only not agreed to yet
    """A plugin whose code the user has not agreed to run.

    Attributes:
        plugin_id: Its id.
        folder: Where it lies.
    """

    def __init__(self, plugin_id: str, folder: Path, changed: bool) -> None:
        self.plugin_id, self.folder = plugin_id, folder
        what = "was changed since you agreed to run it" if changed else "was never agreed to"
        super().__init__(
            f"The code of plugin {plugin_id!r} {what}, so it was not loaded.",
            f"Look at {folder} and run `annotator plugins trust {plugin_id}`, or choose it in "
            "the Engine menu.",
        )


@dataclass(frozen=True)
class Content:
    """What is in a plugin's folder.

    Attributes:
        sha256: Over the names and bytes of all files.
        files: Their names, sorted.
        size: Bytes of all.
    """

    sha256: str
    files: tuple[str, ...]
    size: int


def content_of(folder: Path) -> Content:
    """Hash a plugin's folder: every file but caches.

    Raises:
        AnnotatorError: If a file cannot be read.
    """
    digest, names, size = hashlib.sha256(), [], 0
    try:
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            names.append(name)
            size += path.stat().st_size
            digest.update(f"{len(name)} {name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    except OSError as error:
        raise AnnotatorError(f"{folder} cannot be read: {error}.") from error
    return Content(digest.hexdigest(), tuple(names), size)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _NOT_CODE.intersection(path.relative_to(folder).parts):
            yield path


def is_trusted(folder: Path) -> bool:
    """Whether the user agreed to exactly what is in the folder now."""
    return _read().get(_key(folder)) == content_of(folder).sha256


def was_trusted(folder: Path) -> bool:
    """Whether the user once agreed to the folder, whatever was in it."""
    return _key(folder) in _read()


def trust(folder: Path, sha256: str = "") -> Content:
    """Note that the user agrees to the folder's content.

    Args:
        folder: The plugin's folder.
        sha256: What the user was shown; empty for what is there now.

    Raises:
        AnnotatorError: If the content changed since it was shown.
    """
    content = content_of(folder)
    if sha256 and sha256 != content.sha256:
        raise AnnotatorError(f"{folder} was changed meanwhile.", "Look at it again.")
    _write({**_read(), _key(folder): content.sha256})
    return content


def distrust(folder: Path) -> bool:
    """Take the agreement back; return whether there was one."""
    known = _read()
    found = known.pop(_key(folder), None) is not None
    if found:
        _write(known)
    return found


def _key(folder: Path) -> str:
    return str(folder.resolve())


def _read() -> dict[str, str]:
    """Return the agreements; none if the file is missing or damaged."""
    try:
        content = json.loads(user_config(FILE).read_text(encoding="utf-8"))
        return {str(folder): str(sha256) for folder, sha256 in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(known: dict[str, str]) -> None:
    with replacing(user_config(FILE)) as temporary:
        temporary.write_text(json.dumps(known, indent=2, sort_keys=True), encoding="utf-8")
