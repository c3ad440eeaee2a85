"""Opening: find or make the project, read the asset aside, and say what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from annotator.domain import AnnotatorError, CancelToken, Progress
from annotator.project import AssetState, Project
from annotator.ui.basics.jobs import Job, JobRunner
from annotator.ui.basics.messages import Button, MessageBar
from annotator.ui.basics.places import candidates, fresh, is_project
from annotator.ui.basics.settings import Preferences
from annotator.ui.files.kinds import Limits, Loaded, kind_named, kind_of
from annotator.ui.files.loading import LoadedScan
from annotator.ui.files.photo_folders import folder_of, last_worked_on, photos_of

_HISTORY_SHARE = 0.25  # of the progress bar, where a history is read before the scan


@dataclass(frozen=True)
class Workspace:
    """An open asset with its project: what the window works on.

    Attributes:
        project: The open project.
        asset_id: The asset in it.
        loaded: The asset as read.
        read_only: Whether nothing can be annotated.
        photos: All photos of the folder, where the project is that of a folder.
    """

    project: Project
    asset_id: int
    loaded: Loaded
    read_only: bool = False
    photos: tuple[Path, ...] = ()

    @property
    def path(self) -> Path:
        """The asset's file or folder."""
        return self.loaded.path

    @property
    def folder(self) -> Path | None:
        """The folder whose photos are annotated in this project; None for other projects."""
        return self.photos[0].parent if self.photos else None

    @property
    def scan(self) -> LoadedScan:
        """The asset, which is a scan.

        Raises:
            TypeError: If it is something else.
        """
        if not isinstance(self.loaded, LoadedScan):
            raise TypeError(f"{self.path.name} is no scan")
        return self.loaded

    @property
    def asset(self) -> AssetState:
        """The asset as the document says it is now."""
        return self.project.document.assets[self.asset_id]


@dataclass
class _Opening:
    """One attempt; what it has opened so far is let go if it comes to nothing.

    Attributes:
        places: Where the project is, or may be made; the first one counts if it exists.
        scan: The file or folder asked for; None for what was worked on last.
        read_only: Whether the project is opened to look only.
        project: The project, once it is open.
        asset: The asset in it; None if the project does not have it yet.
        borrowed: Whether the project was open before and stays open whatever happens.
        ready: The asset, if it was read ahead.
        photos: All photos of the folder asked for, or that the project is of.
        workspace: What came of it, once all is read.
    """

    places: tuple[Path, ...]
    scan: Path | None = None
    read_only: bool = False
    project: Project | None = None
    asset: AssetState | None = None
    borrowed: bool = False
    ready: Loaded | None = None
    photos: tuple[Path, ...] = ()
    workspace: Workspace | None = None

    @property
    def name(self) -> str:
        return (self.scan or self.places[0]).name

    def give_up(self) -> None:
        if self.project is not None and not self.borrowed:
            self.project.close()
        self.project = None


class _NotThere(AnnotatorError):  # noqa: N818 - reads as a sentence at raise sites
    """The scan of a project is not where it was."""


class _Changed(AnnotatorError):  # noqa: N818 - reads as a sentence at raise sites
    """The scan of a project is not what it was."""


