import pytest

from annotator.project import Project

POINTS = 1000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "room.annot"


@pytest.fixture
def project(path):
    """A project with one scan of 1,000 points and an engine chosen."""
    with Project.create(path) as opened:
        asset_id = opened.add_asset(path.parent / "scan.ply", "cloud", "content", POINTS)
        opened.set_engine(asset_id, "agile3d:compact", {"voxel": 0.05})
        yield opened


def crash(project):
    """End a project as a crash would: the lock is dropped, the log stays beside the file."""
    wal = project.path.with_name(project.path.name + "-wal")
    left = {path: path.read_bytes() for path in (project.path, wal)}
    project._store.connection.close()
    project._store._lock._handle.close()
    project._store._closed = True
    for path, data in left.items():  # closing had tidied them up
        path.write_bytes(data)
