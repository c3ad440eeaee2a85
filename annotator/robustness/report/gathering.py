"""The records of one or several runs, put side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from annotator.domain import AnnotatorError
from annotator.robustness.datasets import Dataset, open_dataset
from annotator.robustness.records import Record
from annotator.robustness.runs.manifest import PluginFacts, RunManifest
from annotator.robustness.runs.store import RunStore
from annotator.robustness.runs.tasks import Inside
from annotator.robustness.runs.whereabouts import Whereabouts


class Setup(NamedTuple):
    """Whose figures may be averaged and compared: those of one mode, over as many clicks.

    Attributes:
        mode: Of attack.
        clicks: Of each trajectory.
    """

    mode: str
    clicks: int


@dataclass(frozen=True, eq=False)
class Finding:
    """One record with its place in the report.

    Attributes:
        engine: How the report calls the engine.
        sample: Name of the sample.
        group: Its asset.
        mode: Of attack.
        record: What was found.
        user: What a person's own clicks scored.
        shapes: Masks after the first click, by trajectory.
        timing: Seconds, by name.
    """

    engine: str
    sample: str
    group: str
    mode: str
    record: Record
    user: tuple[float, ...] = ()
    shapes: Mapping[str, Inside] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def setup(self) -> Setup:
        """What it may be averaged with."""
        return Setup(self.mode, self.record.settings.clicks)


@dataclass(frozen=True, eq=False)
class Gathered:
    """Everything that a report is made from.

    Attributes:
        runs: Name and manifest of each run.
        findings: By engine, mode and sample.
        failures: Task in words and why it has no record.
        datasets: Where samples can be read again, for pictures.
        notes: What a reader should know.
    """

    runs: tuple[tuple[str, RunManifest], ...]
    findings: tuple[Finding, ...]
    failures: tuple[tuple[str, str], ...] = ()
    datasets: tuple[Dataset, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, PluginFacts] = field(default_factory=dict)

    @property
    def engines(self) -> list[str]:
        """The engines that have records, in the order of the runs."""
        return list(dict.fromkeys(finding.engine for finding in self.findings))

    @property
    def modes(self) -> list[str]:
        """The modes that have records."""
        return list(dict.fromkeys(finding.mode for finding in self.findings))

    @property
    def setups(self) -> list[Setup]:
        """The modes that have records, each with every number of clicks that they are over."""
        found = {finding.setup for finding in self.findings}
        return sorted(found, key=lambda setup: (self.modes.index(setup.mode), setup.clicks))

    def named(self, setup: Setup) -> str:
        """Return the mode, and the number of clicks where records of it are over several."""
        if sum(other.mode == setup.mode for other in self.setups) == 1:
            return setup.mode
        return f"{setup.mode}, {setup.clicks} click{'s' if setup.clicks > 1 else ''}"

    @property
    def quality(self) -> str:
        """Name of the score, as "IoU" or "OKS"; a general word where kinds are mixed."""
        names = {finding.record.about.quality for finding in self.findings}
        return names.pop() if len(names) == 1 else "quality"

    @property
    def second(self) -> str:
        """Name of the second score, as "boundary IoU"; a general word where kinds are mixed."""
        names = {finding.record.about.second for finding in self.findings}
        return (names.pop() if len(names) == 1 else "") or "second score"

    def of(self, engine: str, mode: str, clicks: int | None = None) -> list[Finding]:
        """Return the findings of an engine in a mode, over any number of clicks if None."""
        return [
            f
            for f in self.findings
            if (f.engine, f.mode) == (engine, mode) and clicks in (None, f.setup.clicks)
        ]


def gather(folders: Sequence[Path], dataset: Path | None = None) -> Gathered:
    """Read runs.

    Args:
        folders: Of the runs.
        dataset: Where the samples are now; None for where they were.

    Raises:
        AnnotatorError: If a folder holds no run, a record is damaged, or there is none.
    """
    stores = [RunStore.open(folder) for folder in folders]
    names = _names(folders)
    labels = _labels(names, stores)
    notes: list[str] = []
    findings = _distinct(_findings(names, stores, labels), notes)
    if not findings:
        raise AnnotatorError(
            f"{', '.join(names)} has no records yet.", "Finish `annotator robustness run` first."
        )
    failures = [
        (str(key), why) for store in stores for key, why in sorted(store.failures().items())
    ]
    datasets = list(_datasets(folders, stores, dataset, notes))
    facts = {
        labels[name, ref]: found
        for name, store in zip(names, stores, strict=True)
        for ref, found in store.manifest.plugins.items()
    }
    runs = tuple((name, store.manifest) for name, store in zip(names, stores, strict=True))
    return Gathered(runs, findings, tuple(failures), tuple(datasets), tuple(notes), facts)


def _names(folders: Sequence[Path]) -> list[str]:
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _labels(names: Sequence[str], stores: Sequence[RunStore]) -> dict[tuple[str, str], str]:
    """Name engines by their reference; by their run too, where one name means two engines."""
    meanings: dict[str, list[PluginFacts]] = {}
    for store in stores:
        for ref, facts in store.manifest.plugins.items():
            meanings.setdefault(ref, []).append(facts)
    return {
        (name, ref): f"{ref} ({name})" if _differ(meanings[ref]) else ref
        for name, store in zip(names, stores, strict=True)
        for ref in store.manifest.plugins
    }


def _differ(facts: Sequence[PluginFacts]) -> bool:
    return any(found != facts[0] for found in facts[1:])


def _findings(
    names: Sequence[str], stores: Sequence[RunStore], labels: Mapping[tuple[str, str], str]
) -> Iterator[Finding]:
    for name, store in zip(names, stores, strict=True):
        for key, found in store.outcomes():
            engine = labels.get((name, key.plugin), key.plugin)
            yield Finding(
                engine, key.sample, found.group, key.mode,
                found.record, found.user, found.shapes, found.timing,
            )  # fmt: skip


def _distinct(found: Iterable[Finding], notes: list[str]) -> tuple[Finding, ...]:
    """Keep the first of two findings about the same, and say so."""
    kept: dict[tuple[str, str, str], Finding] = {}
    twice = 0
    for finding in found:
        key = (finding.engine, finding.mode, finding.sample)
        twice += key in kept
        kept.setdefault(key, finding)
    if twice:
        notes.append(f"{twice} records are in several runs; those of the first run were taken.")
    return tuple(kept.values())


def _datasets(
    folders: Sequence[Path], stores: Sequence[RunStore], given: Path | None, notes: list[str]
) -> Iterator[Dataset]:
    """Give the datasets that are still as they were when the runs were made."""
    for folder, store in zip(folders, stores, strict=True):
        where = Whereabouts.read(folder)
        found = open_dataset(given) if given else (where.open() if where else None)
        if found is None:
            notes.append(f"The dataset of {folder.name} is not there; its pictures are left out.")
        elif found.fingerprint != store.manifest.dataset.fingerprint:
            notes.append(f"The dataset of {folder.name} has changed; its pictures are left out.")
        else:
            yield found
