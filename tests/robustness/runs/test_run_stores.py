"""The folder of a run: records come back as they were, damage and other runs are noticed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotator.domain import AnnotatorError
from annotator.robustness.runs import coding
from annotator.robustness.runs.store import RunStore, safe_name
from annotator.robustness.runs.tasks import Outcome
from tests.robustness.records_for_tests import key, make_manifest, make_outcome


@pytest.fixture
def store(tmp_path):
    with RunStore.writing(tmp_path / "run", make_manifest()) as opened:
        yield opened


def written(store, task):
    return next((store.folder / "records").rglob(f"{safe_name(task.sample)}.json"))


def test_what_was_written_comes_back_with_its_times(store):
    outcome = make_outcome("one", "exhaustive")
    store.write(key("one", "exhaustive"), outcome)
    ((task, found),) = store.outcomes()
    assert task == key("one", "exhaustive")
    assert found.record.to_json() == outcome.record.to_json()
    for name, array in outcome.record.arrays().items():
        np.testing.assert_array_equal(found.record.arrays()[name], array)
    assert found.user == (0.5, 0.9)
    assert (found.shapes["min"] == outcome.shapes["min"]).all()
    assert found.timing["total"] == 2.5
    assert found.record.seconds_of("min") == 1.5


def test_records_do_not_depend_on_how_long_they_took(store, tmp_path):
    from dataclasses import replace

    outcome = make_outcome()
    slower = {
        path: tuple(replace(step, seconds=99.0) for step in steps)
        for path, steps in outcome.record.paths.items()
    }
    store.write(key(), outcome)
    first = written(store, key()).read_bytes()
    record = replace(outcome.record, paths=slower)
    store.write(key(), Outcome("one", record, outcome.user, outcome.shapes, {"total": 1e6}))
    assert written(store, key()).read_bytes() == first


def test_a_damaged_record_is_named_and_counts_as_missing(store):
    store.write(key(), make_outcome())
    path = written(store, key())
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6", 1))
    assert not store.has(key())
    with pytest.raises(
        AnnotatorError, match=r"records/toy/ours/one\.json is damaged: its checksum"
    ):
        list(store.outcomes())
    path.write_bytes(b"{")
    with pytest.raises(AnnotatorError, match="is damaged"):
        store.read(key())


def test_a_success_takes_the_failure_away(store):
    store.fail(key(), "no memory", "Traceback")
    assert store.has_failed(key())
    assert store.failures() == {key(): "no memory"}
    store.write(key(), make_outcome())
    assert not store.has_failed(key())


def test_half_written_files_of_a_killed_process_are_swept(tmp_path):
    with RunStore.writing(tmp_path / "run", make_manifest()) as store:
        store.write(key(), make_outcome())
        half = written(store, key()).with_name(".one.json.abcd.part")
        table = tmp_path / "run" / ".dataset.json.abcd.part"
        half.write_bytes(b"{")
        table.write_bytes(b"{")
    with RunStore.writing(tmp_path / "run", make_manifest()) as store:
        assert not half.exists()
        assert not table.exists()
        assert store.has(key())


def test_only_one_process_writes(store):
    with pytest.raises(AnnotatorError, match="in use"):
        RunStore.writing(store.folder, make_manifest())


def test_another_setting_weight_dataset_or_version_does_not_mix(tmp_path):
    RunStore.writing(tmp_path / "run", make_manifest()).close()
    manifest = make_manifest()
    facts = manifest.plugins["toy"].model_copy(update={"weights": {"w": "1" * 64}})
    others = {
        "clicks was 3, now 4": {"settings": {**manifest.settings, "clicks": 4}},
        "toy's weights": {"plugins": {"toy": facts}},
        "dataset's fingerprint": {"fingerprint": "0" * 64},
        "version of annotator": {"versions": {"annotator": "0.2.0"}},
        "threads was 1, now 2": {"threads": 2},
    }
    for words, changes in others.items():
        with pytest.raises(AnnotatorError, match=words):
            RunStore.writing(tmp_path / "run", make_manifest(**changes))


def test_plugins_modes_and_samples_may_be_added(tmp_path):
    RunStore.writing(tmp_path / "run", make_manifest(limit=2)).close()
    added = make_manifest(modes=("tetris",), limit=5)
    with RunStore.writing(tmp_path / "run", added) as store:
        assert store.manifest.modes == ("ours", "exhaustive", "tetris")
        assert store.manifest.limit == 5
    with RunStore.writing(tmp_path / "run", make_manifest(limit=0)) as store:
        assert store.manifest.limit == 0


def test_folders_that_hold_no_run_or_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(AnnotatorError, match="holds no robustness run"):
        RunStore.open(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(AnnotatorError, match=r"run\.json is damaged"):
        RunStore.open(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 9}))
    with pytest.raises(AnnotatorError, match="written by another version"):
        RunStore.open(tmp_path)


@given(st.text(max_size=120), st.text(max_size=120))
def test_names_of_files_are_safe_and_stay_apart(first, second):
    for name in (first, second):
        safe = safe_name(name)
        assert safe
        assert not set(safe) & set('/\\:*?"<>|\0')
        assert not safe.startswith(".")
    assert (safe_name(first) == safe_name(second)) == (first == second)


NUMBERS = st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_])


@given(
    NUMBERS.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_side=5, min_side=0))
    )
)
@settings(max_examples=60)
def test_arrays_come_back_bit_by_bit(array):
    found = coding.unpack(json.loads(coding.canonical(coding.pack(array))))
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    assert found.shape == array.shape


@given(
    st.dictionaries(
        st.sampled_from(["dtype", "shape", "data"]),
        st.one_of(
            st.text(max_size=8), st.lists(st.integers(-2, 5), max_size=3), st.none(), st.integers()
        ),
    )
)
def test_anything_else_is_no_array(packed):
    with pytest.raises((ValueError, TypeError, KeyError)):
        coding.unpack(packed)


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=1, max_dims=2, max_side=9)))
def test_masks_come_back(mask):
    found = coding.unpack_mask(json.loads(coding.canonical(coding.pack_mask(mask))))
    np.testing.assert_array_equal(found, mask)


@given(st.binary(max_size=60), st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_no_damage_to_a_record_goes_unnoticed(tmp_path_factory, damage, place):
    folder = tmp_path_factory.mktemp("run")
    with RunStore.writing(folder, make_manifest()) as store:
        store.write(key(), make_outcome())
        path = written(store, key())
        good = path.read_bytes()
        bad = good[:place] + damage + good[place + len(damage) :]
        path.write_bytes(bad)
        assert store.has(key()) == (json_or_none(bad) == json.loads(good))


def json_or_none(content):
    try:
        return json.loads(content)
    except ValueError:
        return None
