"""Where a scan's project file lies."""

import hashlib
import os
from pathlib import Path

import annotator
from annotator.ui.basics.folders import project_folder

PROJECT_SUFFIX = ".annotator"
"""What project files are called; beside the scan it is appended to the scan's full name."""

_SQLITE_MAGIC = b"SQLite format 3\x00"


def is_project(path: Path) -> bool:
    """Whether a file is a project by its name or its first bytes."""
    if path.suffix == PROJECT_SUFFIX:
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError:
        return False


def beside(scan: Path) -> Path:
    """Return the project path beside a scan."""
    return scan.with_name(scan.name + PROJECT_SUFFIX)


def in_data_folder(scan: Path) -> Path:
    """Return the project path of a scan in the user's data folder."""
    place = hashlib.sha256(str(scan.resolve()).encode()).hexdigest()[:8]
    return project_folder() / f"{scan.stem}-{place}{PROJECT_SUFFIX}"


def candidates(scan: Path, preferred: str) -> tuple[Path, ...]:
    """Return where the scan's project may be, best place first.

    A project that exists already is always preferred; the application's own samples
    and folders that may not be written keep theirs in the data folder.

    Args:
        scan: The scan.
        preferred: The setting "project_place": "beside" or "data".
    """
    near, far = beside(scan), in_data_folder(scan)
    both = (near, far) if preferred == "beside" else (far, near)
    existing = tuple(_newest(path) for path in both if path.exists())
    if existing:
        return existing
    own = Path(annotator.__file__).resolve().parent in scan.resolve().parents
    if preferred == "data" or own or not os.access(scan.parent, os.W_OK):
        return (far,)
    return (near, far)


def recovery_place(damaged: Path) -> Path:
    """Return a free name for what is recovered of a damaged project."""
    return fresh(damaged.with_name(_recovered_stem(damaged) + PROJECT_SUFFIX))


def _recovered_stem(path: Path) -> str:
    return f"{path.name.removesuffix(PROJECT_SUFFIX)}-recovered"


def _newest(path: Path) -> Path:
    """Return the project or what was recovered of it, whichever was worked on last."""
    stem = _recovered_stem(path)
    others = [other for other in path.parent.iterdir()
              if other.name.startswith(stem) and other.suffix == PROJECT_SUFFIX]  # fmt: skip
    return max([path, *others], key=lambda each: each.stat().st_mtime_ns)


def fresh(path: Path) -> Path:
    """Return `path`, or the first "name-2", "name-3", … beside it that does not exist."""
    base = path.name.removesuffix(PROJECT_SUFFIX)
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{base}-{number}{PROJECT_SUFFIX}")
    return candidate
