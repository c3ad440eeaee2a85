"""The click: one gesture of a person, saying which object a place belongs to."""

from dataclasses import dataclass, replace

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
    """

    position: tuple[float, ...]
    object_id: int
    order: int = 0
    time_ns: int = 0
    index: int | None = None
    click_id: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a prediction is made from: always the full list of clicks.

    Attributes:
        clicks: All clicks of the asset in order of time.
        object_ids: All objects of the asset, also those without a click, ascending;
            never contains 0.
        words: Short text prompts by object id (animation engines).
    """

    clicks: tuple[Click, ...] = ()
    object_ids: tuple[int, ...] = ()
    words: tuple[tuple[int, str], ...] = ()

    @classmethod
    def from_clicks(cls, clicks: "tuple[Click, ...] | list[Click]") -> "Prompt":
        """Make a prompt whose objects are those that were clicked, with orders renumbered."""
        ordered = sorted(clicks, key=lambda click: click.order)
        numbered = tuple(replace(click, order=i) for i, click in enumerate(ordered))
        ids = sorted({click.object_id for click in numbered} - {BACKGROUND})
        return cls(clicks=numbered, object_ids=tuple(ids))
