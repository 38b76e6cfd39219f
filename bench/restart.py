"""How long a gateway takes from its start to ready, with very many deposits on file.

    make bench-restart ARGS="--deposits 1000000"

A gateway treats one deposit; then the rows of it and of the engine's work are entered again as often as asked
for, straight into the tables with the triggers off, and an empty file for each deposit. Documents are cut to
a few bytes: a start reads none. Journal, tree and change log are as long as they would be, but their digests
are made up, so that `secugate verify` would find fault with all of it; a start does not look at them.

Printed are the seconds from the start of the process to open doors and to the first receipt, those of another
receipt, of the state of a deposit asked for over HTTPS (median), and of a stop, of the gateway with one
deposit and with all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path

from adapters.premises import Premises, database_of, witness_of
from gateway.client.doors import Refused
from gateway.client.https import HttpsDoor
from signing.journal import place
from tests.durability.running import running
from tests.house import EMPLOYER, MEMBER, House, Sender, entry, house, wage

PER_DEPOSIT = 6
"""Entries of the journal for a deposit: received, treated, three answers posted, one collected."""
LOOKS = 50
CHANGES = 9
"""Entries of the change log for a deposit with one record."""
_ID = "printf('%08x-0000-4000-8000-%012x', n, n)"


def fill(data: Path, count: int) -> None:
    """Enter the one deposit of a gateway at rest as often again."""
    with closing(sqlite3.connect(Premises(data).database, isolation_level=None)) as connection:
        for setting in ("synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY)")
        connection.execute(
            "INSERT INTO numbers WITH RECURSIVE up(n) AS"
            " (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < ?) SELECT n FROM up",
            (count,),
        )
        _repeat(connection, "deposit", {"id": _ID, "digest": "printf('%064x', n)", "receipt": "x'00'"})
        names = {"name": "printf('%s.%d', name, n)", "id": f"substr(id, 1, 1) || substr({_ID}, 2)"}
        _repeat(connection, "answer", {**names, "deposit": _ID, "content": "x'00'"}, "WHERE kind = 'ACKTRT'")
        _engine(connection)
        size, change = _lengthen(connection, count)
        print(f"filled: {count:,} deposits, {size:,} entries of the journal, {change:,} of the change log")
        for _, text in triggers:
            connection.execute(text)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool = Premises(data).spool / "deposits"
    for number in range(1, count + 1):
        identifier = _identifier(number)
        os.close(os.open(spool / identifier[:2] / identifier, os.O_CREAT | os.O_WRONLY, 0o600))


def _repeat(connection: sqlite3.Connection, table: str, other: dict[str, str], which: str = "") -> None:
    """Rows like one that is there, but for some columns."""
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")') if row[1] != "number"]
    values = ", ".join(other.get(column, f'"{column}"') for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    one = f'(SELECT * FROM "{table}" {which} LIMIT 1)'
    connection.execute(f'INSERT INTO "{table}" ({named}) SELECT {values} FROM numbers, {one}')


def _engine(connection: sqlite3.Connection) -> None:
    """What the durable engine keeps: a workflow for ten deposits, a step for each."""
    flow = "'w' || (n / 10)"
    _repeat_where(connection, "workflow_status", {"workflow_uuid": flow}, "numbers.n % 10 = 0")
    _repeat_where(
        connection, "operation_outputs", {"workflow_uuid": flow, "function_id": "n % 10 + 1000"}, "n >= 10"
    )


def _repeat_where(connection: sqlite3.Connection, table: str, other: dict[str, str], which: str) -> None:
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    values = ", ".join(other.get(column, f'"{column}"') for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    connection.execute(
        f'INSERT OR IGNORE INTO "{table}" ({named}) SELECT {values} FROM numbers,'
        f' (SELECT * FROM "{table}" LIMIT 1) WHERE {which}'
    )


def _lengthen(connection: sqlite3.Connection, count: int) -> tuple[int, int]:
    """Journal, tree and change log as long as they would be; how long that is."""
    (before,) = connection.execute("SELECT max(sequence) FROM journal").fetchone()
    (changed,) = connection.execute('SELECT max(id) FROM "change"').fetchone()
    size = before + PER_DEPOSIT * count
    for number in range(CHANGES):
        connection.execute(
            'INSERT INTO "change" (id, "table", key, nonce, digest) SELECT'
            f" {changed} + {CHANGES} * n - {number}, 'deposit', n, zeroblob(48), zeroblob(32) FROM numbers"
        )
    change = changed + CHANGES * count
    for number in range(PER_DEPOSIT):
        connection.execute(
            "INSERT INTO journal (sequence, at, event, subject, member, digest, actor, changes, change, hash)"
            f" SELECT {before} + {PER_DEPOSIT} * n - {number}, at, 'treated', {_ID}, member, digest, actor,"
            f" changes, {change}, hash FROM numbers, (SELECT * FROM journal WHERE sequence = {before})"
        )
    last = place(0, size)
    (first,) = connection.execute("SELECT max(place) FROM journal_node").fetchone()
    connection.execute(
        "INSERT INTO journal_node (place, hash) WITH RECURSIVE up(n) AS"
        " (SELECT ? + 1 UNION ALL SELECT n + 1 FROM up WHERE n + 1 < ?) SELECT n, zeroblob(32) FROM up",
        (first, last),
    )
    return size, change


def measure(home: House, sender: Sender, day: int) -> dict[str, float]:
    """Seconds from the start of the process."""
    began = time.perf_counter()
    with running(home.settings.data) as gateway:
        doors = time.perf_counter() - began
        with closing(HttpsDoor(gateway.profile(sender))) as door:
            door.deposit(*home.signed(sender, "DECSAL", [wage(FirstDay=f"{day:02}")]))
            first = time.perf_counter() - began
            again = time.perf_counter()
            door.deposit(*home.signed(sender, "DECSAL", [wage(FirstDay=f"{day + 1:02}")]))
            again = time.perf_counter() - again
            looks = [_look(door, number) for number in range(1, LOOKS + 1)]
        stopping = time.perf_counter()
        assert gateway.stop() == 0
        stopping = time.perf_counter() - stopping
    return {
        "open doors": doors,
        "first receipt": first,
        "next receipt": again,
        "look-up": statistics.median(looks),
        "stop": stopping,
    }


def _look(door: HttpsDoor, number: int) -> float:
    """Seconds until the state of a deposit is told, connection kept."""
    began = time.perf_counter()
    with suppress(Refused):  # with one deposit on file there are no others: as costly to find out
        door.state(_identifier(number))
    return time.perf_counter() - began


def _identifier(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def main() -> None:
    """Fill, start, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--deposits", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None, help="where there is room for 2 GB a million")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"secugate-{uuid.uuid4().hex[:6]}", dir=given.folder))
    try:
        with house(folder) as home:
            home.employer(EMPLOYER)
            sender = home.sender(MEMBER, [EMPLOYER])
            assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        found = {"1": measure(home, sender, 2)}
        fill(home.settings.data, given.deposits)
        _promise(home)
        found[f"{given.deposits:,}"] = measure(home, sender, 4)
        found[f"{given.deposits:,}, once more"] = measure(home, sender, 6)
        print("| deposits on file | " + " | ".join(f"{name} s" for name in found["1"]) + " |")
        print("|---|" + "---|" * len(found["1"]))
        for name, row in found.items():
            print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |")
        print(json.dumps(found))
    finally:
        shutil.rmtree(folder)


def _promise(home: House) -> None:
    """Have the witness know of the journal as it was made."""
    with closing(database_of(home.settings)) as database:
        witness_of(home.settings, database).begin()


if __name__ == "__main__":
    main()
