import json
import math

import numpy as np

from annotator.domain import Click
from annotator.robustness.contract import About
from annotator.robustness.records import Field, Record, Step
from annotator.robustness.settings import Mode, Permitted, Settings

CLICKS = (Click((3.5, 4.5), 1, 0), Click((1.5, 2.5), 1, 1, positive=False))


def record():
    steps = tuple(Step(CLICKS[:k], 0.5 * k, seconds=1.0, extras={"drift": 0.1}) for k in (1, 2))
    field = Field(
        (), True, 1, np.array([[3.5, 4.5], [1.5, 2.5]]), np.array([0.5, 0.9]),
        np.array([0.75, 0.25]), np.array([0.5, 0.5]), 0, 2, 1, 0.5, 0.9, "exact",
    )  # fmt: skip
    return Record(
        About("image", "engine", "sample", notes=("a note",)), Mode.OURS,
        Settings(clicks=2, permitted=Permitted.DISK), {"min": steps, "base": steps, "max": steps},
        (field,), {"version": "1"},
    )  # fmt: skip


def test_a_record_survives_json_and_arrays():
    written = record()
    text = json.dumps(written.to_json(), allow_nan=False)
    read = Record.from_parts(json.loads(text), written.arrays())
    assert read.to_json() == written.to_json()
    assert read.paths["min"][1].clicks == CLICKS
    assert math.isnan(read.paths["min"][0].second)
    assert read.settings == written.settings
    assert read.arrays().keys() == written.arrays().keys()
    for name, array in read.arrays().items():
        np.testing.assert_array_equal(array, written.arrays()[name])


def test_a_record_without_times_is_the_same_for_slow_and_fast_runs():
    assert record().seconds_of("min") == 2.0
    assert record().timeless().seconds_of("min") == 0.0


def test_the_unsafe_share_counts_what_each_candidate_stands_for():
    (field,) = record().fields
    assert field.unsafe_share(0.8) == 0.5
    assert field.exact


def test_settings_of_a_later_version_are_read():
    assert Settings.from_json({"clicks": 3, "unheard_of": 1}) == Settings(clicks=3)
