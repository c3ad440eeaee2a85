"""Any damage to a project file: the document is right or refused, and salvage copes."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import AnnotatorError, Mask
from annotator.project import Project


def place_of(click_id):
    return (click_id / 7, click_id / 3, -1.5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes and document of a sound project with every table filled."""
    path = tmp_path_factory.mktemp("whole") / "p.annot"
    with Project.create(path) as project:
        project.add_asset("/nowhere/scan.ply", "cloud", "content", 5000)
        project.set_engine(1, "engine", {"voxel": 0.05})
        for i in range(60):
            project.add_click(1, place_of(i + 1), i % 4, index=i)
            if i % 10 == 0:
                project.paint(1, np.arange(i, i + 500), 2)
                prompt = project.document.assets[1].prompt()
                project.store_result(1, prompt, Mask(np.full(5000, i % 4, np.int32)))
        project.undo()
        asset = project.document.assets[1]
    return Whole(path.read_bytes(), asset)


class Whole:
    def __init__(self, data, asset):
        self.data, self.asset = data, asset


damages = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=300)),
    max_size=3,
)


def spoil(data, damage, kept):
    data = bytearray(data)
    for place, junk in damage:
        start = int(place * len(data))
        data[start : start + len(junk)] = junk[: len(data) - start]
    return bytes(data[: max(1, round(kept * len(data)))])


@pytest.mark.slow
@given(damage=damages, kept=st.sampled_from([1.0, 1.0, 1.0, 0.99, 0.7, 0.3]))
@settings(max_examples=40, deadline=None)
def test_a_damaged_file_opens_right_or_is_refused_and_salvage_invents_nothing(whole, damage, kept):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.annot"
        path.write_bytes(bad := spoil(whole.data, damage, kept))
        with contextlib.suppress(AnnotatorError), Project.open(path, read_only=True) as project:
            assert project.document.assets[1] == whole.asset
        assert path.read_bytes() == bad
        with contextlib.suppress(AnnotatorError):
            report = Project.salvage(path, Path(folder) / "new.annot")
            with Project.open(report.path) as rescued:
                for found in rescued.document.assets.values():
                    assert all(c.position == place_of(c.click_id) for c in found.clicks)
        assert path.read_bytes() == bad


def test_the_sound_file_opens(whole, tmp_path):
    path = tmp_path / "p.annot"
    path.write_bytes(whole.data)
    shutil.copyfile(path, tmp_path / "copy.annot")
    with Project.open(path) as project:
        assert project.document.assets[1] == whole.asset
        assert project.redo() is not None
