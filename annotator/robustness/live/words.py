"""What a report says to a person."""

from collections.abc import Iterator

from annotator.robustness.live.reports import SAFE, HowFar, Report, Spot
from annotator.robustness.live.subjects import Mode

EXPLANATIONS: dict[Mode, str] = {
    "next": (
        "Each place shows how much of the present mask would stay if the next click corrected "
        "it there: inside the mask the click says “outside”, beside it “inside”. Faint places "
        "are those where the engine all but rules out that such a click is right. There is no "
        "ground truth here: “safe” only means that the mask stays as it is, and chances are the "
        "engine's own opinion."
    ),
    "newest": (
        "Each place shows how well the mask would agree with the consensus if the newest click "
        "had been there instead. The consensus is what more than half of these clicks, spread "
        "evenly over what the newest click was about, put into the mask. There is no ground "
        "truth here: the consensus can be wrong, but a click that disagrees with it was luck."
    ),
}
TITLES: dict[Mode, str] = {
    "next": "The next click, wherever it corrects",
    "newest": "The newest click, had it been elsewhere",
}


def percent(share: float) -> str:
    """Return a share as whole percents, such as "97 %"."""
    return f"{round(100 * share)} %"


def describe(report: Report, unit: str) -> dict[str, str]:
    """Return what stands out, by name: own, safest, riskiest, suggestion, spread.

    Args:
        report: What is known.
        unit: Of positions, "px" or "m".
    """
    return dict(_sentences(report, unit))


def _sentences(report: Report, unit: str) -> Iterator[tuple[str, str]]:
    what = "of the mask stays" if report.question.mode == "next" else "agreement"
    if report.own is not None:
        yield "own", f"This click: {percent(report.own)} agreement{_slip(report)}."
    if report.safest is not None and report.riskiest is not None:
        yield "safest", f"Safest: {percent(report.safest.agreement)} {what}."
        yield "riskiest", f"Riskiest: {percent(report.riskiest.agreement)} {what}."
        yield (
            "spread",
            (
                f"A typical place: {percent(report.typical)}. Less than {percent(SAFE)}: "
                f"{percent(report.unsafe)} of the area. {_looked(report.how_far, unit)}"
            ),
        )
    if report.question.mode == "next" and report.safest is not None:
        yield "suggestion", _advice(report.suggestion)


def _slip(report: Report) -> str:
    return "" if report.near is None else f", at worst {percent(report.near)} close by"


def _advice(spot: Spot | None) -> str:
    if spot is None:
        return "No place found where the engine expects a click to help."
    says = "belongs to the object" if spot.inside else "does not belong to it"
    return (
        f"Suggested next: say that this place {says}. The engine gives that a chance of "
        f"{percent(spot.right)}; if so, it expects the mask to get "
        f"{percent(max(spot.gain, 0.0))} better."
    )


def _looked(how_far: HowFar, unit: str) -> str:
    apart = f"{how_far.spacing:.0f} {unit}" if unit == "px" else f"{how_far.spacing:.2g} {unit}"
    return f"{how_far.looked:,} places looked at, down to {apart} apart."
