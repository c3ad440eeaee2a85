"""Reports are one safe page, a PDF and tables, with the figures that the records give."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Click, PointCloud
from annotator.robustness.datasets import open_dataset
from annotator.robustness.records import Field
from annotator.robustness.report import figures as fg
from annotator.robustness.report import pdf
from annotator.robustness.report.building import build_report
from annotator.robustness.report.gathering import Setup, gather
from annotator.robustness.report.headline import headline
from annotator.robustness.report.pictures import MAX_COLOUR, Spot, cividis, heat, spread
from annotator.robustness.report.scans import draw_scan_heat
from annotator.robustness.runs.store import RunStore
from annotator.robustness.runs.whereabouts import Whereabouts
from annotator.robustness.settings import Permitted
from tests.robustness.records_for_tests import (
    SHAPE,
    key,
    make_manifest,
    make_outcome,
    make_step,
    write_photos,
)

NASTY = 'x"><script>alert(1)</script>'


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos")


@pytest.fixture
def run_folder(tmp_path, photos):
    folder = tmp_path / "run"
    manifest = make_manifest(open_dataset(photos).fingerprint)
    with RunStore.writing(folder, manifest) as store:
        for sample, shift in (("one", 0.0), ("two", 0.1)):
            store.write(key(sample), make_outcome(sample, shift=shift))
            store.write(key(sample, "exhaustive"), make_outcome(sample, "exhaustive", shift=shift))
        store.fail(key(NASTY), f"it is {NASTY}")
    Whereabouts(photos).write(folder)
    return folder


class Page(HTMLParser):
    """Collects tags and what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.places, self.ids, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.places += [v for k, v in attrs if k in ("src", "href", "data", "action", "srcset")]
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_needs_nothing_else_and_runs_nothing(run_folder, tmp_path):
    build_report([run_folder], tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text()
    page = Page(text)
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(page.tags)
    inside = [place for place in page.places if not place.startswith("#")]
    assert all(place.startswith("data:image/jpeg;base64,") for place in inside)
    assert {place[1:] for place in page.places if place.startswith("#")} == set(page.ids)
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text
    assert f"it is {NASTY}" in "".join(page.words)
    assert {"ranking", "curves", "heat", "worst", "tails", "regret", "user", "failures",
            "making"} <= set(page.ids)  # fmt: skip
    assert page.tags.count("img") == 4
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_figures_of_the_page_are_those_of_the_records(run_folder, tmp_path):
    build_report([run_folder], tmp_path / "report")
    words = " ".join(Page((tmp_path / "report" / "report.html").read_text()).words)
    assert "a mean IoU of 45.0 in the worst places, 75.0 where a simulated user clicks" in words
    assert "a range of 40.0 points" in words
    assert "4 of 4" in words  # none of them by the published attack
    assert "0" * 64 in words
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert [row["figures"]["gap"]["value"] for row in summary["ranking"]] == pytest.approx(
        [0.4] * 2
    )
    assert summary["curves"][0]["min"] == pytest.approx([0.35, 0.45, 0.55])
    assert [row["clicks"] for row in summary["ranking"]] == [3, 3]


def other_run(folder, clicks, samples=("one", "two"), mode="ours", plugin="toy", shift=-0.1):
    """A run over other clicks, by its own settings."""
    plain = make_manifest()
    facts = {plugin: plain.plugins["toy"].model_copy(update={"ref": plugin})}
    settings = {**plain.settings, "clicks": clicks}
    with RunStore.writing(folder, make_manifest(plugins=facts, settings=settings)) as store:
        for sample in samples:
            outcome = make_outcome(sample, mode, shift=shift, clicks=clicks)
            store.write(key(sample, mode, plugin), outcome)
    return folder


def lead(*folders):
    gathered = gather(folders)
    return headline(gathered, fg.ranking(gathered))


def test_the_headline_says_of_which_search_and_clicks_it_speaks(tmp_path):
    ours = other_run(tmp_path / "ours", 3)
    assert lead(ours).endswith("a range of 40.0 points (ours, mean over 3 clicks).")
    exact = other_run(tmp_path / "exact", 1, mode="exhaustive", samples=("one",))
    text = lead(ours, exact)
    assert "a range of 40.0 points (ours, mean over 3 clicks)." in text
    assert text.endswith("the least range is 40.0 points (toy, exhaustive, 1 click).")
    assert "range of 40.0 points (exhaustive, one click)" in lead(exact)
    published = other_run(tmp_path / "published", 3, mode="tetris")
    two = other_run(tmp_path / "two", 2, plugin="slow", samples=("one",))
    text = lead(published, exact, two, ours)
    assert "points (ours, mean over 3 clicks)." in text
    assert "(toy, tetris, 3 clicks) and 40.0 points (toy, exhaustive, 1 click)" in text
    assert text.endswith("; the ranking has 1 more.")


def test_the_headline_compares_engines_over_the_same_clicks_and_samples_only(tmp_path):
    ours = other_run(tmp_path / "ours", 3)
    same = other_run(tmp_path / "same", 3, plugin="other", shift=0.2)
    assert "It is the most robust of 2 engines" in lead(ours, same)
    longer = other_run(tmp_path / "longer", 5, plugin="other")
    assert "most robust" not in lead(ours, longer)
    fewer = other_run(tmp_path / "fewer", 3, plugin="other", samples=("one",))
    assert "on different samples: they do not compare" in lead(ours, fewer)


def test_records_over_other_clicks_have_their_own_rows_and_curves(tmp_path):
    first = other_run(tmp_path / "first", 2, samples=("one",))
    second = other_run(tmp_path / "second", 4, samples=("two",))
    gathered = gather([first, second])
    assert [(row.clicks, row.figures["gap"].count) for row in fg.ranking(gathered)] == [
        (2, 1), (4, 1),
    ]  # fmt: skip
    build_report([first, second], tmp_path / "report")
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert [len(curve["min"]) for curve in summary["curves"]] == [2, 4]
    assert list(summary["rank_stability"]) == ["ours, 2 clicks", "ours, 4 clicks"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "ours, multi-start search with gradients, 4 clicks" in page
    assert "Quality by click of toy, mode ours, 2 clicks" in page


def test_tables_have_a_line_a_record_and_a_line_a_click(run_folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    build_report([run_folder], tmp_path / "report")
    with (tmp_path / "report" / "samples.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["sample"], line["mode"]) for line in lines] == [
        ("one", "exhaustive"), ("two", "exhaustive"), ("one", "ours"), ("two", "ours"),
    ]  # fmt: skip
    clicks = parquet.read_table(tmp_path / "report" / "clicks.parquet").to_pylist()
    assert len(clicks) == 4 * 3 * 3
    assert clicks[0]["quality"] == pytest.approx(0.3)


def test_the_pdf_has_all_pages(run_folder, tmp_path):
    pytest.importorskip("matplotlib")
    build_report([run_folder], tmp_path / "report")
    content = (tmp_path / "report" / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 5


def test_a_long_table_of_the_pdf_goes_on_on_the_next_page(run_folder, monkeypatch):
    pytest.importorskip("matplotlib")
    gathered = gather([run_folder])
    (row,) = fg.regrets(gathered)
    rows = [replace(row, click=number) for number in range(1, 61)]
    monkeypatch.setattr(fg, "regrets", lambda gathered: rows)
    pages = list(pdf._table_pages(gathered))
    assert len(pages) > 1
    shown = [text for page in pages for text in page.texts]
    assert all(text.get_position()[1] > 0 for text in shown)
    assert {str(number) for number in range(1, 61)} <= {text.get_text() for text in shown}


def test_equal_runs_give_equal_reports(run_folder, tmp_path):
    for name in ("a", "b"):
        build_report([run_folder], tmp_path / name)
    for name in ("report.html", "report.pdf", "summary.json", "clicks.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_without_its_dataset_a_report_has_no_pictures_and_says_so(run_folder, photos, tmp_path):
    moved = photos.rename(tmp_path / "elsewhere")
    _, notes = build_report([run_folder], tmp_path / "report")
    assert notes == ["The dataset of run is not there; its pictures are left out."]
    assert "<img" not in (tmp_path / "report" / "report.html").read_text()
    _, notes = build_report([run_folder], tmp_path / "report", dataset=moved)
    assert notes == []
    (moved / "masks" / "one.png").write_bytes((moved / "masks" / "two.png").read_bytes() + b"x")
    _, notes = build_report([run_folder], tmp_path / "report", dataset=moved)
    assert "has changed" in notes[0]


def test_one_name_for_two_engines_is_told_apart_by_the_run(run_folder, tmp_path):
    manifest = make_manifest()
    facts = manifest.plugins["toy"].model_copy(update={"weights": {"w": "1" * 64}})
    with RunStore.writing(tmp_path / "other", make_manifest(plugins={"toy": facts})) as store:
        store.write(key(), make_outcome(shift=-0.1))
    gathered = gather([run_folder, tmp_path / "other"])
    assert gathered.engines == ["toy (run)", "toy (other)"]
    ranked = [row.engine for row in fg.ranking(gathered) if row.mode == "ours"]
    assert sorted(ranked) == ["toy (other)", "toy (run)"]
    assert fg.rank_stability(gathered, Setup("ours", 3)).keys() == {"toy (run)", "toy (other)"}


def test_a_run_without_records_and_a_damaged_record_are_refused(run_folder, tmp_path):
    RunStore.writing(tmp_path / "empty", make_manifest()).close()
    with pytest.raises(AnnotatorError, match="empty has no records yet"):
        build_report([tmp_path / "empty"], tmp_path / "report")
    next((run_folder / "records").rglob("one.json")).write_text("{}")
    with pytest.raises(AnnotatorError, match=r"one\.json is damaged"):
        build_report([run_folder], tmp_path / "report")


def test_regret_and_coverage_compare_with_what_is_known(run_folder):
    gathered = gather([run_folder])
    (regret,) = fg.regrets(gathered)
    assert (regret.mode, regret.click, regret.bound) == ("ours", 1, "stride 4")
    assert regret.inside == 1.0
    coverage = {row.mode: row for row in fg.coverages(gathered)}["ours"]
    # the person got 0.5 and 0.9 where MIN was 0.3, 0.4 and MAX 0.7, 0.8; then 0.1 more
    assert (coverage.clicks, coverage.inside, coverage.above) == (4, 0.75, 0.25)


def test_regret_is_of_an_enumeration_of_the_same_region(run_folder):
    gathered = gather([run_folder])
    findings = []
    for found in gathered.findings:
        region = Permitted.DISK if found.mode == "exhaustive" else Permitted.CENTRE
        settings = replace(found.record.settings, permitted=region)
        findings.append(replace(found, record=replace(found.record, settings=settings)))
    assert fg.regrets(replace(gathered, findings=tuple(findings))) == []


def test_an_interval_covers_the_mean_and_needs_two_assets():
    found = fg.estimate([0.1, 0.2, 0.6, 0.7], ["a", "a", "b", "b"])
    assert found.value == pytest.approx(0.4)
    assert (found.low, found.high) == (pytest.approx(0.15), pytest.approx(0.65))
    alone = fg.estimate([0.1, float("nan")], ["a", "b"])
    assert alone.count == 1
    assert np.isnan(alone.low)


def test_trajectories_that_ended_count_on_with_their_last_quality():
    np.testing.assert_array_equal(fg.padded(np.array([0.5, 1.0]), 4), [0.5, 1, 1, 1])


def test_heat_maps_colour_what_was_scored_and_mark_clicks():
    places = np.array([[10, 10], [10, 14]])
    field = spread(SHAPE, places, np.array([0.0, 1.0]), 4)
    assert field[10, 10] == 0
    assert field[10, 14] == 1
    assert np.isnan(field[40, 40])
    picture = heat(np.full((*SHAPE, 3), 255, np.uint8), field, [Spot(60, 40, "max")], 0, 1)
    x, y = (round(v * picture.shape[1] / SHAPE[1]) for v in (60, 40))
    assert tuple(picture[y, x]) == MAX_COLOUR
    lightness = cividis(np.linspace(0, 1, 11)) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(lightness) > 0).all()


def test_scans_show_every_candidate_in_its_colour_whatever_stands_before_it():
    generator = np.random.default_rng(0)
    ball = generator.normal(size=(400, 3))
    ball *= 0.2 / np.linalg.norm(ball, axis=1, keepdims=True)
    shell = ball * 2.2
    cloud = PointCloud(np.concatenate([ball, shell]).astype(np.float32))
    quality = (ball[:, 2] > 0).astype(float)
    even = np.full(400, 1 / 400)
    field = Field(
        (), True, 1, ball, quality, even, even, 0, 400, 1, 0.0, 1.0, "exact",
        indices=np.arange(400),
    )  # fmt: skip
    picture = draw_scan_heat(cloud, field, 0.0, 1.0).astype(int)
    yellow = (picture[..., 0] > 150) & (picture[..., 2] < 120)
    blue = (picture[..., 2] > picture[..., 0] + 30) & (picture[..., 0] < 60)
    assert yellow.sum() > 2000
    assert blue.sum() > 2000
    rows = [np.flatnonzero(found.any(axis=1)).mean() for found in (yellow, blue)]
    assert rows[0] < rows[1]  # what scores high is above
    steps = {"base": make_step(1, 0.5)}
    steps["base"] = replace(steps["base"], clicks=(Click(tuple(ball[0]), 1),))
    assert draw_scan_heat(cloud, None, 0.0, 1.0, steps).shape == picture.shape
