"""SR-21: a backup of a running gateway, and a gateway made anew from it.

The restore drill prints its report: run it with `-s`.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from lxml import etree
from typer.testing import CliRunner

from adapters import backup, dumping, restoring
from adapters.backup import Manifest, backups, listed, newest, place_of
from adapters.cli import app
from adapters.database import Database, tables
from adapters.database.dialects import UnsafeDatabase
from adapters.premises import Premises, database_of, spool_of
from adapters.settings import Settings
from gateway.client.https import HttpsDoor
from gateway.returns import ackrec
from signing.certificates import load_seals
from signing.verify import verify_sealed_container
from tests import postgres
from tests.databases import on_a_server, set_for_commands
from tests.durability.load import Book, Supply, clients
from tests.durability.running import PATIENCE_SECONDS, command, environment, running, verify
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, Sender, entry, house, wage
from tests.sealed import opened

deposit = tables.table(tables.Deposit)
journal = tables.table(tables.Journal)
pytestmark = pytest.mark.embedded


def secugate(*arguments: str, master_key: Path | None = None) -> dict[str, Any]:
    """What a command of the operator's prints, as a process of its own."""
    given = environment() | ({} if master_key is None else {"SECUGATE_MASTER_KEY": str(master_key)})
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=given, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["file", "server"])
def test_the_restore_drill(tmp_path: Path, kind: str) -> None:
    """Load, backup, more load, the machine lost, restore: all up to the backup is there, byte for byte."""
    with on_a_server() if kind == "server" else nullcontext(), postgres.tools():
        _drill(tmp_path, kind)


def _drill(tmp_path: Path, kind: str) -> None:
    with house(tmp_path) as home:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        senders = {
            home.sender(MEMBER, [EMPLOYER]): EMPLOYER,
            home.sender(OTHER_MEMBER, [OTHER_EMPLOYER]): OTHER_EMPLOYER,
        }
    data, target, seals = home.settings.data, tmp_path / "elsewhere", tmp_path / "seals"
    shutil.copytree(Premises(data).seals, seals)
    book, supply = Book(), Supply(home, senders, random.Random(6), 0)
    old, new = Premises(data).database, tmp_path / "new.sqlite"
    with (
        set_for_commands(old),
        running(data) as gateway,
        clients(gateway, supply, book, list(senders)),
    ):
        assert book.wait_for(20, PATIENCE_SECONDS)
        began = time.monotonic()
        made = secugate("backup", str(target), "--data", str(data), "--keys", "--master-key", "--json")
        backing_up = time.monotonic() - began
        assert book.wait_for(10, PATIENCE_SECONDS)
        gateway.kill()
    supply.close()
    shutil.rmtree(data)
    with set_for_commands(new if kind == "server" else old):
        began = time.monotonic()
        restored = secugate("restore", str(target), "--data", str(data), "--seal", str(seals), "--json")
        restoring_took = time.monotonic() - began
        before, after = _promised(book, made["journal"]["sequence"])
        assert before and after, "the load went on before and after the backup"
        assert restored["findings"] == [] and restored["lost"] is None
        database = database_of(Settings(data=data))
        with closing(database), database.read() as connection:
            rows = [opened(connection, row) for row in connection.execute(sa.select(deposit)).mappings()]
            (root,) = connection.execute(
                sa.select(journal.c.hash).where(journal.c.sequence == made["journal"]["sequence"])
            ).one()
        assert root == made["journal"]["hash"]
        kept = {row["digest"]: row for row in rows}
        with closing(database_of(Settings(data=data))) as database:
            spool = spool_of(Settings(data=data), database)
            for receipt, content in before:
                row = kept[hashlib.sha256(content).hexdigest()]
                assert (row["receipt"], spool.read(row["id"])) == (receipt, content)
        with running(data) as gateway:
            again = _send_all(gateway.profile, supply, list(senders))
            assert len(again) == len(supply.items)
            assert gateway.stop() == 0
        done = verify(data)
        assert json.loads(done.stdout)["findings"] == [], done.stdout
        sys.stdout.write(
            f"\nrestore drill ({kind}): {made['deposits']} deposits backed up under load in"
            f" {backing_up:.1f} s ({made['bytes']:,} bytes), restored and verified in {restoring_took:.1f} s;"
            f" {len(before)} receipts from before it equal byte for byte, {len(after)} from after it sent"
            " again;"
            f" journal up to {made['journal']['sequence']} {made['journal']['hash'][:16]}\n"
        )


def _promised(book: Book, size: int) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """Receipts and bytes of what was acknowledged up to a size of the journal, and after it."""
    before, after = [], []
    for told in book.told:
        if told.receipt is not None:
            stated = ackrec.read(etree.fromstring(told.receipt)).journal.sequence
            (before if stated <= size else after).append((told.receipt, told.item.content))
    return before, after


