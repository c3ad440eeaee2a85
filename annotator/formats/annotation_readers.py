"""The one function that reads annotated photos in any known format."""

from collections.abc import Iterator
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.formats.annotated import AnnotatedImage
from annotator.formats.coco import load_json, read_coco
from annotator.formats.images import IMAGE_SUFFIXES
from annotator.formats.labelme import read_labelme
from annotator.formats.mask_png import read_mask_png
from annotator.formats.source import Reading
from annotator.formats.voc import read_voc

ANNOTATION_SUFFIXES = (".json", ".png", ".xml")
"""Suffixes of COCO and LabelMe, of indexed and binary PNG, and of Pascal VOC."""

_LARGEST = 1 << 30


def read_annotations(path: Path | str) -> Iterator[AnnotatedImage]:
    """Read annotated photos, one after another, from a file or from all files of a folder.

    Read are COCO instances, LabelMe, indexed and binary PNG, and the XML of Pascal VOC with
    its masks. Photos themselves are not read.

    Raises:
        AnnotatorError: If a file is in none of these formats, or damaged.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in ANNOTATION_SUFFIXES)
        if not files:
            raise AnnotatorError(
                f"{path.name} holds no annotations.", "Known: COCO, LabelMe, PNG, Pascal VOC."
            )
        for file in files:
            yield from read_annotations(file)
        return
    suffix = path.suffix.lower()
    if suffix == ".png":
        yield read_mask_png(path)
    elif suffix == ".xml":
        yield read_voc(path)
    elif suffix == ".json":
        yield from _read_json(path)
    else:
        raise AnnotatorError(
            f"{path.name} is in no known format of annotations.",
            "Known: COCO and LabelMe (.json), PNG, Pascal VOC (.xml).",
        )


def _read_json(path: Path) -> Iterator[AnnotatedImage]:
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    if "shapes" in document:
        yield read_labelme(path)
    elif "annotations" in document:
        yield from read_coco(path)
    else:
        raise reading.damaged("is JSON, but neither COCO nor LabelMe", "Choose another file.")


def is_of_photo(annotated: AnnotatedImage, photo: Path) -> bool:
    """Say whether an annotation names a photo.

    Masks as PNG bear the name of the photo: photo.png, photo.001.chair.png.
    """
    name = Path(annotated.file_name)
    if name.name.casefold() == photo.name.casefold():
        return True
    stem = photo.stem.casefold()
    return name.suffix.lower() in IMAGE_SUFFIXES and (
        name.stem.casefold() == stem or name.stem.casefold().startswith(f"{stem}.")
    )
