"""One function a schema version. Released steps are never edited; new ones are added."""

import sqlite3
from collections.abc import Callable


def _version_1(connection: sqlite3.Connection) -> None:
    """Sessions, the append-only event log, and results as data attached to it."""
    for statement in _TABLES:
        connection.execute(statement)


def _version_2(connection: sqlite3.Connection) -> None:
    """Keep the confidence of the newest results, and find results by prompt quickly."""
    connection.execute("ALTER TABLE result ADD COLUMN confidence BLOB")
    connection.execute("CREATE INDEX result_by_digest ON result (digest)")


def _version_3(connection: sqlite3.Connection) -> None:
    """Let clicks say "outside" and images have boxes, thresholds, candidates and reshaped masks.

    The tables stay as they are; the number keeps older programs from events they do not know.
    """


def _version_4(connection: sqlite3.Connection) -> None:
    """Let photos have people with joints, and regions that move.

    The tables stay as they are; the number keeps older programs from events they do not know.
    """


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _version_1,
    _version_2,
    _version_3,
    _version_4,
)
VERSION = len(STEPS)
"""Schema version that this program writes; kept in the file as `user_version`."""


def upgrade(connection: sqlite3.Connection, target: int = VERSION) -> None:
    """Run the steps between the file's version and `target`, all or none.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        target: Version to reach; older ones serve tests of migrations.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for step in STEPS[version:target]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {max(version, target)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


_TABLES = (
    """
    CREATE TABLE session (
        session_id INTEGER PRIMARY KEY,
        started_ns INTEGER NOT NULL,
        ended_ns INTEGER,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        app_version TEXT NOT NULL,
        platform TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES session,
        time_ns INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL,
        kind TEXT NOT NULL,
        asset_id INTEGER,
        payload TEXT NOT NULL,
        points BLOB,
        crc INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE result (
        result_id INTEGER PRIMARY KEY,
        asset_id INTEGER NOT NULL,
        digest TEXT NOT NULL,
        engine TEXT NOT NULL,
        after_seq INTEGER NOT NULL,
        time_ns INTEGER NOT NULL,
        queue_ms REAL NOT NULL,
        run_ms REAL NOT NULL,
        device TEXT NOT NULL,
        shape TEXT NOT NULL,
        labels BLOB
    )
    """,
    """
    CREATE TRIGGER event_keeps_what_was_written BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER event_keeps_everything BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
)
