"""Annotated photos go out in every format, load elsewhere, and come back the same."""

import base64
import contextlib
import io
import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pycocotools.coco import COCO

from annotator.domain import AnnotatorError, ObjectInfo
from annotator.formats import (
    IMAGE_WRITERS,
    AnnotatedImage,
    is_of_photo,
    read_annotations,
    write_annotations,
)
from annotator.formats.mask_png import voc_palette
from annotator.formats.yolo import read_yolo

CHAIR = ObjectInfo(1, "left chair", "chair", (10, 20, 30))
TABLE = ObjectInfo(4, "table", "table", (200, 100, 0))
BARE = ObjectInfo(7, "thing", "", (0, 0, 255))
CLASSES = ("table", "lamp")


def labels():
    """A chair in two parts, a table with a hole, an object without class in the hole."""
    ids = np.zeros((60, 80), np.int32)
    ids[5:20, 5:15] = ids[30:50, 3:12] = 1
    ids[10:55, 25:70] = 4
    ids[25:40, 40:55] = 0
    ids[30:35, 45:50] = 7
    return ids


def annotated(name="photo.jpg", **changes):
    return AnnotatedImage(name, **{"labels": labels(), "objects": (CHAIR, TABLE, BARE), **changes})


def written(folder, format_id, *images, output="out", **options):
    return write_annotations(
        folder / output, images or (annotated(),), format_id, classes=CLASSES, **options
    )


def in_words(info):
    return info.name, info.label


def same_masks(image, expected):
    """Compare masks by class and size, as ids may be given anew."""
    assert image.labels.shape == expected.labels.shape
    for info, mask in expected.masks():
        theirs = [m for i, m in image.masks() if i.label == info.label]
        assert any((m == mask).all() for m in theirs), info


@pytest.mark.parametrize("format_id", ["coco", "coco-polygons", "labelme", "png"])
def test_what_was_written_comes_back_exactly(format_id, tmp_path):
    files = written(tmp_path, format_id, tolerance=0.0)

    (image,) = [image for file in files for image in read_annotations(file)]

    same_masks(image, annotated())
    names = {in_words(info) for info in image.objects}
    assert names == {("left chair", "chair"), ("table", "table"), ("thing", "")}
    assert is_of_photo(image, tmp_path / "photo.jpg")


@pytest.mark.parametrize("format_id", ["coco", "png"])
def test_ids_and_colours_come_back_where_the_format_holds_them(format_id, tmp_path):
    (file,) = written(tmp_path, format_id)
    (image,) = read_annotations(file)
    assert image.objects == (CHAIR, TABLE, BARE)
    np.testing.assert_array_equal(image.labels, labels())


@pytest.mark.parametrize("polygons", [False, True])
def test_pycocotools_loads_it_without_a_word(polygons, tmp_path):
    second = annotated("b.png", labels=labels()[::-1].copy())
    (file,) = written(
        tmp_path, "coco-polygons" if polygons else "coco", annotated(), second, tolerance=0.0
    )

    talk = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(talk):
        warnings.simplefilter("error")
        # Its compiled part and numpy 2 disagree about a keyword, whatever the file.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        coco = COCO(str(file))
        decoded = {a["id"]: coco.annToMask(a) for a in coco.loadAnns(coco.getAnnIds())}

    assert "arn" not in talk.getvalue()
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == [
        "table", "lamp", "chair", "object"
    ]  # fmt: skip
    for image_id, ids in ((1, labels()), (2, labels()[::-1])):
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image_id)):
            mask = ids == annotation["attributes"]["object_id"]
            np.testing.assert_array_equal(decoded[annotation["id"]], mask)
            assert annotation["area"] == mask.sum()
            x, y, width, height = annotation["bbox"]
            assert mask[y : y + height, x : x + width].sum() == mask.sum()
            assert mask[y].any()
            assert mask[:, x + width - 1].any()
            assert annotation["iscrowd"] == 0


def test_coco_of_others_is_read(tmp_path):
    """Uncompressed runs, overlapping polygons, missing extras, an image without annotations."""
    document = {
        "images": [{"id": 9, "file_name": "a.jpg", "width": 10, "height": 8},
                   {"id": 3, "file_name": "b.jpg", "width": 4, "height": 4}],
        "categories": [{"id": 44, "name": "bird"}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 44,
             "segmentation": [[0, 0, 10, 0, 10, 8, 0, 8]]},
            {"id": 2, "image_id": 9, "category_id": 44, "iscrowd": 1,
             "segmentation": {"size": [8, 10], "counts": [16, 8, 56]}},
            {"id": 3, "image_id": 9, "category_id": 44, "bbox": [1, 1, 2, 2]},
        ],
    }  # fmt: skip
    (tmp_path / "theirs.json").write_text(json.dumps(document))

    first, second = read_annotations(tmp_path / "theirs.json")

    assert (first.labels[:, 2] == 2).all()
    assert (first.labels[:, 3:] == 1).all()
    assert [info.label for info in first.objects] == ["bird", "bird"]
    assert not second.labels.any()


