"""One task: make a target of a sample and an engine, attack it, score the user's own clicks."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from annotator.domain import (
    AnnotatorError,
    Cancelled,
    CancelToken,
    Mask,
    Progress,
    Prompt,
    no_progress,
)
from annotator.engine.opened import OpenEngine
from annotator.robustness.attacks.attacking import attack
from annotator.robustness.attacks.certifying import certify
from annotator.robustness.datasets import Sample
from annotator.robustness.records import Record
from annotator.robustness.runs.tasks import Inside, Outcome, TaskKey
from annotator.robustness.settings import Mode, Settings
from annotator.robustness.targets.making import make_target


@dataclass(frozen=True)
class Job:
    """A task with all that another process needs besides the sample.

    Attributes:
        key: Which task.
        group: Asset of the sample.
        settings: Of the attack.
        made_with: What the record says of how it was made.
    """

    key: TaskKey
    group: str
    settings: Settings
    made_with: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a task has no record.

    Attributes:
        message: In words.
        details: For those who look for the cause: the traceback.
    """

    message: str
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Put an error in words."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, AnnotatorError):
            return cls(str(error), details)
        return cls(f"{type(error).__name__}: {error}", details)


def perform(
    engine: OpenEngine,
    job: Job,
    sample: Sample,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Outcome:
    """Do one task.

    Raises:
        Cancelled: If `cancel` was set.
        AnnotatorError: If the engine or the sample will not do.
    """
    started, worked = time.perf_counter(), time.process_time()
    target = make_target(engine, sample, job.settings, cancel)
    prepared = time.perf_counter() - started
    shall_certify = job.settings.certify > 0 and job.key.mode != Mode.EXHAUSTIVE
    searching, certifying = _halves(progress) if shall_certify else (progress, no_progress)
    record = attack(target, job.key.mode, job.settings, searching, cancel)
    timing = {
        "prepare": prepared,
        "total": time.perf_counter() - started,
        # says what a busy machine's clock does not: what the same takes where nothing else runs
        "processor": time.process_time() - worked,
    }
    if shall_certify:
        began = time.perf_counter()
        record = certify(target, record, certifying, cancel)
        timing["certify"] = time.perf_counter() - began
    user = tuple(target.judge(p.clicks, cancel).quality for p in sample.user[: job.settings.clicks])
    shapes = first_masks(engine, sample, record)
    return Outcome(job.group, replace(record, made_with=dict(job.made_with)), user, shapes, timing)


def _halves(progress: Progress) -> tuple[Progress, Progress]:
    """Divide what a task tells of itself between the search and its certificate."""

    def first(fraction: float, message: str = "") -> None:
        progress(fraction / 2, message)

    def second(fraction: float, message: str = "") -> None:
        progress((1 + fraction) / 2, message)

    return first, second


def attempt(
    engine: OpenEngine,
    job: Job,
    sample: Sample,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Outcome | Failure:
    """Do one task; a failure is a finding too, and others go on.

    Raises:
        Cancelled: If `cancel` was set.
    """
    try:
        return perform(engine, job, sample, progress, cancel)
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one sample does, the run goes on
        return Failure.of(error)


def first_masks(engine: OpenEngine, sample: Sample, record: Record) -> dict[str, Inside]:
    """Return the masks after the first click of every trajectory, for pictures.

    Args:
        engine: Whose answers.
        sample: A photo or scan; poses have no masks.
        record: What was found on it.
    """
    if record.about.kind not in ("image", "scene"):
        return {}
    encoding = engine.encode(sample.asset)
    firsts = {path: steps[0].clicks for path, steps in record.paths.items() if steps}
    answers = {path: engine.predict(encoding, Prompt(c, (1,))) for path, c in firsts.items()}
    return {path: m.labels > 0 for path, m in answers.items() if isinstance(m, Mask)}
