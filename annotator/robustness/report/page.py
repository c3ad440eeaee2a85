"""The page: what a reader wants to know first, then the evidence, then how it was made."""

from collections.abc import Iterator, Sequence

from annotator.robustness.records import PATHS
from annotator.robustness.report import figures as fg
from annotator.robustness.report import svg
from annotator.robustness.report.gallery import Picture
from annotator.robustness.report.gathering import Gathered, Setup
from annotator.robustness.report.headline import headline
from annotator.robustness.report.markup import (
    Raw,
    cards,
    figure,
    grid,
    heat_key,
    line_key,
    navigation,
    number,
    page,
    paragraph,
    percent,
    section,
    table,
    words,
)
from annotator.robustness.report.pictures import data_uri

TITLE = "How much the place of a click matters"
_TAIL_COLUMNS = (
    ("unsafe, of the region", "unsafe share"), ("unsafe, of users", "unsafe users"),
    ("p5", "p5"), ("median", "p50"), ("CVaR 10 %", "CVaR 10 %"), ("finger", "finger drop"),
)  # fmt: skip
_MODE_WORDS = {
    "tetris": "tetris, the published gradient attack",
    "ours": "ours, multi-start search with gradients",
    "exhaustive": "exhaustive, every permitted place",
}


def build_page(gathered: Gathered, pictures: Sequence[Picture]) -> str:
    """Return the report as one page that needs nothing else.

    Args:
        gathered: Records of the runs.
        pictures: Heat-maps and worst cases.
    """
    rows = fg.ranking(gathered)
    sections = [
        _ranking(gathered, rows),
        _curves(gathered),
        *_pictures(pictures),
        *_tails(gathered),
        *_regret(gathered),
        *_coverage(gathered),
        *_failures(gathered),
        _making(gathered),
    ]
    return page(TITLE, [_header(gathered, rows), navigation(sections), *sections])


def _header(gathered: Gathered, rows: Sequence[fg.Row]) -> str:
    samples = len({finding.sample for finding in gathered.findings})
    names = ", ".join(dict.fromkeys(m.dataset.title for _, m in gathered.runs))
    entries = [
        (str(len(gathered.engines)), "engines"),
        (str(samples), "samples"),
        (str(len(gathered.findings)), "records"),
        (_ordered(rows), "with MIN ≤ BASE ≤ MAX, of the modes that promise it"),
    ]
    said = [note for _, manifest in gathered.runs for note in manifest.dataset.notes]
    notes = "".join(paragraph(note, "quiet") for note in dict.fromkeys([*said, *gathered.notes]))
    return (
        f"<header><h1>{words(TITLE)}</h1>{paragraph(names, 'quiet')}"
        f"{paragraph(headline(gathered, rows), 'lead')}{cards(entries)}{notes}</header>"
    )


def _ordered(rows: Sequence[fg.Row]) -> str:
    """Return how many records are in order; the published attack does not promise it."""
    promised = [row for row in rows if row.mode != "tetris"]
    total = sum(row.figures["gap"].count for row in promised)
    return f"{sum(row.ordered for row in promised)} of {total}"


def _ranking(gathered: Gathered, rows: Sequence[fg.Row]) -> Raw:
    q = gathered.quality
    parts: list[str] = [
        paragraph(
            f"{q}-Min, {q}-Base and {q}-Max are the means over all clicks of the worst, the "
            f"simulated and the best trajectory; {q}-D is the range between best and worst: the "
            "smaller, the more robust. Brackets are 95 % bootstrap intervals over assets."
        )
    ]
    for setup in gathered.setups:
        mine = [row for row in rows if (row.mode, row.clicks) == setup]
        name = gathered.named(setup)
        title = name.replace(setup.mode, _MODE_WORDS.get(setup.mode, setup.mode), 1)
        parts.append(f"<h3>{words(title)}</h3>")
        parts.append(_forest(mine, name, q))
        parts.append(_ranking_table(mine, q, gathered.second))
        parts += _stability(gathered, setup)
    return section("ranking", "Ranking", parts)


