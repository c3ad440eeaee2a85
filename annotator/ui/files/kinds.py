"""The kinds of assets that the window opens: which files they are, and how those are read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from annotator.domain import CancelToken, Progress
from annotator.engine.api import EngineKind
from annotator.formats import CLOUD_READERS, IMAGE_READERS, is_image_path
from annotator.project.events import AssetKind, TaskName
from annotator.ui.files.loading import load_scan
from annotator.ui.image.loading import load_photo

Filter = tuple[str, tuple[str, ...]]
"""What a person calls a format, and its suffixes."""


class Loaded(Protocol):
    """An asset as read, with what its project keeps of it."""

    @property
    def path(self) -> Path:
        """Its file or folder."""

    @property
    def kind(self) -> AssetKind:
        """What it is."""

    @property
    def content_hash(self) -> str:
        """sha256 of its content."""

    @property
    def count(self) -> int:
        """All its points or pixels."""

    @property
    def spacing(self) -> float:
        """What its working points or pixels were made with; 0 if they are all."""

    @property
    def working_count(self) -> int:
        """How many points or pixels are annotated."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large scans are thinned.

    Attributes:
        thin_above: Number of points up to which all are used.
        working_spacing: Voxel edge in metres for larger ones; 0 chooses one.
    """

    thin_above: int
    working_spacing: float


Load = Callable[[Path, float | None, Limits, Progress, CancelToken], Loaded]


@dataclass(frozen=True)
class Task:
    """What assets are worked on for.

    Attributes:
        name: What the project calls it.
        title: What a person calls it.
        engine_kind: Which engines it takes.
        engine_setting: Preference that names the engine for new assets.
        also: Tasks whose engines it takes too.
        offers: Conditions that show the rows of the action table made for it.
    """

    name: TaskName
    title: str
    engine_kind: EngineKind
    engine_setting: str
    also: tuple[TaskName, ...] = ()
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kind:
    """A kind of assets.

    Attributes:
        name: What the project calls it.
        noun: What a person calls one.
        tasks: What it can be worked on for, the usual one first.
        filters: Formats for file dialogs.
        reads: Whether a file or folder is one.
        load: Reads one aside; its second argument is the spacing that an earlier project
            decided on, None to decide now.
    """

    name: AssetKind
    noun: str
    tasks: tuple[Task, ...]
    filters: Sequence[Filter]
    reads: Callable[[Path], bool]
    load: Load

    def task(self, name: TaskName) -> Task:
        """Return the task of that name, or the usual one if this kind has none."""
        return next((task for task in self.tasks if task.name == name), self.tasks[0])


def _load_scan(
    path: Path, spacing: float | None, limits: Limits, progress: Progress, cancel: CancelToken
) -> Loaded:
    return load_scan(path, spacing, limits.thin_above, limits.working_spacing, progress, cancel)


def _load_photo(
    path: Path, spacing: float | None, _limits: Limits, progress: Progress, cancel: CancelToken
) -> Loaded:
    return load_photo(path, spacing, progress, cancel)


SCAN_MASKS = Task("masks", "Masks", EngineKind.SCENE, "engine", offers=frozenset({"offers_masks"}))
PHOTO_MASKS = Task(
    "masks", "Masks", EngineKind.IMAGE, "image_engine", offers=frozenset({"offers_masks"})
)
POSES = Task("poses", "Poses", EngineKind.POSE, "pose_engine", offers=frozenset({"offers_poses"}))
MOTION = Task(
    "motion",
    "Motion",
    EngineKind.ANIMATION,
    "animation_engine",
    also=("masks",),
    offers=frozenset({"offers_masks", "offers_motion"}),
)

PHOTO = Kind(
    "image",
    "photo",
    (PHOTO_MASKS, POSES, MOTION),
    tuple((reader.title, reader.suffixes) for reader in IMAGE_READERS),
    is_image_path,
    _load_photo,
)
SCAN = Kind(
    "cloud",
    "scan",
    (SCAN_MASKS,),
    tuple((reader.title, reader.suffixes) for reader in CLOUD_READERS if reader.suffixes),
    lambda _: True,  # its reader says what is wrong with everything else
    _load_scan,
)
KINDS: tuple[Kind, ...] = (SCAN, PHOTO)
"""All kinds; what no other claims is taken for a scan."""

_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_named(name: AssetKind) -> Kind:
    """Return the kind of assets that a project calls so."""
    return _BY_NAME[name]


def kind_of(path: Path) -> Kind:
    """Return the kind that a file or folder is of."""
    return PHOTO if PHOTO.reads(path) else SCAN
