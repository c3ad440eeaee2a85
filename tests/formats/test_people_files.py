"""People go out in every format, load elsewhere, and come back the same."""

import contextlib
import io
import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from annotator.domain import COCO_17, LSP_14, AnnotatorError, Skeleton
from annotator.domain.people import PosedImage, PosedPerson
from annotator.formats.people import PEOPLE_WRITERS, read_people, write_people
from annotator.formats.skeletons import read_skeletons, write_skeletons

DOG = Skeleton(
    "dog", ("nose", "left ear", "right ear", "tail"), ((0, 1), (0, 2)), (0, 2, 1, 3),
    (0.1, 0.2, 0.2, 0.3), ((0.5, 0.1), (0.7, 0.0), (0.3, 0.0), (0.5, 1.0)),
)  # fmt: skip
PEOPLE = Path(__file__).parents[3] / "shared/data/people/test_coco.json"


def posed(skeleton, seed=0, **changes):
    """A person with every kind of visibility."""
    rng = np.random.default_rng(seed)
    visibility = tuple(int(v) for v in np.resize([2, 1, 0, 2], len(skeleton)))
    places = rng.uniform(5, 55, (len(skeleton), 2)).round(3).tolist()
    keypoints = tuple(
        (x, y) if v else (0.0, 0.0) for (x, y), v in zip(places, visibility, strict=True)
    )
    told = {"box": (4.5, 3.0, 58.25, 57.0), "name": f"nr {seed}", "label": "person", "object_id": 7}
    return PosedPerson(skeleton, keypoints, visibility, **{**told, **changes})


def image(*people, name="photo.jpg"):
    return PosedImage(name, 80, 60, people)


def back(folder, format_id, *images):
    for one in images:
        Pillow.new("RGB", (one.width, one.height)).save(folder / one.file_name)
    write_people(folder / "out", images, format_id)
    return list(read_people(folder / "out", folder))


def same(first, second, digits=4):
    assert (first.file_name, first.width, first.height) == (
        second.file_name, second.width, second.height
    )  # fmt: skip
    for one, other in zip(first.people, second.people, strict=True):
        assert one.visibility == other.visibility
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=10**-digits)
        np.testing.assert_allclose(one.box, other.box, atol=10**-digits)
        assert one.label == other.label


@pytest.mark.parametrize("writer", PEOPLE_WRITERS, ids=lambda w: w.format_id)
@pytest.mark.parametrize("skeleton", [COCO_17, LSP_14, DOG], ids=lambda s: s.name)
def test_what_was_written_comes_back(writer, skeleton, tmp_path):
    first = image(posed(skeleton), posed(skeleton, 1, object_id=8))
    (found,) = back(tmp_path, writer.format_id, first)
    same(first, found)
    assert [p.skeleton.joints for p in found.people] == [skeleton.joints] * 2
    if skeleton is not DOG:
        assert found.people[0].skeleton is skeleton


@pytest.mark.parametrize("format_id", ["coco-keypoints", "labelme-joints"])
def test_custom_skeletons_and_names_come_back_whole(format_id, tmp_path):
    (found,) = back(tmp_path, format_id, image(posed(DOG), posed(COCO_17, 1, object_id=9)))
    assert [p.skeleton for p in found.people] == [DOG, COCO_17]
    assert [(p.name, p.object_id) for p in found.people] == [("nr 0", 7), ("nr 1", 9)]


def test_several_photos_keep_their_people(tmp_path):
    photos = [image(posed(COCO_17), name="a.jpg"), image(name="b.jpg"), image(name="c.jpg")]
    for writer in PEOPLE_WRITERS:
        folder = tmp_path / writer.format_id
        folder.mkdir()
        found = {i.file_name: len(i.people) for i in back(folder, writer.format_id, *photos)}
        assert found["a.jpg"] == 1
        assert sum(found.values()) == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.text("abcXYZ _é", min_size=1, max_size=6), min_size=1, max_size=6, unique=True),
    st.data(),
    st.sampled_from([w.format_id for w in PEOPLE_WRITERS]),
)
def test_any_skeleton_and_pose_comes_back(tmp_path_factory, names, data, format_id):
    count = len(names)
    edges = data.draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=4))
    skeleton = Skeleton("any", tuple(names), tuple((a, b) for a, b in edges if a != b))
    coordinate = st.floats(0, 60, width=32)
    points = data.draw(st.lists(st.tuples(coordinate, coordinate), min_size=count, max_size=count))
    seen = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    seen[0] = seen[0] or 1
    points = tuple(p if v else (0.0, 0.0) for p, v in zip(points, seen, strict=True))
    person = PosedPerson(skeleton, points, tuple(seen), (1.0, 2.0, 30.0, 40.5), label="person")
    (found,) = back(tmp_path_factory.mktemp("any"), format_id, image(person))
    same(image(person), found)
    assert found.people[0].skeleton.joints == skeleton.joints


def test_coco_counts_edges_from_one_and_present_joints(tmp_path):
    (path,) = write_people(tmp_path / "p.json", [image(posed(COCO_17))], None)
    document = json.loads(path.read_text())
    (category,), (annotation,) = document["categories"], document["annotations"]
    assert [16, 14] in category["skeleton"]
    assert min(min(edge) for edge in category["skeleton"]) == 1
    assert category["keypoints"][0] == "nose"
    assert annotation["num_keypoints"] == sum(v > 0 for v in posed(COCO_17).visibility)
    assert annotation["keypoints"][6:9] == [0, 0, 0]
    assert annotation["bbox"] == [4.5, 3.0, 53.75, 54.0]
    assert annotation["area"] == pytest.approx(53.75 * 54)


