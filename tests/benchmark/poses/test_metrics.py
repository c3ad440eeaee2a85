"""OKS and AP of a photo are those of pycocotools."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from annotator.benchmark.poses.metrics import average_precision, oks, torso
from annotator.domain import COCO_17, LSP_14

SIGMAS = np.array(COCO_17.sigmas)


def judged(truth, labelled, areas, crowds, found, scores):
    """Evaluate one photo with pycocotools; return AP and the matrix of OKS."""
    annotations = []
    for i, (joints, seen) in enumerate(zip(truth, labelled, strict=True)):
        flat = np.concatenate([joints, 2 * seen[:, None]], axis=1)
        flat[~seen] = 0
        low, high = joints.min(0), joints.max(0)
        annotations.append(
            {
                "id": i + 1, "image_id": 1, "category_id": 1, "keypoints": flat.ravel().tolist(),
                "num_keypoints": int(seen.sum()), "area": areas[i], "iscrowd": int(crowds[i]),
                "bbox": [*low.tolist(), *(high - low).tolist()],
            }
        )  # fmt: skip
    results = [
        {
            "image_id": 1, "category_id": 1, "score": float(score),
            "keypoints": np.concatenate([joints, np.ones((17, 1))], axis=1).ravel().tolist(),
        }
        for joints, score in zip(found, scores, strict=True)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {}, "images": [{"id": 1}], "annotations": annotations,
            "categories": [{"id": 1, "name": "person"}],
        }  # fmt: skip
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats[0], judge.ious[1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
def test_a_photo_is_judged_as_pycocotools_does(seed, people, predictions):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 200, (people, 17, 2))
    labelled = rng.random((people, 17)) < 0.8
    labelled[:, 0] = True
    crowds = rng.random(people) < 0.2
    areas = rng.uniform(2000, 40000, people)
    noise = rng.choice([1.0, 6.0, 15.0, 40.0], predictions)[:, None, None]
    found = truth[rng.integers(0, people, predictions)] + noise * rng.normal(
        size=(predictions, 17, 2)
    )
    scores = rng.permutation(predictions) / predictions + 0.01

    expected, ious = judged(truth, labelled, areas, crowds, found, scores)

    columns = [oks(found, truth[g], labelled[g], areas[g], SIGMAS) for g in range(people)]
    similarity = np.stack(columns, axis=1)
    order = np.argsort(-scores, kind="mergesort")
    np.testing.assert_allclose(similarity[order], ious, atol=1e-9)
    ours = average_precision(scores, similarity, crowds)
    if crowds.all():
        assert np.isnan(ours)
        assert expected == -1
    else:
        assert ours == pytest.approx(expected, abs=1e-9)


def test_the_torso_is_measured_across_and_the_box_stands_in():
    truth = np.zeros((14, 2))
    truth[9], truth[2] = (30.0, 0.0), (0.0, 40.0)
    labelled = np.ones(14, bool)
    assert torso(LSP_14, truth, labelled, (0, 0, 10, 80)) == 50.0
    labelled[2] = False
    assert torso(LSP_14, truth, labelled, (0, 0, 10, 80)) == 40.0
