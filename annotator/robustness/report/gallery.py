"""Which samples a report shows, and what is drawn of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.domain import AnnotatorError, Image, PointCloud
from annotator.robustness.datasets import Sample
from annotator.robustness.records import PATHS, Field, Step
from annotator.robustness.report.figures import worst_first
from annotator.robustness.report.gathering import Finding, Gathered
from annotator.robustness.report.pictures import (
    MIN_COLOUR,
    RGB,
    Spot,
    fitted,
    heat,
    marked,
    outlines,
    spread,
)
from annotator.robustness.report.scans import draw_scan_heat

TRUTH_COLOUR = (120, 220, 120)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of the report.

    Attributes:
        kind: "heat" or "worst".
        rgb: [H, W, 3].
        title: Above the caption.
        caption: Below it.
        alt: What it shows, for those who cannot see it.
        quality: Name of the score.
    """

    kind: str
    rgb: RGB
    title: str
    caption: str
    alt: str
    quality: str


Draw = Callable[[Finding, Sample], Picture]


def draw_gallery(gathered: Gathered, most: int) -> tuple[list[Picture], list[str]]:
    """Draw heat-maps and worst cases.

    Args:
        gathered: Records; pictures need their datasets.
        most: Of each kind.

    Returns:
        The pictures, and what could not be drawn.
    """
    notes: list[str] = []
    fields = [f for f in worst_first(gathered.findings) if f.record.fields]
    shown = _one_a_sample(fields, most)
    pictures = [p for finding in shown for p in _drawn(finding, gathered, _heat, notes)]
    worst = _one_a_sample(worst_first(gathered.findings), most)
    pictures += [p for finding in worst for p in _drawn(finding, gathered, _worst, notes)]
    return pictures, notes


def _one_a_sample(findings: Sequence[Finding], most: int) -> list[Finding]:
    """Take the first finding of each sample and engine, whatever its mode."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.engine, finding.sample), finding)
    return list(first.values())[:most]


def _drawn(finding: Finding, gathered: Gathered, draw: Draw, notes: list[str]) -> Iterator[Picture]:
    try:
        sample = _sample(finding.sample, gathered)
        if sample is not None:
            yield draw(finding, sample)
    except AnnotatorError as error:
        notes.append(f"No picture of {finding.sample}: {error.message}")


def _sample(name: str, gathered: Gathered) -> Sample | None:
    for dataset in gathered.datasets:
        for source in dataset.sources:
            if source.name == name:
                return source.load()
    return None


def _spots(finding: Finding) -> list[Spot]:
    """Return the first clicks of the three trajectories; the extremes lie on top."""
    found = []
    for path in ("base", "max", "min"):
        x, y = finding.record.paths[path][0].clicks[-1].position[:2]
        found.append(Spot(x, y, path))
    return found


def _heat(finding: Finding, sample: Sample) -> Picture:
    field = finding.record.fields[0]
    low, high = float(field.quality.min()), float(field.quality.max())
    if isinstance(sample.asset, Image):
        rgb = _photo_heat(sample, sample.asset, field, _spots(finding), low, high)
    else:
        rgb = draw_scan_heat(sample.asset, field, low, high)
    below = finding.record.settings.unsafe_below
    share = field.unsafe_share(below)
    quality = finding.record.about.quality
    caption = (
        f"{finding.engine}: {quality} {100 * low:.0f} to {100 * high:.0f}; "
        f"{100 * share:.0f} % of the region gives less than {100 * below:.0f}; "
        f"{len(field.quality):,} of {field.candidates:,} places scored."
    )
    alt = f"Heat-map of {quality} by place of the first click on {finding.sample}. {caption}"
    return Picture("heat", rgb, finding.sample, caption, alt, quality)


def _photo_heat(
    sample: Sample, image: Image, field: Field, spots: list[Spot], low: float, high: float
) -> RGB:
    places = np.floor(field.positions[:, ::-1]).astype(np.int64)
    shape = (image.rgb.shape[0], image.rgb.shape[1])
    # the first click may go wherever the object is: nothing is found yet
    within = sample.truth == 1 if isinstance(sample.truth, np.ndarray) else None
    shown = spread(shape, places, field.quality, field.stride, within)
    return heat(image.rgb, shown, spots, low, high)


def _worst(finding: Finding, sample: Sample) -> Picture:
    steps = {path: finding.record.paths[path][0] for path in PATHS}
    rgb = _worst_photo(finding, sample)
    quality = finding.record.about.quality
    scores = {path: 100 * step.quality for path, step in steps.items()}
    caption = (
        f"{finding.engine}, {finding.mode}: the first click gives {scores['min']:.0f} at worst, "
        f"{scores['base']:.0f} in the middle, {scores['max']:.0f} at best. "
        f"{_mask_words(finding, sample)}"
    )
    alt = f"{finding.sample} with the worst and the best first click. {caption}"
    return Picture("worst", rgb, finding.sample, caption, alt, quality)


def _mask_words(finding: Finding, sample: Sample) -> str:
    outlined = isinstance(sample.asset, Image) and "min" in finding.shapes
    return "Outlines: truth green, worst result orange." if outlined else ""


def _worst_photo(finding: Finding, sample: Sample) -> RGB:
    if isinstance(sample.asset, PointCloud):
        return draw_scan_heat(sample.asset, None, 0.0, 1.0, _steps(finding))
    _, scale = fitted(sample.asset.rgb)
    layers = []
    if isinstance(sample.truth, np.ndarray):
        layers.append((sample.truth == 1, TRUTH_COLOUR))
    if "min" in finding.shapes:
        layers.append((finding.shapes["min"], MIN_COLOUR))
    return marked(outlines(sample.asset.rgb, layers), _spots(finding), scale)


def _steps(finding: Finding) -> dict[str, Step]:
    return {path: finding.record.paths[path][0] for path in PATHS}