def test_pycocotools_evaluates_it_without_a_word(tmp_path):
    truth = [posed(COCO_17), posed(COCO_17, 1, object_id=2)]
    (path,) = write_people(tmp_path / "p.json", [image(*truth)], None)
    found = [replace(person, score=0.5) for person in truth]
    (results,) = write_people(tmp_path / "r.json", [image(*found)], None)
    talk = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(talk):
        warnings.simplefilter("error")
        # Its compiled part and numpy 2 disagree about a keyword, whatever the file.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        coco = COCO(str(path))
        detections = coco.loadRes(json.loads(results.read_text())["annotations"])
        judge = COCOeval(coco, detections, "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    assert "arn" not in talk.getvalue().replace("Learn", "")
    assert judge.stats[0] == 1.0


@pytest.mark.skipif(not PEOPLE.exists(), reason="needs ../shared/data/people")
def test_real_coco_keypoints_are_read_whole(tmp_path):
    found = list(read_people(PEOPLE))
    document = json.loads(PEOPLE.read_text())
    assert [i.file_name for i in found] == [i["file_name"] for i in document["images"]]
    people = [p for i in found for p in i.people]
    assert len(people) == len(document["annotations"])
    assert {p.skeleton.name for p in people} == {"coco-17"}
    by_area = {p.area: p for p in people}
    for annotation in document["annotations"]:
        flat = np.array(annotation["keypoints"], float).reshape(-1, 3)
        person = by_area[annotation["area"]]
        np.testing.assert_array_equal(flat[:, :2], person.keypoints)
        assert person.visibility == tuple(flat[:, 2].astype(int))
    (path,) = write_people(tmp_path / "again.json", found, None)
    assert [i.people for i in read_people(path)] == [
        tuple(replace(p, box=q.box) for p, q in zip(i.people, j.people, strict=True))
        for i, j in zip(found, read_people(path), strict=True)
    ]


def test_yolo_lines_hold_fractions_and_flips(tmp_path):
    back(tmp_path, "yolo-pose", image(posed(COCO_17)))
    data = (tmp_path / "out" / "data.yaml").read_text()
    assert "kpt_shape: [17, 3]" in data
    assert "flip_idx: [0, 2, 1, 4, 3" in data
    words = (tmp_path / "out/labels/photo.txt").read_text().split()
    assert len(words) == 1 + 4 + 51
    assert all(0 <= float(w) <= 2 for w in words)


def test_yolo_refuses_a_mixture_of_skeletons(tmp_path):
    with pytest.raises(AnnotatorError, match="one skeleton"):
        write_people(tmp_path / "out", [image(posed(COCO_17), posed(DOG))], "yolo-pose")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 1 1 0.1", "no person"),
        ("x 0.5 0.5 1 1 0.1 0.1 2", "no person"),
        ("0 0.5 0.5 1 1 0.1 0.1 7", "visibility 7"),
        ("0 0.5 0.5 1 nan 0.1 0.1 2", "no person"),
    ],
)
def test_wrong_yolo_lines_are_named(line, words, tmp_path):
    Pillow.new("RGB", (80, 60)).save(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text(f"{line}\n")
    with pytest.raises(AnnotatorError, match=words):
        list(read_people(tmp_path / "a.txt"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["annotations"][0].update(keypoints=[1, 2]), "needs 51 numbers"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(2, 5), "visibility 5"),
        (lambda d: d["categories"][0].update(skeleton=[[0, 1]]), "counts from 1"),
        (lambda d: d["categories"][0].pop("keypoints"), "no category with keypoints"),
        (lambda d: d.pop("images"), 'no list "images"'),
    ],
)
def test_wrong_coco_files_are_refused_in_words(change, words, tmp_path):
    (path,) = write_people(tmp_path / "p.json", [image(posed(COCO_17))], None)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(AnnotatorError, match=words):
        list(read_people(path))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200), st.sampled_from([".json", ".csv", ".txt"]))
def test_noise_is_refused_in_words(tmp_path_factory, noise, suffix):
    path = tmp_path_factory.mktemp("noise") / f"x{suffix}"
    path.write_bytes(noise)
    with contextlib.suppress(AnnotatorError):
        list(read_people(path))


def test_templates_come_back_and_are_found_in_coco_files(tmp_path):
    write_skeletons(tmp_path / "t.json", [DOG, COCO_17])
    assert read_skeletons(tmp_path / "t.json") == [DOG, COCO_17]
    (path,) = write_people(tmp_path / "p.json", [image(posed(DOG))], None)
    assert read_skeletons(path) == [DOG]


def test_a_foreign_category_gets_its_mirror_by_names(tmp_path):
    document = {"categories": [{"id": 3, "name": "cat", "keypoints": ["L_eye", "R_eye", "tail"],
                                "skeleton": [[1, 2]]}]}  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(document))
    (cat,) = read_skeletons(tmp_path / "c.json")
    assert cat.mirror == (1, 0, 2)
    assert cat.edges == ((0, 1),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "holds no skeletons"),
        ('{"skeletons": [{"name": "x"}]}', "no names of joints"),
        ('{"skeletons": [{"joints": ["a"], "edges": [["a", "b"]]}]}', "'b' is none"),
        ('{"skeletons": [{"joints": ["a"], "layout": [[0, 9]]}]}', "places within"),
        ('{"skeletons": [{"joints": ["a", "a"]}]}', "a name of its own"),
    ],
)
def test_wrong_templates_are_refused_in_words(text, words, tmp_path):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(AnnotatorError, match=words):
        read_skeletons(tmp_path / "t.json")
