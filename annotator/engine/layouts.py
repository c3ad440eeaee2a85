"""Recognises a checkpoint by the names and shapes of its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError

Shape = tuple[int, ...]
SHOWN_KEYS = 3


@dataclass(frozen=True)
class LayoutDifference:
    """How a checkpoint differs from a layout.

    Attributes:
        matching: Number of keys with the right shape.
        missing: Keys of the layout that the checkpoint lacks.
        unexpected: Keys of the checkpoint that the layout lacks.
        misshapen: Keys whose shapes differ, with both shapes in words.
    """

    matching: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether the checkpoint has exactly the layout."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        parts = [f"{self.matching} tensors fit"]
        for word in ("missing", "unexpected", "misshapen"):
            keys: tuple[str, ...] = getattr(self, word)
            if keys:
                more = ", ..." if len(keys) > SHOWN_KEYS else ""
                parts.append(f"{len(keys)} {word}: {', '.join(keys[:SHOWN_KEYS])}{more}")
        return "; ".join(parts)


def read_layout(path: Path) -> dict[str, Shape]:
    """Read a layout: lines of key, shape and dtype, separated by tabs; `#` begins a comment.

    Raises:
        AnnotatorError: Naming the file and the line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotatorError(f"The layout {path} cannot be read: {error}.") from error
    layout: dict[str, Shape] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            key, shape = _parse(line, f"{path}, line {number}")
            layout[key] = shape
    return layout


def _parse(line: str, where: str) -> tuple[str, Shape]:
    fields = line.split("\t")
    try:
        key, shape = fields[0], fields[1].strip().strip("()")
        return key, tuple(int(size) for size in shape.split(",") if size.strip())
    except (IndexError, ValueError):
        raise AnnotatorError(f"{where}: not `key<TAB>(sizes)<TAB>dtype`.") from None


def compare(layout: Mapping[str, Shape], shapes: Mapping[str, Shape]) -> LayoutDifference:
    """Compare a checkpoint's shapes by key with a layout."""
    common = [key for key in layout if key in shapes]
    wrong = [key for key in common if layout[key] != shapes[key]]
    return LayoutDifference(
        matching=len(common) - len(wrong),
        missing=tuple(key for key in layout if key not in shapes),
        unexpected=tuple(key for key in shapes if key not in layout),
        misshapen=tuple(f"{key} is {shapes[key]}, not {layout[key]}" for key in wrong),
    )
