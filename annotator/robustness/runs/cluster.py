"""Doing tasks on Ray: workers here, or an existing cluster; any of them may die.

A worker gets the sample itself, so that only the machine that starts the run needs the
dataset. It needs the same application, plugins and weights, which is checked before its
first task.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from annotator.domain import AnnotatorError, CancelToken
from annotator.engine import threads
from annotator.robustness.datasets import Dataset, Sample
from annotator.robustness.runs.local import CurrentEngine, Result, SampleReader, Watch
from annotator.robustness.runs.manifest import PluginFacts, versions
from annotator.robustness.runs.performing import Failure, Job, attempt
from annotator.robustness.runs.plan import EngineSpec
from annotator.robustness.runs.tasks import Outcome

RETRIES = 8
"""How often a task is tried again after its worker died."""

OBJECT_STORE_BYTES = 160 << 20
"""Shared memory of a Ray started here; samples wait in it, a few at a time."""

_PATIENCE_S = 0.5


class RayExecutor:
    """A Ray cluster."""

    def __init__(
        self, address: str, thread_count: int, facts: Mapping[str, PluginFacts], workers: int = 0
    ) -> None:
        """Prepare; nothing is started before tasks are done.

        Args:
            address: Of an existing cluster, "auto" for one on this machine, or empty: one
                is started here and ended afterwards.
            thread_count: Threads, and so processors, that a task takes.
            facts: What every worker's engines have to be.
            workers: Tasks at a time here; 0 for as many as there are processors for.
        """
        self._address = address
        self._threads = thread_count
        self._facts = facts
        self._workers = workers

    def results(
        self,
        jobs: Iterable[Job],
        dataset: Dataset,
        engines: Mapping[str, EngineSpec],
        watch: Watch,
        cancel: CancelToken | None,
    ) -> Iterator[Result]:
        """See `Executor`."""
        ray = require_ray()
        self._start(ray)
        try:
            yield from self._done(ray, jobs, SampleReader(dataset), engines, watch, cancel)
        finally:
            ray.shutdown()

    def _start(self, ray: Any) -> None:  # noqa: ANN401 - a module without types
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        common: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        try:
            if self._address:
                ray.init(address=self._address, **common)
                return
            ray.init(
                num_cpus=(self._workers or threads.usable_cores() // self._threads or 1)
                * self._threads,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                **common,
            )
        except Exception as error:
            raise AnnotatorError(
                f"Ray cannot be {'reached' if self._address else 'started'}: {error}.",
                "Check the address, or leave it out to use this machine.",
            ) from error

    def _done(
        self,
        ray: Any,  # noqa: ANN401 - a module without types
        jobs: Iterable[Job],
        reader: SampleReader,
        engines: Mapping[str, EngineSpec],
        watch: Watch,
        cancel: CancelToken | None,
    ) -> Iterator[Result]:
        remote = ray.remote(**self._needs())(work)
        waiting, pending = iter(jobs), dict[Any, Job]()
        most = max(2, 2 * int(ray.cluster_resources().get("CPU", 1)) // self._threads)
        while True:
            for job in islice(waiting, most - len(pending)):
                sample = reader.read(job.key.sample)
                if isinstance(sample, Failure):
                    yield job.key, sample
                    continue
                watch.working(job.key, 0.0)
                spec = engines[job.key.plugin]
                facts = self._facts[job.key.plugin]
                pending[remote.remote(spec, facts, self._threads, job, sample)] = job
            if not pending:
                return
            ready, _ = ray.wait(list(pending), num_returns=1, timeout=_PATIENCE_S)
            if cancel:
                cancel.check()
            for reference in ready:
                yield pending.pop(reference).key, _fetched(ray, reference)

    def _needs(self) -> dict[str, Any]:
        on_gpu = any(facts.device == "cuda" for facts in self._facts.values())
        return {
            "num_cpus": self._threads,
            "num_gpus": int(on_gpu),
            "max_retries": RETRIES,
            "retry_exceptions": False,
        }


def _fetched(ray: Any, reference: Any) -> Outcome | Failure:  # noqa: ANN401 - Ray's own
    try:
        found: Outcome | Failure = ray.get(reference)
    except Exception as error:  # noqa: BLE001 - a worker that died too often is a finding too
        return Failure.of(error)
    return found


_current = CurrentEngine()
"""Of this worker; it stays open from task to task."""


def work(
    spec: EngineSpec, facts: PluginFacts, thread_count: int, job: Job, sample: Sample
) -> Outcome | Failure:
    """Do one task on a worker."""
    try:
        threads.prefer(thread_count)
        os.environ[threads.VARIABLE] = str(thread_count)
        engine = _current.of(spec)
        require_equal(facts, PluginFacts.of(engine), job.made_with)
    except Exception as error:  # noqa: BLE001 - told to the driver in words
        return Failure.of(error)
    return attempt(engine, job, sample)


def require_equal(wanted: PluginFacts, here: PluginFacts, made_with: Mapping[str, Any]) -> None:
    """Refuse to compute records that would not equal those of the machine that asks.

    Raises:
        AnnotatorError: If a worker's plugin, weights or packages differ.
    """
    theirs, ours = {**wanted.model_dump(), **versions_of(made_with)}, here.model_dump()
    ours |= versions()
    apart = [name for name in sorted(theirs) if theirs[name] != ours.get(name)]
    if apart:
        raise AnnotatorError(
            f"A worker's {wanted.ref} is another one: {', '.join(apart)} differ.",
            "Install the same application, plugins and weights on every machine.",
        )


def versions_of(made_with: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions that a record says it was made with."""
    return dict(made_with.get("versions", {}))


def require_ray() -> Any:  # noqa: ANN401 - a module without types
    """Import Ray.

    Raises:
        AnnotatorError: If it is not installed; names the extra.
    """
    try:
        import ray
    except ImportError as error:
        raise AnnotatorError(
            "Runs on a cluster need Ray, which is not installed.",
            "pip install 'click-annotator[cluster]'",
        ) from error
    return ray
