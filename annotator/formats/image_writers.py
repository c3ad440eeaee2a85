"""The table of formats for annotated photos, and the one function that writes any of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo
from annotator.formats.annotated import AnnotatedImage, FileNames, Probability, safe_name
from annotator.formats.coco import write_coco
from annotator.formats.labelme import write_labelme
from annotator.formats.mask_png import write_binary, write_indexed, write_soft
from annotator.formats.voc import write_voc
from annotator.formats.yolo import write_yolo

TOLERANCE = 0.49
"""By how many pixels outlines may be off, unless told otherwise: no pixel changes sides."""


@dataclass(frozen=True)
class Export:
    """What to write.

    Attributes:
        output: File or folder.
        images: The photos.
        classes: Names of the project's classes, in order.
        tolerance: By how many pixels outlines may be off.
    """

    output: Path
    images: Iterable[AnnotatedImage]
    classes: Sequence[str] = ()
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class ImageWriter:
    """One format of annotated photos that can be written.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffix: Of its files; "" if it is a folder with a layout of its own.
        write: Writes it; returns the files that matter.
        one_file: Whether all photos go into one file.
    """

    format_id: str
    title: str
    suffix: str
    write: Callable[[Export], list[Path]]
    one_file: bool = False


def _coco(export: Export) -> list[Path]:
    path = _only_file(export.output, "annotations.json")
    write_coco(path, export.images, export.classes)
    return [path]


def _coco_polygons(export: Export) -> list[Path]:
    path = _only_file(export.output, "annotations.json")
    write_coco(path, export.images, export.classes, tolerance=export.tolerance)
    return [path]


def _yolo(export: Export) -> list[Path]:
    return write_yolo(export.output, export.images, export.classes, tolerance=export.tolerance)


def _voc(export: Export) -> list[Path]:
    return write_voc(export.output, export.images, export.classes)


def _labelme(export: Export) -> list[Path]:
    written = []
    for path, image in _files(export, ".json"):
        write_labelme(path, image, export.tolerance)
        written.append(path)
    return written


def _indexed(export: Export) -> list[Path]:
    written = []
    for path, image in _files(export, ".png"):
        write_indexed(path, image)
        written.append(path)
    return written


def _binary(export: Export) -> list[Path]:
    written = []
    for base, image in _files(export, ".png"):
        for info, mask in image.masks():
            path = _of_object(base, info)
            write_binary(path, mask, info)
            written.append(path)
    return written


def _soft(export: Export, bits: int = 8) -> list[Path]:
    written = []
    for base, image in _files(export, ".png"):
        for info, probability in soft_masks(image):
            path = _of_object(base, info)
            write_soft(path, probability, info, bits)
            written.append(path)
    return written


def _soft16(export: Export) -> list[Path]:
    return _soft(export, bits=16)


def soft_masks(image: AnnotatedImage) -> Iterator[tuple[ObjectInfo, Probability]]:
    """Yield the probability [H, W] of each object: 0 or 1 where the engine said nothing."""
    masks = {info.object_id: (info, mask) for info, mask in image.masks()}
    for info in image.objects:
        if info.object_id in image.probabilities:
            yield info, image.probabilities[info.object_id]
        elif info.object_id in masks:
            yield info, masks[info.object_id][1].astype(np.float32)


IMAGE_WRITERS: tuple[ImageWriter, ...] = (
    ImageWriter("coco", "COCO instances, exact masks", ".json", _coco, one_file=True),
    ImageWriter("coco-polygons", "COCO instances, polygons", ".json", _coco_polygons,
                one_file=True),
    ImageWriter("yolo", "YOLO segmentation", "", _yolo),
    ImageWriter("voc", "Pascal VOC", "", _voc),
    ImageWriter("labelme", "LabelMe JSON", ".json", _labelme),
    ImageWriter("png", "Indexed PNG", ".png", _indexed),
    ImageWriter("binary", "Binary PNG, one an object", ".png", _binary),
    ImageWriter("soft", "Probabilities as PNG, 8 bits", ".png", _soft),
    ImageWriter("soft16", "Probabilities as PNG, 16 bits", ".png", _soft16),
)  # fmt: skip


def write_annotations(
    output: Path | str,
    images: Iterable[AnnotatedImage],
    format_id: str | None = None,
    *,
    classes: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> list[Path]:
    """Write annotated photos; each file completely or not at all.

    Args:
        output: A file, for one photo or formats that hold all in one; else a folder.
        images: The photos; read one after another, so they may come from a generator.
        format_id: One of `IMAGE_WRITERS`; None chooses by suffix: .png indexed, .json COCO.
        classes: Names of the project's classes, in order.
        tolerance: By how many pixels outlines may be off, to have fewer corners.

    Returns:
        The files written.

    Raises:
        AnnotatorError: If the format is unknown or cannot hold the annotation, or a file
            cannot be written.
    """
    writer = find_image_writer(Path(output), format_id)
    try:
        return writer.write(Export(Path(output), images, classes, tolerance))
    except OSError as error:
        raise AnnotatorError(
            f"{Path(output).name} cannot be written: {error.strerror or error}.",
            "Choose another folder, or check free space and permissions.",
        ) from error


def find_image_writer(output: Path, format_id: str | None = None) -> ImageWriter:
    """Return the writer of that id, or the usual one for the file's suffix.

    Raises:
        AnnotatorError: If there is none.
    """
    usual = {".png": "png", ".json": "coco", "": "coco"}.get(output.suffix.lower())
    for writer in IMAGE_WRITERS:
        if writer.format_id == (format_id or usual):
            return writer
    known = ", ".join(writer.format_id for writer in IMAGE_WRITERS)
    wanted = f"format {format_id}" if format_id else f"suffix {output.suffix}"
    raise AnnotatorError(
        f"{output.name}: no writer of photos for {wanted}.", f"Known formats: {known}."
    )


def _only_file(output: Path, name: str) -> Path:
    if output.suffix.lower() == Path(name).suffix:
        output.parent.mkdir(parents=True, exist_ok=True)
        return output
    output.mkdir(parents=True, exist_ok=True)
    return output / name


def _files(export: Export, suffix: str) -> Iterator[tuple[Path, AnnotatedImage]]:
    """Yield the file for each photo: the output itself if it is one, else one in it each."""
    names = FileNames()
    single = export.output.suffix.lower() == suffix
    for number, image in enumerate(export.images):
        if single and number:
            raise AnnotatorError(
                f"{export.output.name} is one file, but there are several photos.",
                "Name a folder instead.",
            )
        folder = export.output.parent if single else export.output
        folder.mkdir(parents=True, exist_ok=True)
        stem = names.stem(image.file_name)
        yield (export.output if single else folder / f"{stem}{suffix}"), image


def _of_object(base: Path, info: ObjectInfo) -> Path:
    """Return the file for one object: photo.001.chair.png."""
    name = safe_name(info.label or info.name)
    return base.with_name(f"{base.stem}.{info.object_id:03d}.{name}{base.suffix}")
