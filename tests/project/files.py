"""Filled project files for the tests, and what a refusal to open one must leave."""

import hashlib

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Mask
from annotator.project import Project


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def click(project, x=0.0, object_id=1):
    return project.add_click(1, (x, 0.0, 0.0), object_id, index=1)


def filled(path, count=5):
    with Project.create(path) as project:
        project.add_asset(path.parent / "scan.ply", "cloud", "content", 1000)
        project.set_engine(1, "engine")
        for i in range(count):
            click(project, float(i))
        prompt = project.document.assets[1].prompt()
        project.store_result(1, prompt, Mask(np.arange(1000, dtype=np.int32) % 300))
    return path


def refuses(path, words, **options):
    """Opening fails with these words and changes not one byte, in either mode."""
    before = digest(path)
    for read_only in (False, True):
        with pytest.raises(AnnotatorError, match=words) as caught:
            Project.open(path, read_only=read_only)
        assert path.name in caught.value.message
        assert caught.value.remedy
    assert digest(path) == before
    left = [p.name for p in path.parent.iterdir() if p.name not in (path.name, "scan.ply")]
    assert left == [], "files left behind"
