"""The click: one gesture of a person, saying which object a place belongs to."""

from dataclasses import dataclass, field, replace

from annotator.domain.poses import PersonPrompt
from annotator.domain.regions import Region

BACKGROUND = 0
"""Object id of the background: a click with this id says "none of the objects"."""


@dataclass(frozen=True, slots=True)
class Click:
    """One user gesture: where, which object, when.

    Attributes:
        position: Where. Point clouds: (x, y, z) in metres relative to the cloud's
            origin. Images: (x, y) in pixels, x right, y down, (0, 0) the corner of
            the top-left pixel.
        object_id: Whose place it is; 0 is the background.
        order: Global, 0-based number among all clicks of the asset, in time.
        time_ns: Wall clock at the press, nanoseconds since the epoch.
        index: Row of the clicked point in the cloud; None for images.
        click_id: Stable name of the click in its document, for moving and removing it.
        positive: Images: False says "outside of this object", which other objects of
            the image do not hear of. Clouds: always True; there, object 0 says no.
    """

    position: tuple[float, ...]
    object_id: int
    order: int = 0
    time_ns: int = 0
    index: int | None = None
    click_id: int = 0
    positive: bool = field(default=True, metadata={"since": 3})


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around one object of an image, in pixels like click positions.

    Attributes:
        object_id: The object inside.
        x0: Left edge.
        y0: Top edge.
        x1: Right edge, more than `x0`.
        y1: Bottom edge, more than `y0`.
    """

    object_id: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a prediction is made from: always the full list of clicks.

    Attributes:
        clicks: All clicks of the asset in order of time.
        object_ids: All objects of the asset, also those without a click, ascending;
            never contains 0.
        words: Short text prompts by object id (animation engines).
        boxes: At most one box an object, by ascending object id.
        thresholds: (object id, probability above which a pixel belongs to it) where it
            differs from the engine's own; by ascending object id.
        candidates: (object id, number of the candidate mask chosen) where it is not the
            engine's own choice; by ascending object id.
        regions: What shall move, by ascending object id (animation engines).
        people: The persons to refine, each by itself, by ascending object id; with none, a
            pose engine proposes whom it finds.
    """

    clicks: tuple[Click, ...] = ()
    object_ids: tuple[int, ...] = ()
    words: tuple[tuple[int, str], ...] = ()
    boxes: tuple[Box, ...] = ()
    thresholds: tuple[tuple[int, float], ...] = ()
    candidates: tuple[tuple[int, int], ...] = ()
    regions: tuple[Region, ...] = ()
    people: tuple[PersonPrompt, ...] = field(default=(), metadata={"since": 4})

    @classmethod
    def from_clicks(cls, clicks: "tuple[Click, ...] | list[Click]") -> "Prompt":
        """Make a prompt whose objects are those that were clicked, with orders renumbered."""
        ids = sorted({click.object_id for click in clicks} - {BACKGROUND})
        return cls(clicks=_in_order(clicks), object_ids=tuple(ids))

    @property
    def prompted_ids(self) -> tuple[int, ...]:
        """Objects that a positive click or a box speaks of, ascending."""
        clicked = {click.object_id for click in self.clicks if click.positive}
        return tuple(sorted((clicked | {box.object_id for box in self.boxes}) - {BACKGROUND}))

    def of_object(self, object_id: int, contradicting: frozenset[Click] = frozenset()) -> "Prompt":
        """Return what is said of one object, for engines that see one object at a time.

        The object becomes number 1; what is outside of it, background clicks included,
        becomes object 0. Times and ids are dropped: equal prompts mean equal results.

        Args:
            object_id: The object.
            contradicting: Clicks of other objects that say "outside" of this one too.
        """
        own = (object_id, BACKGROUND)
        told = [c for c in self.clicks if c.object_id in own or c in contradicting]
        clicks = (
            Click(c.position, int(c.positive and c.object_id == object_id), order=i)
            for i, c in enumerate(sorted(told, key=lambda c: c.order))
        )
        return Prompt(
            clicks=tuple(clicks),
            object_ids=(1,),
            words=tuple((1, text) for i, text in self.words if i == object_id),
            boxes=tuple(replace(b, object_id=1) for b in self.boxes if b.object_id == object_id),
            thresholds=tuple((1, t) for i, t in self.thresholds if i == object_id),
            candidates=tuple((1, n) for i, n in self.candidates if i == object_id),
        )


def _in_order(clicks: "tuple[Click, ...] | list[Click]") -> tuple[Click, ...]:
    ordered = sorted(clicks, key=lambda click: click.order)
    return tuple(replace(click, order=i) for i, click in enumerate(ordered))
