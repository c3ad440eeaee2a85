"""`annotator robustness run` does what is missing, once, and says in words what failed."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.robustness.runs.store import RunStore
from tests.robustness.records_for_tests import write_photos


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", ("one", "two", "three"))


@pytest.fixture
def arguments(photos, tmp_path):
    return [
        "robustness", "run", "--dataset", photos, "--plugins", "flood-fill", "--clicks", 2,
        "--mode", "exhaustive", "--stride", 8, "-o", tmp_path / "run",
    ]  # fmt: skip


def records(folder):
    return {p.relative_to(folder): p.read_bytes() for p in (folder / "records").rglob("*.json")}


def test_every_sample_and_mode_gets_a_record_that_is_not_made_again(run, arguments, tmp_path):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert "3 records written" in out
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "records").rglob("*.json")}
    assert len(before) == 3
    status, out, _ = run(*arguments)
    assert "0 records written" in out
    assert "3 were there" in out
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_in_every_record_the_simulated_user_lies_between_the_extremes(run, arguments, tmp_path):
    run(*arguments, "--mode", "exhaustive,ours", "--evaluations", 12)
    found = list(RunStore.open(tmp_path / "run").outcomes())
    assert len(found) == 6
    for key, outcome in found:
        assert outcome.record.ordered, key
        assert outcome.record.about.sample == key.sample
        assert outcome.record.made_with["plugin"] == "flood-fill"
        assert set(outcome.shapes) == {"min", "base", "max"}


def test_a_run_says_how_far_a_finger_may_be_off(run, arguments, tmp_path):
    run(*arguments, "--limit", 1)
    store = RunStore.open(tmp_path / "run")
    assert store.manifest.settings["finger"] == 5.0
    ((_, outcome),) = store.outcomes()
    assert outcome.record.settings.finger == 5.0
    status, _, err = run(*arguments, "--finger", 3)
    assert status != 0
    assert "finger was 5.0, now 3.0" in " ".join(err.split())


def test_a_run_done_in_parts_equals_one_done_at_once(run, arguments, tmp_path):
    run(*arguments, "--limit", 1)
    assert len(records(tmp_path / "run")) == 1
    run(*arguments)
    run(*arguments[:-1], tmp_path / "whole")
    assert records(tmp_path / "run") == records(tmp_path / "whole")


def test_a_sample_that_fails_is_recorded_and_the_others_go_on(run, arguments, photos, tmp_path):
    good = (photos / "masks" / "two.png").read_bytes()
    Pillow.fromarray(np.zeros((5, 5), np.uint8)).save(photos / "masks" / "two.png")
    status, out, err = run(*arguments)
    assert status == 3
    assert "2 records written" in out
    assert "1 x two.png and two.png differ in size." in out
    assert "two.png differ in size" in err
    status, out, _ = run(*arguments)
    assert status == 0
    assert "1 failed earlier; --retry-failed tries them again." in out
    status, out, _ = run(*arguments, "--retry-failed")
    assert status == 3
    (photos / "masks" / "two.png").write_bytes(good)
    status, _, err = run(*arguments, "--retry-failed")
    assert status == 1
    assert "fingerprint" in err


def test_an_engine_that_raises_fails_its_sample_only(run, arguments, monkeypatch, tmp_path):
    from annotator.robustness.runs import performing

    honest = performing.attack

    def sometimes(target, *rest):
        if target.about.sample == "two":
            raise ZeroDivisionError("division by zero")
        return honest(target, *rest)

    monkeypatch.setattr(performing, "attack", sometimes)
    status, out, _ = run(*arguments)
    assert status == 3
    assert "1 x ZeroDivisionError: division by zero" in out
    failure = json.loads(next((tmp_path / "run" / "failures").rglob("*.json")).read_text())
    assert "Traceback" in failure["details"]
    monkeypatch.setattr(performing, "attack", honest)
    status, out, _ = run(*arguments, "--retry-failed")
    assert (status, "1 records written" in out) == (0, True)
    assert not list((tmp_path / "run" / "failures").rglob("*.json"))


def test_a_damaged_record_is_made_again(run, arguments, tmp_path):
    run(*arguments)
    before = records(tmp_path / "run")
    path = next((tmp_path / "run" / "records").rglob("two.json"))
    path.write_bytes(path.read_bytes()[:-40])
    _, out, _ = run(*arguments)
    assert "1 records written" in out
    assert records(tmp_path / "run") == before


def test_wrong_words_are_refused_before_anything_is_done(run, arguments, tmp_path):
    wrong = {
        "There is no mode 'fast'": ("--mode", "fast"),
        "There is no region 'sky'": ("--region", "sky"),
        "There is no layout 'zip'": ("--layout", "zip"),
        "There is no plugin 'nobody'": ("--plugins", "nobody"),
        "nearest-click is an engine for another kind": ("--plugins", "nearest-click"),
        "Name each plugin once": ("--plugins", "flood-fill,flood-fill"),
        "'here' is no option": ("here",),
    }
    for words, options in wrong.items():
        status, _, err = run(*arguments, *options)
        assert status == 1
        assert words in err
    assert not (tmp_path / "run").exists()


def test_the_published_attack_needs_gradients_and_says_so(run, arguments):
    status, out, _ = run(*arguments, "--mode", "tetris")
    assert status == 3
    assert "no gradients" in out


def test_a_certified_run_tells_what_its_search_missed_at_every_click(run, arguments, tmp_path):
    search = (*arguments, "--mode", "ours", "--evaluations", 6)
    status, _, err = run(*search, "--certify", 2)
    assert (status, err) == (0, "")
    outcomes = [outcome for _, outcome in RunStore.open(tmp_path / "run").outcomes()]
    for outcome in outcomes:
        record = outcome.record
        histories = [record.paths[path][0].clicks for path in ("min", "max")]
        assert [f.history for f in record.fields] == list(dict.fromkeys([(), *histories]))
        assert outcome.timing["certify"] > 0
    run("robustness", "report", tmp_path / "run", "-o", tmp_path / "report")
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert [(row["mode"], row["click"]) for row in summary["regret"]] == [("ours", 1), ("ours", 2)]
    first = [o.record.paths["min"][0].quality - o.record.fields[0].lower for o in outcomes]
    assert summary["regret"][0]["low"]["value"] == pytest.approx(np.mean(first))
    assert [row["figures"]["p5"]["count"] for row in summary["tails"]] == [3]
    status, _, err = run(*search)
    assert status == 1
    assert "certify was 2, now 0" in " ".join(err.split())
    status, _, err = run(*arguments, "--certify", 1)
    assert "Mode exhaustive has nothing to certify." in err


def test_a_run_goes_on_that_was_begun_before_a_setting_was_known(run, arguments, tmp_path):
    run(*arguments, "--limit", 1)
    path = tmp_path / "run" / "run.json"
    manifest = json.loads(path.read_text())
    del manifest["settings"]["certify"]
    path.write_text(json.dumps(manifest))
    status, out, _ = run(*arguments)
    assert (status, "2 records written" in out) == (0, True)


def test_a_report_of_a_run_has_its_pictures(run, arguments, tmp_path):
    run(*arguments)
    status, out, err = run("robustness", "report", tmp_path / "run", "-o", tmp_path / "report")
    assert (status, err) == (0, "")
    assert "report.html" in out
    assert (tmp_path / "report" / "report.html").read_text().count("<img") == 6


def test_own_projects_tell_how_their_user_compares(run, photos, tmp_path):
    from annotator.domain import Click, Mask
    from annotator.formats import read_image
    from annotator.project import Project

    image = read_image(photos / "images" / "one.png")
    with Project.create(tmp_path / "mine.annotator") as project:
        size = image.rgb.shape[0] * image.rgb.shape[1]
        asset = project.add_asset(photos / "images" / "one.png", "image", image.content_hash, size)
        project.add_clicks(asset, [Click((22.5, 12.5), 1)])
        labels = np.zeros(image.rgb.shape[:2], np.int32)
        labels[10:50, 20:60] = 1
        project.store_result(asset, project.asset(asset).prompt(), Mask(labels))
    status, _, _ = run(
        "robustness", "run", "--dataset", tmp_path / "mine.annotator", "--plugins", "flood-fill",
        "--clicks", 1, "--mode", "exhaustive", "--stride", 4, "-o", tmp_path / "run",
    )  # fmt: skip
    assert status == 0
    ((_, outcome),) = RunStore.open(tmp_path / "run").outcomes()
    low, high = (outcome.record.paths[path][0].quality for path in ("min", "max"))
    assert len(outcome.user) == 1
    assert 0 < low <= high
    run("robustness", "report", tmp_path / "run", "-o", tmp_path / "report")
    assert "Your own clicks" in (tmp_path / "report" / "report.html").read_text()


def test_objects_of_scans_are_attacked_and_shown(run, tmp_path):
    generator = np.random.default_rng(0)
    parts = [
        generator.uniform((0, 0, 0), (3, 2, 0.02), (300, 3)),
        generator.uniform((0.2, 0.7, 0.1), (0.8, 1.3, 0.7), (80, 3)),
        generator.uniform((2.0, 0.7, 0.1), (2.6, 1.3, 0.7), (80, 3)),
    ]
    labels = np.repeat([0, 4, 7], [300, 80, 80]).astype(np.int32)
    np.savez(tmp_path / "room.npz", xyz=np.concatenate(parts).astype(np.float32), labels=labels)
    status, out, err = run(
        "robustness", "run", "--dataset", tmp_path / "room.npz", "--plugins", "nearest-click",
        "--mode", "exhaustive,ours", "--clicks", 2, "--evaluations", 10, "-o", tmp_path / "run",
    )  # fmt: skip
    assert (status, err) == (0, ""), out
    found = {key: outcome.record for key, outcome in RunStore.open(tmp_path / "run").outcomes()}
    assert {key.sample for key in found} == {"room-4", "room-7"}
    assert all(record.ordered for record in found.values())
    assert all(len(record.fields) == (record.mode == "exhaustive") for record in found.values())
    run("robustness", "report", tmp_path / "run", "-o", tmp_path / "report", "--pictures", 2)
    assert (tmp_path / "report" / "report.html").read_text().count("<img") == 4


def test_corrections_of_people_are_attacked_and_shown(run, tmp_path):
    from annotator.domain import COCO_17

    rgb = np.full((60, 50, 3), 90, np.uint8)
    rgb[10:50, 15:35] = (230, 20, 20)
    Pillow.fromarray(rgb).save(tmp_path / "walk.png")
    spots = np.stack([np.linspace(16, 34, 17), np.linspace(12, 48, 17)], axis=1)
    joints = np.concatenate([spots, np.full((17, 1), 2)], axis=1)
    person = {
        "image_id": 1, "bbox": [15, 10, 20, 40], "area": 800.0, "iscrowd": 0,
        "keypoints": joints.ravel().tolist(),
    }  # fmt: skip
    content = {
        "images": [{"id": 1, "file_name": "walk.png"}],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}],
        "annotations": [person],
    }
    (tmp_path / "people.json").write_text(json.dumps(content))
    status, out, err = run(
        "robustness", "run", "--dataset", tmp_path / "people.json", "--plugins", "stick-figure",
        "--mode", "exhaustive,ours", "--clicks", 2, "--evaluations", 10, "-o", tmp_path / "run",
    )  # fmt: skip
    assert (status, err) == (0, ""), out
    found = [outcome.record for _, outcome in RunStore.open(tmp_path / "run").outcomes()]
    assert [record.about.quality for record in found] == ["OKS"] * 2
    assert all(record.ordered for record in found)
    run("robustness", "report", tmp_path / "run", "-o", tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text()
    assert "OKS-D" in text
    assert text.count("<img") == 2


def test_without_ray_a_cluster_names_its_extra(run, arguments, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, err = run(*arguments, "--cluster")
    assert status == 1
    assert "click-annotator[cluster]" in err
