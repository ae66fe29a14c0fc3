"""The store: files, first use by several at once, transactions that stand or fall alone, the account key."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchctl.errors import LocalFault
from orchctl.sandbox import admin
from orchctl.sandbox.engine import Engine, NotFound, tasks
from orchctl.sandbox.engine import queues as queue_rules
from orchctl.sandbox.schema import MIGRATIONS
from orchctl.sandbox.store import Connection, Store, Unwritten
from tests.sandbox.conftest import Clock


def setting(name: str) -> str:
    return f"INSERT INTO setting VALUES ('{name}', 'x')"


def settings(store: Store) -> list[str]:
    with store.reading() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM setting ORDER BY name")]


def test_changes_together_stand_or_fall_alone(store: Store) -> None:
    def fails_late(connection: Connection) -> None:
        connection.execute(setting("undone"))
        raise NotFound("late")

    def fails_early(connection: Connection) -> None:
        raise NotFound("early")

    outcomes = store.write_many(
        [
            lambda connection: connection.execute(setting("first")).rowcount,
            fails_late,
            lambda connection: connection.execute(setting("second")).rowcount,
            fails_early,
            lambda connection: connection.execute(setting("first")).rowcount,
        ]
    )
    assert [str(outcome) for outcome in outcomes] == [
        "1",
        "late",
        "1",
        "early",
        "UNIQUE constraint failed: setting.name",
    ]
    assert settings(store) == ["first", "second"]


def test_one_change_raises_what_it_raises(store: Store) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(setting("undone"))
        raise NotFound("gone")

    with pytest.raises(NotFound, match="gone"):
        store.write(fails)
    assert settings(store) == []


def test_when_the_file_is_full_nothing_is_done_and_all_are_told(store: Store) -> None:
    (pages,) = store.write(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    store._writer.execute(f"PRAGMA max_page_count={pages}")
    outcomes = store.write_many(
        [
            lambda connection: connection.execute(setting("first")).rowcount,
            lambda connection: (
                connection.execute("INSERT INTO setting VALUES ('big', zeroblob(100000))").rowcount
            ),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [Unwritten, Unwritten]
    assert settings(store) == []


def test_a_locked_database_is_told_and_not_waited_for_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._writer.execute("PRAGMA busy_timeout=20")
    with pytest.raises(Unwritten):
        store.write(lambda connection: connection.execute(setting("x")))
    other.execute("ROLLBACK")
    other.close()
    store.write(lambda connection: connection.execute(setting("x")))
    assert settings(store) == ["x"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    database = tmp_path / "new" / "folder" / "sandbox.db"
    store, key = admin.open_store(database)
    store.write(lambda connection: connection.execute(setting("x")))
    files = sorted(path.name for path in database.parent.iterdir())
    assert files == ["sandbox.db", "sandbox.db-shm", "sandbox.db-wal", "sandbox.db.key"]
    assert {mode(database.parent / name) for name in files} == {0o600}
    assert mode(database.parent) == 0o700
    store.close()
    assert (database.parent / "sandbox.db.key").read_text() == f"{key}\n"


def test_the_key_stays_and_its_file_comes_back(database: Path) -> None:
    first = admin.init(database)
    assert (first.created, first.key_file) == (True, database.with_name("sandbox.db.key"))
    first.key_file.unlink()
    second = admin.init(database)
    assert (second.created, second.key) == (False, first.key)
    assert admin.key(database) == first.key
    database.unlink()
    assert admin.init(database).key == first.key, (
        "a context keeps its credential when the database is made anew"
    )


def test_reset_empties_and_keeps_the_key(database: Path, clock: Clock) -> None:
    key = admin.init(database).key
    store, _ = admin.open_store(database)
    engine = Engine(store, clock=clock)
    engine.write(lambda tx: queue_rules.create(tx, {"name": "Q"}))
    engine.write(lambda tx: tasks.create(tx, queue_rules.find(tx, "Q"), {"name": "T"}))
    assert admin.reset(database) == 2
    assert engine.read(lambda tx: list(queue_rules.every(tx))) == []
    store.close()
    assert admin.key(database) == key


def test_the_key_of_nothing(database: Path) -> None:
    with pytest.raises(LocalFault, match=r"there is no sandbox at .*sandbox\.db") as fault:
        admin.key(database)
    assert fault.value.hint == "make one: orchctl sandbox init"


def test_the_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert admin.default_database() == tmp_path / "orchctl" / "sandbox.db"
    assert admin.init().database == tmp_path / "orchctl" / "sandbox.db"


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear Sirs, " * 100)
    with pytest.raises(LocalFault, match=r"letter\.txt cannot be used: file is not a database"):
        Store(other)
    with pytest.raises(LocalFault, match="cannot be used"):
        Store(tmp_path)
    assert other.read_text() == "Dear Sirs, " * 100


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LocalFault, match="was made by a newer orchctl"):
        Store(path)


FIRST_USE = """
import sys
from orchctl.sandbox import admin
from orchctl.sandbox.app import Request, open_app
app = open_app(sys.argv[1], in_process=True)
for number in range(20):
    body = f"Name={sys.argv[2]}-{number}".encode()
    response = app.handle(Request("POST", "/api/queue/create", "", {}, body))
    assert response.status == 200, response.body
app.close()
print(admin.key(admin.Path(sys.argv[1])))
"""


def test_several_processes_meet_at_the_first_use(database: Path) -> None:
    def run(name: str) -> str:
        argv = [sys.executable, "-c", FIRST_USE, str(database), name]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    with ThreadPoolExecutor() as pool:
        keys = set(pool.map(run, "abcdef"))
    assert keys == {admin.key(database) + "\n"}
    store, _ = admin.open_store(database)
    engine = Engine(store)
    assert len(engine.read(lambda tx: list(queue_rules.every(tx)))) == 120
    store.close()


def test_two_hundred_takers_take_no_task_twice_and_lose_none(database: Path) -> None:
    store, _ = admin.open_store(database)
    engine = Engine(store)
    engine.write(lambda tx: queue_rules.create(tx, {"name": "Q"}))

    def put(number: int) -> str:
        return engine.write(lambda tx: tasks.create(tx, queue_rules.find(tx, "Q"), {"name": f"T{number}"}))

    guids = {put(number) for number in range(500)}

    def take_all(_: int) -> list[str]:
        taken = []
        while (task := engine.write(lambda tx: tasks.take(tx, queue_rules.find(tx, "Q")))) is not None:
            taken.append(task.guid)
        return taken

    with ThreadPoolExecutor(200) as pool:
        taken = [guid for one in pool.map(take_all, range(200)) for guid in one]
    assert len(taken) == len(guids)
    assert set(taken) == guids
    store.close()