@pytest.mark.parametrize("change", [
    {"images": 3}, {"annotations": [4]}, {"images": [{"id": 1, "width": 10**6, "height": 10**6}]},
    {"images": [{"id": "x"}]}, {"categories": None},
    {"annotations": [{"id": 1, "image_id": 1, "category_id": [], "segmentation": [[0, 0, 1]]}]},
    {"annotations": [{"id": 1, "image_id": 1, "segmentation": {"size": [2, 2], "counts": "zz"}}]},
    {"annotations": [{"id": 1, "image_id": 1, "segmentation": {"size": [2, 2], "counts": [9]}}]},
    {"annotations": [{"id": 1, "image_id": 1, "segmentation": {"size": [9, 2], "counts": [18]}}]},
    {"annotations": [{"id": 1, "image_id": 1, "segmentation": [[0, 0, 1e999, 0, 1, 1]]}]},
    {"annotations": [{"id": 1, "image_id": 1, "segmentation": "nonsense"}]},
])  # fmt: skip
def test_damaged_coco_is_refused_in_words(change, tmp_path):
    document = {"images": [{"id": 1, "file_name": "a", "width": 2, "height": 2}],
                "categories": [], "annotations": []}  # fmt: skip
    (tmp_path / "bad.json").write_text(json.dumps(document | change))
    with pytest.raises(AnnotatorError, match=r"bad\.json") as caught:
        list(read_annotations(tmp_path / "bad.json"))
    assert caught.value.remedy


def test_yolo_lines_draw_the_same_pixels(tmp_path):
    (file,) = written(tmp_path, "yolo", tolerance=0.0)

    assert file == tmp_path / "out" / "labels" / "photo.txt"
    assert (tmp_path / "out" / "classes.txt").read_text().split() == [*CLASSES, "chair", "object"]
    for line in file.read_text().splitlines():
        number, *corners = line.split()
        assert int(number) in range(4)
        assert len(corners) % 2 == 0
        assert all(0 <= float(v) <= 1 for v in corners)
    same_masks(read_yolo(file, 80, 60), annotated())
    assert '  1: "lamp"' in (tmp_path / "out" / "data.yaml").read_text()


@pytest.mark.parametrize(
    "line", ["0 0.1 0.2 0.3 0.4", "x 0 0 1 0 1 1", "0 0 0 1 0 1", "0 nan 0 1 0 1 1"]
)
def test_yolo_lines_that_are_no_polygons_are_refused(line, tmp_path):
    (tmp_path / "a.txt").write_text(f"0 0 0 1 0 1 1\n{line}\n")
    with pytest.raises(AnnotatorError, match=r"Line 2 of a\.txt"):
        read_yolo(tmp_path / "a.txt", 8, 8)


