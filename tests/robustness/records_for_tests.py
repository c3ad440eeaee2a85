"""Records made up for tests of stores and reports, and photos to go with them."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from annotator.domain import Click
from annotator.robustness.contract import About
from annotator.robustness.records import Field, Record, Step
from annotator.robustness.runs.manifest import DatasetFacts, PluginFacts, RunManifest
from annotator.robustness.runs.tasks import Outcome, TaskKey
from annotator.robustness.settings import Mode, Settings

SHAPE = (60, 80)


def make_step(number: int, quality: float, seconds: float = 0.5) -> Step:
    clicks = tuple(Click((20.5 + i, 30.5), 1, i) for i in range(number))
    return Step(clicks, quality, quality / 2, 3, 4, seconds, candidates=100)


def make_field(low: float = 0.2, high: float = 0.9, stride: int = 4) -> Field:
    rows, columns = np.mgrid[10:50:stride, 20:60:stride]
    positions = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    quality = np.linspace(low, high, len(positions))
    weight = np.full(len(positions), 1 / len(positions))
    count = len(positions)
    return Field(
        (), True, 1, positions, quality, weight,
        share=np.full(count, 1 / count), baseline=3, candidates=16 * count, stride=stride,
        lower=low, upper=high, bound="none", evaluations=count, seconds=1.25,
    )  # fmt: skip


def make_record(
    sample: str = "one",
    mode: str = "ours",
    engine: str = "toy",
    shift: float = 0.0,
    clicks: int = 3,
) -> Record:
    settings = Settings(clicks=clicks, stride=4)
    paths = {
        path: tuple(make_step(k, min(1.0, base + 0.1 * k + shift)) for k in range(1, clicks + 1))
        for path, base in (("min", 0.2), ("base", 0.5), ("max", 0.6))
    }
    fields = (make_field(0.3 + shift, 0.7 + shift),) if mode == "exhaustive" else ()
    about = About("image", engine, sample, second="boundary IoU")
    return Record(about, Mode(mode), settings, paths, fields, {"weights": {"w": "0" * 64}})


def make_outcome(sample: str = "one", mode: str = "ours", **options) -> Outcome:
    shape = np.zeros(SHAPE, bool)
    shape[20:40, 20:50] = True
    record = make_record(sample, mode, **options)
    return Outcome(sample, record, (0.5, 0.9), {"min": shape}, {"total": 2.5})


def make_manifest(fingerprint: str = "f" * 64, **changes) -> RunManifest:
    facts = PluginFacts(
        ref="toy", title="Toy <engine>", version="1.0", kind="image", weights={"w": "0" * 64},
        parameters={"threshold": 0.5}, device="cpu", dtype="float32",
    )  # fmt: skip
    values = {
        "versions": {"annotator": "0.1.0"},
        "dataset": DatasetFacts(
            title="two photos", kind="image", samples=2, fingerprint=fingerprint
        ),
        "settings": Settings(clicks=3, stride=4).to_json(),
        "threads": 1,
        "plugins": {"toy": facts},
        "modes": ("ours", "exhaustive"),
    }
    return RunManifest(**{**values, **changes})


def key(sample: str = "one", mode: str = "ours", plugin: str = "toy") -> TaskKey:
    return TaskKey(plugin, sample, mode)


def write_photos(folder: Path, names: tuple[str, ...] = ("one", "two")) -> Path:
    """Write photos of a bright rectangle with masks, in GrabCut's layout."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(names):
        generator = np.random.default_rng(number)
        rgb = generator.integers(20, 60, (*SHAPE, 3)).astype(np.uint8)
        mask = np.zeros(SHAPE, np.uint8)
        rgb[10:50, 20:60] = rgb[10:50, 20:60] + np.array((150, 120, 10), np.uint8)
        mask[10:50, 20:60] = 255
        Pillow.fromarray(rgb).save(folder / "images" / f"{name}.png")
        Pillow.fromarray(mask).save(folder / "masks" / f"{name}.png")
    return folder
