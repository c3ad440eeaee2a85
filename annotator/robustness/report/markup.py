"""Building blocks of the page. Whatever comes from outside is escaped here, and only here."""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from annotator.robustness.report.figures import Estimate
from annotator.robustness.report.pictures import legend_stops
from annotator.robustness.report.svg import stroke

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may do with the page: nothing from elsewhere, no scripts."""


class Raw(str):
    """Markup that is right as it is."""

    __slots__ = ()


def words(text: object) -> str:
    """Return text for the page; `Raw` markup stays as it is."""
    return str(text) if isinstance(text, Raw) else escape(str(text))


def page(title: str, body: Iterable[str]) -> str:
    """Return the whole page."""
    style = (files("annotator.robustness.report") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{words(title)}</title><style>{style}</style></head>\n"
        f"<body>{''.join(body)}</body></html>\n"
    )


def section(name: str, title: str, parts: Iterable[str]) -> Raw:
    """Return a section that the navigation can point to."""
    return Raw(f'\n<section id="{words(name)}"><h2>{words(title)}</h2>{"".join(parts)}</section>')


_HEADING = re.compile(r'<section id="([^"]+)"><h2>(.*?)</h2>')


def navigation(sections: Iterable[str]) -> Raw:
    """Return links to sections."""
    found = [_HEADING.search(text) for text in sections]
    links = (f'<a href="#{match[1]}">{match[2]}</a>' for match in found if match)
    return Raw(f"<nav>{''.join(links)}</nav>")


def paragraph(text: str, style: str = "") -> Raw:
    """Return a paragraph."""
    return Raw(f'<p class="{words(style)}">{words(text)}</p>')


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], wide: Sequence[int] = ()
) -> Raw:
    """Return a table.

    Args:
        columns: Headings.
        rows: Cells of each row.
        wide: Columns of running text.
    """
    head = "".join(f'<th scope="col">{words(name)}</th>' for name in columns)
    lines = (
        "".join(_cell(value, number in wide) for number, value in enumerate(row)) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return Raw(
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: object, wide: bool) -> str:
    style = ' class="words"' if wide else ""
    if isinstance(value, Estimate):
        return f"<td{style}>{with_interval(value)}</td>"
    shown = number(value) if isinstance(value, float) else words(value)
    return f"<td{style}>{shown}</td>"


def number(value: float, digits: int = 1) -> str:
    """Return a number in words; a dash for what is not known."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def with_interval(found: Estimate, digits: int = 1) -> Raw:
    """Return an estimate with its interval, smaller."""
    value = number(found.value, digits)
    if not math.isfinite(found.low):
        return Raw(value)
    return Raw(
        f"{value} <small>[{number(found.low, digits)}, {number(found.high, digits)}]</small>"
    )


def percent(found: Estimate) -> Estimate:
    """Return an estimate times 100."""
    return Estimate(100 * found.value, 100 * found.low, 100 * found.high, found.count)


def cards(entries: Iterable[tuple[str, str]]) -> Raw:
    """Return figures that a reader sees first: (figure, what it is)."""
    shown = (
        f'<div class="card"><b>{words(figure)}</b><span>{words(what)}</span></div>'
        for figure, what in entries
    )
    return Raw(f'<div class="cards">{"".join(shown)}</div>')


def figure(source: str, alt: str, caption: str) -> Raw:
    """Return a picture with its caption.

    Args:
        source: A `data:` address.
        alt: What it shows, for those who cannot see it.
        caption: Below it; may be `Raw`.
    """
    return Raw(
        f'<figure><img src="{words(source)}" alt="{words(alt)}" loading="lazy">'
        f"<figcaption>{words(caption)}</figcaption></figure>"
    )


def grid(figures: Iterable[str]) -> Raw:
    """Lay figures out beside each other."""
    return Raw(f'<div class="grid">{"".join(figures)}</div>')


def line_key() -> Raw:
    """Return what the lines of the curves mean."""
    entries = (("max", "best clicks (MAX)"), ("base", "simulated user (BASE)"),
               ("min", "worst clicks (MIN)"))  # fmt: skip
    shown = (
        f'<span><svg viewBox="0 0 30 12" class="chart"><line x1="1" x2="29" y1="6" y2="6" '
        f'class="line {style}" {stroke(style)}/></svg>{words(text)}</span>'
        for style, text in entries
    )
    return Raw(f'<div class="key">{"".join(shown)}</div>')


def heat_key(unit: str) -> Raw:
    """Return what colours and marks of the heat-maps mean."""
    stops = ",".join(legend_stops())
    return Raw(
        f'<div class="key"><span>{words(unit)} low '
        f'<i class="scale" style="background:linear-gradient(90deg,{stops})"></i> high</span>'
        "<span>▲ best click</span><span>○ simulated user</span><span>▼ worst click</span></div>"
    )
