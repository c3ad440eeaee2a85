"""Project files that are damaged, foreign, newer or older: refused or migrated, never spoilt."""

import sqlite3

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Mask
from annotator.project import Project
from annotator.project.database import APPLICATION_ID
from annotator.project.migrations import VERSION, upgrade
from annotator.project.store import checksum
from tests.project.files import click, digest, filled, refuses

# --- Files that are not to be touched


def test_a_missing_file_is_told_and_not_made(path):
    for read_only in (False, True):
        with pytest.raises(AnnotatorError, match="does not exist"):
            Project.open(path, read_only=read_only)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"ply\n" * 100, b"SQLite format 3\0" + b"x"])
def test_a_file_of_another_kind_is_refused_untouched(path, content):
    path.write_bytes(content)
    refuses(path, "not a project")


def test_a_database_of_another_program_is_refused_untouched(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    refuses(path, "another program")


def test_a_newer_version_is_refused_untouched(path):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    refuses(path, "newer annotator")


def test_a_truncated_file_is_refused_untouched(path):
    filled(path, 50)
    data = path.read_bytes()
    for length in (len(data) // 2, len(data) - 1, len(data) - 4096, 4096, 1000):
        path.write_bytes(data[:length])
        refuses(path, "damaged|not a project")


@pytest.mark.parametrize("lost", [1, 100, 4095])
def test_a_cut_last_page_is_refused_whatever_stood_in_it(path, lost):
    # SQLite reads the lost bytes as zeros, which they may have been.
    filled(path, 50)
    path.write_bytes(path.read_bytes()[:-lost])
    refuses(path, "last page is cut")


def test_overwritten_pages_are_refused_untouched_or_harmless(path):
    filled(path, 50)
    with Project.open(path, read_only=True) as project:
        whole = project.document
    data = path.read_bytes()
    refused = 0
    for page in range(len(data) // 4096):
        bad = bytearray(data)
        bad[page * 4096 + 100 : page * 4096 + 4000] = b"\xa5" * 3900
        path.write_bytes(bad)
        try:
            # Unused space or a mask, which can be computed again, may have been hit.
            with Project.open(path, read_only=True) as project:
                assert project.document == whole
        except AnnotatorError:
            refuses(path, "damaged")
            refused += 1
    assert refused >= 5


def test_a_single_flipped_bit_in_an_event_is_found(path):
    filled(path, 3)
    data = bytearray(path.read_bytes())
    place = data.index(b'"position":[2.0') + len('"position":[')
    data[place] ^= 1  # 2.0 becomes 3.0: sound JSON, sound page, wrong place
    path.write_bytes(data)
    refuses(path, "damaged: event 5 .* checksum")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", "{"),
        ("payload", '{"asset_id":1,"click_id":77}'),
        ("kind", "unheard_of"),
        ("points", b"\0\0"),
    ],
)
def test_an_event_that_cannot_be_read_is_named_and_the_file_left_alone(path, column, value):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER event_keeps_what_was_written")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"UPDATE event SET {column} = ? WHERE seq = 4", (value,))
    connection.close()
    refuses(path, "damaged: event 4")


def test_an_event_that_does_not_fit_is_named(path):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER event_keeps_everything")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("DELETE FROM event WHERE seq = 1")
    connection.close()
    refuses(path, "event 2 does not fit")


def test_the_log_itself_refuses_to_be_changed(path):
    filled(path)
    connection = sqlite3.connect(path)
    for statement in ("UPDATE event SET payload = ''", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_an_action_that_cannot_be_saved_changes_nothing(project):
    click(project)
    pages = project._store.connection.execute("PRAGMA page_count").fetchone()[0]
    project._store.connection.execute(f"PRAGMA max_page_count = {pages}")
    documents = [project.document]

    def click_until_full():
        for i in range(1000):
            click(project, float(i))
            documents.append(project.document)

    with pytest.raises(AnnotatorError, match=r"could not be saved.*full"):
        click_until_full()
    before = documents[-1]
    assert project.document == before
    project._store.connection.execute("PRAGMA max_page_count = 100000")
    click(project)
    assert len(project.document.assets[1].clicks) == len(before.assets[1].clicks) + 1


# --- Older files


def older_file(path):
    """Write a project of format 1, as its first release would have."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    upgrade(connection, target=1)
    connection.execute("INSERT INTO session VALUES (1, 10, 20, 1, 'host', '0', 'old')")
    rows = [
        (
            "asset_added",
            '{"asset_id":1,"asset_kind":"cloud","content_hash":"c","path":"/a.ply",'
            '"point_count":9,"relative":"","working_count":9,"working_spacing":0.0}',
        ),
        (
            "clicks_added",
            '{"asset_id":1,"camera":"","clicks":[{"click_id":1,"index":4,"object_id":1,'
            '"order":0,"position":[1.0,2.0,3.0],"time_ns":11}]}',
        ),
    ]
    for kind, payload in rows:
        columns = (1, 11, 11, kind, 1, payload, None)
        connection.execute(
            "INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*columns, checksum(columns)),
        )
    connection.execute(
        "INSERT INTO result (asset_id, digest, engine, after_seq, time_ns, queue_ms, run_ms, "
        "device, shape) VALUES (1, 'd', 'e', 2, 12, 0, 5, 'cpu', '[9]')"
    )
    connection.close()
    return path


def test_an_older_file_is_backed_up_and_brought_up_to_date(path):
    before = digest(older_file(path))
    with Project.open(path) as project:
        assert project.document.assets[1].clicks[0].position == (1.0, 2.0, 3.0)
        assert project.result_records()[0].run_ms == 5
        mask = Mask(np.ones(9, np.int32), np.full(9, 0.5, np.float32))
        project.store_result(1, project.document.assets[1].prompt(), mask)
    backup = path.with_name("room.format1.annot.bak")
    assert digest(path) != before
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == VERSION
    old = sqlite3.connect(backup)
    assert old.execute("PRAGMA user_version").fetchone()[0] == 1
    assert old.execute("SELECT count(*) FROM event").fetchone()[0] == 2
    old.close()


def test_an_older_file_opened_to_read_stays_as_it_is(path):
    before = digest(older_file(path))
    with Project.open(path, read_only=True) as project:
        assert len(project.document.assets[1].clicks) == 1
    assert digest(path) == before
    assert list(path.parent.iterdir()) == [path]


def test_a_failing_migration_leaves_the_older_file_whole(path, monkeypatch):
    older_file(path)

    def fails(connection):
        connection.execute("DROP TABLE result")
        raise sqlite3.OperationalError("disk full")

    connection = sqlite3.connect(path, isolation_level=None)
    monkeypatch.setattr("annotator.project.migrations.steps.STEPS", (None, fails))
    with pytest.raises(sqlite3.OperationalError):
        upgrade(connection)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert connection.execute("SELECT count(*) FROM result").fetchone()[0] == 1
    connection.close()
