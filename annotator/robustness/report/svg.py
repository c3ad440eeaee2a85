"""Charts as inline SVG: colours come from the page's style sheet, so light and dark both work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

LOOKS = {"min": ("#c04f00", "7 4"), "base": ("#1c2330", "none"), "max": ("#0069a8", "2 3")}
"""Colour and dashes, for whoever shows a chart without the page's style sheet."""

_TOPS = (0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the axis of a forest plot whose quarters are round."""

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: In the legend.
        style: CSS class: "min", "base" or "max".
        values: By click, from 1, in [0, 1].
    """

    name: str
    style: str
    values: Sequence[float]


@dataclass(frozen=True)
class Interval:
    """One row of a forest plot.

    Attributes:
        name: At its left.
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.
        style: CSS class.
    """

    name: str
    value: float
    low: float
    high: float
    style: str = "base"


@dataclass(frozen=True)
class _Frame:
    """Where the plotting area lies in the picture, in user units."""

    left: float
    top: float
    width: float
    height: float

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - min(max(value, 0.0), 1.0))

    def x(self, place: float) -> float:
        return self.left + self.width * place


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    """Return words at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{escape(style)}" font-size="12" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def picture(width: float, height: float, parts: Iterable[str], title: str) -> str:
    """Return a whole SVG; its title is read out by screen readers."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" class="chart" '
        f'style="max-width:{width:.0f}px">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def curves(title: str, lines: Sequence[Line], band: tuple[int, int] | None = None) -> str:
    """Draw quality against the number of clicks.

    Args:
        title: What the chart shows, for those who cannot see it.
        lines: At most a handful, of equal length.
        band: Places of two lines between which the area is tinted.
    """
    width, height = 380.0, 250.0
    frame = _Frame(40, 14, width - 56, height - 52)
    count = max((len(line.values) for line in lines), default=0)
    parts = [*_grid(frame), *_click_ticks(frame, count)]
    if band and count > 1:
        lower, upper = (_points(frame, lines[place].values, count) for place in band)
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*lower, *reversed(upper)])
        look = 'class="band" fill="#0069a8" fill-opacity="0.1"'
        parts.append(f'<polygon points="{corners}" {look}/>')
    for line in lines:
        parts += _drawn(frame, line, count)
    return picture(width, height, parts, title)


def _grid(frame: _Frame) -> Iterable[str]:
    for value in TICKS:
        y = frame.y(value)
        yield (
            f'<line x1="{frame.left:.1f}" x2="{frame.left + frame.width:.1f}" '
            f'y1="{y:.1f}" y2="{y:.1f}" class="grid" stroke="#dde1e8"/>'
        )
        yield text(frame.left - 7, y + 4, f"{100 * value:.0f}", "tick", "end")


def stroke(style: str) -> str:
    """Return the looks of a line as attributes."""
    colour, dashes = LOOKS[style]
    return f'fill="none" stroke="{colour}" stroke-width="2.4" stroke-dasharray="{dashes}"'


def _click_ticks(frame: _Frame, count: int) -> Iterable[str]:
    bottom = frame.top + frame.height
    step = max(1, -(-count // 10))
    for click in range(1, count + 1):
        if (click - 1) % step == 0 or click == count:
            yield text(_place(frame, click, count), bottom + 17, str(click), "tick", "middle")
    yield text(frame.left + frame.width / 2, bottom + 33, "clicks", "axis", "middle")


def _place(frame: _Frame, click: int, count: int) -> float:
    return frame.x(0.5 if count < 2 else (click - 1) / (count - 1))


def _points(frame: _Frame, values: Sequence[float], count: int) -> list[tuple[float, float]]:
    return [(_place(frame, k, count), frame.y(v)) for k, v in enumerate(values, 1)]


def _drawn(frame: _Frame, line: Line, count: int) -> Iterable[str]:
    points = _points(frame, line.values, count)
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{corners}" class="line {escape(line.style)}" {stroke(line.style)}/>'
    for click, ((x, y), value) in enumerate(zip(points, line.values, strict=True), 1):
        hint = f"{line.name}, click {click}: {100 * value:.1f}"
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" class="dot {escape(line.style)}" '
            f'fill="{LOOKS[line.style][0]}">'
            f"<title>{escape(hint)}</title></circle>"
        )


def forest(title: str, rows: Sequence[Interval], unit: str, scale: float = 100.0) -> str:
    """Draw estimates with their intervals, one below the other.

    Args:
        title: What the chart shows.
        rows: From top to bottom.
        unit: Below the axis.
        scale: Values are multiplied by it in words.
    """
    width, height = 640.0, 46.0 + 30.0 * len(rows)
    highest = max((row.high for row in rows), default=1.0)
    top = next((nice for nice in _TOPS if nice >= highest), highest)
    frame = _Frame(190, 8, width - 335, 30.0 * len(rows))
    parts = list(_forest_axis(frame, top, unit, scale))
    for number, row in enumerate(rows):
        parts += _forest_row(frame, frame.top + 30 * number + 15, row, top, scale)
    return picture(width, height, parts, title)


def _forest_axis(frame: _Frame, top: float, unit: str, scale: float) -> Iterable[str]:
    bottom = frame.top + frame.height
    for quarter in range(5):
        x = frame.x(quarter / 4)
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{bottom:.1f}" '
            'class="grid" stroke="#dde1e8"/>'
        )
        yield text(x, bottom + 16, f"{scale * top * quarter / 4:.3g}", "tick", "middle")
    yield text(frame.x(0.5), bottom + 33, unit, "axis", "middle")


def _forest_row(frame: _Frame, y: float, row: Interval, top: float, scale: float) -> Iterable[str]:
    low, value, high = (frame.x(v / top) for v in (row.low, row.value, row.high))
    name = row.name if len(row.name) <= 26 else f"{row.name[:25]}…"
    words = f"{scale * row.value:.1f} [{scale * row.low:.1f}, {scale * row.high:.1f}]"
    yield text(frame.left - 10, y + 4, name, "label", "end")
    yield (
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
        f'class="whisker {escape(row.style)}" stroke="{LOOKS["max"][0]}" stroke-width="3"/>'
    )
    yield (
        f'<circle cx="{value:.1f}" cy="{y:.1f}" r="5" class="dot {escape(row.style)}">'
        f"<title>{escape(f'{row.name}: {words}')}</title></circle>"
    )
    yield text(max(high, value) + 9, y + 4, words, "tick")
