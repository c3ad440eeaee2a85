"""Opening: find or make the project, read the scan aside, and say what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from annotator.domain import AnnotatorError, CancelToken, Progress
from annotator.project import AssetState, Project
from annotator.ui.jobs import Job, JobRunner
from annotator.ui.loading import LoadedScan, load_scan
from annotator.ui.messages import Button, MessageBar
from annotator.ui.places import candidates, fresh, is_project
from annotator.ui.settings import Preferences

_HISTORY_SHARE = 0.25  # of the progress bar, where a history is read before the scan


@dataclass(frozen=True)
class Workspace:
    """An open scan with its project: what the window works on.

    Attributes:
        project: The open project.
        asset_id: The scan's asset in it.
        scan: The scan as read.
        read_only: Whether nothing can be annotated.
    """

    project: Project
    asset_id: int
    scan: LoadedScan
    read_only: bool = False

    @property
    def asset(self) -> AssetState:
        """The asset as the document says it is now."""
        return self.project.document.assets[self.asset_id]


@dataclass
class _Opening:
    """One attempt; what it has opened so far is let go if it comes to nothing.

    Attributes:
        places: Where the project is, or may be made; the first one counts if it exists.
        scan: The scan asked for; None for the one of the project that was worked on last.
        read_only: Whether the project is opened to look only.
        project: The project, once it is open.
        asset: The scan's asset in it; None if the project does not have it yet.
        borrowed: Whether the project was open before and stays open whatever happens.
        workspace: What came of it, once all is read.
    """

    places: tuple[Path, ...]
    scan: Path | None = None
    read_only: bool = False
    project: Project | None = None
    asset: AssetState | None = None
    borrowed: bool = False
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
        self._start(opening, partial(self.switch, workspace, asset_id))

    def close(self) -> None:
        """Let go of what an unfinished attempt has opened; its job has been stopped before."""
        if self._opening is not None:
            self._opening.give_up()

    # The work, aside ------------------------------------------------------------------------

    def _start(self, opening: _Opening, again: "partial[None]") -> None:
        if self._job is not None:
            self._job.cancel()
        limits = self._preferences["thin_above"], self._preferences["working_spacing"]
        self._opening = opening
        self._job = self._jobs.start(
            f"Opening {opening.name}",
            partial(_work, opening, *limits),
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

    def _loaded(self, opening: _Opening, scan: LoadedScan) -> None:
        self._end(opening)
        try:
            workspace = opening.workspace or _make_workspace(opening, scan)
        except Exception as error:  # noqa: BLE001 - said in the window; nothing is open
            opening.give_up()
            self._messages.show_error(error, f"Opening {opening.name}")
            return
        self.opened.emit(workspace)

    def _start_anew(self, opening: _Opening) -> None:
        assert opening.scan is not None
        self.open(opening.scan, fresh(opening.places[0]))


def _work(
    opening: _Opening,
    thin_above: int,
    preferred_spacing: float,
    progress: Progress,
    cancel: CancelToken,
) -> LoadedScan:
    """Open the project, if there is one yet, and read the scan.

    Raises:
        AnnotatorError: If either cannot be opened.
        Cancelled: If `cancel` was set.
    """
    begin = 0.0
    if opening.project is None and (opening.places[0].exists() or opening.scan is None):
        begin = _HISTORY_SHARE
        opening.project = Project.open(
            opening.places[0],
            read_only=opening.read_only,
            progress=lambda f, m="": progress(begin * f, m),
            cancel=cancel,
        )
        opening.asset = _asset_of(opening.project, opening.scan)
    scan = opening.scan = opening.scan or _expected_scan(opening)
    spacing = opening.asset.working_spacing if opening.asset else None
    loaded = load_scan(
        scan, spacing, thin_above, preferred_spacing,
        lambda f, m="": progress(begin + (1 - begin) * f, m), cancel,
    )  # fmt: skip
    if opening.asset and opening.asset.content_hash != loaded.cloud.content_hash:
        raise _Changed(
            f"{scan.name} has changed since it was annotated.",
            f"Its clicks in {opening.places[0].name} belong to other points; they are kept.",
        )
    cancel.check()
    if not opening.borrowed:  # the window's thread has a project that it works on to itself
        opening.workspace = _make_workspace(opening, loaded)
    return loaded


def _expected_scan(opening: _Opening) -> Path:
    """Return where the scan of a project is.

    Raises:
        AnnotatorError: If it has none, or the scan is gone.
    """
    name = opening.places[0].name
    if opening.asset is None:
        raise AnnotatorError(f"{name} contains no scan.", "Open a scan instead of it.")
    place = opening.asset.path
    if not place.exists():
        raise _NotThere(
            f"The scan of {name} is missing: {place.name}", f"It was expected in {place.parent}."
        )
    return place


def _asset_of(project: Project, scan: Path | None) -> AssetState | None:
    """Return the asset that `scan` is: the one of that file, else the first whose file is gone.

    Without a scan it is the asset that was worked on last.
    """
    clouds = [asset for asset in project.document.assets.values() if asset.kind == "cloud"]
    if scan is None:
        by_id = {asset.asset_id: asset for asset in clouds}
        touched = (row.event.touched_asset for row in reversed(list(project.log())))
        return next((by_id[i] for i in touched if i in by_id), None)
    same = [asset for asset in clouds if asset.path.resolve() == scan.resolve()]
    gone = [asset for asset in clouds if not asset.path.exists()]
    return next(iter(same or gone), None)


def _make_workspace(opening: _Opening, scan: LoadedScan) -> Workspace:
    project = opening.project or _create_project(opening.places)
    opening.project = project
    asset_id = opening.asset.asset_id if opening.asset else add_asset(project, scan)
    moved = opening.asset and opening.asset.path.resolve() != scan.path.resolve()
    if moved and not opening.read_only:
        project.relocate_asset(asset_id, scan.path)
    return Workspace(project, asset_id, scan, opening.read_only)


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


def add_asset(project: Project, scan: LoadedScan) -> int:
    """Add a scan to a project; return its asset's id."""
    return project.add_asset(
        scan.path,
        "cloud",
        scan.cloud.content_hash,
        len(scan.cloud),
        scan.spacing,
        working_count=len(scan.working.cloud),
    )
