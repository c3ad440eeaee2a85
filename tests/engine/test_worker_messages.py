"""Frames, shared memory and the words that pass between application and worker."""

import gc
import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotator.domain import (
    COCO_17,
    Box,
    Candidate,
    Click,
    Clip,
    Image,
    Mask,
    PersonPrompt,
    PointCloud,
    Pose,
    Prompt,
)
from annotator.engine.api import EngineKind
from annotator.engine.worker.codec import Encoder, decode
from annotator.engine.worker.frames import MAGIC, HungUp, ProtocolError, Stream
from annotator.engine.worker.segments import KEPT_FREE, SMALLEST, Shared


def through(value, sharing=(None, None)):
    """Send a value through a stream and return what comes out."""
    pipe = io.BytesIO()
    encoder = Encoder()
    message = {"value": encoder.encode(value)}
    Stream(io.BytesIO(), pipe, sharing[0]).send(message, encoder.arrays)
    pipe.seek(0)
    header, arrays = Stream(pipe, io.BytesIO(), sharing[1]).receive()
    return decode(header["value"], arrays)


def same(first, second):
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if hasattr(first, "__dataclass_fields__"):
        names = first.__dataclass_fields__
        return type(first) is type(second) and all(
            same(getattr(first, n), getattr(second, n)) for n in names
        )
    if isinstance(first, list | tuple):
        pairs = zip(first, second, strict=True)
        return type(first) is type(second) and all(same(a, b) for a, b in pairs)
    if isinstance(first, dict):
        return same(list(first.items()), list(second.items()))
    return type(first) is type(second) and first == second


RNG = np.random.default_rng(0)
FLOATS = RNG.random((4, 3), np.float32)
PROMPT = Prompt(
    (Click((1.5, 2.0, -0.0), 3, 1, 9, index=7, click_id=4, positive=False),),
    (3, 5),
    ((3, "sways in the wind – ü"),),
    (Box(3, 0.0, 1.0, 2.0, 3.5),),
    ((3, 0.25),),
    ((3, 2),),
)
MANY = tuple(Click((i, 0.5), i, i, i, i if i % 2 else None, i, i % 3 == 0) for i in range(9))
PERSON = PersonPrompt(3, (0.0, 1.5, 9.0, 8.0), ((1.0, 2.0), (0.5, 3.25)), (2, 0), (True, False))
VALUES = {
    "people": Prompt(people=(PERSON, PersonPrompt(4, (0.0, 0.0, 1.0, 1.0))) * 3),
    "skeleton": COCO_17,
    "prompt": PROMPT,
    "many clicks": Prompt(MANY, tuple(range(9))),
    "many candidates": tuple(Candidate(i, np.eye(i + 1, dtype=bool), i / 9) for i in range(9)),
    "cloud": PointCloud(FLOATS, np.arange(3.0), np.zeros((4, 3), np.uint8), name="scan"),
    "image": Image(RNG.integers(0, 255, (5, 7, 3), np.uint8), "photo"),
    "mask": Mask(
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.ones((2, 3), np.float32),
        None,
        (Candidate(3, np.eye(2, 3, dtype=bool), 0.5),),
    ),
    "pose": Pose(
        RNG.random((2, 17, 2), np.float32),
        np.ones((2, 17), np.uint8),
        RNG.random((2, 4), np.float32),
        np.zeros(2, np.float32),
    ),
    "clip": Clip(np.zeros((3, 4, 5, 3), np.uint8), 12.5, np.zeros((2, 4, 5, 2), np.float32)),
    "nothing": [None, True, 2**60, -1.5, "", (), {}, ((),)],
    "names": {"a": 1, "b": (FLOATS, np.zeros((0, 3)), np.array(4.0))},
}


@pytest.mark.parametrize("name", VALUES)
def test_words_of_the_domain_come_through_unchanged(name):
    assert same(through(VALUES[name]), VALUES[name])


