"""Opening, closing, sharing, copying and rescuing project files."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Mask
from annotator.project import Project
from annotator.project.database import make_durable
from annotator.project.locking import lock_path
from tests.project.conftest import crash
from tests.project.files import click, digest, filled

# --- Opening again


def test_document_history_and_results_survive_closing(project, path):
    for i in range(4):
        click(project, float(i))
    project.store_result(1, project.document.assets[1].prompt(), Mask(np.full(1000, 1, np.int32)))
    project.undo()
    project.undo()
    before = project.document
    project.close()
    with Project.open(path) as again:
        assert again.document == before
        assert again.recovered is None
        again.redo()
        again.redo()
        assert (again.stored_result(1).labels == 1).all()
        for _ in range(4):
            again.undo()
        assert again.document.assets[1].clicks == ()


def test_a_crash_loses_nothing_and_is_told(project, path):
    click(project)
    click(project)
    project.undo()
    before = project.document
    crash(project)
    with Project.open(path) as again:
        assert again.document == before
        assert again.recovered == 3  # two clicks and the undo
    with Project.open(path) as third:
        assert third.recovered is None


def test_closing_leaves_one_file(path):
    filled(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_closing_twice_is_fine_and_a_closed_project_says_so(project):
    project.close()
    project.close()
    with pytest.raises(AnnotatorError, match="closed"):
        click(project)


def test_creating_over_an_existing_file_is_refused(path):
    filled(path)
    before = digest(path)
    with pytest.raises(AnnotatorError, match="already exists"):
        Project.create(path)
    assert digest(path) == before


def test_creating_where_there_is_no_folder_is_told(tmp_path):
    with pytest.raises(AnnotatorError, match="cannot be created"):
        Project.create(tmp_path / "missing" / "a.annot")


def test_paths_move_along_with_the_project(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "scans").mkdir(parents=True)
    scan = here / "scans" / "a.ply"
    scan.write_text("ply")
    with Project.create(here / "p.annot") as project:
        project.add_asset(scan, "cloud", "x", 1)
        assert project.document.assets[1].path == scan
    shutil.move(here, there)
    with Project.open(there / "p.annot") as project:
        assert project.document.assets[1].path == there / "scans" / "a.ply"
        project.relocate_asset(1, tmp_path / "elsewhere.ply")
        assert project.document.assets[1].path == tmp_path / "elsewhere.ply"


def test_names_with_special_characters_work(tmp_path):
    path = tmp_path / "50% ? ü #1&mode=rw.annot"
    filled(path)
    for read_only in (True, False):
        with Project.open(path, read_only=read_only) as project:
            assert len(project.document.assets[1].clicks) == 5
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_a_scan_whose_name_is_not_unicode_is_kept(path):
    name = os.fsdecode(b"scan-\xff.ply")
    with Project.create(path) as project:
        project.add_asset(path.parent / name, "cloud", "x", 1)
    with Project.open(path) as project:
        assert project.document.assets[1].path.name == name


# --- One writer


def test_a_second_writer_is_told_who_is_at_work(project, path):
    with pytest.raises(AnnotatorError, match=f"in use by process {os.getpid()} .* since") as error:
        Project.open(path)
    assert "read-only" in error.value.remedy
    click(project)  # the first one works on


def test_a_link_to_an_open_project_is_the_same_project(project, path, tmp_path):
    link = tmp_path / "link.annot"
    link.symlink_to(path)
    with pytest.raises(AnnotatorError, match="in use"):
        Project.open(link)


def test_masks_may_be_stored_and_read_from_several_threads(project):
    click(project)
    prompt = project.document.assets[1].prompt()

    def store():
        for number in range(20):
            project.store_result(1, prompt, Mask(np.full(1000, number, np.int32)))
            project.labels_of(1)

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(store) for _ in range(3)]
        for i in range(20):
            click(project, float(i))
    for future in done:
        future.result()
    assert len(project.result_records()) == 60
    assert len(project.document.assets[1].clicks) == 21


def test_another_process_is_refused_and_may_read(project, path):
    click(project)
    script = """
        import sys
        from annotator.domain import AnnotatorError
        from annotator.project import Project
        with Project.open(sys.argv[1], read_only=True) as project:
            print(len(project.document.assets[1].clicks))
        try:
            Project.open(sys.argv[1])
        except AnnotatorError as error:
            print(error.message)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    clicks, refusal = done.stdout.splitlines()
    assert clicks == "1"
    assert f"in use by process {os.getpid()}" in refusal


def test_a_lock_left_by_a_dead_process_does_not_count(path):
    filled(path)
    lock_path(path).write_text(json.dumps({"pid": 1, "host": "x", "since": 0}))
    with Project.open(path) as project:
        click(project)
    assert not lock_path(path).exists()


def test_reading_along_shows_the_state_at_opening_and_changes_nothing(project, path):
    click(project)
    with Project.open(path, read_only=True) as reader:
        click(project)
        assert len(reader.document.assets[1].clicks) == 1
        assert (reader.can_undo, reader.recovered) == (False, None)
        for action in (lambda: click(reader), reader.undo):
            with pytest.raises(AnnotatorError, match="read-only"):
                action()
        reader.store_result(1, reader.document.assets[1].prompt(), Mask(np.zeros(3, np.int32)))
        assert reader.stored_result(1) is not None


