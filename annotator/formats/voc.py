"""Pascal VOC: an XML file with boxes, and two indexed PNG files, for every photo.

    Annotations/NAME.xml          objects with class and box (1-based, inclusive)
    SegmentationObject/NAME.png   1 for the first object of the XML, 2 for the second, ...
    SegmentationClass/NAME.png    the number of each pixel's class
    ImageSets/Segmentation/default.txt   the names
    labelmap.txt                  name:r,g,b:: of every class, as CVAT reads it

Both PNG files have the palette of VOC, in which 255 is the void: it is never used here.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo
from annotator.domain.masks import Bounds, bounds_of
from annotator.formats.annotated import UNLABELLED, AnnotatedImage, ClassNumbers, FileNames
from annotator.formats.atomic import atomic_write
from annotator.formats.mask_png import read_mask_png, save_indexed, voc_palette
from annotator.formats.source import DAMAGED, Reading

_MOST = 254
_LARGEST = 1 << 26


def write_voc(
    folder: Path, images: Iterable[AnnotatedImage], classes: Sequence[str] = ()
) -> list[Path]:
    """Write photos as Pascal VOC; return the XML files.

    Args:
        folder: Where to; made if needed.
        images: The photos.
        classes: Names of the project's classes, which get the first numbers.

    Raises:
        AnnotatorError: If a photo has more than 254 objects, or a file cannot be written.
    """
    numbers, names = ClassNumbers(classes), FileNames()
    written: list[tuple[str, Path]] = []
    for image in images:
        stem = names.stem(image.file_name)
        written.append((stem, _write_image(folder, stem, image, numbers)))
    _write_lists(folder, [stem for stem, _ in written], numbers)
    return [path for _, path in written]


def _write_image(folder: Path, stem: str, image: AnnotatedImage, numbers: ClassNumbers) -> Path:
    by_object = np.zeros_like(image.labels)
    by_class = np.zeros_like(image.labels)
    boxes: list[tuple[ObjectInfo, Bounds]] = []
    for info, mask in image.masks():
        boxes.append((info, bounds_of(mask) or (0, 0, 0, 0)))
        by_object[mask] = len(boxes)
        by_class[mask] = numbers.number(info.label) + 1
    if len(boxes) > _MOST or len(numbers.names) > _MOST:
        raise AnnotatorError(
            f"{image.file_name} has more than {_MOST} objects or classes, which VOC cannot hold.",
            "Choose COCO instead.",
        )
    for name, ids in (("SegmentationObject", by_object), ("SegmentationClass", by_class)):
        with atomic_write(_made(folder / name) / f"{stem}.png") as file:
            save_indexed(file, ids, voc_palette())
    path = _made(folder / "Annotations") / f"{stem}.xml"
    with atomic_write(path) as file:
        file.write(_xml(image, boxes))
    return path


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _xml(image: AnnotatedImage, boxes: Sequence[tuple[ObjectInfo, Bounds]]) -> bytes:
    root = ElementTree.Element("annotation")
    _add(root, folder="JPEGImages", filename=image.file_name)
    _add(ElementTree.SubElement(root, "source"), database="Click Annotator")
    _add(ElementTree.SubElement(root, "size"), width=image.width, height=image.height, depth=3)
    _add(root, segmented=1)
    for info, (x0, y0, x1, y1) in boxes:
        entry = ElementTree.SubElement(root, "object")
        _add(entry, name=info.label or UNLABELLED, pose="Unspecified", truncated=0, difficult=0)
        box = ElementTree.SubElement(entry, "bndbox")
        _add(box, xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)
    ElementTree.indent(root)
    return str(ElementTree.tostring(root, encoding="unicode")).encode() + b"\n"


def _add(parent: ElementTree.Element, **values: object) -> None:
    for name, value in values.items():
        ElementTree.SubElement(parent, name).text = _printable(str(value))


def _printable(text: str) -> str:
    """Leave out what XML cannot say: control characters and halves of surrogate pairs."""
    return "".join(c for c in text if c.isprintable() or c == " ")


def _write_lists(folder: Path, stems: Sequence[str], numbers: ClassNumbers) -> None:
    colours = voc_palette().tolist()
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    for number, name in enumerate(numbers.names, 1):
        lines.append(f"{name}:{','.join(str(c) for c in colours[number])}::")
    with atomic_write(_made(folder) / "labelmap.txt") as file:
        file.write(("\n".join(lines) + "\n").encode())
    with atomic_write(_made(folder / "ImageSets" / "Segmentation") / "default.txt") as file:
        file.write("".join(f"{stem}\n" for stem in stems).encode())


# --- Reading


def read_voc(path: Path) -> AnnotatedImage:
    """Read a photo's XML file and the SegmentationObject that belongs to it.

    Raises:
        AnnotatorError: If one of them is damaged or missing.
    """
    reading = Reading.of(path)
    if reading.size > _LARGEST:
        raise reading.damaged("is too large", DAMAGED)
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise reading.damaged(f"is no XML file of VOC ({error})", DAMAGED) from error
    picture = path.parent.parent / "SegmentationObject" / f"{path.stem}.png"
    if not picture.exists():
        raise reading.damaged(
            "has no masks: SegmentationObject beside its folder lacks its PNG",
            "VOC without segmentation holds boxes only.",
        )
    ids = read_mask_png(picture)
    labels = [entry.findtext("name") or "" for entry in root.iter("object")]
    objects = tuple(_named(info, labels) for info in ids.objects)
    return AnnotatedImage(root.findtext("filename") or f"{path.stem}.jpg", ids.labels, objects)


def _named(info: ObjectInfo, labels: Sequence[str]) -> ObjectInfo:
    label = labels[info.object_id - 1] if info.object_id <= len(labels) else ""
    label = "" if label == UNLABELLED else label
    name = f"{label or 'Object'} {info.object_id}"
    return ObjectInfo(info.object_id, name, label, info.colour)
