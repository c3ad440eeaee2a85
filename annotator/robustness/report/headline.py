"""What a reader of a report is told first, in two or three sentences."""

from collections.abc import Mapping, Sequence

from annotator.robustness.report.figures import Row
from annotator.robustness.report.gathering import Gathered, Setup

_MOST_ASIDES = 2
"""Of further setups that are told; the ranking has all of them."""

Ranked = Mapping[Setup, Sequence[Row]]


def headline(gathered: Gathered, rows: Sequence[Row]) -> str:
    """Return the main finding.

    It is of one setup, the one with most records among those that promise MIN <= BASE <= MAX;
    engines are compared within it only, and only over the same samples.

    Args:
        gathered: Records.
        rows: Their ranking.
    """
    ranked = {
        setup: [row for row in rows if (row.mode, row.clicks) == setup] for setup in gathered.setups
    }
    lead = max(ranked, key=lambda setup: _weight(setup, ranked[setup]))
    others = {setup: mine for setup, mine in ranked.items() if setup != lead}
    parts = (
        _finding(ranked[lead][0], gathered.quality),
        _comparison(gathered, lead, ranked[lead]),
        _asides(others),
    )
    return " ".join(part for part in parts if part)


def _weight(setup: Setup, rows: Sequence[Row]) -> tuple[bool, int, int]:
    return setup.mode != "tetris", sum(row.figures["gap"].count for row in rows), setup.clicks


def _finding(best: Row, quality: str) -> str:
    over = "one click" if best.clicks == 1 else f"mean over {best.clicks} clicks"
    return (
        f"With {best.engine}, the same number of clicks gives a mean {quality} of "
        f"{_points(best, 'min')} in the worst places, "
        f"{_points(best, 'base')} where a simulated user clicks, and "
        f"{_points(best, 'max')} in the best: a range of "
        f"{_points(best, 'gap')} points ({best.mode}, {over})."
    )


def _comparison(gathered: Gathered, setup: Setup, rows: Sequence[Row]) -> str:
    if len(rows) < 2:
        return ""
    samples = {frozenset(f.sample for f in gathered.of(row.engine, *setup)) for row in rows}
    if len(samples) > 1:
        return f"The {len(rows)} engines were measured on different samples: they do not compare."
    worst = rows[-1]
    return (
        f"It is the most robust of {len(rows)} engines; the range of {worst.engine} is "
        f"{_points(worst, 'gap')} points."
    )


def _asides(others: Ranked) -> str:
    """Tell the rest, which does not compare with the main finding, as what it is."""
    told = [
        f"{_points(mine[0], 'gap')} points ({mine[0].engine}, {_words(setup)})"
        for setup, mine in list(others.items())[:_MOST_ASIDES]
    ]
    if not told:
        return ""
    left = len(others) - len(told)
    more = f"; the ranking has {left} more" if left else ""
    return f"By another search or number of clicks the least range is {' and '.join(told)}{more}."


def _words(setup: Setup) -> str:
    return f"{setup.mode}, {setup.clicks} click{'s' if setup.clicks > 1 else ''}"


def _points(row: Row, name: str) -> str:
    return f"{100 * row.figures[name].value:.1f}"
