"""Opening: find or make the project, read the scan aside, and say what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from annotator.domain import AnnotatorError
from annotator.project import AssetState, Project
from annotator.ui.jobs import Job, JobRunner
from annotator.ui.loading import LoadedScan, load_scan
from annotator.ui.messages import Button, MessageBar
from annotator.ui.places import candidates, fresh, is_project
from annotator.ui.settings import Preferences


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
    """One attempt: the project is open already if there was one."""

    scan: Path
    places: tuple[Path, ...]
    project: Project | None = None
    asset: AssetState | None = None
    read_only: bool = False

    def give_up(self) -> None:
        if self.project is not None:
            self.project.close()
            self.project = None


class Opener(QObject):
    """Opens one thing at a time; a newer request cancels the one under way."""

    opened = Signal(object)
    forget_asked = Signal(object)
    locate_asked = Signal(object)
    salvage_asked = Signal(object)

    def __init__(
        self, jobs: JobRunner, messages: MessageBar, preferences: Preferences, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._jobs, self._messages, self._preferences = jobs, messages, preferences
        self._job: Job | None = None

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
            self._open_scan(path, project, read_only)

    def _open_scan(self, scan: Path, project: Path | None, read_only: bool) -> None:
        preferred = self._preferences["project_place"]
        places = (project.absolute(),) if project else candidates(scan, preferred)
        opening = _Opening(scan, places, read_only=read_only)
        if places[0].exists():
            again = partial(self.open, scan, project)
            opening.project = self._try_project(places[0], read_only, again)
            if opening.project is None:
                return
            opening.asset = _asset_of(opening.project, scan)
        self._load(opening)

    def open_project(
        self, path: Path, *, read_only: bool = False, scan: Path | None = None
    ) -> None:
        """Open a project file and the scan in it, which may have moved to `scan`."""
        again = partial(self.open_project, path, scan=scan)
        project = self._try_project(path, read_only, again)
        if project is None:
            return
        asset = next((a for a in project.document.assets.values() if a.kind == "cloud"), None)
        if asset is None:
            project.close()
            self._messages.show_message(
                f"{path.name} contains no scan.", "Open a scan instead of it.", "error"
            )
            return
        place = scan or asset.path
        if not place.exists():
            project.close()
            locate: Button = ("Locate…", lambda: self.locate_asked.emit(path))
            self._messages.show_message(
                f"The scan of {path.name} is missing: {place.name}",
                f"It was expected in {place.parent}.", "error", [locate],
            )  # fmt: skip
            return
        self._load(_Opening(place, (path,), project, asset, read_only))

    def _try_project(self, path: Path, read_only: bool, again: "partial[None]") -> Project | None:
        try:
            return Project.open(path, read_only=read_only)
        except AnnotatorError as error:
            self._messages.show_error(error, buttons=self._ways_out(path, error, again))
        except Exception as error:  # noqa: BLE001 - said in the window; nothing is open
            self._messages.show_error(error, f"Opening {path.name}")
        return None

    def _ways_out(self, path: Path, error: AnnotatorError, again: "partial[None]") -> list[Button]:
        """Turn what the error's remedy names into buttons."""
        remedy = error.remedy.lower()
        buttons: list[Button] = []
        if "read-only" in remedy:
            buttons.append(("Open Read-Only", partial(again, read_only=True)))
        if "recover" in remedy:
            buttons.append(("Recover What Is Readable…", lambda: self.salvage_asked.emit(path)))
        return buttons

    def _load(self, opening: _Opening) -> None:
        if self._job is not None:
            self._job.cancel()
        work = partial(
            load_scan,
            opening.scan,
            opening.asset.working_spacing if opening.asset else None,
            self._preferences["thin_above"],
            self._preferences["working_spacing"],
        )
        self._job = self._jobs.start(
            f"Opening {opening.scan.name}",
            work,
            done=partial(self._loaded, opening),
            failed=partial(self._failed, opening),
            cancelled=partial(self._stopped, opening),
        )

    def _stopped(self, opening: _Opening) -> None:
        opening.give_up()
        self._messages.show_message(f"Stopped opening {opening.scan.name}.")

    def _failed(self, opening: _Opening, error: BaseException) -> None:
        self._job = None
        opening.give_up()
        self._messages.show_error(error, f"Opening {opening.scan.name}")

    def _loaded(self, opening: _Opening, scan: LoadedScan) -> None:
        self._job = None
        if opening.asset and opening.asset.content_hash != scan.cloud.content_hash:
            self._say_changed(opening)
            return
        try:
            workspace = self._make_workspace(opening, scan)
        except Exception as error:  # noqa: BLE001 - said in the window; nothing is open
            opening.give_up()
            self._messages.show_error(error, f"Opening {opening.scan.name}")
            return
        self.opened.emit(workspace)

    def _make_workspace(self, opening: _Opening, scan: LoadedScan) -> Workspace:
        project = opening.project or _create_project(opening.places)
        opening.project = project
        asset_id = opening.asset.asset_id if opening.asset else _add_asset(project, scan)
        moved = opening.asset and opening.asset.path.resolve() != scan.path.resolve()
        if moved and not opening.read_only:
            project.relocate_asset(asset_id, scan.path)
        return Workspace(project, asset_id, scan, opening.read_only)

    def _say_changed(self, opening: _Opening) -> None:
        opening.give_up()
        new_place = fresh(opening.places[0])
        button: Button = (
            "Start a New Project",
            lambda: self._open_scan(opening.scan, new_place, read_only=False),
        )
        self._messages.show_message(
            f"{opening.scan.name} has changed since it was annotated.",
            f"Its clicks in {opening.places[0].name} belong to other points; they are kept.",
            "error",
            [button],
        )


def _asset_of(project: Project, scan: Path) -> AssetState | None:
    clouds = [asset for asset in project.document.assets.values() if asset.kind == "cloud"]
    same = [asset for asset in clouds if asset.path.resolve() == scan.resolve()]
    return next(iter(same or clouds), None)


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


def _add_asset(project: Project, scan: LoadedScan) -> int:
    return project.add_asset(
        scan.path,
        "cloud",
        scan.cloud.content_hash,
        len(scan.cloud),
        scan.spacing,
        working_count=len(scan.working.cloud),
    )
