"""Doing tasks one after another in this process."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from annotator.domain import CancelToken
from annotator.engine import threads
from annotator.engine.opened import OpenEngine
from annotator.robustness.datasets import Dataset, Sample
from annotator.robustness.runs.performing import Failure, Job, attempt
from annotator.robustness.runs.plan import EngineSpec
from annotator.robustness.runs.tasks import Outcome, TaskKey


class Watch(Protocol):
    """Who is told how far a run is."""

    def begin(self, total: int, done: int) -> None:
        """Hear how many tasks there are, and how many were done before."""

    def working(self, key: TaskKey, fraction: float) -> None:
        """Hear how far a task is, in [0, 1]."""

    def finished(self, key: TaskKey, failure: Failure | None) -> None:
        """Hear that a task is done, or why not."""


Result = tuple[TaskKey, Outcome | Failure]


class Executor(Protocol):
    """Where tasks are done."""

    def results(
        self,
        jobs: Iterable[Job],
        dataset: Dataset,
        engines: Mapping[str, EngineSpec],
        watch: Watch,
        cancel: CancelToken | None,
    ) -> Iterator[Result]:
        """Do tasks and give what they found, in any order.

        Raises:
            AnnotatorError: If an engine cannot be opened or the place cannot be reached.
            Cancelled: If `cancel` was set.
        """


class SampleReader:
    """Reads samples; those of one name follow each other, so the last one is kept."""

    def __init__(self, dataset: Dataset) -> None:
        self._sources = {source.name: source for source in dataset.sources}
        self._last: Sample | None = None

    def read(self, name: str) -> Sample | Failure:
        """Return a sample, or why it cannot be read."""
        if self._last is None or self._last.name != name:
            try:
                self._last = self._sources[name].load()
            except Exception as error:  # noqa: BLE001 - one bad sample must not end the run
                return Failure.of(error)
        return self._last


class LocalExecutor:
    """This process, with as many threads as the run says."""

    def __init__(self, thread_count: int) -> None:
        self._threads = thread_count

    def results(
        self,
        jobs: Iterable[Job],
        dataset: Dataset,
        engines: Mapping[str, EngineSpec],
        watch: Watch,
        cancel: CancelToken | None,
    ) -> Iterator[Result]:
        """See `Executor`."""
        threads.prefer(self._threads)
        reader = SampleReader(dataset)
        current = CurrentEngine()
        try:
            for job in jobs:
                if cancel:
                    cancel.check()
                engine = current.of(engines[job.key.plugin])
                yield job.key, _attempted(engine, job, reader, watch, cancel)
        finally:
            current.close()


def _attempted(
    engine: OpenEngine, job: Job, reader: SampleReader, watch: Watch, cancel: CancelToken | None
) -> Outcome | Failure:
    watch.working(job.key, 0.0)
    sample = reader.read(job.key.sample)
    if isinstance(sample, Failure):
        return sample

    def progress(fraction: float, message: str = "") -> None:
        del message
        watch.working(job.key, fraction)

    return attempt(engine, job, sample, progress, cancel)


class CurrentEngine:
    """The engine of the moment: the one before is let go first, as two may not fit."""

    def __init__(self) -> None:
        self._spec: EngineSpec | None = None
        self._engine: OpenEngine | None = None

    def of(self, spec: EngineSpec) -> OpenEngine:
        """Return the engine, opened if need be."""
        if self._engine is None or self._spec != spec:
            self.close()
            self._engine, self._spec = spec.open(), spec
        return self._engine

    def close(self) -> None:
        """Let go of it."""
        if self._engine is not None:
            self._engine.close()
            self._engine = self._spec = None
