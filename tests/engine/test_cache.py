import os

import numpy as np
import pytest

from annotator.engine.cache import DiskCache, MemoryCache, encoding_key


def arrays(value=1.0, size=1000):
    return {"a": np.full(size, value, np.float32), "n": np.array([3, 4], np.int64)}


@pytest.fixture
def disk(tmp_path):
    return DiskCache(tmp_path / "encodings", limit=50_000)


def test_the_key_depends_on_every_part_and_not_on_their_order():
    base = encoding_key({"a": 1, "b": {"c": 2}})
    assert base == encoding_key({"b": {"c": 2}, "a": 1})
    assert len({base, encoding_key({"a": 2, "b": {"c": 2}}), encoding_key({"a": 1})}) == 3


def test_memory_keeps_the_most_recently_used_within_its_bytes():
    memory = MemoryCache(limit=100)
    memory.put("a", "A", 40)
    memory.put("b", "B", 40)
    assert memory.get("a") == "A"
    memory.put("c", "C", 40)
    assert [memory.get(k) for k in "abc"] == ["A", None, "C"]
    memory.put("huge", "H", 101)
    assert memory.get("huge") is None
    assert memory.get("a") == "A"
    memory.forget({"a"})
    assert memory.get("a") is None


def test_arrays_come_back_from_disk_exactly(disk):
    disk.put("k", arrays(0.1))
    back = disk.get("k")
    assert set(back) == {"a", "n"}
    np.testing.assert_array_equal(back["a"], arrays(0.1)["a"])
    assert back["n"].dtype == np.int64
    assert disk.get("other") is None


def test_disk_removes_the_longest_unused_above_its_limit(disk, tmp_path):
    for number in range(12):
        disk.put(str(number), arrays(number))
        path = tmp_path / "encodings" / f"{number}.npz"
        if path.exists():
            os.utime(path, ns=(number * 10**9, number * 10**9))
        if number == 5:
            disk.get("0")  # used just now: stays
    left = {p.stem for p in (tmp_path / "encodings").glob("*.npz")}
    assert sum(p.stat().st_size for p in (tmp_path / "encodings").iterdir()) <= 50_000
    assert "11" in left
    assert "0" in left
    assert "1" not in left


def test_one_encoding_never_fills_the_disk_alone(disk):
    disk.put("big", arrays(size=4000))
    assert disk.get("big") is None


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "flip", "pickle"])
def test_a_damaged_entry_counts_as_absent_and_is_removed(disk, tmp_path, damage):
    disk.put("k", arrays())
    path = tmp_path / "encodings" / "k.npz"
    content = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(b"not an archive")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flip":
        path.write_bytes(content[:600] + bytes([content[600] ^ 255]) + content[601:])
    else:
        np.savez(path, a=np.array([{"code": 1}], dtype=object))
    assert disk.get("k") is None
    assert not path.exists()
    disk.put("k", arrays(2.0))
    assert disk.get("k")["a"][0] == 2.0


def test_a_folder_that_cannot_be_written_only_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    disk = DiskCache(tmp_path / "file")
    disk.put("k", arrays())
    assert disk.get("k") is None


def test_clearing_removes_everything(disk, tmp_path):
    disk.put("k", arrays())
    disk.clear()
    assert not list((tmp_path / "encodings").iterdir())
