"""The one function that reads annotated photos in any known format."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.domain.people import PosedImage
from annotator.formats.annotated import AnnotatedImage
from annotator.formats.coco import load_json, read_coco
from annotator.formats.images import IMAGE_SUFFIXES, image_size
from annotator.formats.labelme import read_labelme
from annotator.formats.mask_png import read_mask_png
from annotator.formats.source import Reading
from annotator.formats.voc import read_voc
from annotator.formats.yolo import photo_of, read_yolo

ANNOTATION_SUFFIXES = (".json", ".png", ".xml")
"""Suffixes of COCO and LabelMe, of indexed and binary PNG, and of Pascal VOC."""

_LISTS = frozenset({"classes.txt", "labelmap.txt"})
_LARGEST = 1 << 30


def read_annotations(path: Path | str, photos: Path | None = None) -> Iterator[AnnotatedImage]:
    """Read annotated photos, one after another, from a file or from all files of a folder.

    Read are COCO instances, LabelMe, indexed and binary PNG, the XML of Pascal VOC with its
    masks, and YOLO segmentation. Photos themselves are not read.

    Args:
        path: A file, a folder of them, or the folder of a VOC or YOLO data set.
        photos: Where the photos of YOLO files are, which do not say their size; None looks
            beside them and, as usual, in images/ for labels/.

    Raises:
        AnnotatorError: If a file is in none of these formats, or damaged.
    """
    path = Path(path)
    if path.is_dir():
        for file in _files_of(path):
            yield from read_annotations(file, photos)
        return
    suffix = path.suffix.lower()
    if suffix == ".png":
        yield read_mask_png(path)
    elif suffix == ".xml":
        yield read_voc(path)
    elif suffix == ".json":
        yield from _read_json(path)
    elif suffix == ".txt":
        photo = photo_of(path, photos)
        yield replace(read_yolo(path, *image_size(photo)), file_name=photo.name, path=photo)
    else:
        raise AnnotatorError(
            f"{path.name} is in no known format of annotations.",
            "Known: COCO and LabelMe (.json), PNG, Pascal VOC (.xml), YOLO (.txt).",
        )


def _files_of(folder: Path) -> list[Path]:
    for name in ("Annotations", "labels"):
        if (folder / name).is_dir():
            return _files_of(folder / name)
    suffixes = (*ANNOTATION_SUFFIXES, ".txt")
    files = sorted(
        p for p in folder.iterdir() if p.suffix.lower() in suffixes and p.name not in _LISTS
    )
    if not files:
        raise AnnotatorError(
            f"{folder.name} holds no annotations.", "Known: COCO, LabelMe, PNG, Pascal VOC, YOLO."
        )
    return files


def _read_json(path: Path) -> Iterator[AnnotatedImage]:
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    if "shapes" in document:
        yield read_labelme(path)
    elif "annotations" in document:
        yield from read_coco(path)
    else:
        raise reading.damaged("is JSON, but neither COCO nor LabelMe", "Choose another file.")


def is_of_photo(annotated: AnnotatedImage | PosedImage, photo: Path) -> bool:
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
