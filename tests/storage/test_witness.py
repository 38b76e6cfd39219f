"""SR-21: a start on state older than what was promised is refused, and says how it knows.

The database is put back from an older copy, as a careless restore does; files of deposits stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.cli import app
from adapters.premises import Premises, database_of, witness_of
from adapters.serve import Gateway
from adapters.settings import Settings
from adapters.witness import PLACES, Older, Unwitnessed, WitnessFile
from gateway.moments import system_clock
from gateway.wire import JournalEntry
from signing.journal import EMPTY
from tests.durability.running import PATIENCE_SECONDS as RUNNING
from tests.durability.running import launch
from tests.house import EMPLOYER, MEMBER, House, Sender, entry, house, wage

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Sender, Path]:
    """A gateway at rest that took two deposits; its database as it was after the first one."""
    folder = tmp_path_factory.mktemp("played")
    with house(folder, doors=True) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        early = folder / "early.sqlite"
        with (
            closing(sqlite3.connect(Premises(home.settings.data).database)) as now,
            closing(sqlite3.connect(early)) as then,
        ):
            now.backup(then)
        assert home.send(sender, "DECSAL", [wage()]).verdict == "accepted"
    return home, sender, early


@pytest.fixture
def home(played: tuple[House, Sender, Path], tmp_path: Path) -> House:
    """The gateway in a folder of its own."""
    original = played[0]
    shutil.copytree(original.settings.data, tmp_path / "gateway")
    settings = original.settings.model_copy(update={"data": tmp_path / "gateway"})
    return House(tmp_path, settings, system_clock, original.gateway, stamps=original.stamps)


@contextmanager
def opened(home: House) -> Iterator[Gateway]:
    home.gateway = Gateway(home.settings)
    home.doors = home.gateway.start()
    try:
        yield home.gateway
    finally:
        home.gateway.stop()


def put_back(home: House, early: Path) -> None:
    database = Premises(home.settings.data).database
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    shutil.copy(early, database)


def files(home: House) -> set[str]:
    folder = Premises(home.settings.data).spool / "deposits"
    return {file.name for file in folder.glob("*/*")}


def aside(home: House) -> set[str]:
    return {file.name for file in (Premises(home.settings.data).spool / "set-aside").iterdir()}


def secugate(home: House, *arguments: str, **more: str) -> Any:
    return CliRunner().invoke(app, [*arguments, "--data", str(home.settings.data)], env=more)


def test_an_older_database_is_refused_and_nothing_is_touched(
    home: House, played: tuple[House, Sender, Path]
) -> None:
    kept = files(home)
    put_back(home, played[2])
    log = home.folder / "log"
    process = launch(home.settings.data, log)
    assert process.wait(RUNNING) == 1
    process.communicate()
    said = log.read_text()
    assert "older than what was promised: the journal has" in said
    assert "witness accept" in said and "Traceback" not in said
    assert (files(home), aside(home)) == (kept, set())


def test_control_without_the_witness_what_was_promised_would_be_cleared_away(
    home: House, played: tuple[House, Sender, Path]
) -> None:
    kept = files(home)
    put_back(home, played[2])
    with closing(database_of(home.settings)) as database:
        witness_of(home.settings, database).begin()
    with opened(home):
        assert len(files(home)) == len(kept) - 1


def test_a_database_that_went_another_way_is_refused(home: House, played: tuple[House, Sender, Path]) -> None:
    """It is as long as what was promised, and longer; but it is not the same."""
    _, sender, early = played
    promised = Premises(home.settings.data).witness.read_bytes()
    put_back(home, early)
    with closing(database_of(home.settings)) as database:
        witness_of(home.settings, database).begin()
    with opened(home):
        for insured in ("02", "03", "04"):
            assert home.send(sender, "DECSAL", [wage(FirstDay=insured)]).verdict == "accepted"
    Premises(home.settings.data).witness.write_bytes(promised)
    with pytest.raises(Older, match="is not the one that answers were given on"), opened(home):
        pass


def test_after_the_loss_is_accepted_it_goes_on_and_the_same_file_may_come_again(
    home: House, played: tuple[House, Sender, Path]
) -> None:
    _, sender, early = played
    with closing(database_of(home.settings)) as database, database.read() as connection:
        (lost, digest) = connection.exec_driver_sql(
            "SELECT id, digest FROM deposit ORDER BY number DESC LIMIT 1"
        ).one()
    content = home.gateway.spool.read(lost) if lost in files(home) else b""
    put_back(home, early)
    assert secugate(home, "witness", "accept", "--reason", "no good reason").exit_code == 1
    done = secugate(home, "witness", "accept", "--reason", "INC-42", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (one,) = told["files"]
    assert (one["deposit"], one["member"], one["digest"]) == (lost, str(MEMBER), digest)
    assert told["promised"] > told["size"]
    assert aside(home) == {lost}
    with opened(home):
        assert home.findings() == ()
        assert aside(home) == {lost}
        receipt = home.receive(sender, home.name("DECSAL", MEMBER), content)
        assert not receipt.repeated
        assert home.outcome(sender, receipt.deposit).verdict == "accepted"
        with home.gateway.database.read() as connection:
            events = connection.exec_driver_sql("SELECT subject FROM journal WHERE event = 'loss accepted'")
            assert events.scalars().all() == [f"{told['promised']} INC-42"]
    assert "Nothing was done" in secugate(home, "witness", "accept", "--reason", "INC-43").output


def test_a_whole_folder_that_was_put_back_is_known_to_the_second_witness_alone(
    home: House, played: tuple[House, Sender, Path], tmp_path: Path
) -> None:
    second = tmp_path / "elsewhere" / "witness"
    with closing(database_of(home.settings)) as database:
        promised = witness_of(home.settings, database).head()
    WitnessFile(second).begin(promised)
    put_back(home, played[2])
    first = home.settings
    with closing(database_of(first)) as database:
        witness_of(first, database).begin()
        witness_of(first, database).check()  # the first one knows nothing: it was put back with the rest
        with pytest.raises(Older, match=str(second)):
            witness_of(first.model_copy(update={"witness": second}), database).check()


def test_nothing_is_acknowledged_that_no_witness_can_be_told(
    home: House, played: tuple[House, Sender, Path], tmp_path: Path
) -> None:
    _, sender, _ = played
    second = tmp_path / "elsewhere" / "witness"
    home.settings = home.settings.model_copy(update={"witness": second})
    with closing(database_of(home.settings)) as database:
        WitnessFile(second).begin(witness_of(home.settings, database).head())
    content, name = home.batch(sender, "DECSAL", [wage(FirstDay="05")]), home.name("DECSAL", MEMBER)
    with opened(home):
        away = second.rename(second.with_name("away"))
        with pytest.raises(Unwitnessed):
            home.receive(sender, name, content)
        away.rename(second)
        again = home.receive(sender, name, content)
        assert again.repeated
        with home.gateway.database.read() as connection:
            query = "SELECT sequence FROM journal WHERE subject = ? AND event = 'received https'"
            (entered,) = connection.exec_driver_sql(query, (again.deposit,)).one()
        assert WitnessFile(second).newest().sequence >= entered


@pytest.mark.parametrize("harm", ["gone", "emptied", "both lines changed"])
def test_a_start_without_a_witness_that_can_be_read_is_refused(home: House, harm: str) -> None:
    file = Premises(home.settings.data).witness
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if harm == "emptied" else file.read_bytes().replace(b"0", b"1"))
    with pytest.raises(Unwitnessed), opened(home):
        pass


def test_a_new_place_is_begun_by_command_and_only_beside_a_witness_that_agrees(
    home: House, played: tuple[House, Sender, Path], tmp_path: Path
) -> None:
    second = tmp_path / "elsewhere" / "witness"

    def begin() -> Any:
        return secugate(home, "witness", "begin", "--reason", "move", SECUGATE_WITNESS=str(second))

    assert begin().exit_code == 0
    with closing(database_of(home.settings)) as database:
        assert WitnessFile(second).newest() == witness_of(home.settings, database).head()
    assert "no witness is missing" in begin().output
    second.unlink()
    put_back(home, played[2])
    assert (begin().exit_code, second.exists()) == (1, False)


def test_who_has_seen_the_journal_is_covered_by_the_witness(
    home: House, played: tuple[House, Sender, Path]
) -> None:
    """A receipt names a size that the witness knows by then."""
    _, sender, _ = played
    file = WitnessFile(Premises(home.settings.data).witness)
    with opened(home):
        for day in ("06", "07", "08"):
            home.receive(
                sender, home.name("DECSAL", MEMBER), home.batch(sender, "DECSAL", [wage(FirstDay=day)])
            )
            known = file.newest()
            with home.gateway.database.read() as connection:
                (entered,) = connection.exec_driver_sql(
                    "SELECT max(sequence) FROM journal WHERE event LIKE 'received%'"
                ).one()
            assert known.sequence >= entered


roots = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.builds(JournalEntry, st.integers(0, 10**12), roots)


@examples(max_examples=60, deadline=None)
@given(noted=st.lists(entries, min_size=1, max_size=6), place=st.integers(0, 149), change=st.integers(1, 255))
def test_a_line_that_was_torn_leaves_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, noted: list[JournalEntry], place: int, change: int
) -> None:
    """It never goes back, and a power cut in the middle of a line takes that line only."""
    file = WitnessFile(tmp_path_factory.mktemp("witness") / "witness")
    file.begin(JournalEntry(0, EMPTY.hex()))
    kept = [JournalEntry(0, EMPTY.hex())]
    for one in noted:
        file.note(one)
        if one.sequence > kept[-1].sequence:
            kept.append(one)
        assert file.newest() == kept[-1]
    content = bytearray(file.file.read_bytes())
    (last,) = [at for at in PLACES if content[at : at + 20] == f"{kept[-1].sequence:020d}".encode()][:1]
    content[last + place] ^= change
    file.file.write_bytes(content)
    assert file.newest() == (kept[-2] if len(kept) > 1 else kept[-1])
    os.truncate(file.file, 10)
    with pytest.raises(Unwitnessed):
        file.newest()


def test_settings_name_the_second_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, witness=tmp_path / "other")
    with closing(database_of(settings)) as database:
        assert [one.file for one in witness_of(settings, database).files] == [
            tmp_path / "witness",
            tmp_path / "other",
        ]