def _forest(rows: Sequence[fg.Row], mode: str, quality: str) -> str:
    intervals = [
        svg.Interval(row.engine, gap.value, *_ends(gap))
        for row in rows
        if (gap := row.figures["gap"])
    ]
    return svg.forest(
        f"{quality}-D of each engine, mode {mode}", intervals, f"{quality}-D, in hundredths"
    )


def _ends(found: fg.Estimate) -> tuple[float, float]:
    known = found.low == found.low  # NaN is not
    return (found.low, found.high) if known else (found.value, found.value)


def _ranking_table(rows: Sequence[fg.Row], quality: str, second: str) -> Raw:
    columns = (
        "engine", "clicks",
        *(f"{quality}-{name}" for name in ("Min", "Base", "Max", "D")), f"{second}-D",
        "NoC@90 min / base / max",
        "never 90", "in order", "inferences", "seconds", "of processor", "samples",
    )  # fmt: skip
    lines = [
        (
            row.engine,
            row.clicks,
            *(percent(row.figures[name]) for name in ("min", "base", "max", "gap", "gap2")),
            " / ".join(number(row.figures[f"noc90 {p}"].value, 2) for p in PATHS),
            row.failing,
            row.ordered,
            number(row.figures["evaluations"].value, 0),
            number(row.figures["seconds"].value, 1),
            number(row.figures["processor"].value, 1),
            row.figures["gap"].count,
        )
        for row in rows
    ]
    return table(columns, lines)


def _stability(gathered: Gathered, setup: Setup) -> Iterator[Raw]:
    shares = fg.rank_stability(gathered, setup)
    if shares:
        yield paragraph("How often each engine takes each place when assets are drawn again:")
        columns = ("engine", *(f"place {n}" for n in range(1, len(shares) + 1)))
        yield table(columns, [(e, *(f"{100 * s:.0f} %" for s in row)) for e, row in shares.items()])


def _curves(gathered: Gathered) -> Raw:
    figures = []
    for setup in gathered.setups:
        mode = gathered.named(setup)
        for engine in gathered.engines:
            found = gathered.of(engine, *setup)
            if not found:
                continue
            lines = [
                svg.Line(name, path, [float(v) for v in fg.mean_curve(found, path)])
                for path, name in (("min", "MIN"), ("base", "BASE"), ("max", "MAX"))
            ]
            chart = svg.curves(f"Quality by click of {engine}, mode {mode}", lines, band=(0, 2))
            caption = Raw(f"<b>{words(engine)}</b>, {words(mode)}, {len(found)} samples")
            figures.append(f"<figure>{chart}<figcaption>{caption}</figcaption></figure>")
    text = paragraph(
        f"Mean {gathered.quality} after each click; the tinted area is what the place of clicks "
        "decides."
    )
    return section("curves", "Quality by click", [text, line_key(), grid(figures)])


def _pictures(pictures: Sequence[Picture]) -> Iterator[Raw]:
    kinds = (
        (
            "heat", "Where a first click is safe",
            "Each coloured place is the quality that a first click exactly there gives. Outside "
            "of the permitted region the photo is pale.",
        ),
        (
            "worst", "Worst cases",
            "Samples on which the worst first click takes most from what the simulated user gets.",
        ),
    )  # fmt: skip
    for kind, title, text in kinds:
        mine = [picture for picture in pictures if picture.kind == kind]
        if mine:
            key = heat_key(mine[0].quality)
            shown = grid(figure(data_uri(p.rgb), p.alt, _caption(p)) for p in mine)
            yield section(kind, title, [paragraph(text), key, shown])


def _caption(picture: Picture) -> Raw:
    return Raw(f"<b>{words(picture.title)}</b><br>{words(picture.caption)}")


