"""Long work aside: a job reports progress, can be cancelled, and answers in the GUI thread."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from annotator.domain import Cancelled, CancelToken, Progress
from annotator.ui.basics.icons import icon

T = TypeVar("T")

_REPORT_EVERY_S = 0.03  # a screen shows no more, and the event queue stays short


class Job(QObject):
    """One piece of long work. All signals arrive in the GUI thread.

    Attributes:
        title: What is being done, for the progress strip.
        fraction: Share done, in [0, 1].
        step: What is being done at the moment.
    """

    progressed = Signal()
    ended = Signal()
    _reported = Signal(float, str)
    _worked = Signal(object, object)

    def __init__(self, title: str, parent: QObject) -> None:
        super().__init__(parent)
        self.title = title
        self.fraction = 0.0
        self.step = ""
        self._token = CancelToken()
        self._last_report = 0.0
        self._on_done: Callable[[Any], object] = lambda _: None
        self._on_error: Callable[[BaseException], object] = lambda _: None
        self._on_cancel: Callable[[], object] = lambda: None
        self._reported.connect(self._show_progress, Qt.ConnectionType.QueuedConnection)
        self._worked.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def cancel(self) -> None:
        """Ask the work to stop; its result, should one still come, is dropped."""
        self._token.cancel()
        self.step = "Stopping…"
        self.progressed.emit()

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._token.cancelled

    def run(self, work: Callable[[Progress, CancelToken], Any]) -> None:
        """Do the work; called in a pool thread."""
        try:
            result, error = work(self._report, self._token), None
        except BaseException as caught:  # noqa: BLE001 - nothing may be lost in a pool thread
            result, error = None, caught
        self._worked.emit(result, error)

    def _report(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if fraction < 1.0 and now - self._last_report < _REPORT_EVERY_S:
            return
        self._last_report = now
        self._reported.emit(fraction, message)

    @Slot(float, str)
    def _show_progress(self, fraction: float, message: str) -> None:
        self.fraction = fraction
        if not self.cancelled:
            self.step = message or self.step
        self.progressed.emit()

    @Slot(object, object)
    def _finish(self, result: object, error: BaseException | None) -> None:
        self.ended.emit()
        if self.cancelled or isinstance(error, Cancelled):
            self._on_cancel()
        elif error is not None:
            self._on_error(error)
        else:
            self._on_done(result)


class _Runnable(QRunnable):
    def __init__(self, job: Job, work: Callable[[Progress, CancelToken], Any]) -> None:
        super().__init__()
        self._job, self._work = job, work

    def run(self) -> None:
        self._job.run(self._work)


class JobRunner(QObject):
    """Starts jobs in a small pool of its own and knows which are running."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._jobs: list[Job] = []
        self._runnables: dict[Job, _Runnable] = {}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that have not ended, oldest first."""
        return tuple(self._jobs)

    def start(
        self,
        title: str,
        work: Callable[[Progress, CancelToken], T],
        *,
        done: Callable[[T], object],
        failed: Callable[[BaseException], object],
        cancelled: Callable[[], object] = lambda: None,
    ) -> Job:
        """Run `work(progress, cancel)` aside; exactly one of the three functions is called later.

        `done` gets the result, `failed` the exception; a cancelled job calls `cancelled`
        even if its work ran to the end. All are called in the GUI thread.
        """
        job = Job(title, self)
        job._on_done, job._on_error, job._on_cancel = done, failed, cancelled
        runnable = _Runnable(job, work)
        runnable.setAutoDelete(False)  # Python owns it; Qt deleting it too would crash
        self._jobs.append(job)
        self._runnables[job] = runnable
        job.ended.connect(lambda: self._forget(job))
        job.progressed.connect(self.changed)
        self._pool.start(runnable)
        self.changed.emit()
        return job

    def _forget(self, job: Job) -> None:
        self._jobs.remove(job)
        self._runnables.pop(job)
        job.deleteLater()
        self.changed.emit()

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for job in self._jobs:
            job.cancel()

    def shut_down(self, wait_ms: int = 10_000) -> bool:
        """Cancel everything and wait; return whether all work ended in time."""
        self.cancel_all()
        return self._pool.waitForDone(wait_ms)


class ProgressStrip(QWidget):
    """The running jobs in the status bar: what, how far, and a button that stops them."""

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("progressStrip")
        self._runner = runner
        self._label = QLabel(self)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(140, 8)
        self._bar.setAccessibleName("Progress")
        self._cancel = QToolButton(self)
        self._cancel.setText("Cancel")
        self._cancel.setObjectName("cancelJobs")
        self._cancel.setAccessibleName("Cancel the running work")
        self._cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._cancel.clicked.connect(runner.cancel_all)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        for widget in (self._label, self._bar, self._cancel):
            layout.addWidget(widget)
        runner.changed.connect(self._refresh)
        self.retint()
        self._refresh()

    def retint(self) -> None:
        """Draw the icon in the palette's colour."""
        self._cancel.setIcon(icon("stop"))

    def _refresh(self) -> None:
        jobs = self._runner.jobs
        self.setVisible(bool(jobs))
        if not jobs:
            return
        job = jobs[-1]
        more = f" (+{len(jobs) - 1} more)" if len(jobs) > 1 else ""
        text = " – ".join(part for part in (job.title, job.step) if part) + more
        self._label.setText(text)
        self._bar.setRange(0, 1000 if job.fraction > 0 else 0)
        self._bar.setValue(round(job.fraction * 1000))
        self._bar.setAccessibleDescription(f"{text}: {job.fraction:.0%}")