class Opener(QObject):
    """Opens one thing at a time; a newer request cancels the one under way."""

    opened = Signal(object)
    ended = Signal()  # without anything opened
    forget_asked = Signal(object)
    locate_asked = Signal(object)
    salvage_asked = Signal(object)

    def __init__(
        self, jobs: JobRunner, messages: MessageBar, preferences: Preferences, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._jobs, self._messages, self._preferences = jobs, messages, preferences
        self._job: Job | None = None
        self._opening: _Opening | None = None

    def open(self, path: Path, project: Path | None = None, *, read_only: bool = False) -> None:
        """Open a scan (file or folder) or a project; `opened` follows, or a message.

        Args:
            path: What to open.
            project: Project file to use for a scan instead of its usual one.
            read_only: Open its project without the right to change it.
        """
        path = path.expanduser().absolute()
        if not path.exists():
            forget: Button = ("Remove From Recent", lambda: self.forget_asked.emit(path))
            self._messages.show_message(
                f"{path.name} is not there any more.", str(path.parent), "error", [forget]
            )
        elif path.is_file() and is_project(path):
            self.open_project(path, read_only=read_only)
        else:
            preferred = self._preferences["project_place"]
            places = (project.absolute(),) if project else candidates(path, preferred)
            self._start(_Opening(places, path, read_only), partial(self.open, path, project))

    def open_project(
        self, path: Path, *, read_only: bool = False, scan: Path | None = None
    ) -> None:
        """Open a project file and the scan worked on last, which may have moved to `scan`."""
        self._start(_Opening((path,), scan, read_only), partial(self.open_project, path, scan=scan))

    def switch(self, workspace: Workspace, asset_id: int) -> None:
        """Open another asset of an open project; `opened` follows with the same project."""
        project = workspace.project
        asset = project.asset(asset_id)
        opening = _Opening(
            (project.path,), asset.path, workspace.read_only, project, asset, borrowed=True
        )
        opening.photos = workspace.photos
        self._start(opening, partial(self.switch, workspace, asset_id))

    def visit(self, workspace: Workspace, photo: Path, ready: Loaded | None = None) -> None:
        """Open another photo of an open project's folder, adding it if need be.

        Args:
            workspace: With the open project.
            photo: The file.
            ready: The photo, if it was read ahead.
        """
        asset = _same_file(workspace.project, photo)
        opening = _Opening(
            (workspace.project.path,), photo, workspace.read_only, workspace.project, asset,
            borrowed=True, ready=ready, photos=workspace.photos,
        )  # fmt: skip
        self._start(opening, partial(self.visit, workspace, photo))

    def close(self) -> None:
        """Let go of what an unfinished attempt has opened; its job has been stopped before."""
        if self._opening is not None:
            self._opening.give_up()

    # The work, aside ------------------------------------------------------------------------

    def _start(self, opening: _Opening, again: "partial[None]") -> None:
        if self._job is not None:
            self._job.cancel()
        limits = Limits(self._preferences["thin_above"], self._preferences["working_spacing"])
        self._opening = opening
        self._job = self._jobs.start(
            f"Opening {opening.name}",
            partial(_work, opening, limits),
            done=partial(self._loaded, opening),
            failed=partial(self._failed, opening, again),
            cancelled=partial(self._stopped, opening),
        )

    # How it ends, in the window -------------------------------------------------------------

    def _end(self, opening: _Opening) -> None:
        if self._opening is opening:
            self._job = self._opening = None

    def _stopped(self, opening: _Opening) -> None:
        self._end(opening)
        opening.give_up()
        self._messages.show_message(f"Stopped opening {opening.name}.")
        self.ended.emit()

    def _failed(self, opening: _Opening, again: "partial[None]", error: BaseException) -> None:
        self._end(opening)
        in_project = opening.project is None
        opening.give_up()
        buttons: list[Button] = []
        if isinstance(error, _Changed):
            buttons.append(("Start a New Project", partial(self._start_anew, opening)))
        elif isinstance(error, _NotThere):
            buttons.append(("Locate…", lambda: self.locate_asked.emit(opening.places[0])))
        elif in_project and isinstance(error, AnnotatorError):
            buttons += self._ways_out(opening.places[0], error, again)
        self._messages.show_error(error, f"Opening {opening.name}", buttons)
        self.ended.emit()

    def _ways_out(self, path: Path, error: AnnotatorError, again: "partial[None]") -> list[Button]:
        """Turn what the error's remedy names into buttons."""
        remedy = error.remedy.lower()
        buttons: list[Button] = []
        if "read-only" in remedy:
            buttons.append(("Open Read-Only", partial(again, read_only=True)))
        if "recover" in remedy:
            buttons.append(("Recover What Is Readable…", lambda: self.salvage_asked.emit(path)))
        return buttons

    def _loaded(self, opening: _Opening, loaded: Loaded) -> None:
        self._end(opening)
        try:
            workspace = opening.workspace or _make_workspace(opening, loaded)
        except Exception as error:  # noqa: BLE001 - said in the window; nothing is open
            opening.give_up()
            self._messages.show_error(error, f"Opening {opening.name}")
            return
        self.opened.emit(workspace)

    def _start_anew(self, opening: _Opening) -> None:
        assert opening.scan is not None
        self.open(opening.scan, fresh(opening.places[0]))


def _work(opening: _Opening, limits: Limits, progress: Progress, cancel: CancelToken) -> Loaded:
    """Open the project, if there is one yet, and read the asset.

    Raises:
        AnnotatorError: If either cannot be opened.
        Cancelled: If `cancel` was set.
    """
    begin = 0.0
    if opening.scan is not None and not opening.photos:
        opening.photos = photos_of(opening.scan)
    if opening.project is None and (opening.places[0].exists() or opening.scan is None):
        begin = _HISTORY_SHARE
        opening.project = Project.open(
            opening.places[0],
            read_only=opening.read_only,
            progress=lambda f, m="": progress(begin * f, m),
            cancel=cancel,
        )
    _choose_asset(opening)
    loaded = opening.ready or _read(
        opening, limits, lambda f, m="": progress(begin + (1 - begin) * f, m), cancel
    )
    if opening.asset and opening.asset.content_hash != loaded.content_hash:
        raise _Changed(
            f"{loaded.path.name} has changed since it was annotated.",
            f"Its clicks in {opening.places[0].name} belong to what it was; they are kept.",
        )
    cancel.check()
    if not opening.borrowed:  # the window's thread has a project that it works on to itself
        opening.workspace = _make_workspace(opening, loaded)
    return loaded


def _choose_asset(opening: _Opening) -> None:
    """Find out which asset of the project, or which photo of the folder, is meant.

    Raises:
        AnnotatorError: If the project has none, or its file is gone.
    """
    project, borrowed = opening.project, opening.borrowed
    if project is not None and not borrowed:
        if opening.photos:
            opening.asset = last_worked_on(project, opening.photos)
        else:
            opening.asset = _asset_of(project, opening.scan)
    if opening.photos and not borrowed:
        opening.scan = opening.asset.path if opening.asset else opening.photos[0]
    elif opening.scan is None:
        opening.scan = _expected_scan(opening)
    if project is not None and not opening.photos and not borrowed:
        folder = folder_of(project.path, opening.scan)
        opening.photos = photos_of(folder) if folder else ()


def _read(opening: _Opening, limits: Limits, progress: Progress, cancel: CancelToken) -> Loaded:
    assert opening.scan is not None
    asset = opening.asset
    kind = kind_named(asset.kind) if asset else kind_of(opening.scan)
    spacing = asset.working_spacing if asset else None
    return kind.load(opening.scan, spacing, limits, progress, cancel)


def _expected_scan(opening: _Opening) -> Path:
    """Return where the scan of a project is.

    Raises:
        AnnotatorError: If it has none, or the scan is gone.
    """
    name = opening.places[0].name
    if opening.asset is None:
        raise AnnotatorError(f"{name} contains no scan or photo.", "Open one instead of it.")
    place = opening.asset.path
    if not place.exists():
        raise _NotThere(
            f"The {kind_named(opening.asset.kind).noun} of {name} is missing: {place.name}",
            f"It was expected in {place.parent}.",
        )
    return place


def _asset_of(project: Project, scan: Path | None) -> AssetState | None:
    """Return the asset that `scan` is: the one of that file, else one whose file is gone.

    Without a scan it is the asset that was worked on last.
    """
    if scan is None:
        return last_worked_on(project)
    assets = tuple(project.document.assets.values())
    gone = [a for a in assets if not a.path.exists() and a.kind == kind_of(scan).name]
    named = [asset for asset in gone if asset.path.name == scan.name]
    only = gone if len(assets) == 1 else []
    return _same_file(project, scan) or next(iter(named or only), None)


def _same_file(project: Project, path: Path) -> AssetState | None:
    assets = project.document.assets.values()
    return next((a for a in assets if a.path.resolve() == path.resolve()), None)


def _make_workspace(opening: _Opening, loaded: Loaded) -> Workspace:
    project = opening.project or _create_project(opening.places)
    opening.project = project
    asset_id = opening.asset.asset_id if opening.asset else add_asset(project, loaded)
    moved = opening.asset and opening.asset.path.resolve() != loaded.path.resolve()
    if moved and not opening.read_only:
        project.relocate_asset(asset_id, loaded.path)
    return Workspace(project, asset_id, loaded, opening.read_only, opening.photos)


def _create_project(places: Sequence[Path]) -> Project:
    """Create the project in the first place that lets us.

    Raises:
        AnnotatorError: If none does.
    """
    for place in places[:-1]:
        try:
            return Project.create(place)
        except AnnotatorError:
            continue
    return Project.create(places[-1])


def add_asset(project: Project, loaded: Loaded) -> int:
    """Add a scan or photo to a project; return its asset's id."""
    return project.add_asset(
        loaded.path,
        loaded.kind,
        loaded.content_hash,
        loaded.count,
        loaded.spacing,
        working_count=loaded.working_count,
    )
