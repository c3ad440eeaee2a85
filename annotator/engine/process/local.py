"""Starts workers on this machine: an interpreter, two pipes, a folder of shared memory."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import annotator
from annotator.domain import AnnotatorError
from annotator.engine.worker.frames import Stream
from annotator.engine.worker.segments import Shared

START = Path(__file__).resolve().parents[1] / "worker" / "start.py"
MEMORY_FOLDER = Path("/dev/shm")
PREFIX = "annotator-"
TAIL_LINES = 40
_NOT_FOR_OTHERS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalPlace:
    """An interpreter of this machine.

    Attributes:
        plugin_id: Whose workers, for the log.
        folder: The plugin's folder.
        target: "module:function" in it.
        requires: Packages that the worker's environment must have.
        python: Interpreter; empty for the application's own.
        packages: Folders of packages to offer besides `annotator`, by name.
        title: In words.
    """

    plugin_id: str
    folder: Path
    target: str
    requires: tuple[str, ...] = ()
    python: str = ""
    packages: Mapping[str, Path] = field(default_factory=dict)
    title: str = "a worker process"

    def start(self) -> "LocalLink":
        """Start the interpreter.

        Raises:
            AnnotatorError: If there is no such interpreter.
        """
        return LocalLink(self)

    def opening(self) -> Mapping[str, Any]:
        """Return where the plugin lies and what it needs."""
        return {
            "id": self.plugin_id,
            "plugin_folder": str(self.folder),
            "target": self.target,
            "requires": list(self.requires),
        }

    @property
    def command(self) -> list[str]:
        """The command line of a worker."""
        packages = {"annotator": Path(annotator.__file__).resolve().parent, **self.packages}
        houses = [f"{name}={folder}" for name, folder in packages.items()]
        return [self.python or sys.executable, "-X", "faulthandler", str(START), *houses]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a worker: another interpreter finds its own packages."""
        hidden = _NOT_FOR_OTHERS if self.python else ()
        return {name: value for name, value in os.environ.items() if name not in hidden}


class LocalLink:
    """A running worker process."""

    def __init__(self, place: LocalPlace) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._folder = SharedFolder()
        options: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        try:
            self.process = subprocess.Popen(
                place.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=place.environment,
                **options,
            )
        except OSError as error:
            self._folder.remove()
            raise AnnotatorError(
                f"The worker of plugin {place.plugin_id!r} cannot start: {place.command[0]}: "
                f"{error.strerror or error}.",
                "Correct `python` in the settings of the plugin.",
            ) from error
        assert self.process.stdin
        assert self.process.stdout
        shared = Shared(self._folder.path, "h")
        self.stream = Stream(self.process.stdout, self.process.stdin)  # type: ignore[arg-type]
        name = f"worker-log-{place.plugin_id}"
        self._listener = threading.Thread(target=self._listen, name=name, daemon=True)
        self._listener.start()
        with contextlib.suppress(Exception):  # one that ended at once is found when asked
            self.stream.send({"folder": str(self._folder.path)})
        self.stream.sharing = shared

    def _listen(self) -> None:
        assert self.process.stderr
        with contextlib.suppress(OSError, ValueError), self.process.stderr:
            for line in self.process.stderr:
                self._lines.append(line.decode("utf-8", "replace").rstrip()[:500])

    def kill(self) -> None:
        """End the worker with all processes that it started, and give its memory back."""
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        self._listener.join(1.0)
        self._folder.remove()

    def how_it_ended(self) -> str:
        """Say by which status or signal the process ended."""
        try:
            status = self.process.wait(2.0)
        except subprocess.TimeoutExpired:
            return "the connection broke"
        if status >= 0:
            return f"exit status {status}"
        hint = ", perhaps for lack of memory" if status == -9 else ""
        return f"{signal.Signals(-status).name}{hint}"

    def tail(self) -> str:
        """Return the last lines of standard error."""
        self._listener.join(0.5)
        return "\n".join(self._lines)


class SharedFolder:
    """A private folder of shared memory that outlives neither this object nor this process."""

    def __init__(self) -> None:
        base = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else Path(tempfile.gettempdir())
        _sweep(base)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self._lock: int | None = None
        if os.name == "posix":
            self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            _try_lock(self._lock)

    def remove(self) -> None:
        """Delete the folder; arrays that still look at its files stay valid."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _sweep(base: Path) -> None:
    """Remove what applications left behind that were killed together with their workers."""
    if os.name != "posix":
        return
    for folder in _own_folders(base):
        with contextlib.suppress(OSError):
            handle = os.open(folder / "lock", os.O_RDWR)
            try:
                if _try_lock(handle):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def _own_folders(base: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for folder in base.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    yield folder


def _try_lock(handle: int) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