def _send_all(profile: Callable[[Sender], Any], supply: Supply, senders: list[Sender]) -> list[bytes]:
    def send(sender: Sender) -> list[bytes]:
        with closing(HttpsDoor(profile(sender))) as door:
            return [door.deposit(one.name, one.content) for one in supply.items if one.sender == sender]

    with ThreadPoolExecutor() as threads:
        return [receipt for receipts in threads.map(send, senders) for receipt in receipts]


def test_a_dump_is_the_database_table_by_table(tmp_path: Path) -> None:
    """Ours and the engine's: as many rows, with the same digest."""
    with on_a_server(), postgres.tools():
        with house(tmp_path) as home:
            home.employer(EMPLOYER)
            sender = home.sender(MEMBER, [EMPLOYER])
            assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        other = postgres.address(str(tmp_path / "other"))
        master = Premises(home.settings.data).master_key
        with (
            closing(database_of(home.settings)) as database,
            closing(Database(other, master_key=master)) as refilled,
        ):
            before = table_digests(database)
            with dumping.dumped(database, tmp_path / "dump") as dumped:
                assert dumped.deposits == len(list(dumped.ids)) == 1
            dumping.refill(refilled, tmp_path / "dump")
            assert table_digests(refilled) == before
            with pytest.raises(UnsafeDatabase, match="not empty"):
                dumping.refill(refilled, tmp_path / "dump")
    assert {"public.deposit", "dbos.workflow_status"} <= before.keys()


def table_digests(database: Database) -> dict[str, tuple[int, str | None]]:
    """Rows of each table, and a digest over all of them."""
    found = {}
    with database.read() as connection:
        names = connection.exec_driver_sql(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'dbos')"
        ).all()
        for schema, name in names:
            rows = f'SELECT t::text AS row FROM "{schema}"."{name}" t'
            digest = "encode(sha256(convert_to(string_agg(row, '|' ORDER BY row), 'UTF8')), 'hex')"
            query = f"SELECT count(*), {digest} FROM ({rows}) r"
            found[f"{schema}.{name}"] = tuple(connection.exec_driver_sql(query).one())
    return found


# A gateway at rest, with two backups of it


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data folder of a gateway at rest, and a target with two backups, the later one of more."""
    folder = tmp_path_factory.mktemp("kept")
    with house(folder) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        back_up(home.settings.data, folder / "target")
        assert home.send(sender, "DECSAL", [wage()]).verdict == "accepted"
        back_up(home.settings.data, folder / "target")
    return home.settings.data, folder / "target"


def back_up(data: Path, target: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["backup", str(target), "--data", str(data), "--json", *more])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def restore(target: Path, data: Path, master: Path, *more: str) -> Any:
    given = {"SECUGATE_MASTER_KEY": str(master)}
    return CliRunner().invoke(app, ["restore", str(target), "--data", str(data), *more], env=given)


@pytest.fixture
def target(kept: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the target, to be damaged."""
    return Path(shutil.copytree(kept[1], tmp_path / "target"))


@pytest.fixture
def master(kept: tuple[Path, Path]) -> Path:
    return Premises(kept[0]).master_key


def test_what_is_there_is_not_copied_again(kept: tuple[Path, Path], target: Path) -> None:
    files = {file: file.stat().st_ino for file in (target / backup.FILES).rglob("*")}
    again = back_up(kept[0], target)
    assert (again["deposits"], again["copied"]) == (2, 0)
    assert {file: file.stat().st_ino for file in (target / backup.FILES).rglob("*")} == files
    assert len(backups(target)) == 3
    missing = next(file for file in files if file.is_file())
    missing.unlink()
    assert back_up(kept[0], target)["copied"] == 1
    assert missing.exists()


