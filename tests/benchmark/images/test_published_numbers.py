"""Next click, IoU, boundary IoU, NoC, NoF and the loop are those of the published code."""

import numpy as np
import pytest

from annotator.benchmark.images.metrics import (
    band,
    band_width,
    boundary_iou,
    clicks_needed,
    iou,
    mean_curve,
    noc,
    nof,
    strict_nof,
)
from annotator.benchmark.images.protocol import Budget, run_sample
from annotator.benchmark.images.simulator import PixelClick, depth, next_click
from tests.models.clickseg.parity import golden

SETS = ("full", "stop90", "hard", "edges", "short")


def as_rows(clicks):
    return [[int(c.positive), c.row, c.column] for c in clicks]


def test_the_next_click_is_exact_in_all_150_cases():
    data = golden("clicker.npz")
    for number, (height, width) in enumerate(data["hw"]):
        truth = data["gt"][number, :height, :width]
        prediction = data["pred"][number, :height, :width].astype(bool)
        earlier = data["prev_clicks"][number][: data["n_prev"][number]]
        clicks = [PixelClick(bool(p), int(r), int(c)) for p, r, c in earlier]
        found = as_rows([next_click(truth, prediction, clicks)])[0]
        assert found == data["next_click"][number].tolist(), data["kind"][number]


def test_depths_are_exact_squares():
    data = golden("clicker.npz")
    for number, (height, width) in enumerate(data["hw"]):
        truth = data["gt"][number, :height, :width]
        prediction = data["pred"][number, :height, :width].astype(bool)
        missed, false = (truth == 1) & ~prediction, (truth == 0) & prediction
        depths = [depth(missed), depth(false)]
        for positive, row, column in data["prev_clicks"][number][: data["n_prev"][number]]:
            assert positive in (0, 1)
            for map_ in depths:
                map_[row, column] = 0
        found = [int(map_.max()) for map_ in depths]
        assert found == data["max_d2_fn_fp"][number].tolist()


def test_boundary_iou_and_its_bands_are_exact():
    data = golden("boundary_iou.npz")
    for number in range(len(data["iou"])):
        truth, mask = data[f"gt_{number:02d}"], data[f"pred_{number:02d}"].astype(bool)
        width = band_width(truth.shape)
        assert width == data["dilation"][number]
        for region, name in ((truth == 1, "gt"), (mask, "pred")):
            theirs = data[f"band_{name}_{number:02d}"].astype(bool)
            np.testing.assert_array_equal(band(region, width), theirs)
        expected = pytest.approx(data["biou"][number], abs=1e-12, nan_ok=True)
        assert boundary_iou(truth, mask) == expected
        assert iou(truth, mask) == pytest.approx(data["iou"][number], abs=1e-12, nan_ok=True)


def curves_of(data, name):
    pairs = zip(data[f"{name}_iou64"], data[f"{name}_len"], strict=True)
    return [curve[:length].astype(np.float32) for curve, length in pairs]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("limit", [10, 20])
@pytest.mark.parametrize(("kind", "listed"), [("lit", "thr"), ("arange", "thr_official_arange")])
def test_noc_and_nof_are_exact(name, limit, kind, listed):
    data = golden("noc.npz")
    curves, qualities = curves_of(data, name), data[listed]
    means = [noc(curves, q, limit) for q in qualities]
    np.testing.assert_allclose(means, data[f"{name}_{kind}_noc_max{limit}"], atol=1e-6, rtol=0)
    failures = [nof(curves, q, limit) for q in qualities]
    assert failures == data[f"{name}_{kind}_nof_max{limit}"].tolist()


@pytest.mark.parametrize("name", SETS)
def test_noc_of_every_sample_and_the_mean_curve_are_exact(name):
    data = golden("noc.npz")
    curves = curves_of(data, name)
    found = [[clicks_needed(curve, q, 20) for q in data["thr"]] for curve in curves]
    assert found == data[f"{name}_per_sample_noc"].tolist()
    mean = mean_curve(curves)
    np.testing.assert_array_equal(mean, data[f"{name}_miou"])
    printed = [f"mIoU@{k}={100 * mean[k - 1]:.2f}%" for k in (1, 2, 3, 5, 10, 20) if k <= len(mean)]
    assert printed == data[f"{name}_miou_printed"].tolist()


@pytest.mark.parametrize("number", range(6))
def test_the_loop_makes_the_published_clicks_and_stops_where_they_do(number):
    data = golden("noc.npz")
    probabilities = data[f"sample{number}_probs"]
    target, least, most = data[f"sample{number}_target_min_max"]
    run = run_sample(
        "scripted",
        data[f"sample{number}_gt"],
        lambda clicks: probabilities[len(clicks) - 1] > np.float32(0.49),
        Budget(float(target), int(most), int(least)),
    )
    np.testing.assert_array_equal(run.curve, data[f"sample{number}_iou"])
    assert as_rows(run.clicks) == data[f"sample{number}_clicks"].tolist()


def test_a_success_on_the_last_click_is_a_failure_only_as_published():
    late = np.array([0.1] * 19 + [0.95], np.float32)
    never = np.array([0.1] * 20, np.float32)
    assert nof([late, never], 0.9, 20) == 2
    assert strict_nof([late, never], 0.9, 20) == 1
    assert strict_nof([late, never], 0.9, 10) == 2
