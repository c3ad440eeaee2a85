"""Masks of photos from clicks and boxes, without a screen."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator.cli.console import out, progress_bar, report_error
from annotator.cli.engines import predict_mask, read_photo
from annotator.domain import (
    AnnotatorError,
    Box,
    Click,
    ObjectInfo,
    Prompt,
    WorkingImage,
    object_colour,
)
from annotator.domain.cloud import Float32, Int32

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine
    from annotator.formats import AnnotatedImage
    from annotator.formats.clicks_json import ClickFile

ClicksOf = Callable[[Path, int, int], "ClickFile"]
"""(photo, width, height) -> what was clicked on it."""

SOFT = ("soft", "soft16")


@dataclass(frozen=True)
class Quick:
    """One object, told on the command line.

    Attributes:
        inside: Words "X,Y" inside the object.
        outside: Words "X,Y" outside of it.
        box: Word "X0,Y0,X1,Y1", or empty.
    """

    inside: Sequence[str] = ()
    outside: Sequence[str] = ()
    box: str = ""

    def __bool__(self) -> bool:
        return bool(self.inside or self.outside or self.box)

    def content(self) -> "ClickFile":
        """Return it as a file of clicks would say it.

        Raises:
            AnnotatorError: If a word is no list of numbers.
        """
        from annotator.formats.clicks_json import ClickFile

        told = [(w, True) for w in self.inside] + [(w, False) for w in self.outside]
        clicks = tuple(
            Click(_numbers(word, 2), 1, order=order, positive=positive)
            for order, (word, positive) in enumerate(told)
        )
        boxes = (_box(self.box),) if self.box else ()
        if not boxes and not self.inside:
            raise AnnotatorError(
                "Nothing was said to be inside.", "Add --click X,Y or --box X0,Y0,X1,Y1."
            )
        return ClickFile(clicks, boxes=boxes)


def _box(word: str) -> Box:
    x0, y0, x1, y1 = _numbers(word, 4)
    if x0 >= x1 or y0 >= y1:
        raise AnnotatorError(f"The box {word} has no area.", "Write --box left,top,right,bottom.")
    return Box(1, x0, y0, x1, y1)


def _numbers(word: str, count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in word.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise AnnotatorError(
            f"{word!r} is no list of {count} numbers.", f"Write {','.join('XYXY'[:count])}."
        )
    return numbers


def clicks_source(clicks: Path | None, quick: Quick, photos: int) -> ClicksOf:
    """Return where the clicks of each photo come from.

    Raises:
        AnnotatorError: If it is not clear.
    """
    if (clicks is None) == (not quick):
        raise AnnotatorError(
            "Say either a file of clicks or clicks on one object.",
            "Use --clicks FILE, or --click X,Y, --outside X,Y and --box X0,Y0,X1,Y1.",
        )
    if clicks is not None and clicks.is_dir():
        folder = clicks
        return lambda photo, width, height: _from_file(_beside(folder, photo), width, height)
    if photos > 1:
        raise AnnotatorError(
            "One list of clicks cannot be for several photos.",
            "Name a folder with --clicks; it holds PHOTO.json for each.",
        )
    if clicks is not None:
        file = clicks
        return lambda _, width, height: _from_file(file, width, height)
    return lambda photo, width, height: _from_words(quick, photo, width, height)


def _beside(folder: Path, photo: Path) -> Path:
    for name in (f"{photo.name}.json", f"{photo.stem}.json"):
        if (folder / name).is_file():
            return folder / name
    raise AnnotatorError(
        f"{folder.name} holds no clicks for {photo.name}.", f"Put {photo.stem}.json into it."
    )


def _from_file(path: Path, width: int, height: int) -> "ClickFile":
    from annotator.formats import read_photo_clicks

    return read_photo_clicks(path, width, height)


def _from_words(quick: Quick, photo: Path, width: int, height: int) -> "ClickFile":
    from annotator.formats import check_on_photo

    content = quick.content()
    check_on_photo(content.clicks, width, height, photo.name)
    return content


@dataclass
class Batch:
    """Photos to segment one after another; one that fails does not keep others from it.

    Attributes:
        photos: Their files.
        clicks_of: What was clicked on each.
        engine: For photos.
        soft: Whether the probability of each object is wanted too.
        failed: How many could not be segmented.
    """

    photos: Sequence[Path]
    clicks_of: ClicksOf
    engine: "OpenEngine"
    soft: bool = False
    failed: int = 0

    def results(self) -> Iterator["AnnotatedImage"]:
        """Yield every photo with its masks at full resolution, and say how long each took.

        Raises:
            AnnotatorError: If the only photo fails; of several, failures are reported.
        """
        for path in self.photos:
            try:
                yield self._segment(path)
            except AnnotatorError as error:
                if len(self.photos) == 1:
                    raise
                self.failed += 1
                report_error(error)

    def require_all(self) -> None:
        """Make sure that a script learns of failures.

        Raises:
            AnnotatorError: If a photo failed.
        """
        if self.failed:
            raise AnnotatorError(
                f"{self.failed} of {len(self.photos)} photos could not be segmented.",
                "The messages above say why; the others were written.",
            )

    def _segment(self, path: Path) -> "AnnotatedImage":
        from annotator.formats import AnnotatedImage, photo_prompt

        working = WorkingImage.of(read_photo(path))
        content = self.clicks_of(path, working.width, working.height)
        prompt = working.to_working(photo_prompt(content))
        started = time.perf_counter()
        with progress_bar("Encoding") as progress:
            encoding = self.engine.encode(working.image, progress=progress)
        encoded = time.perf_counter()
        mask, seconds = predict_mask(self.engine, encoding, prompt)
        labels = np.asarray(working.to_full(mask.labels), np.int32)
        chances: Mapping[int, Float32] = {}
        if self.soft:
            chances = probabilities(self.engine, encoding, prompt, working, labels)
        out.print(
            f"{path.name}: {len(prompt.prompted_ids)} objects on {working.width} x "
            f"{working.height} pixels; encoding {encoded - started:.2f} s, "
            f"prediction {seconds:.3f} s ({self.engine.device})"
        )
        objects = _objects(content.objects, prompt.object_ids)
        return AnnotatedImage(path.name, labels, objects, path, chances)


def _objects(told: Sequence[ObjectInfo], object_ids: Sequence[int]) -> tuple[ObjectInfo, ...]:
    known = {info.object_id: info for info in told}
    return tuple(
        known.get(i) or ObjectInfo(i, f"Object {i}", colour=object_colour(i)) for i in object_ids
    )


def probabilities(
    engine: "OpenEngine", encoding: object, prompt: Prompt, working: WorkingImage, labels: Int32
) -> Mapping[int, Float32]:
    """Return the probability [H, W] of each object, asked for by itself.

    Where the labels [H, W] say otherwise than its own mask does, because another object won
    the pixel or a person gave it by hand, the probability is 0 or 1.
    """
    found = {}
    for object_id in prompt.prompted_ids:
        alone, _ = predict_mask(engine, encoding, prompt.of_object(object_id))
        chance = alone.probability
        if chance is None:
            continue
        full = working.probability_to_full(chance).copy()
        own = working.to_full(alone.labels > 0).astype(np.bool_)
        said = labels == object_id
        full[own & ~said] = 0
        full[said & ~own] = 1
        found[object_id] = full
    return found