def test_no_key_is_in_it_unless_asked_for(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """SR-23: the master key is apart from what it opens."""
    secret = Premises(kept[0]).master_key.read_bytes()

    def holding(target: Path) -> set[str]:
        files = [file for file in target.rglob("*") if file.is_file()]
        found = {"master" for file in files if secret.strip() in file.read_bytes()}
        return found | {"private" for file in files if b"PRIVATE KEY" in file.read_bytes()}

    for name, options, expected in (
        ("none", (), set()),
        ("keys", ("--keys",), {"private"}),
        ("both", ("--keys", "--master-key"), {"private", "master"}),
    ):
        back_up(kept[0], tmp_path / name, *options)
        assert holding(tmp_path / name) == expected
        assert {file.stat().st_mode & 0o077 for file in (tmp_path / name).rglob("*")} == {0}


def test_a_backup_in_the_data_folder_is_refused(kept: tuple[Path, Path]) -> None:
    place = kept[0] / "backups"
    done = CliRunner().invoke(app, ["backup", str(place), "--data", str(kept[0])])
    assert done.exit_code == 1
    assert not place.exists()


def test_each_backup_can_be_restored_and_says_how_far_it_goes(
    target: Path, master: Path, tmp_path: Path
) -> None:
    for number, one in enumerate(backups(target), 1):
        done = restore(target, tmp_path / one.name, master, "--backup", one.name, "--json")
        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        assert (report["deposits"], report["absent"], report["findings"]) == (number, 0, [])
        with closing(Database(Premises(tmp_path / one.name).database)) as database, database.read() as rows:
            last = rows.execute(sa.select(journal).order_by(journal.c.sequence.desc()).limit(1)).one()
        assert (last.event, last.sequence) == (restoring.RESTORED, report["journal"]["sequence"] + 1)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def a_deposit(target: Path) -> Path:
    folder = newest(target)
    assert folder is not None
    return place_of(target, next(listed(folder)).deposit)


def inside(name: str) -> Callable[[Path], Path]:
    def find(target: Path) -> Path:
        folder = newest(target)
        assert folder is not None
        return folder / name

    return find


def of_the_other(target: Path) -> None:
    """A file of one backup in the place of the same one in another."""
    first, last = backups(target)
    (last / backup.DATABASE).write_bytes((first / backup.DATABASE).read_bytes())


def swap_deposits(target: Path) -> None:
    folder = newest(target)
    assert folder is not None
    one, other = (place_of(target, line.deposit) for line in listed(folder))
    one.write_bytes(other.read_bytes())


DAMAGES: dict[str, tuple[Callable[[Path], None], Callable[[Path], Path], str]] = {
    "a deposit is missing": (lambda t: a_deposit(t).unlink(), a_deposit, "missing"),
    "a deposit was cut": (lambda t: cut(a_deposit(t)), a_deposit, "cut"),
    "a deposit was changed": (lambda t: flip(a_deposit(t)), a_deposit, "changed"),
    "a deposit is another": (swap_deposits, a_deposit, "bytes"),
    "the database was cut": (
        lambda t: cut(inside(backup.DATABASE)(t)),
        inside(backup.DATABASE),
        "cut",
    ),
    "the database was changed": (
        lambda t: flip(inside(backup.DATABASE)(t)),
        inside(backup.DATABASE),
        "changed",
    ),
    "the database is that of another backup": (of_the_other, inside(backup.DATABASE), ""),
    "the list was cut": (lambda t: cut(inside(backup.LIST)(t)), inside(backup.LIST), "cut"),
    "the manifest was changed": (
        lambda t: flip(inside(backup.MANIFEST)(t)),
        inside(backup.MANIFEST),
        "seal",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_backup_that_is_not_whole_is_refused_and_its_file_is_named(
    target: Path, master: Path, tmp_path: Path, damage: str
) -> None:
    harm, find, word = DAMAGES[damage]
    file = find(target)
    harm(target)
    done = restore(target, tmp_path / "new", master)
    assert done.exit_code == 1
    assert str(file) in done.output
    assert word in done.output
    assert not (tmp_path / "new").exists(), "nothing was begun"


def test_a_backup_under_a_foreign_seal_is_refused(target: Path, master: Path, tmp_path: Path) -> None:
    with house(tmp_path / "other") as home:
        foreign = Premises(home.settings.data).seals
    done = restore(target, tmp_path / "new", master, "--seal", str(foreign))
    assert (done.exit_code, "seal" in done.output) == (1, True)


def test_a_backup_that_was_cut_off_is_none(target: Path, master: Path, tmp_path: Path) -> None:
    for one in backups(target):
        one.rename(one.with_name(one.name + backup.CUT_OFF))
    done = restore(target, tmp_path / "new", master)
    assert (done.exit_code, "no finished backup" in done.output) == (1, True)


def test_nothing_is_ever_written_over(target: Path, master: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "note").write_text("mine")
    done = restore(target, tmp_path / "new", master)
    assert (done.exit_code, "not empty" in done.output) == (1, True)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["note"]


def test_without_the_master_key_nothing_is_begun(target: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["restore", str(target), "--data", str(tmp_path / "new")])
    assert (done.exit_code, "SECUGATE_MASTER_KEY" in done.output) == (1, True)
    assert not (tmp_path / "new").exists()


def test_the_manifest_says_all_that_is_in_it(kept: tuple[Path, Path]) -> None:
    folder = newest(kept[1])
    assert folder is not None
    sealed = verify_sealed_container(
        (folder / backup.MANIFEST).read_bytes(), load_seals(Premises(kept[0]).seals)
    )
    manifest = Manifest.read(sealed.files[backup.INSIDE])
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert {part.name for part in manifest.parts} == files - {backup.MANIFEST}
    assert manifest.deposits == len(list(listed(folder))) == 2