def _tails(gathered: Gathered) -> Iterator[Raw]:
    rows = fg.tails(gathered)
    if not rows:
        return
    first = rows[0]
    text = paragraph(
        f"Of all enumerated first clicks. Unsafe: gives less than {100 * first.below:.0f}; as a "
        "share of the region, and of users, who click deeper inside of it more often. 5 % of "
        "users stay below p5; CVaR is the mean of the worst tenth. Finger: what the simulated "
        f"user's click loses at worst if it is off by {first.finger:g} {first.unit}."
    )
    columns = ("engine", *(name for name, _ in _TAIL_COLUMNS), "places a sample")
    lines = [
        (
            row.engine,
            *(percent(row.figures[key]) for _, key in _TAIL_COLUMNS),
            number(row.figures["places"].value, 0),
        )
        for row in rows
    ]
    yield section("tails", "Chance of a bad click", [text, table(columns, lines)])


def _regret(gathered: Gathered) -> Iterator[Raw]:
    rows = fg.regrets(gathered)
    if not rows:
        return
    text = paragraph(
        "Regret is how far an attack stays from the extremes that enumeration found for the same "
        "round, after the same clicks, in hundredths. Below zero: it found a place between the "
        "scored ones, or left the permitted region."
    )
    columns = ("engine", "attack", "click", "MIN", "MAX", "largest", "within 1", "enumerated")
    lines = [
        (
            row.engine, row.mode, row.click, percent(row.low), percent(row.high),
            100 * row.worst, f"{100 * row.inside:.0f} %", row.bound,
        )
        for row in rows
    ]  # fmt: skip
    yield section("regret", "Regret of the attacks", [text, table(columns, lines)])


def _coverage(gathered: Gathered) -> Iterator[Raw]:
    rows = fg.coverages(gathered)
    if not rows:
        return
    text = paragraph(
        "The recorded clicks of your own projects, scored by each engine: how many lie between "
        "MIN and MAX of the same click number. Place 0 is MIN, 1 is MAX."
    )
    columns = ("engine", "mode", "clicks", "inside", "worse than MIN", "better than MAX", "place")
    lines = [
        (
            row.engine, row.mode, row.clicks,
            *(f"{100 * share:.0f} %" for share in (row.inside, row.below, row.above)),
            number(row.place, 2),
        )
        for row in rows
    ]  # fmt: skip
    yield section("user", "Your own clicks", [text, table(columns, lines)])


def _failures(gathered: Gathered) -> Iterator[Raw]:
    if gathered.failures:
        text = paragraph("These tasks have no record and count nowhere.")
        yield section(
            "failures", "Failures", [text, table(("task", "reason"), gathered.failures, wide=(1,))]
        )


def _making(gathered: Gathered) -> Raw:
    parts: list[str] = []
    for engine, facts in gathered.facts.items():
        parts.append(f"<h3>{words(engine)}</h3>")
        weights = [
            (f"weights {name}", Raw(f"<code>{words(s)}</code>"))
            for name, s in facts.weights.items()
        ]
        lines = [
            ("plugin", f"{facts.title} {facts.version}"),
            ("device", f"{facts.device}, {facts.dtype}"),
            ("parameters", ", ".join(f"{k} = {v}" for k, v in facts.parameters.items()) or "none"),
            *weights,
        ]
        parts.append(table(("", ""), lines, wide=(1,)))
    for name, manifest in gathered.runs:
        parts.append(f"<h3>Run {words(name)}</h3>")
        lines = [
            ("dataset", f"{manifest.dataset.title}, {manifest.dataset.samples} samples"),
            ("fingerprint", Raw(f"<code>{words(manifest.dataset.fingerprint)}</code>")),
            ("settings", ", ".join(f"{k} = {v}" for k, v in manifest.settings.items())),
            ("versions", ", ".join(f"{k} {v}" for k, v in manifest.versions.items())),
            ("threads", str(manifest.threads)),
            ("limit", str(manifest.limit or "none")),
        ]
        parts.append(table(("", ""), lines, wide=(1,)))
    return section("making", "How this was made", parts)
