"""Files: open dialogs, copies, exports, imported clicks, salvage."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from annotator.domain import AnnotatorError, CancelToken, Progress
from annotator.formats import ClickFile
from annotator.project import Project, SalvageReport
from annotator.ui.basics.places import PROJECT_SUFFIX, fresh, recovery_place
from annotator.ui.files.export_dialog import Exportable, ExportChoice, ExportDialog, write
from annotator.ui.files.kinds import KINDS
from annotator.ui.files.opener import Workspace
from annotator.ui.motion import ClipExport, MotionController
from annotator.ui.motion.exporting import MASKS_FORMAT

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow

_PROJECTS = f"Annotation projects (*{PROJECT_SUFFIX})"


def open_filters() -> str:
    """Return the file dialog's filters: everything readable first, then by format."""
    patterns = {title: [f"*{suffix}" for suffix in suffixes]
                for kind in KINDS for title, suffixes in kind.filters}  # fmt: skip
    every = sorted({pattern for some in patterns.values() for pattern in some})
    lines = [f"Photos, scans and projects ({' '.join([*every, '*' + PROJECT_SUFFIX])})", _PROJECTS]
    lines += [f"{title} ({' '.join(some)})" for title, some in patterns.items()]
    return ";;".join([*lines, "All files (*)"])


class FileHandlers(QObject):
    """What the File menu does."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._exports = 0

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            "open_file": self.open_file,
            "open_folder": self.open_folder,
            "save_copy": self.save_copy,
            "import_clicks": self.import_clicks,
            "export_labels": self.export_labels,
            "export_clip": self.export_clip,
        }

    @property
    def is_exporting(self) -> bool:
        """Whether an export is being written."""
        return self._exports > 0

    def abandon(self) -> None:
        """Stop caring for exports that are being written; no half-written file stays."""
        self._exports = 0

    def _folder(self) -> str:
        workspace = self._window.workspace
        if workspace is not None:
            return str(workspace.path.parent)
        return str(next((path.parent for path in self._window.state.recent), Path.home()))

    def open_file(self) -> None:
        """Ask for a scan, photo or project and open it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Open File or Project", self._folder(), open_filters()
        )
        if chosen:
            self._window.open_path(Path(chosen))

    def open_folder(self) -> None:
        """Ask for a folder of photos or of a scan and open it."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open Folder (photos, S3DIS, ScanNet)", self._folder()
        )
        if chosen:
            self._window.open_path(Path(chosen))

    def save_copy(self) -> None:
        """Ask for a name and copy the project there."""
        workspace = self._window.workspace
        if workspace is None:
            return
        suggested = str(fresh(workspace.project.path))
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save Project Copy As", suggested, _PROJECTS
        )
        if chosen:
            self.copy_project(workspace, Path(chosen))

    def copy_project(self, workspace: Workspace, target: Path) -> None:
        """Copy the project to `target`; the open one stays open."""
        path = target if target.suffix else target.with_suffix(PROJECT_SUFFIX)
        try:
            written = workspace.project.save_copy_as(path)
        except AnnotatorError as error:
            self._window.messages.show_error(error)
            return
        self._window.messages.show_message(
            f"Saved a copy as {written.name}.", str(written.parent), "success"
        )

    def export_labels(self) -> None:
        """Ask for format and place, and write labels of every point aside."""
        workspace = self._window.workspace
        if workspace is None:
            return
        content = self._window.stage.content(workspace)
        dialog = ExportDialog(content, workspace.path.parent, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.accepted.connect(lambda: self.export(dialog.choice, content))
        dialog.open()

    def export_clip(self) -> ExportDialog | None:
        """Ask for format and place, make the clip at full quality, and write it aside."""
        workspace, controller = self._window.workspace, self._window.controller
        if workspace is None or not isinstance(controller, MotionController):
            return None
        content = ClipExport.of(controller.moving, workspace.path)
        dialog = ExportDialog(content, workspace.path.parent, self._window, "clip")
        dialog.finished.connect(dialog.deleteLater)

        def write_it() -> None:
            choice = dialog.choice
            if choice.format_id == MASKS_FORMAT:
                self.export(choice, content)
                return
            controller.moving.start_render(
                lambda clip: self.export(choice, content.with_clip(clip)),
                flow=content.needs_flow(choice),
            )

        dialog.accepted.connect(write_it)
        dialog.open()
        return dialog

    def export(self, choice: ExportChoice, content: Exportable) -> None:
        """Write an export aside and say when it is done."""
        self._exports += 1

        def done(path: Path) -> None:
            self._exports -= 1
            show = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(path.parent)))
            self._window.messages.show_message(
                f"Exported {path.name}.", str(path.parent), "success", [("Open Folder", show)]
            )

        def failed(error: BaseException) -> None:
            self._exports -= 1
            again = partial(self.export, choice, content)
            doing = f"Exporting {choice.path.name}"
            self._window.messages.show_error(error, doing, [("Try Again", again)])

        def cancelled() -> None:
            self._exports -= 1
            self._window.messages.show_message(f"Stopped exporting {choice.path.name}.")

        title = f"Exporting {choice.path.name}"
        work = write(choice, content)
        self._window.jobs.start(title, work, done=done, failed=failed, cancelled=cancelled)

    def import_clicks(self) -> None:
        """Ask for a JSON file of clicks and add them."""
        workspace = self._window.workspace
        if workspace is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Import Clicks", self._folder(), "Clicks (*.json);;All files (*)"
        )
        if chosen:
            self.add_clicks_of(workspace, Path(chosen))

    def add_clicks_of(self, workspace: Workspace, path: Path) -> None:
        """Read clicks aside and add them as one step."""
        stage = self._window.stage

        def work(progress: Progress, cancel: CancelToken) -> ClickFile:
            return stage.read_clicks(path, workspace)

        def done(content: ClickFile) -> None:
            if self._window.workspace is not workspace:
                return
            clicks, project = content.clicks, workspace.project
            try:
                project.add_clicks(workspace.asset_id, clicks)
                for box in content.boxes:
                    project.set_box(workspace.asset_id, box)
            except AnnotatorError as error:
                self._window.messages.show_error(error)
                return
            self._window.messages.show_message(
                f"Added {len(clicks)} clicks of {path.name}.", "", "success"
            )

        def failed(error: BaseException) -> None:
            self._window.messages.show_error(error, f"Reading {path.name}")

        self._window.jobs.start(f"Reading {path.name}", work, done=done, failed=failed)

    def salvage(self, damaged: Path) -> None:
        """Write what is readable of a damaged project into a new file aside, and open that."""
        target = recovery_place(damaged)

        def work(progress: Progress, cancel: CancelToken) -> SalvageReport:
            return Project.salvage(damaged, target)

        def done(report: SalvageReport) -> None:
            lost = report.dropped + report.unreadable
            self._window.messages.show_message(
                f"Recovered {report.events} actions into {target.name}.",
                f"{lost} could not be recovered. The damaged file was kept as it is.",
                "warning" if lost else "success",
                [("OK", lambda: None)],
            )
            self._window.open_path(target)

        def failed(error: BaseException) -> None:
            self._window.messages.show_error(error, f"Recovering {damaged.name}")

        self._window.jobs.start(f"Recovering {damaged.name}", work, done=done, failed=failed)

    def locate(self, project: Path) -> None:
        """Ask where the missing scan of a project is now, and open it from there."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, f"Where Is the File of {project.name}?", str(project.parent),
            open_filters(),
        )  # fmt: skip
        if chosen:
            self._window.opener.open_project(project, scan=Path(chosen))
