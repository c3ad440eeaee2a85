"""The report on paper: the same figures, laid out on A4 pages by matplotlib."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.domain import AnnotatorError
from annotator.formats.atomic import atomic_write
from annotator.robustness.records import PATHS
from annotator.robustness.report import figures as fg
from annotator.robustness.report.gallery import Picture
from annotator.robustness.report.gathering import Finding, Gathered, Setup
from annotator.robustness.report.headline import headline
from annotator.robustness.report.markup import number
from annotator.robustness.report.page import TITLE
from annotator.robustness.report.pictures import cividis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

A4 = (8.27, 11.69)
_COLOURS = {"min": "#c04f00", "base": "#1c2330", "max": "#0069a8"}
_DASHES = {"min": (0, (5, 2.5)), "base": "solid", "max": (0, (1.5, 1.5))}
_QUIET, _RULE = "#5b6576", "#dde1e8"
_CHARTS_A_PAGE = 6
_CHART_HEIGHT = 0.3
_LEAD_LINE = 0.0196
"""Height of a line of the first sentences: 16.5 points of A4's 842."""

_PICTURES_A_PAGE = 6
_LINES_A_PAGE = 58
_ROWS_A_PAGE = 38


def write_pdf(gathered: Gathered, pictures: Sequence[Picture], path: Path) -> None:
    """Write the report as PDF.

    Raises:
        AnnotatorError: If matplotlib is not installed, naming the extra, or the file cannot
            be written.
    """
    try:
        from matplotlib.backends.backend_pdf import PdfPages
    except ImportError as error:
        raise AnnotatorError(
            "PDF reports need matplotlib, which is not installed.",
            "pip install 'click-annotator[report]'",
        ) from error
    about = {"Title": TITLE, "Creator": "annotator", "CreationDate": None, "ModDate": None}
    with atomic_write(path) as file, PdfPages(file, metadata=about) as pages:
        for figure in _pages(gathered, pictures):
            pages.savefig(figure)


def _pages(gathered: Gathered, pictures: Sequence[Picture]) -> "Iterator[Figure]":
    rows = fg.ranking(gathered)
    yield _first(gathered, rows)
    yield from _curves(gathered)
    for kind, title in (("heat", "Where a first click is safe"), ("worst", "Worst cases")):
        yield from _picture_pages([p for p in pictures if p.kind == kind], title)
    yield from _table_pages(gathered)
    yield from _text_pages("How this was made", list(_making(gathered)))


