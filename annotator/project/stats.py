"""What an annotation took: clicks, time per click and per object, undos, waiting.

Time per click counts from the moment the person could act, that is from the previous
action or from the arrival of the newest result, to the press. Camera moves between
belong to the click they prepare. A pause longer than `IDLE_SECONDS` counts as that
long and the rest as idle: nobody knows whether the person was looking or away.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean, median

from annotator.project import events as ev
from annotator.project import people_events as pe
from annotator.project.logged import LoggedDocument
from annotator.project.project import Project
from annotator.project.results import ResultRecord
from annotator.project.store import LogRow

IDLE_SECONDS = 30.0
"""Longest pause that counts as work in full."""


@dataclass(frozen=True, slots=True)
class ObjectStatistics:
    """What one object took.

    Attributes:
        asset_id: Its asset.
        object_id: Its id; 0 is the background.
        name: What it is called now; empty if it was removed.
        clicks: Clicks placed for it, undone and removed ones too.
        kept: Clicks that it has now.
        seconds: Time of its clicks and manual edits.
    """

    asset_id: int
    object_id: int
    name: str
    clicks: int
    kept: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a project took.

    Attributes:
        sessions: Times it was opened to work on.
        events: Entries of the log.
        clicks: Clicks and joints placed, undone and removed ones too.
        kept: Clicks and placed joints in the document now.
        moved: Clicks dragged elsewhere.
        removed: Clicks deleted, one by one.
        edits: Strokes of brush and lasso, changes of whole persons, other edits by hand.
        undos: Steps taken back.
        redos: Steps done again.
        active_s: Time of work, idle parts of pauses left out.
        idle_s: What was left out.
        idle_gaps: Pauses longer than the threshold.
        click_s: Time of every click placed, in seconds, in order.
        run_ms: Time of every prediction, in milliseconds, in order.
        queue_ms: How long each of them waited.
        objects: By asset and object.
    """

    sessions: int
    events: int
    clicks: int
    kept: int
    moved: int
    removed: int
    edits: int
    undos: int
    redos: int
    active_s: float
    idle_s: float
    idle_gaps: int
    click_s: tuple[float, ...]
    run_ms: tuple[float, ...]
    queue_ms: tuple[float, ...]
    objects: tuple[ObjectStatistics, ...]

    @property
    def mean_click_s(self) -> float:
        """Mean seconds per click; 0 without clicks."""
        return mean(self.click_s) if self.click_s else 0.0

    @property
    def median_click_s(self) -> float:
        """Median seconds per click; 0 without clicks."""
        return median(self.click_s) if self.click_s else 0.0


Key = tuple[int, int]

_ON_OBJECTS = (
    ev.MaskEdited | ev.MaskReshaped | ev.ObjectUpdated | ev.BoxRemoved | ev.ThresholdSet
    | ev.CandidateChosen | pe.JointsSet
)  # fmt: skip
_PLACING = frozenset({"place", "move", "guide"})


@dataclass
class _Clock:
    """Measures work between marks in time, idle parts cut off."""

    threshold: float
    now_ns: int = 0
    active: float = 0.0
    idle: float = 0.0
    gaps: int = 0
    pending: float = 0.0

    def start(self, time_ns: int) -> None:
        self.now_ns, self.pending = time_ns, 0.0

    def advance(self, time_ns: int) -> None:
        gap = max(time_ns - self.now_ns, 0) / 1e9
        work = min(gap, self.threshold)
        self.active += work
        self.pending += work
        self.idle += gap - work
        self.gaps += gap > self.threshold
        self.now_ns = max(time_ns, self.now_ns)

    def take(self) -> float:
        """Return the work since the last action or result."""
        pending, self.pending = self.pending, 0.0
        return pending