def test_voc_files_agree_with_each_other(tmp_path):
    (file,) = written(tmp_path, "voc")
    folder = tmp_path / "out"

    root = ElementTree.parse(file).getroot()
    by_object = Pillow.open(folder / "SegmentationObject" / "photo.png")
    by_class = Pillow.open(folder / "SegmentationClass" / "photo.png")

    assert by_object.mode == by_class.mode == "P"
    assert by_object.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
    names = ["background", *[line.split(":")[0] for line in
             (folder / "labelmap.txt").read_text().splitlines()[2:]]]  # fmt: skip
    entries = root.findall("object")
    assert [e.findtext("name") for e in entries] == ["chair", "table", "object"]
    for number, (entry, object_id) in enumerate(zip(entries, (1, 4, 7), strict=True), 1):
        mask = np.asarray(by_object) == number
        np.testing.assert_array_equal(mask, labels() == object_id)
        assert {names[n] for n in np.unique(np.asarray(by_class)[mask])} == {entry.findtext("name")}
        box = [int(entry.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
        x, y = np.flatnonzero(mask.any(0)) + 1, np.flatnonzero(mask.any(1)) + 1
        assert box == [x[0], y[0], x[-1], y[-1]]
    assert [root.findtext(f"size/{k}") for k in ("width", "height")] == ["80", "60"]
    (image,) = read_annotations(file)
    same_masks(image, annotated())
    assert image.file_name == "photo.jpg"


def test_the_voc_palette_is_the_published_one():
    colours = voc_palette()
    known = {1: (128, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    for number, colour in known.items():
        assert tuple(colours[number]) == colour


def test_the_void_of_foreign_voc_masks_is_background(tmp_path):
    ids = np.zeros((4, 6), np.uint8)
    ids[1:3, 1:3], ids[0] = 1, 255
    picture = Pillow.fromarray(ids)
    picture.putpalette(voc_palette().ravel().tolist())
    picture.save(tmp_path / "2007_000032.png")

    (image,) = read_annotations(tmp_path / "2007_000032.png")

    assert np.unique(image.labels).tolist() == [0, 1]


def test_an_indexed_png_shows_the_objects_in_their_colours(tmp_path):
    (file,) = written(tmp_path, "png", output="ids.png")

    picture = Pillow.open(file)
    assert picture.mode == "P"
    np.testing.assert_array_equal(np.asarray(picture), labels())
    assert picture.convert("RGB").getpixel((30, 12)) == TABLE.colour


def test_many_objects_take_16_bits_and_too_many_are_refused(tmp_path):
    ids = np.arange(600, dtype=np.int32).reshape(20, 30)
    (file,) = written(tmp_path, "png", AnnotatedImage("a.jpg", ids))
    assert Pillow.open(file).mode == "I;16"
    (image,) = read_annotations(file)
    np.testing.assert_array_equal(image.labels, ids)

    with pytest.raises(AnnotatorError, match="65,535"):
        written(tmp_path, "png", AnnotatedImage("a.jpg", ids * 1000))
    with pytest.raises(AnnotatorError, match="254"):
        written(tmp_path, "voc", AnnotatedImage("a.jpg", ids))


def test_binary_files_hold_one_object_each_and_come_back_with_their_names(tmp_path):
    files = written(tmp_path, "binary")

    assert [f.name for f in files] == [
        "photo.001.chair.png", "photo.004.table.png", "photo.007.thing.png"
    ]  # fmt: skip
    for file, info in zip(files, (CHAIR, TABLE, BARE), strict=True):
        pixels = np.asarray(Pillow.open(file))
        np.testing.assert_array_equal(pixels, (labels() == info.object_id) * 255)
        (image,) = read_annotations(file)
        assert image.objects == (info,)
        assert is_of_photo(image, tmp_path / "photo.jpg")
        assert not is_of_photo(image, tmp_path / "photograph.jpg")


@pytest.mark.parametrize(
    ("format_id", "top", "tolerance"), [("soft", 255, 2e-3), ("soft16", 65535, 8e-6)]
)
def test_soft_masks_keep_probabilities(format_id, top, tolerance, tmp_path):
    chances = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    image = annotated(probabilities={1: chances})

    files = written(tmp_path, format_id, image)

    first, second, _ = (np.asarray(Pillow.open(f)).astype(float) / top for f in files)
    np.testing.assert_allclose(first, chances, atol=tolerance)
    np.testing.assert_array_equal(second, labels() == 4)  # nothing predicted: what was drawn


def test_labelme_groups_parts_and_names_the_photo(tmp_path):
    photo = tmp_path / "photos" / "photo.jpg"
    (file,) = written(tmp_path, "labelme", annotated(path=photo), output="photo.json")

    document = json.loads(file.read_text())
    assert document["imagePath"] == "photos/photo.jpg"
    assert (document["imageWidth"], document["imageHeight"]) == (80, 60)
    groups = [(s["label"], s["group_id"]) for s in document["shapes"]]
    assert groups.count(("chair", 1)) == 2
    assert all(s["shape_type"] == "polygon" and len(s["points"]) >= 3 for s in document["shapes"])


def test_labelme_shapes_of_others_are_read(tmp_path):
    png = io.BytesIO()
    Pillow.new("1", (3, 2), 1).save(png, "PNG")
    shapes = [
        {"label": "a", "points": [[1, 1], [4, 3]], "shape_type": "rectangle"},
        {"label": "b", "points": [[10, 10], [10, 13]], "shape_type": "circle"},
        {"label": "c", "points": [[0, 18], [2, 19]], "shape_type": "mask",
         "mask": base64.b64encode(png.getvalue()).decode()},
        {"label": "d", "points": [[5, 5]], "shape_type": "point"},
    ]  # fmt: skip
    document = {"shapes": shapes, "imagePath": "x.jpg", "imageWidth": 20, "imageHeight": 20}
    (tmp_path / "x.json").write_text(json.dumps(document))

    (image,) = read_annotations(tmp_path / "x.json")

    sizes = {info.label: int(mask.sum()) for info, mask in image.masks()}
    assert sizes["a"] == 6
    assert abs(sizes["b"] - 9 * np.pi) < 4
    assert sizes["c"] == 6
    assert "d" not in sizes


def test_photos_of_the_same_name_do_not_overwrite_each_other(tmp_path):
    files = written(tmp_path, "png", annotated(), annotated("photo.png"))
    assert [f.name for f in files] == ["photo.png", "photo_2.png"]


def test_one_file_for_several_photos_is_refused(tmp_path):
    with pytest.raises(AnnotatorError, match="several photos"):
        written(tmp_path, "png", annotated(), annotated("b.jpg"), output="one.png")


@pytest.mark.parametrize("writer", IMAGE_WRITERS, ids=lambda w: w.format_id)
def test_every_format_takes_a_photo_without_objects(writer, tmp_path):
    empty = AnnotatedImage("a.jpg", np.zeros((5, 6), np.int32))
    for file in written(tmp_path, writer.format_id, empty):
        assert file.exists()


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(AnnotatorError, match="nonsense") as caught:
        written(tmp_path, "nonsense")
    assert "labelme" in caught.value.remedy


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_changed_files_are_read_or_refused(data, tmp_path):
    format_id = data.draw(st.sampled_from(["coco", "labelme", "png", "voc"]))
    (file,) = written(tmp_path, format_id)
    whole = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    file.write_bytes(whole)
    try:
        images = list(read_annotations(file))
    except AnnotatorError as error:
        assert error.remedy  # noqa: PT017 - most changes are harmless
        return
    for image in images:
        assert image.labels.min(initial=0) >= 0
