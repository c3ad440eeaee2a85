"""Masks as PNG: object ids as palette numbers, one file an object, or probabilities.

* Indexed: each pixel holds the id of its object, 0 = background; the palette shows the
  objects' colours. Ids over 255 need 16 bits, and then there is no palette.
* Binary: 255 inside and 0 outside, one file an object.
* Soft: the probability of an object times 255 (8 bits) or 65,535 (16 bits).

Names, classes and colours travel along as text in the file, which other programs ignore.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from annotator.domain import AnnotatorError, ObjectInfo, object_colour
from annotator.domain.cloud import Int32
from annotator.domain.masks import Inside
from annotator.formats.annotated import AnnotatedImage, Probability
from annotator.formats.atomic import atomic_write
from annotator.formats.coco import colour_of
from annotator.formats.images import MAX_PIXELS
from annotator.formats.source import DAMAGED, Reading

Palette = npt.NDArray[np.uint8]

_TEXT = "annotator-objects"
_VOID = 255
_VOID_COLOUR = (224, 224, 192)
_BITS = {"1": 1, "L": 8, "P": 8, "I;16": 16, "I;16B": 16, "I": 16}


def write_indexed(path: Path, image: AnnotatedImage) -> None:
    """Write the ids of all objects as an indexed PNG; see the module.

    Raises:
        AnnotatorError: If an id is over 65,535, or the file cannot be written.
    """
    if int(image.labels.max(initial=0)) > 65_535:
        raise AnnotatorError(
            f"{path.name} cannot hold object ids over 65,535.", "Choose COCO instead."
        )
    with atomic_write(path) as file:
        save_indexed(file, image.labels, object_palette(image.objects), image.objects)


def save_indexed(
    file: BinaryIO, ids: Int32, palette: Palette, objects: Sequence[ObjectInfo] = ()
) -> None:
    """Write ids [H, W] from 0 to an open file, with a palette [256, 3] if 8 bits suffice."""
    if int(ids.max(initial=0)) > 255:
        picture = Pillow.fromarray(ids.astype(np.uint16))
        picture.save(file, "PNG", pnginfo=_about(objects))
        return
    picture = Pillow.fromarray(ids.astype(np.uint8)).convert("L")
    picture.putpalette(palette.ravel().tolist())
    picture.save(file, "PNG", bits=8, pnginfo=_about(objects))


def write_binary(path: Path, mask: Inside, info: ObjectInfo) -> None:
    """Write the mask [H, W] of one object, 255 inside.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    with atomic_write(path) as file:
        picture = Pillow.fromarray(mask.astype(np.uint8) * 255)
        picture.save(file, "PNG", pnginfo=_about([info]))


def write_soft(path: Path, probability: Probability, info: ObjectInfo, bits: int = 8) -> None:
    """Write the probability [H, W] of one object with 8 or 16 bits.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    top = (1 << bits) - 1
    steps = np.empty(probability.shape, np.uint8 if bits == 8 else np.uint16)
    for row, chances in zip(steps, probability, strict=True):  # by rows, to save memory
        row[:] = np.round(np.clip(chances, 0, 1) * np.float32(top))
    with atomic_write(path) as file:
        Pillow.fromarray(steps).save(file, "PNG", pnginfo=_about([info]))


def object_palette(objects: Sequence[ObjectInfo]) -> Palette:
    """Return the [256, 3] colours of the ids, black for the background."""
    palette = np.array([object_colour(i) for i in range(256)], np.uint8)
    palette[0] = 0
    for info in objects:
        if info.object_id < 256:
            palette[info.object_id] = info.colour
    return palette


def voc_palette() -> Palette:
    """Return the [256, 3] colours of Pascal VOC (`VOClabelcolormap` of its development kit)."""
    numbers = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for step in range(8):
        for channel in range(3):
            bit = (numbers >> (3 * step + channel)) & 1
            palette[:, channel] |= (bit << (7 - step)).astype(np.uint8)
    return palette


def _about(objects: Sequence[ObjectInfo]) -> PngInfo:
    about = PngInfo()
    entries = [
        {"id": o.object_id, "name": o.name, "label": o.label, "colour": list(o.colour)}
        for o in objects
    ]
    about.add_text(_TEXT, json.dumps(entries))
    return about


# --- Reading


def read_mask_png(path: Path) -> AnnotatedImage:
    """Read an indexed, 16-bit or binary PNG; a binary one holds a single object.

    Of palettes like Pascal VOC's, 255 is the void around objects and becomes background.

    Raises:
        AnnotatorError: If the file holds no ids.
    """
    reading = Reading.of(path)
    try:
        with Pillow.open(path, formats=["PNG"]) as picture:
            if picture.mode not in _BITS:
                raise reading.damaged(
                    "has colours instead of object ids", "Save it as an indexed or grey PNG."
                )
            if picture.width * picture.height > MAX_PIXELS:
                raise reading.damaged("is too large", "Reduce it first.")
            void = picture.mode == "P" and _has_void(picture)
            ids = np.array(picture).astype(np.int32)
            objects = _objects(picture.info.get(_TEXT))
    except AnnotatorError:
        raise
    except Exception as error:
        raise reading.damaged(f"cannot be read as PNG ({str(error)[:100]})", DAMAGED) from error
    if void:
        ids[ids == _VOID] = 0
    values = np.unique(ids)
    if values[-1] in (1, _VOID) and len(values) <= 2 and values[0] in (0, values[-1]):
        return _single(path, ids > 0, objects)
    names = {info.object_id: info for info in objects}
    found = [names.get(int(v)) or _plain(int(v)) for v in values if v > 0]
    return AnnotatedImage(path.name, ids, tuple(found))


def _single(path: Path, mask: Inside, objects: list[ObjectInfo]) -> AnnotatedImage:
    info = objects[0] if len(objects) == 1 else _plain(1)
    return AnnotatedImage(path.name, np.where(mask, info.object_id, 0).astype(np.int32), (info,))


def _plain(object_id: int) -> ObjectInfo:
    return ObjectInfo(object_id, f"Object {object_id}", colour=object_colour(object_id))


def _has_void(picture: Pillow.Image) -> bool:
    colours = picture.getpalette() or []
    return tuple(colours[3 * _VOID : 3 * _VOID + 3]) == _VOID_COLOUR


def _objects(text: object) -> list[ObjectInfo]:
    """Return what the text in a file says of its objects; nothing if it is not ours."""
    try:
        entries = json.loads(str(text)) if text else []
        return [
            ObjectInfo(
                int(entry["id"]),
                str(entry["name"]),
                str(entry["label"]),
                colour_of(entry.get("colour"), int(entry["id"])),
            )
            for entry in entries
            if 0 < int(entry["id"]) < 2**31
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