@dataclass
class _Tally:
    """What has been counted so far."""

    kinds: Counter[str] = field(default_factory=Counter)
    click_s: list[float] = field(default_factory=list)
    clicks: Counter[Key] = field(default_factory=Counter)
    seconds: defaultdict[Key, float] = field(default_factory=lambda: defaultdict(float))

    def note(self, event: ev.Event, clock: _Clock) -> None:
        self.kinds[event.kind] += 1
        if isinstance(event, ev.CameraRecorded):
            return
        seconds = clock.take()
        if isinstance(event, ev.ClicksAdded):
            self._note_placed([c.object_id for c in event.clicks], event.asset_id, seconds)
        elif isinstance(event, pe.JointsSet) and event.how in _PLACING:
            self._note_placed([event.object_id] * len(event.joints), event.asset_id, seconds)
        elif isinstance(event, pe.PersonSet):
            self.seconds[event.asset_id, event.person.object_id] += seconds
        elif isinstance(event, ev.BoxSet):
            self.seconds[event.asset_id, event.box.object_id] += seconds
        elif isinstance(event, _ON_OBJECTS):
            self.seconds[event.asset_id, event.object_id] += seconds

    def _note_placed(self, object_ids: list[int], asset_id: int, seconds: float) -> None:
        share = seconds / max(len(object_ids), 1)
        for object_id in object_ids:
            key = (asset_id, object_id)
            self.clicks[key] += 1
            self.seconds[key] += share
            self.click_s.append(share)


def statistics(project: Project, *, idle_after_s: float = IDLE_SECONDS) -> Statistics:
    """Count what a project took.

    Args:
        project: An open project; read-only will do.
        idle_after_s: Longest pause that counts as work in full.
    """
    records = project.result_records()
    sessions = project.sessions()
    starts = {session.session_id: session.started_ns for session in sessions}
    clock, tally = _Clock(idle_after_s), _Tally()
    session = 0
    for mark in _in_time(list(project.log()), records):
        if isinstance(mark, LogRow) and mark.session_id != session:
            session = mark.session_id
            clock.start(starts.get(session, mark.time_ns))
        clock.advance(mark.time_ns)
        if isinstance(mark, LogRow):
            tally.note(mark.event, clock)
        else:
            # Waiting for the machine is work time, but not the next click's.
            clock.take()
    return _summary(project, len(sessions), records, clock, tally)


def _in_time(rows: list[LogRow], records: list[ResultRecord]) -> Iterator[LogRow | ResultRecord]:
    """Merge log and results: the log in its own order, each result after what it followed."""
    marks: list[tuple[int, int, LogRow | ResultRecord]] = []
    marks += [(row.seq, 0, row) for row in rows]
    marks += [(record.after_seq, 1, record) for record in records]
    yield from (mark for _, _, mark in sorted(marks, key=lambda item: item[:2]))


def _summary(
    project: LoggedDocument,
    sessions: int,
    records: list[ResultRecord],
    clock: _Clock,
    tally: _Tally,
) -> Statistics:
    kinds = tally.kinds
    return Statistics(
        sessions=sessions,
        events=kinds.total(),
        clicks=len(tally.click_s),
        kept=_kept(project).total(),
        moved=kinds[ev.ClickMoved.kind],
        removed=kinds[ev.ClickRemoved.kind],
        edits=sum(kinds[cls.kind] for cls in (ev.MaskEdited, ev.MaskReshaped, pe.PersonSet)),
        undos=kinds[ev.Undone.kind],
        redos=kinds[ev.Redone.kind],
        active_s=clock.active,
        idle_s=clock.idle,
        idle_gaps=clock.gaps,
        click_s=tuple(tally.click_s),
        run_ms=tuple(record.run_ms for record in records),
        queue_ms=tuple(record.queue_ms for record in records),
        objects=_objects(project, tally),
    )


def _kept(project: LoggedDocument) -> Counter[Key]:
    """Count the clicks and placed joints of each object."""
    kept: Counter[Key] = Counter()
    for asset in project.document.assets.values():
        kept.update((asset.asset_id, click.object_id) for click in asset.clicks)
        for person in asset.people.values():
            kept[asset.asset_id, person.object_id] += sum(person.fixed)
    return kept


def _objects(project: LoggedDocument, tally: _Tally) -> tuple[ObjectStatistics, ...]:
    assets = project.document.assets
    kept = _kept(project)
    living = {(a.asset_id, i): o.name for a in assets.values() for i, o in a.objects.items()}
    keys = sorted(living.keys() | tally.clicks.keys() | tally.seconds.keys())
    return tuple(
        ObjectStatistics(
            asset_id=key[0],
            object_id=key[1],
            name="Background" if key[1] == 0 else living.get(key, ""),
            clicks=tally.clicks[key],
            kept=kept[key],
            seconds=tally.seconds.get(key, 0.0),
        )
        for key in keys
    )
