"""A recorded session can be counted, replayed and exported without the window."""

import json
from pathlib import Path

import numpy as np
import pytest

from annotator.domain import Mask
from annotator.formats import read_cloud
from annotator.project import Project


@pytest.fixture
def project(scan: Path, tmp_path: Path) -> Path:
    """Record three clicks on two objects, one undone, and a brush stroke."""
    path = tmp_path / "session.annotation"
    cloud = read_cloud(scan)
    with Project.create(path) as opened:
        asset = opened.add_asset(scan, "cloud", cloud.content_hash, len(cloud))
        opened.set_engine(asset, "nearest-click", {})
        for row, object_id in ((950, 1), (1250, 2), (10, 0)):
            position = tuple(float(v) for v in cloud.xyz[row])
            opened.add_click(asset, position, object_id, index=row)
        opened.undo()
        opened.paint(asset, np.array([0, 1, 2]), 1)
    return path


def test_stats_count_clicks_and_undos(run, project: Path) -> None:
    status, out, err = run("stats", project, "--json")

    assert status == 0, err
    figures = json.loads(out)
    assert (figures["clicks"], figures["kept"], figures["undos"], figures["edits"]) == (3, 2, 1, 1)
    assert len(figures["click_s"]) == 3


def test_stats_table_names_the_objects(run, project: Path) -> None:
    status, out, _ = run("stats", project)

    assert status == 0
    assert "3 / 2" in out
    assert "Background" in out


def test_replay_lists_every_action_in_order(run, project: Path) -> None:
    status, out, err = run("replay", project, "--json")

    assert status == 0, err
    records = [json.loads(line) for line in out.splitlines()]
    clicked = [r["clicks"][0][:2] for r in records if "clicks" in r and r["what"] != "undone"]
    assert clicked[:3] == [[1, 950], [2, 1250], [0, 10]]
    assert any(r["undone"] for r in records)


def test_replay_predicts_each_step_with_any_engine(run, project: Path) -> None:
    status, out, err = run("replay", project, "--json", "--engine", "nearest-click")

    assert status == 0, err
    changed = [json.loads(line).get("changed_points") for line in out.splitlines()]
    assert any(n and n > 0 for n in changed)


def test_export_predicts_what_is_not_stored_and_keeps_edits(run, project, tmp_path) -> None:
    status, _, err = run("export", project, "-o", tmp_path / "labels.npy")

    assert status == 0, err
    labels = np.load(tmp_path / "labels.npy")
    assert labels[[0, 1, 2]].tolist() == [1, 1, 1]
    assert labels[950] == 1
    assert labels[1250] == 2


def test_export_writes_the_stored_result(run, project: Path, scan: Path, tmp_path: Path) -> None:
    cloud = read_cloud(scan)
    labels = np.full(len(cloud), 2, np.int32)
    with Project.open(project) as opened:
        (asset,) = opened.document.assets.values()
        opened.store_result(asset.asset_id, asset.prompt(), Mask(labels))

    run("export", project, "-o", tmp_path / "out")

    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "room.labels.ply"
    written = read_cloud(file).labels
    assert written is not None
    assert (written[3:] == 2).all()
    assert (written[:3] == 1).all()


def test_damaged_project_is_named(run, tmp_path: Path) -> None:
    (tmp_path / "bad.annotation").write_bytes(b"SQLite format 3\x00" + b"\x00" * 100)

    status, _, err = run("stats", tmp_path / "bad.annotation")

    assert status == 1
    assert "bad.annotation" in err
    assert "Traceback" not in err


def test_replay_on_another_plugin_reports_how_close_it_came(run, project: Path) -> None:
    status, out, err = run("replay", project, "--json", "--plugin", "nearest-click")

    assert status == 0, err
    *steps, last = [json.loads(line) for line in out.splitlines()]
    assert last["report"]["steps predicted"] == 4
    assert last["report"]["milliseconds, mean"] > 0
    assert any("changed_points" in step for step in steps)


def test_compare_gives_engines_the_recorded_clicks(run, project: Path, tmp_path: Path) -> None:
    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    folder = user_data("plugins") / "nearest_click"
    other = folder.with_name("other")
    other.mkdir()
    (other / "plugin.toml").write_text(
        'api = 1\nid = "shy"\nversion = "1"\ntitle = "Shy"\nkind = "scene"\n'
        'uses = "nearest-click"\n[[parameters]]\nname = "reach"\ntype = "float"\ndefault = 0.2\n'
    )
    trust(other)
    status, out, err = run(
        "compare", project, project, "--plugins", "nearest-click,shy", "-o", tmp_path / "out"
    )

    assert status == 0, err
    assert "Mean IoU after each recorded click" in out
    report = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert report["made_with"] == ["nearest-click"]
    assert (report["assets"], report["objects"], report["clicks"]) == (2, 4, 4)
    means = report["means"]
    assert means["nearest-click"]["IoU, last click"] > 0.99  # the work was done with it
    assert means["shy"]["IoU, last click"] < 0.5
    change = report["difference_from_nearest-click"]["shy"]["IoU, last click"]
    assert change["high"] < 0
    pictures = list((tmp_path / "out").glob("disagreement-*.png"))
    assert len(pictures) == 2
    assert all(picture.stat().st_size > 5000 for picture in pictures)


def test_compare_says_when_there_is_nothing_to_compare(run, project: Path) -> None:
    assert "Nothing in these projects" in run("compare", project, "--plugins", "flood-fill")[2]
    assert "Name each engine once" in run("compare", project, "--plugins", "a,a")[2]