def _sheet(title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(A4, facecolor="white")
    figure.text(0.08, 0.945, title, size=18, weight="bold", color=_COLOURS["base"])
    return figure


def _first(gathered: Gathered, rows: Sequence[fg.Row]) -> "Figure":
    figure = _sheet(TITLE)
    names = ", ".join(dict.fromkeys(m.dataset.title for _, m in gathered.runs))
    figure.text(0.08, 0.922, names, size=10, color=_QUIET)
    lead = _wrapped(headline(gathered, rows), 88)
    figure.text(0.08, 0.905, lead, size=11, va="top", linespacing=1.5)
    shown = rows[:24]
    top = min(0.79, 0.885 - _LEAD_LINE * (lead.count("\n") + 1))
    height = min(0.3, 0.07 + 0.025 * len(shown))
    axes = figure.add_axes((0.32, top - height, 0.6, height))
    _forest(axes, gathered, shown)
    _draw_table(figure, top - height - 0.09, *_ranking_lines(shown))
    below = top - height - 0.15 - 0.02 * len(shown)
    charts = _charts(gathered)
    for place, chart in enumerate(charts if _fit_first(charts) and below > _CHART_HEIGHT else ()):
        _place_chart(figure, 0.1 + 0.45 * place, min(below, 0.5) - 0.24, *chart)
    return figure


def _forest(axes: "Axes", gathered: Gathered, rows: Sequence[fg.Row]) -> None:
    for place, row in enumerate(rows):
        gap = row.figures["gap"]
        if gap.low == gap.low:
            axes.plot([100 * gap.low, 100 * gap.high], [place, place], lw=2.5, color="#0069a8")
        axes.plot([100 * gap.value], [place], "o", color="#1c2330", ms=6)
    names = [f"{row.engine}, {gathered.named(Setup(row.mode, row.clicks))}" for row in rows]
    axes.set_yticks(range(len(rows)), names, size=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(
        "range: best minus worst, in hundredths, with 95 % interval", size=9, color=_QUIET
    )
    _quiet(axes)


def _quiet(axes: "Axes") -> None:
    axes.tick_params(length=0, labelsize=9, colors=_QUIET)
    axes.grid(color=_RULE, lw=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _ranking_lines(rows: Sequence[fg.Row]) -> tuple[list[str], list[list[str]]]:
    columns = [
        "engine", "mode", "clicks", "Min", "Base", "Max", "range", "NoC@90", "seconds", "samples",
    ]  # fmt: skip
    lines = [
        [
            _cut(row.engine), row.mode, str(row.clicks),
            *(number(100 * row.figures[n].value) for n in ("min", "base", "max")),
            _interval(row.figures["gap"]),
            "/".join(number(row.figures[f"noc90 {p}"].value) for p in PATHS),
            number(row.figures["seconds"].value), str(row.figures["gap"].count),
        ]
        for row in rows
    ]  # fmt: skip
    return columns, lines


def _interval(found: fg.Estimate, scale: float = 100) -> str:
    value = number(scale * found.value)
    if found.low != found.low:
        return value
    return f"{value} [{number(scale * found.low)}, {number(scale * found.high)}]"


def _cut(text: str, length: int = 24) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _draw_table(
    figure: "Figure", top: float, columns: Sequence[str], lines: Sequence[Sequence[str]]
) -> None:
    """Draw a table below `top`; a column is as wide as its longest cell."""
    widths = [max(len(line[i]) for line in [columns, *lines]) + 2 for i in range(len(columns))]
    total = max(sum(widths), 60)
    for place, line in enumerate([columns, *lines]):
        x, y = 0.08, top - 0.02 * place
        for width, cell in zip(widths, line, strict=True):
            style: dict[str, Any] = {"color": _QUIET, "weight": "bold"} if not place else {}
            figure.text(x, y, _plain(cell), size=8, **style)
            x += 0.84 * width / total


def _plain(text: str) -> str:
    """Keep matplotlib from reading names as formulas."""
    return text.replace("$", r"\$")


_Chart = tuple[str, str, list[Finding]]


def _charts(gathered: Gathered) -> list[_Chart]:
    return [
        (engine, gathered.named(setup), found)
        for setup in gathered.setups
        for engine in gathered.engines
        if (found := gathered.of(engine, *setup))
    ]


def _fit_first(charts: Sequence[_Chart]) -> bool:
    return len(charts) <= 2


def _place_chart(
    figure: "Figure", left: float, bottom: float, engine: str, mode: str, found: Sequence[Finding]
) -> None:
    axes = figure.add_axes((left, bottom, 0.36, 0.2))
    _curve(axes, found)
    axes.set_title(_plain(f"{engine}, {mode}, {len(found)} samples"), size=9, loc="left")


def _curves(gathered: Gathered) -> "Iterator[Figure]":
    """Give pages of curves, unless the first page has room for all of them."""
    charts = _charts(gathered)
    if _fit_first(charts):
        return
    for start in range(0, len(charts), _CHARTS_A_PAGE):
        figure = _sheet("Quality by click")
        for place, chart in enumerate(charts[start : start + _CHARTS_A_PAGE]):
            left, bottom = 0.1 + 0.45 * (place % 2), 0.68 - 0.29 * (place // 2)
            _place_chart(figure, left, bottom, *chart)
        yield figure


def _curve(axes: "Axes", found: Sequence[Finding]) -> None:
    means = {path: 100 * fg.mean_curve(found, path) for path in PATHS}
    places = range(1, len(means["base"]) + 1)
    axes.fill_between(places, means["min"], means["max"], color="#0069a8", alpha=0.1, lw=0)
    for path in ("max", "base", "min"):
        axes.plot(
            places, means[path], color=_COLOURS[path], ls=_DASHES[path], lw=1.8,
            marker="o", ms=3.5, label=path.upper(),
        )  # fmt: skip
    axes.set_ylim(0, 102)
    axes.set_xticks(list(places)[:: max(1, len(means["base"]) // 10)])
    axes.set_xlabel("clicks", size=8, color=_QUIET)
    axes.legend(fontsize=7.5, frameon=False, loc="lower right")
    _quiet(axes)


def _picture_pages(pictures: Sequence[Picture], title: str) -> "Iterator[Figure]":
    for start in range(0, len(pictures), _PICTURES_A_PAGE):
        figure = _sheet(title)
        key = "▲ best click   ○ simulated user   ▼ worst click"
        figure.text(0.08, 0.922, key, size=9, color=_QUIET)
        if pictures[0].kind == "heat":
            _scale(figure, pictures[0].quality)
        for place, picture in enumerate(pictures[start : start + _PICTURES_A_PAGE]):
            left, bottom = 0.08 + 0.44 * (place % 2), 0.69 - 0.285 * (place // 2)
            axes = figure.add_axes((left, bottom, 0.4, 0.2), anchor="NW")
            axes.imshow(picture.rgb)
            axes.axis("off")
            figure.text(
                left, bottom - 0.012, _plain(_cut(picture.title, 50)), size=8.5, weight="bold"
            )
            words = _plain(_wrapped(picture.caption, 62))
            figure.text(left, bottom - 0.018, words, size=7.5, color=_QUIET, va="top")
        yield figure


def _scale(figure: "Figure", quality: str) -> None:
    """Draw what the colours of heat-maps mean."""
    axes = figure.add_axes((0.66, 0.922, 0.2, 0.009))
    axes.imshow(cividis(np.linspace(0, 1, 200))[None], aspect="auto")
    axes.axis("off")
    figure.text(0.65, 0.922, f"{quality} low", size=9, color=_QUIET, ha="right")
    figure.text(0.87, 0.922, "high", size=9, color=_QUIET)


def _table_pages(gathered: Gathered) -> "Iterator[Figure]":
    figure, top = None, 0.0
    for table in (_tails(gathered), _regrets(gathered), _users(gathered)):
        for title, columns, lines in _in_parts(table):
            height = 0.09 + 0.02 * len(lines)
            if figure is None or top - height < 0:
                if figure is not None:
                    yield figure
                figure, top = _sheet("Chance of a bad click, regret, your own clicks"), 0.9
            figure.text(0.08, top, title, size=12, weight="bold")
            _draw_table(figure, top - 0.03, columns, lines)
            top -= height
    if figure is not None:
        yield figure


_Table = tuple[str, list[str], list[list[str]]]


def _in_parts(table: _Table) -> Iterator[_Table]:
    """Divide a table into parts of a page at most."""
    title, columns, lines = table
    for start in range(0, len(lines), _ROWS_A_PAGE):
        yield title, columns, lines[start : start + _ROWS_A_PAGE]


def _tails(gathered: Gathered) -> _Table:
    names = ("unsafe share", "unsafe users", "p5", "CVaR 10 %", "finger drop")
    lines = [
        [_cut(t.engine), *(_interval(t.figures[n]) for n in names)] for t in fg.tails(gathered)
    ]
    columns = ["engine", "unsafe region %", "unsafe users %", "p5", "CVaR 10 %", "finger"]
    return "Enumerated first clicks", columns, lines


def _regrets(gathered: Gathered) -> _Table:
    lines = [
        [
            _cut(r.engine), r.mode, str(r.click), _interval(r.low), _interval(r.high),
            number(100 * r.worst), f"{100 * r.inside:.0f} %", r.bound,
        ]
        for r in fg.regrets(gathered)
    ]  # fmt: skip
    columns = ["engine", "attack", "click", "MIN", "MAX", "largest", "within 1", "enumerated"]
    return "Regret of attacks, in hundredths", columns, lines


def _users(gathered: Gathered) -> _Table:
    lines = [
        [
            _cut(c.engine), c.mode, str(c.clicks),
            *(f"{100 * share:.0f} %" for share in (c.inside, c.below, c.above)),
            number(c.place, 2),
        ]
        for c in fg.coverages(gathered)
    ]  # fmt: skip
    columns = ["engine", "mode", "clicks", "inside", "below MIN", "above MAX", "place"]
    return "Your own clicks between MIN and MAX", columns, lines


def _making(gathered: Gathered) -> Iterator[str]:
    for engine, facts in gathered.facts.items():
        yield f"{engine}: {facts.title} {facts.version}, {facts.device}, {facts.dtype}"
        yield from (f"    weights {name}: {digest}" for name, digest in facts.weights.items())
        parameters = ", ".join(f"{k} = {v}" for k, v in facts.parameters.items())
        yield from _indented(f"parameters: {parameters or 'none'}")
    for name, manifest in gathered.runs:
        yield f"run {name}: {manifest.dataset.title}, {manifest.dataset.samples} samples"
        for note in manifest.dataset.notes:
            yield from _indented(note)
        yield f"    fingerprint {manifest.dataset.fingerprint}"
        yield from _indented(", ".join(f"{k} = {v}" for k, v in manifest.settings.items()))
        yield from _indented(", ".join(f"{k} {v}" for k, v in manifest.versions.items()))
    yield from (f"failed: {task}: {why}"[:110] for task, why in gathered.failures)


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {line}" for line in textwrap.wrap(text, 92))


def _text_pages(title: str, lines: Sequence[str]) -> "Iterator[Figure]":
    for start in range(0, len(lines), _LINES_A_PAGE):
        figure = _sheet(title)
        text = "\n".join(map(_plain, lines[start : start + _LINES_A_PAGE]))
        figure.text(0.08, 0.91, text, size=7.5, va="top", linespacing=1.45, family="monospace")
        yield figure


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