@given(
    hnp.arrays(
        st.sampled_from(["?", "<i4", "<i8", "|u1", "<f4", ">f8", "<f2"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_any_array_comes_through_bit_by_bit(array):
    found = through(array)
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


def test_a_view_with_strides_comes_through():
    array = np.arange(60, dtype=np.int32).reshape(3, 4, 5)[:, ::-2].transpose(2, 0, 1)
    assert np.array_equal(through(array), array)


def test_a_cloud_that_knows_more_passes_as_a_cloud():
    class FromFile(PointCloud):
        pass

    assert type(through(FromFile(FLOATS))) is PointCloud


def test_enumerations_and_numpy_numbers_become_plain():
    assert through([EngineKind.SCENE, np.int64(3), np.float32(0.5)]) == ["scene", 3, 0.5]


@pytest.mark.parametrize("value", [object(), np.array([object()]), b"x", print, {1: {2: set()}}])
def test_other_things_do_not_pass(value):
    with pytest.raises(TypeError, match="does not pass between processes"):
        Encoder().encode(value)


@pytest.mark.parametrize(
    "value",
    [
        {"$object": "Stream", "fields": {}},
        {"$object": "CancelToken", "fields": {}},
        {"$object": "Click", "fields": {}},
        {"$object": "PointCloud", "fields": {"xyz": {"$array": 7}}},
        {"$array": -1},
        {"$tuple": 3},
        {"$map": [[{"$map": []}, 1]]},
        {"$code": "print()"},
        {"$table": "Stream", "columns": {}, "length": 0},
        {"$table": "Click", "columns": {"position": {"$plain": [1]}}, "length": 1},
        {"$table": "Click", "columns": {"position": {"$tuples": [[1], [2]]}}, "length": 2},
        {"$plain": [{}]},
        {"$tuples": [[{}]]},
        {},
    ],
)
def test_decoding_makes_plain_data_or_nothing(value):
    with pytest.raises(ProtocolError):
        decode(value, [])


def frame(header, payload=b"", magic=MAGIC):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("!4sIQ", magic, len(text), len(payload)) + text + payload


def described(**changes):
    return {"dtype": "<f4", "shape": [2], "place": None, **changes}


@pytest.mark.parametrize(
    "data",
    [
        frame({}, magic=b"HTTP"),
        frame(b"{no json"),
        frame([1, 2]),
        frame({"arrays": [described(dtype="|O")]}, b"12345678"),
        frame({"arrays": [described(dtype="O,i4")]}, b"12345678"),
        frame({"arrays": [described(shape=[-1])]}, b"1234"),
        frame({"arrays": [described(shape=[1 << 40, 1 << 40])]}, b"1234"),
        frame({"arrays": [described(shape=[1 << 33])]}, b"1234"),
        frame({"arrays": [described(place={"file": "../x"})]}),
        frame({"arrays": [{}]}),
    ],
)
def test_nonsense_is_refused(data):
    with pytest.raises(ProtocolError):
        Stream(io.BytesIO(data), io.BytesIO()).receive()


@settings(max_examples=150)
@given(st.binary(max_size=80), st.integers(0, 80))
def test_no_bytes_do_harm(noise, cut):
    good = frame({"answer": 1, "arrays": [described()]}, b"12345678")
    for data in (noise, good[:cut] + noise, good[:cut]):
        with pytest.raises((ProtocolError, HungUp)):
            list(iter(Stream(io.BytesIO(data), io.BytesIO()).receive, None))


@pytest.fixture
def sides(tmp_path):
    return Shared(tmp_path, "h"), Shared(tmp_path, "w")


def test_large_arrays_are_shared_and_their_files_reused(sides, tmp_path):
    host, worker = sides
    big = np.arange(5000, dtype=np.int64)
    found = through(big, (worker, host))
    assert np.array_equal(found, big)
    assert [p.name for p in tmp_path.iterdir()] == ["w1"]
    view = found[10:20]
    del found
    gc.collect()
    assert host.take_released() == []  # a view still looks at it
    del view
    gc.collect()
    names = host.take_released()
    assert names == ["w1"]
    worker.reuse(names)
    assert np.array_equal(through(big + 1, (worker, host)), big + 1)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_result_that_is_kept_is_not_overwritten(sides):
    host, worker = sides
    kept = [through(np.full(5000, i), (worker, host)) for i in range(20)]
    assert [int(array[0]) for array in kept] == list(range(20))
    assert all((array == array[0]).all() for array in kept)


def test_few_unused_files_are_kept(sides, tmp_path):
    host, worker = sides
    arrays = [through(np.zeros(SMALLEST * (i + 1)), (worker, host)) for i in range(12)]
    del arrays
    gc.collect()
    worker.reuse(host.take_released())
    assert len(list(tmp_path.iterdir())) == KEPT_FREE


def test_arrays_go_inline_where_shared_memory_is_full(sides, tmp_path, monkeypatch):
    host, worker = sides

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    big = np.arange(5000)
    assert np.array_equal(through(big, (worker, host)), big)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["h1", "lock/../x", "", "gone", "w1"])
def test_only_files_of_the_other_side_are_looked_at(sides, tmp_path, name):
    (tmp_path / "w1").write_bytes(b"short")
    with pytest.raises(ProtocolError):
        sides[0].view({"file": name}, np.dtype(np.int64), (100,))
