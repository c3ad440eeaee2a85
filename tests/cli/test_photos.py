"""Photos are segmented, exported, imported and replayed without a screen."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pycocotools.coco import COCO

from annotator.domain import Box, LabelClass, LabelSet, WorkingImage
from annotator.formats import read_image
from annotator.project import Project, add_image, statistics

RED, BLUE, GREY = (220, 20, 20), (20, 20, 220), (90, 90, 90)
ENGINE = ("--engine", "flood-fill")


def picture(width=60, height=40):
    """A red square at (5..20, 5..20) and a blue one at (30..50, 10..35) on grey."""
    rgb = np.full((height, width, 3), GREY, np.uint8)
    rgb[5:20, 5:20] = RED
    rgb[10:35, 30:50] = BLUE
    return rgb


def truth():
    labels = np.zeros((40, 60), np.int32)
    labels[5:20, 5:20], labels[10:35, 30:50] = 1, 2
    return labels


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photos" / "squares.png"
    path.parent.mkdir()
    Pillow.fromarray(picture()).save(path)
    return path


def click(x, y, object_id, **more):
    return {"position": [x, y], "object": object_id, **more}


@pytest.fixture
def clicks(tmp_path) -> Path:
    entries = [click(10, 10, 1), click(40, 20, 2), click(55, 5, 1, positive=False)]
    objects = [{"id": 1, "name": "left", "label": "square"}, {"id": 2, "name": "right"}]
    path = tmp_path / "clicks.json"
    path.write_text(json.dumps({"clicks": entries, "objects": objects}))
    return path


def test_segment_writes_every_object_of_a_photo(run, photo, clicks, tmp_path) -> None:
    output = tmp_path / "out.png"

    status, out, err = run("segment", photo, "--clicks", clicks, "-o", output, *ENGINE)

    assert status == 0, err
    assert "2 objects on 60 x 40 pixels" in out
    np.testing.assert_array_equal(np.asarray(Pillow.open(output)), truth())


def test_names_and_classes_of_the_clicks_reach_coco(run, photo, clicks, tmp_path) -> None:
    output = tmp_path / "coco.json"

    status, _, err = run("segment", photo, "--clicks", clicks, "-o", output, *ENGINE)

    assert status == 0, err
    coco = COCO(str(output))
    first, second = coco.loadAnns(coco.getAnnIds())
    assert first["attributes"]["name"] == "left"
    assert coco.cats[first["category_id"]]["name"] == "square"
    np.testing.assert_array_equal(coco.annToMask(second), truth() == 2)


@pytest.mark.parametrize("told", [
    ("--click", "10,10"),
    ("--click", "10,10", "--click", "12,12", "--outside", "55,5"),
    ("--box", "5,5,20,20"),
    ("--click", "10,10", "--box", "0,0,30,30"),
])  # fmt: skip
def test_one_object_can_be_told_on_the_command_line(told, run, photo, tmp_path) -> None:
    status, out, err = run("segment", photo, *told, "-o", tmp_path / "one.png", *ENGINE)

    assert status == 0, err
    assert "1 objects" in out
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "one.png")), truth() == 1)


def test_boxes_of_a_file_of_clicks_count(run, photo, tmp_path) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"boxes": [{"object": 2, "box": [30, 10, 50, 35]}]}))

    status, _, err = run("segment", photo, "--clicks", file, "-o", tmp_path / "o.png", *ENGINE)

    assert status == 0, err
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "o.png")), (truth() == 2) * 2)


def test_a_folder_of_photos_takes_a_folder_of_clicks(run, photo, clicks, tmp_path) -> None:
    Pillow.fromarray(picture()[::-1]).save(photo.with_name("other.jpg"), quality=95)
    folder = tmp_path / "clicks"
    folder.mkdir()
    clicks.rename(folder / "squares.json")
    (folder / "other.jpg.json").write_text(json.dumps({"clicks": [click(10, 30, 1)]}))

    status, _, err = run(
        "segment", photo.parent, "--clicks", folder, "-o", tmp_path / "all", "--format", "coco",
        *ENGINE,
    )  # fmt: skip

    assert status == 0, err
    coco = COCO(str(tmp_path / "all" / "annotations.json"))
    assert sorted(i["file_name"] for i in coco.imgs.values()) == ["other.jpg", "squares.png"]
    assert len(coco.anns) == 3


def test_one_broken_photo_does_not_spoil_the_others(run, photo, clicks, tmp_path) -> None:
    photo.with_name("broken.png").write_bytes(photo.read_bytes()[:60])
    photo.with_name("unclicked.png").write_bytes(photo.read_bytes())
    folder = tmp_path / "clicks"
    folder.mkdir()
    (folder / "broken.json").write_bytes(clicks.read_bytes())
    clicks.rename(folder / "squares.json")
    output = tmp_path / "all.json"

    status, _, err = run("segment", photo.parent, "--clicks", folder, "-o", output, *ENGINE)

    assert status == 1
    assert "broken.png" in err
    assert "no clicks for unclicked.png" in err
    assert "2 of 3 photos" in err
    assert [i["file_name"] for i in COCO(str(output)).imgs.values()] == ["squares.png"]


@pytest.mark.parametrize(("told", "said"), [
    ((), "Say either"),
    (("--click", "10,10", "--clicks", "clicks.json"), "Say either"),
    (("--outside", "1,1"), "Nothing was said to be inside"),
    (("--click", "a,b"), "no list of 2 numbers"),
    (("--click", "400,10"), "outside of the photo"),
    (("--box", "9,9,2,2"), "no area"),
    (("--click", "1,1", "--format", "laz"), "no writer"),
])  # fmt: skip
def test_wrong_use_is_explained(told, said, run, photo, tmp_path) -> None:
    status, _, err = run("segment", photo, *told, "-o", tmp_path / "o.png", *ENGINE)

    assert status == 1
    assert said in err
    assert not (tmp_path / "o.png").exists()


def test_an_engine_for_scans_is_refused(run, photo, tmp_path) -> None:
    status, _, err = run(
        "segment", photo, "--click", "9,9", "-o", tmp_path / "o.png", "--engine", "nearest-click"
    )
    assert status == 1
    assert "not for photos" in err


def test_soft_masks_are_probabilities(run, photo, clicks, tmp_path) -> None:
    status, _, err = run(
        "segment", photo, "--clicks", clicks, "-o", tmp_path / "soft", "--format", "soft16", *ENGINE
    )

    assert status == 0, err
    files = sorted((tmp_path / "soft").iterdir())
    assert [f.name for f in files] == ["squares.001.square.png", "squares.002.right.png"]
    left, right = (np.asarray(Pillow.open(file)) / 65535 for file in files)
    assert left[10, 10] == pytest.approx(0.98, abs=0.01)  # the outside click takes its share
    assert left[0, 0] == 0
    assert 0 < right[0, 0] < 0.5


# --- Projects


@pytest.fixture
def project(photo, tmp_path) -> Path:
    """Two photos, one with clicks and an edit by hand, one with a box."""
    path = tmp_path / "session.annotation"
    with Project.create(path) as opened:
        opened.set_label_set(LabelSet((LabelClass(1, "square"), LabelClass(2, "circle"))))
        for name in ("squares.png", "second.png"):
            file = photo.with_name(name)
            Pillow.fromarray(picture()).save(file)
            image = read_image(file)
            asset = add_image(opened, file, WorkingImage.of(image), image.content_hash)
            opened.set_engine(asset, "flood-fill", {})
        opened.add_click(1, (10.0, 10.0), 1)
        opened.add_click(1, (40.0, 20.0), 2)
        opened.update_object(1, 1, label="square")
        opened.paint(1, [0, 1, 2], 1)
        opened.set_box(2, Box(3, 30, 10, 50, 35))
    return path


def edited():
    labels = truth()
    labels[0, :3] = 1
    return labels


def test_export_writes_all_photos_into_one_coco_file(run, project, tmp_path) -> None:
    status, out, err = run("export", project, "-o", tmp_path / "all.json")

    assert status == 0, err
    assert "3 objects on 2 photos" in out
    coco = COCO(str(tmp_path / "all.json"))
    assert [c["name"] for c in coco.cats.values()] == ["square", "circle", "object"]
    masks = [coco.annToMask(a) for a in coco.anns.values()]
    np.testing.assert_array_equal(masks[0], edited() == 1)
    np.testing.assert_array_equal(masks[2], truth() == 2)


@pytest.mark.parametrize(("format_id", "names"), [
    ("yolo", {"labels/squares.txt", "labels/second.txt", "classes.txt"}),
    ("voc", {"SegmentationObject/squares.png", "Annotations/second.xml"}),
    ("labelme", {"squares.json", "second.json"}),
    ("png", {"squares.png", "second.png"}),
    ("binary", {"squares.001.square.png", "second.003.Object_3.png"}),
    ("soft", {"squares.001.square.png", "second.003.Object_3.png"}),
    ("coco-polygons", {"annotations.json"}),
])  # fmt: skip
def test_export_in_every_format(format_id, names, run, project, tmp_path) -> None:
    status, _, err = run("export", project, "-o", tmp_path / "out", "--format", format_id)

    assert status == 0, err
    files = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*")}
    assert names <= files


def test_soft_export_keeps_what_was_painted(run, project, tmp_path) -> None:
    run("export", project, "-o", tmp_path / "out", "--format", "soft", "--asset", 1)
    soft = np.asarray(Pillow.open(tmp_path / "out" / "squares.001.square.png"))
    assert soft[0, :3].tolist() == [255, 255, 255]
    assert 0 < soft[0, 5] < 128


def test_export_of_scans_and_photos_together(run, project, scan, tmp_path) -> None:
    from annotator.formats import read_cloud

    with Project.open(project) as opened:
        cloud = read_cloud(scan)
        asset = opened.add_asset(scan, "cloud", cloud.content_hash, len(cloud))
        opened.set_engine(asset, "nearest-click", {})
        opened.add_click(asset, (0.5, 1.0, 0.4), 1, index=1000)

    status, out, err = run("export", project, "-o", tmp_path / "out")
    assert status == 0, err
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"annotations.json", "room.labels.ply"}
    assert run("export", project, "-o", tmp_path / "one.json")[0] == 1
    assert run("export", project, "-o", tmp_path / "a.npy", "--format", "npy")[0] == 0
    assert run("export", project, "-o", tmp_path / "x", "--format", "nonsense")[0] == 1

    status, out, err = run("replay", project, "--json", "--engine", "flood-fill")
    assert status == 0, err
    changed = [json.loads(line).get("changed_points", 0) for line in out.splitlines()]
    assert changed.count(225) == 1
    assert changed.count(500) == 2


def test_stats_count_photos_too(run, project) -> None:
    status, out, err = run("stats", project, "--json")

    assert status == 0, err
    figures = json.loads(out)
    assert (figures["clicks"], figures["edits"]) == (2, 1)
    with Project.open(project, read_only=True) as opened:
        keys = {(o.asset_id, o.object_id) for o in statistics(opened).objects}
    assert keys == {(1, 1), (1, 2), (2, 3)}


@pytest.mark.parametrize("format_id", ["coco", "labelme", "png", "binary", "voc", "yolo"])
def test_what_was_exported_can_be_imported(format_id, run, project, photo, tmp_path) -> None:
    exported = tmp_path / "out"
    run("export", project, "-o", exported, "--format", format_id, "--tolerance", 0)
    again = tmp_path / "again.annotation"

    status, out, err = run("import", again, exported, "--images", photo.parent)

    assert status == 0, err
    assert "3 objects" in out
    with Project.open(again) as opened:
        assets = {a.path.name: a for a in opened.document.assets.values()}
        assert set(assets) == {"squares.png", "second.png"}
        first = assets["squares.png"]
        labels = opened.labels_of(first.asset_id).reshape(40, 60)
        names = {i.label: i.object_id for i in first.objects.values()}
        np.testing.assert_array_equal(labels == names["square"], edited() == 1)
        assert opened.document.label_set.by_name("square") is not None
        opened.undo()
        assert opened.can_redo


def test_importing_twice_adds_to_the_same_photo(run, project, tmp_path) -> None:
    run("export", project, "-o", tmp_path / "all.json")

    status, _, err = run("import", project, tmp_path / "all.json")

    assert status == 0, err
    with Project.open(project) as opened:
        assert len(opened.document.assets) == 2
        assert len(opened.asset(1).objects) == 4


def test_annotations_of_unknown_photos_or_other_sizes_are_refused(run, project, tmp_path) -> None:
    strange = tmp_path / "strange.png"
    Pillow.fromarray(np.ones((5, 5), np.uint8)).save(strange)

    status, _, err = run("import", project, strange)
    assert status == 1
    assert "None of the annotations" in err

    status, _, err = run("import", project, strange, "--asset", 1)
    assert status == 1
    assert "5 x 5" in err


def test_convert_turns_coco_into_other_formats(run, project, tmp_path) -> None:
    run("export", project, "-o", tmp_path / "all.json")

    status, _, err = run("convert", tmp_path / "all.json", tmp_path / "voc", "--format", "voc")
    assert status == 0, err
    ids = np.asarray(Pillow.open(tmp_path / "voc" / "SegmentationObject" / "squares.png"))
    np.testing.assert_array_equal(ids, edited())


def test_converting_a_photo_says_what_can_be_converted(run, tmp_path) -> None:
    Pillow.fromarray(picture()).save(tmp_path / "photo.jpg")
    status, _, err = run("convert", tmp_path / "photo.jpg", tmp_path / "out.ply")
    assert status == 1
    assert "holds no labels" in err


def test_a_large_photo_is_annotated_on_a_working_copy(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("annotator.domain.working.WORKING_PIXELS", 2400)
    large = tmp_path / "large.png"
    Pillow.fromarray(np.repeat(np.repeat(picture(), 3, 0), 3, 1)).save(large)
    path = tmp_path / "large.annotation"
    with Project.create(path) as opened:
        image = read_image(large)
        working = WorkingImage.of(image)
        assert working.factor == 3
        asset = add_image(opened, large, working, image.content_hash)
        opened.set_engine(asset, "flood-fill", {})
        opened.add_click(asset, (31.0, 31.0), 1)  # in pixels of the photo
        opened.add_click(asset, (120.0, 60.0), 2)

    status, _, err = run("export", path, "-o", tmp_path / "large-ids.png")

    assert status == 0, err
    expected = np.repeat(np.repeat(truth(), 3, 0), 3, 1)
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "large-ids.png")), expected)

    status, _, err = run("segment", large, "--click", "31,31", "-o", tmp_path / "s.png", *ENGINE)
    assert status == 0, err
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "s.png")), expected == 1)

    again = tmp_path / "again.annotation"
    status, _, err = run(
        "import", again, tmp_path / "large-ids.png", "--images", tmp_path, "--asset", 1
    )
    assert status == 1  # the new project has no asset 1
    status, _, err = run("import", path, tmp_path / "large-ids.png", "--asset", 1)
    assert status == 0, err
    with Project.open(path) as opened:
        labels = opened.labels_of(1).reshape(40, 60)
    np.testing.assert_array_equal(labels == 3, truth() == 1)
