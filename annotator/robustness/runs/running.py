"""A whole run: what is to be done, what was done before, and writing down what is found."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError, CancelToken
from annotator.robustness.datasets import Dataset
from annotator.robustness.runs.local import Executor, Watch
from annotator.robustness.runs.manifest import (
    DatasetFacts,
    PluginFacts,
    RunManifest,
    versions,
)
from annotator.robustness.runs.performing import Failure, Job
from annotator.robustness.runs.plan import EngineSpec, Plan
from annotator.robustness.runs.store import RunStore
from annotator.robustness.runs.tasks import TaskKey, tasks_of
from annotator.robustness.runs.whereabouts import Whereabouts


@dataclass
class Summary:
    """What a call did.

    Attributes:
        done: Records written now.
        before: Records that were there already.
        failed: Tasks without a record, and why.
        given_up: Tasks that failed in an earlier call and were not tried again.
    """

    done: int = 0
    before: int = 0
    failed: dict[TaskKey, str] = field(default_factory=dict)
    given_up: int = 0


MakeExecutor = Callable[[Mapping[str, PluginFacts]], Executor]


def carry_out(
    plan: Plan,
    dataset: Dataset,
    folder: Path,
    thread_count: int,
    make_executor: MakeExecutor,
    watch: Watch,
    where: Whereabouts | None = None,
    cancel: CancelToken | None = None,
) -> Summary:
    """Do what is missing of a run.

    Args:
        plan: What shall be done.
        dataset: On which samples.
        folder: Of the run; made if it is not there.
        thread_count: Threads that networks compute with.
        make_executor: Makes the place where tasks are done, given what the engines are.
        watch: Told how far it is.
        where: The dataset's place, noted for reports.
        cancel: Stops between tasks and within them; what is done stays.

    Raises:
        AnnotatorError: If an engine is for something else, the folder holds another run, or
            nothing can be written.
        Cancelled: If `cancel` was set.
    """
    plan = replace(plan, settings=plan.settings.for_kind(dataset.kind))
    facts = {spec.ref: _look_at(spec, dataset) for spec in plan.engines}
    wanted = RunManifest(
        versions=versions(),
        dataset=DatasetFacts.of(dataset),
        settings=plan.settings.to_json(),
        threads=thread_count,
        plugins=facts,
        modes=plan.modes,
        limit=plan.limit,
    )
    with RunStore.writing(folder, wanted) as store:
        if where:
            where.write(folder)
        summary = Summary()
        jobs = list(_missing(store, plan, dataset, facts, summary))
        watch.begin(len(jobs) + summary.before, summary.before)
        engines = {spec.ref: spec for spec in plan.engines}
        executor = make_executor(facts)
        for key, found in executor.results(jobs, dataset, engines, watch, cancel):
            if isinstance(found, Failure):
                store.fail(key, found.message, found.details)
                summary.failed[key] = found.message
            else:
                store.write(key, found)
                summary.done += 1
            watch.finished(key, found if isinstance(found, Failure) else None)
        return summary


def _look_at(spec: EngineSpec, dataset: Dataset) -> PluginFacts:
    """Open an engine once to know its weights, before anything is written."""
    engine = spec.open()
    try:
        facts = PluginFacts.of(engine)
    finally:
        engine.close()
    if facts.kind != dataset.kind:
        raise AnnotatorError(
            f"{spec.ref} is an engine for another kind of asset than {dataset.title}.",
            "`annotator plugins list` shows what each engine is for.",
        )
    return facts


def _missing(
    store: RunStore,
    plan: Plan,
    dataset: Dataset,
    facts: Mapping[str, PluginFacts],
    summary: Summary,
) -> Iterator[Job]:
    groups = {source.name: source.group for source in dataset.sources}
    refs = [spec.ref for spec in plan.engines]
    for key in tasks_of(dataset, refs, plan.modes, plan.limit):
        if store.has(key):
            summary.before += 1
        elif store.has_failed(key) and not plan.retry_failed:
            summary.given_up += 1
        else:
            yield Job(key, groups[key.sample], plan.settings, _made_with(facts[key.plugin]))


def _made_with(facts: PluginFacts) -> dict[str, Any]:
    """Return what a record says of how it was made, so that it stands for itself."""
    return {
        "plugin": facts.ref,
        "plugin_version": facts.version,
        "weights": facts.weights,
        "parameters": facts.parameters,
        "device": facts.device,
        "dtype": facts.dtype,
        "versions": versions(),
    }


def counted(failed: Mapping[TaskKey, str]) -> list[tuple[str, int]]:
    """Return the reasons of failures with their numbers, most frequent first."""
    return Counter(failed.values()).most_common()