def test_reading_leaves_an_unclean_file_and_its_log_as_they_are(project, path):
    click(project)
    crash_copy = path.with_name("copy.annot")
    wal = path.with_name(path.name + "-wal")
    shutil.copyfile(path, crash_copy)
    shutil.copyfile(wal, crash_copy.with_name("copy.annot-wal"))
    before = [digest(crash_copy), digest(crash_copy.with_name("copy.annot-wal"))]
    with Project.open(crash_copy, read_only=True) as reader:
        assert len(reader.document.assets[1].clicks) == 1
    assert [digest(crash_copy), digest(crash_copy.with_name("copy.annot-wal"))] == before
    assert not crash_copy.with_name("copy.annot-shm").exists()


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(path):
    filled(path)
    path.parent.chmod(0o555)
    try:
        with pytest.raises(AnnotatorError, match="cannot be opened for writing"):
            Project.open(path)
        Project.open(path, read_only=True).close()
    finally:
        path.parent.chmod(0o755)


# --- Copies, network drives, rescue


def test_a_copy_is_complete_clean_and_independent(project, path, tmp_path):
    for i in range(3):
        click(project, float(i))
    project.undo()
    copy = project.save_copy_as(tmp_path / "copy.annot")
    click(project, 9.0)
    with Project.open(copy) as other:
        assert other.recovered is None
        assert len(other.document.assets[1].clicks) == 2
        assert other.redo() is not None
    with pytest.raises(AnnotatorError, match="itself"):
        project.save_copy_as(path)
    with pytest.raises(AnnotatorError, match="cannot be copied"):
        project.save_copy_as(tmp_path / "missing" / "x.annot")


def test_a_copy_over_a_crashed_project_is_not_spoilt_by_its_log(project, path, tmp_path):
    crashed = tmp_path / "crashed.annot"
    other = Project.create(crashed)
    other.add_asset("other.ply", "cloud", "other", 9)
    crash(other)
    assert crashed.with_name("crashed.annot-wal").stat().st_size
    click(project)
    project.save_copy_as(crashed)
    with Project.open(crashed) as copy:
        assert copy.document.assets[1].path.name == "scan.ply"
        assert len(copy.document.assets[1].clicks) == 1


def test_a_copy_does_not_replace_a_project_that_is_open(project, tmp_path):
    with Project.create(tmp_path / "other.annot") as other:
        with pytest.raises(AnnotatorError, match="in use"):
            project.save_copy_as(other.path)
        other.add_asset("other.ply", "cloud", "other", 9)
    with Project.open(other.path) as again:
        assert again.document.assets[1].path.name == "other.ply"
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".new"]


def test_a_log_without_its_project_does_not_spoil_a_new_one(project, path):
    click(project)
    crash(project)
    path.unlink()
    with Project.create(path) as fresh:
        assert fresh.document.assets == {}
    assert path.with_name(path.name + "-wal.orphan").exists()


def test_a_drive_without_shared_memory_gets_the_rollback_journal(path):
    filled(path)
    # This way of locking, like many network drives, offers SQLite no shared memory.
    with sqlite3.connect(path) as plain:
        plain.execute("PRAGMA journal_mode = DELETE")
    plain.close()
    uri = f"{path.as_uri()}?vfs=unix-dotfile"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    assert make_durable(connection) == "delete"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 3  # EXTRA
    connection.close()


def test_normally_every_commit_reaches_the_disk_through_the_write_ahead_log(project):
    connection = project._store.connection
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    project.store_result(1, project.document.assets[1].prompt(), Mask(np.ones(5, np.int32)))
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_what_is_readable_of_a_damaged_file_is_rescued(path, tmp_path):
    filled(path, 400)
    data = bytearray(path.read_bytes())
    pages = len(data) // 4096
    middle = 4096 * (pages // 2)
    data[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    before = digest(path)
    with pytest.raises(AnnotatorError, match="damaged"):
        Project.open(path)
    report = Project.salvage(path, tmp_path / "rescued.annot")
    assert digest(path) == before
    assert report.unreadable > 0
    with Project.open(report.path) as rescued:
        kept = rescued.document.assets[1].clicks
        assert len(kept) == report.events - 2 > 300
        assert {c.position[0] for c in kept} <= {float(i) for i in range(400)}
        click(rescued)


def test_the_beginning_of_a_truncated_file_is_rescued(path, tmp_path):
    filled(path, 400)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    report = Project.salvage(path, tmp_path / "rescued.annot")
    with Project.open(report.path) as rescued:
        assert len(rescued.document.assets[1].clicks) > 50


def test_a_file_whose_first_page_is_lost_is_rescued(path, tmp_path):
    filled(path, 100)
    data = bytearray(path.read_bytes())
    data[:4096] = bytes(4096)
    path.write_bytes(data)
    report = Project.salvage(path, tmp_path / "rescued.annot")
    assert (report.events, report.unreadable, report.results) == (102, 0, 1)
    with Project.open(report.path) as rescued:
        assert len(rescued.document.assets[1].clicks) == 100


def test_where_nothing_is_readable_that_is_told_and_nothing_made(path, tmp_path):
    path.write_bytes(b"\xa5" * 50_000)
    with pytest.raises(AnnotatorError, match="Nothing could be recovered"):
        Project.salvage(path, tmp_path / "rescued.annot")
    assert not (tmp_path / "rescued.annot").exists()


def test_opening_reports_its_progress_and_can_be_stopped(project, path):
    for number in range(600):
        project.add_click(1, (number, 0, 0), 1)
    project.close()
    seen = []
    with Project.open(path, progress=lambda fraction, message="": seen.append(fraction)):
        pass
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] > 0.5
    before = path.read_bytes()
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        Project.open(path, cancel=token)
    assert path.read_bytes() == before
    with Project.open(path) as again:  # nothing holds it
        assert len(again.document.assets[1].clicks) == 600
